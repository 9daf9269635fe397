"""A station as a scenario sees it: the object itself, and every frame on its wire with the answer it got.

Frames are taken as the station sends and receives them, so that memory and sockets give the same picture. What cannot
be read is kept as text; nothing here judges. Secrets are replaced when a frame is shown.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from simulator.core.records import Connected, ConnectFailed, Remark, TransactionNamed, TransactionOpened
from simulator.core.station import Station
from simulator.report.redact import Redactor
from simulator.wire.loose import elements
from simulator.wire.rpc import CALL, ERROR, RESULT

#: frames of one station that are remembered, and calls whose answer is awaited
MAX_FRAMES, MAX_CALLS = 20_000, 200
#: frames shown before a failure, and after it
SHOWN_BEFORE, SHOWN_AFTER = 12, 3
#: causes of a dial that came to nothing which are not the decision of any CSMS
NOBODY_THERE = frozenset({"dns", "refused", "timeout"})
#: characters of a payload, and remarks of a station, that are kept to be shown
MAX_SHOWN, MAX_REMARKS = 400, 20


@dataclass(slots=True)
class Heard:
    """One frame on the wire of a station. ``kind``: 2 CALL, 3 result, 4 error, 0 what cannot be read; ``action`` of an
    answer is that of its call; ``answer`` the answer to a call once it has come."""

    number: int
    now: int
    to_csms: bool
    kind: int
    message_id: str
    action: str
    payload: Any
    answer: Heard | None = None
    taken: bool = False


@dataclass(slots=True, eq=False)
class Seat:
    """A station in a scenario. ``index`` from 0; ``group`` is empty without groups."""

    index: int
    station: Station
    group: str = ""
    frames: deque[Heard] = field(default_factory=lambda: deque(maxlen=MAX_FRAMES))
    count: int = 0
    #: number of the first frame of the present window, and whether something was expected in it
    opened: int = 0
    expected: bool = False
    remarks: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_REMARKS))
    #: CSMS's names of transactions, by the station's own
    names: dict[str, str] = field(default_factory=dict)
    last_key: str = ""
    #: why the CSMS did not take the last dial; empty while a link is up, and when no CSMS was there to refuse it
    refused: str = ""
    redactor: Redactor = field(default_factory=Redactor)
    _calls: dict[tuple[bool, str], Heard] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The station's id."""
        return self.station.id

    def hear(self, data: bytes, to_csms: bool, now: int) -> Heard:
        """Take a frame."""
        frame = elements(data)
        if frame is None or frame[0] not in (CALL, RESULT, ERROR):
            heard = Heard(self.count, now, to_csms, 0, "", "", data.decode("utf-8", "replace")[:MAX_SHOWN])
        elif frame[0] == CALL:
            heard = Heard(self.count, now, to_csms, CALL, frame[1], frame[2], frame[3])
            self._calls[to_csms, frame[1]] = heard
            if len(self._calls) > MAX_CALLS:
                del self._calls[next(iter(self._calls))]
        else:
            asked = self._calls.pop((not to_csms, frame[1]), None)
            payload = frame[2] if frame[0] == RESULT else list(frame[2:4])
            heard = Heard(self.count, now, to_csms, frame[0], frame[1], asked.action if asked else "?", payload)
            if asked is not None:
                asked.answer = heard
        self.count += 1
        self.frames.append(heard)
        return heard

    def recorded(self, what: object) -> None:
        """Take a record of the station."""
        if isinstance(what, TransactionOpened):
            self.last_key = what.key
        elif isinstance(what, TransactionNamed):
            self.names[what.key] = what.csms_id
        elif isinstance(what, ConnectFailed):
            self.refused = "" if what.cause in NOBODY_THERE else f"{what.cause} {what.code or ''}".strip()
        elif isinstance(what, Connected):
            self.refused = ""
        elif isinstance(what, Remark):
            self.remarks.append(what.text)

    def sentence(self, heard: Heard) -> str:
        """A frame as shown to people, without secrets: time, direction, what."""
        arrow = "->" if heard.to_csms else "<-"
        kind = {CALL: "", RESULT: "answer to ", ERROR: "ERROR to "}.get(heard.kind, "frame ")
        return f"{heard.now / 1e6:10.3f} s {arrow} {kind}{heard.action} {self.payload(heard)}"

    def payload(self, heard: Heard, most: int = MAX_SHOWN) -> str:
        """What a frame holds, without secrets, at most so many characters of it."""
        raw = json.dumps(heard.payload, ensure_ascii=False, default=str).encode("utf-8", "replace")
        text = self.redactor.clean(raw, self.id).decode()
        return text if len(text) <= most else text[: most - 3] + "..."

    def around(self, offending: Heard | None) -> list[str]:
        """The frames around one, which is marked; the last ones without one."""
        last = offending.number if offending is not None else self.count
        shown = self.since(max(0, last - SHOWN_BEFORE))[: SHOWN_BEFORE + SHOWN_AFTER + 1]
        return [("> " if heard is offending else "  ") + self.sentence(heard) for heard in shown]

    def since(self, number: int) -> list[Heard]:
        """Frames from a number on, oldest first."""
        found: list[Heard] = []
        for heard in reversed(self.frames):
            if heard.number < number:
                break
            found.append(heard)
        return found[::-1]

    def acted(self) -> None:
        """The scenario does something to this station."""
        if self.expected:
            self.opened, self.expected = self.count, False
