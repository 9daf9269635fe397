"""A log in, a trace out: picks the format, reads the pieces, and concludes what the log leaves to the reader.

What is concluded, in this order: the direction of a message from the log's words where they name the sides; from the
action, which only one side may send; from what it answers; from "received" and "sent", once it is known who wrote the
log. The action of an answer is that of its CALL. Times of the day get the day that the payloads name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

import msgspec

from simulator.core.wall import parse_wall
from simulator.traces.formats import FORMATS, Format, sniff
from simulator.traces.model import CALL, SEND, TO_CSMS, TO_STATION, Direction, Frame, Trace, Unreadable
from simulator.traces.pieces import Found, Piece, Way
from simulator.traces.scan import FRAME_MAX, Message, read_message
from simulator.traces.times import DAY_US, Days

TEXT_MAX = 64 << 20
"""Characters of a log that are read."""
LINES_MAX = 1_000_000
"""Lines of a log that are read."""
OPEN_MAX = 10_000
"""CALLs that wait for their answer at the same time."""


@cache
def _actions() -> tuple[frozenset[str], frozenset[str]]:
    """Actions that only a station, and only a CSMS sends, in any version."""
    from simulator.dialects import DIALECTS

    orders = {action for dialect in DIALECTS.values() for action in dialect.routes}
    known = {action for dialect in DIALECTS.values() for action in dialect.messages.REQUESTS}
    both = {"DataTransfer"}
    return frozenset(known - orders - both), frozenset(orders - both)


def direction_by_action(action: str) -> Direction | None:
    """Which way a CALL of this action goes; None where both sides may send it, or it is unknown."""
    of_station, of_csms = _actions()
    return TO_CSMS if action in of_station else TO_STATION if action in of_csms else None


def read_trace(text: str, *, format: str = "auto") -> Trace:
    """The trace of a log. Raises UnknownName for a format that is none; a log without messages is an empty trace."""
    cut = ""
    if len(text) > TEXT_MAX:
        text, cut = text[:TEXT_MAX], f"only the first {TEXT_MAX} characters are read"
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) > LINES_MAX:
        lines, cut = lines[:LINES_MAX], f"only the first {LINES_MAX} lines are read"
    chosen = sniff(lines) if format == "auto" else FORMATS.get(format)
    trace = assemble(chosen.read(lines), chosen)
    trace.lines, trace.cut = len(lines), cut
    return trace


def assemble(found: Found, chosen: Format) -> Trace:
    """The trace of the pieces one format's reader has found."""
    readable: list[tuple[Piece, Message]] = []
    unreadable = list(found.unreadable)
    broken: list[tuple[Piece, str]] = []
    days = Days()
    times: dict[int, int] = {}
    for piece in found.pieces:
        if piece.time is not None and "day" in piece.time.assumed:
            times[id(piece)] = days.place(piece.time.at_us)
        message = read_message(piece.text)
        if isinstance(message, str):
            broken.append((piece, message))
        else:
            readable.append((piece, message))
    named = list(dict.fromkeys(piece.station for piece in found.pieces if piece.station))
    # a log that names one station is about that one, also where a line does not say so
    guessed = {id(piece) for piece in found.pieces if not piece.station} if len(named) == 1 else set()
    for piece in found.pieces:
        piece.station = piece.station or (named[0] if guessed else "")
    writers = _writers(readable, chosen)
    midnight = _midnight(readable) if times else 0
    frames: list[Frame] = []
    opened: dict[tuple[str, str, Direction | None], Frame] = {}
    for piece, message in readable:
        at_us, assumed = _at(piece, times, midnight)
        assumed += ("station",) if id(piece) in guessed else ()
        frame = _frame(piece, message, writers, opened, (at_us, assumed))
        frames.append(frame)
        if frame.kind == CALL:
            opened[frame.station, frame.id, frame.direction] = frame
            if len(opened) > OPEN_MAX:
                del opened[next(iter(opened))]
    frames = _calls_by_answers(frames)
    for piece, reason in broken:
        direction = piece.direction or _by_way(piece.way, writers.get(piece.station, chosen.writer))
        unreadable.append(
            Unreadable(
                line=piece.line,
                raw=piece.text[:FRAME_MAX],
                reason=reason,
                direction=direction,
                station=piece.station,
                at_us=_at(piece, times, midnight)[0],
            )
        )
    unreadable.sort(key=lambda item: item.line)
    return Trace(format=chosen.name, frames=frames, unreadable=unreadable, marks=found.marks, other=found.other)


def _writers(readable: Sequence[tuple[Piece, Message]], chosen: Format) -> dict[str, str]:
    """Who wrote the log about each station: the side to which CALLs that only the other one sends came in."""
    votes: dict[str, Counter[str]] = {}
    for piece, message in readable:
        if piece.way is None or message.kind not in (CALL, SEND):
            continue
        direction = direction_by_action(message.action)
        if direction is not None:
            of_csms = (direction == TO_CSMS) == (piece.way == "in")
            votes.setdefault(piece.station, Counter())["csms" if of_csms else "station"] += 1
    return {
        station: chosen.writer if count["csms"] == count["station"] else count.most_common(1)[0][0]
        for station, count in votes.items()
    }


def _by_way(way: Way | None, writer: str) -> Direction | None:
    if way is None:
        return None
    return TO_CSMS if (way == "in") == (writer == "csms") else TO_STATION


def _frame(
    piece: Piece,
    message: Message,
    writers: dict[str, str],
    opened: dict[tuple[str, str, Direction | None], Frame],
    at: tuple[int | None, tuple[str, ...]],
) -> Frame:
    assumed = list(at[1])
    action, direction = message.action, piece.direction
    said = direction or (_by_way(piece.way, writers[piece.station]) if piece.station in writers else None)
    if message.kind in (CALL, SEND):
        if direction is None:
            direction = direction_by_action(action) or said
            assumed += ["direction"] if direction is not None and said is None else []
    else:
        wanted = None if said is None else _other(said)
        call = _call(opened, piece.station, message.id, wanted)
        if call is not None:
            action = call.action
            opened.pop((call.station, call.id, call.direction), None)
        direction = said or (_other(call.direction) if call is not None and call.direction is not None else None)
        if said is None and direction is not None:
            assumed.append("direction")
        action = action or piece.action
    if direction is None and piece.way is not None:
        # nothing tells who wrote the log but the kind of log it is
        direction = _by_way(piece.way, "csms")
        assumed.append("direction")
    return Frame(
        line=piece.line,
        raw=piece.text,
        kind=message.kind,
        id=message.id,
        action=action,
        payload=message.payload,
        code=message.code,
        description=message.description,
        direction=direction,
        station=piece.station,
        at_us=at[0],
        version=piece.version,
        assumed=tuple(assumed),
    )


def _call(
    opened: dict[tuple[str, str, Direction | None], Frame], station: str, message_id: str, wanted: Direction | None
) -> Frame | None:
    """The open CALL an answer belongs to: of the wanted direction, or else of the only one there is."""
    if wanted is not None:
        found = opened.get((station, message_id, wanted))
        return found if found is not None else opened.get((station, message_id, None))
    sides: tuple[Direction | None, ...] = (TO_CSMS, TO_STATION, None)
    there = [frame for side in sides if (frame := opened.get((station, message_id, side))) is not None]
    return max(there, key=lambda frame: frame.line) if there else None


def _other(direction: Direction) -> Direction:
    return TO_STATION if direction == TO_CSMS else TO_CSMS


def _calls_by_answers(frames: list[Frame]) -> list[Frame]:
    """CALLs that either side may send get their direction from an answer whose own is known."""
    answers = {
        (frame.station, frame.id): frame.direction
        for frame in frames
        if not frame.is_call and frame.direction is not None
    }
    made: list[Frame] = []
    for frame in frames:
        answered = answers.get((frame.station, frame.id)) if frame.direction is None and frame.is_call else None
        if answered is not None:
            frame = msgspec.structs.replace(frame, direction=_other(answered), assumed=(*frame.assumed, "direction"))
        made.append(frame)
    return made


def _midnight(readable: Sequence[tuple[Piece, Message]]) -> int:
    """The midnight before a time that a message itself names, for logs that only have the time of day."""
    for _, message in readable:
        payload = message.payload if isinstance(message.payload, dict) else {}
        for name in ("currentTime", "timestamp"):
            text = payload.get(name)
            at_us = parse_wall(text) if isinstance(text, str) else None
            if at_us is not None:
                return at_us // DAY_US * DAY_US
    return 0


def _at(piece: Piece, times: dict[int, int], midnight: int) -> tuple[int | None, tuple[str, ...]]:
    """When, and what of it was concluded; ``times`` are those that only have the time of day."""
    if piece.time is None:
        return None, ()
    of_day = times.get(id(piece))
    return (piece.time.at_us, piece.time.assumed) if of_day is None else (midnight + of_day, ("date", "zone"))
