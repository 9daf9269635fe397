"""What the CSMS made of a captured station, held against what the first one made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from simulator.replay.capture import Act, Answer

Kind = Literal["status", "callerror", "no_callerror", "no_answer", "answered", "frame", "registration"]
ANSWERED, ERROR, SILENT = "answered", "answered_with_error", "sent_unanswered"
MAX_DIFFERENCES = 1_000
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Difference:
    """One answer that is not what it was. ``line`` is that of the message in the trace, 0 for one that was filled in.

    ``path``: which field of the answer. ``then`` and ``now`` are short texts, "" for nothing.
    """

    kind: Kind
    action: str
    line: int
    message_id: str
    then: str
    now: str
    path: str = ""

    @property
    def sentence(self) -> str:
        """For people."""
        where = f"line {self.line}" if self.line else "filled in"
        what = f"{self.path}: " if self.path else ""
        return f"{self.action} ({where}): {what}{self.now or 'no answer'}, in the capture {self.then or 'no answer'}"


@dataclass(slots=True)
class Call:
    """One message of the station, as it went now."""

    act: Act
    message_id: str
    sent_us: int
    answer: Answer | None = None
    took_us: int | None = None

    @property
    def fate(self) -> str:
        """In the words of every report."""
        return SILENT if self.answer is None else ERROR if self.answer.is_error else ANSWERED


def differences(call: Call) -> Iterator[Difference]:
    """How the answer to a call differs from the one in the capture.

    A CALLERROR and silence are never right for a message that the trace merely lacks the answer to. What an answer says
    beyond its status (ids, times, intervals, texts) may differ from one CSMS to the next.
    """
    then, now = call.act.answer, call.answer
    line, action = call.act.line, call.act.action

    def found(kind: Kind, path: str = "", was: str = "", is_now: str = "") -> Difference:
        return Difference(kind, action, line, call.message_id, was or _short(then), is_now or _short(now), path)

    if now is None:
        if then is not None or call.act.assumed:
            yield found("no_answer")
    elif now.is_error:
        if then is None or not then.is_error:
            yield found("callerror")
        elif then.code != now.code:
            yield found("callerror", "code", then.code, now.code)
    elif then is None:
        return
    elif then.is_error:
        yield found("no_callerror")
    else:
        said = dict(_statuses(now.payload, ""))
        for path, word in _statuses(then.payload, ""):
            if said.get(path) != word:
                yield found("status", path, word, said.get(path, "no such field"))


def _statuses(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every status in an answer: its path and what it says."""
    if isinstance(value, dict):
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            if name == "status" and isinstance(item, str):
                yield inner, item
            else:
                yield from _statuses(item, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _statuses(item, f"{path}[{index}]")


def _short(answer: Answer | None) -> str:
    if answer is None:
        return ""
    if answer.is_error:
        text = f"CALLERROR {answer.code} {answer.description}".strip()
        return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    return "CALLRESULT"
