"""What a format's reader makes of a log: pieces, each a message as text with what its line said about it.

A *line log* has a message behind a head on each line. A message may go on over further lines (pretty-printed, or broken
by whoever pasted it); they belong to it until its brackets close or another message begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import msgspec

from simulator.traces.model import TO_CSMS, TO_STATION, Direction, Mark, Unreadable
from simulator.traces.scan import ESCAPED, FRAME_MAX, START, Scanner
from simulator.traces.times import Read, read_time

JOINED_MAX = 2_000
"""Lines one message may be spread over."""
HEAD_MAX = 2_000
"""Characters of a line in which the head is looked for."""

DETAIL_MAX = 300
"""Characters that are kept of what a log says about a connection."""

#: "in" and "out" are told by whoever wrote the log, which may be either side
Way = Literal["in", "out"]


class Piece(msgspec.Struct, kw_only=True):
    """A message as text, and what the log says about it."""

    line: int
    text: str
    time: Read | None = None
    station: str = ""
    way: Way | None = None
    direction: Direction | None = None
    version: str = ""
    #: the action, where a table has a column for it and the message does not say it
    action: str = ""


class Found(msgspec.Struct, kw_only=True):
    """Everything one reader found in a log, in its order."""

    pieces: list[Piece] = msgspec.field(default_factory=list)
    unreadable: list[Unreadable] = msgspec.field(default_factory=list)
    marks: list[Mark] = msgspec.field(default_factory=list)
    #: lines that hold neither a message nor a part of one
    other: int = 0


class Head(NamedTuple):
    """What stands in front of a message on its line."""

    time: Read | None = None
    station: str = ""
    way: Way | None = None
    direction: Direction | None = None
    #: where the head ends
    end: int = 0
    #: the line says that a message follows
    announces: bool = False
    mark: tuple[Literal["opened", "closed", "refused"], str] | None = None


#: reads the head of a line; None when the line has no head of this format
HeadReader = Callable[[str], Head | None]

_OPEN = re.compile(r"\[\s*$")
_NUMBER_ALONE = re.compile(r'\s*"?[2-6]"?\s*,?\s*(?:$|")')
_QUOTED = re.compile(r"^\s*(?:>\s?)+(?=\S)")
_ABSOLUTE = (
    (re.compile(r"cp-to-csms|(?:cp|cs|evse|charger|station|charge ?point)(?:\s+[\w.*-]{1,48})?\s*(?:->|=>|→|to)\s*"
                r"(?:the )?(?:csms|server|backend|central ?system|cloud)\b", re.I), TO_CSMS),
    (re.compile(r"csms-to-cp|(?:csms|server|backend|central ?system|cloud)\s*(?:->|=>|→|to)\s*(?:the )?"
                r"(?:cp|cs|evse|charger|station|charge ?point)\b", re.I), TO_STATION),
    (re.compile(r"\bfrom (?:the )?(?:cp|cs|evse|charger|station|charge ?point|client)\b"
                r"|\bto (?:the )?(?:csms|server|backend|central ?system)\b", re.I), TO_CSMS),
    (re.compile(r"\bto (?:the )?(?:cp|cs|evse|charger|station|charge ?point|client)\b"
                r"|\bfrom (?:the )?(?:csms|server|backend|central ?system)\b", re.I), TO_STATION),
)  # fmt: skip
_IN = re.compile(r"\b(?:receiv(?:e|ed|ing)|recv|rcvd|rx|incoming|inbound|in)\b|<<<?|<-{1,2}|<=|←|(?:^|\s)<(?=\s)", re.I)
_OUT = re.compile(r"\b(?:send|sent|sending|tx|outgoing|outbound|out)\b|>>>?|-{1,2}>|=>|→|(?:^|\s)>(?=\s)", re.I)


def direction_of(words: str) -> Direction | None:
    """The direction words tell, when they name the sides."""
    return next((direction for pattern, direction in _ABSOLUTE if pattern.search(words)), None)


def way_of(words: str) -> Way | None:
    """Which way, as seen by whoever wrote the log; the word nearest to the message counts."""
    ins, outs = [m.start() for m in _IN.finditer(words)], [m.start() for m in _OUT.finditer(words)]
    if not ins and not outs:
        return None
    return "in" if max(ins, default=-1) > max(outs, default=-1) else "out"


def marked(words: str) -> tuple[Literal["opened", "closed", "refused"], str] | None:
    """What a line without a message says about the connection."""
    if re.search(r"\b(connection|websocket|socket|session|client)\b", words, re.I) is None:
        return None
    detail = words.strip()[:DETAIL_MAX]
    if re.search(r"\b(reject|refus|denied|unauthori[sz]ed|forbidden|40[0-9])", words, re.I):
        return "refused", detail
    if re.search(r"\b(clos(e|ed|ing)|disconnect(ed|ing)?|lost|dropped|terminated|abnormal)\b", words, re.I):
        return "closed", detail
    if re.search(r"\b(establish(ed)?|open(ed)?|connected|accepted|new)\b", words, re.I):
        return "opened", detail
    return None


def read_lines(lines: Sequence[str], read_head: HeadReader) -> Found:
    """The pieces of a line log. ``read_head`` tells what a line without a message says, too."""
    found = Found()
    number = 0
    while number < len(lines):
        line = lines[number]
        place = start_of(lines, number)
        head = read_head(line if place is None else line[:place])
        if place is None:
            _without_message(line, number, head, found)
            number += 1
            continue
        number = _messages(lines, number, place, head or Head(), read_head, found)
    return found


def start_of(lines: Sequence[str], number: int, begin: int = 0) -> int | None:
    """Where on a line a message begins."""
    line = lines[number]
    start = START.search(line, begin)
    if start is not None:
        return start.start()
    alone = _OPEN.search(line, begin)
    if alone is not None and number + 1 < len(lines) and _NUMBER_ALONE.match(_QUOTED.sub("", lines[number + 1])):
        return alone.start()
    return None


def _without_message(line: str, number: int, head: Head | None, found: Found) -> None:
    if head is not None and head.mark is not None:
        what, detail = head.mark
        at_us = head.time.at_us if head.time is not None and "day" not in head.time.assumed else None
        found.marks.append(Mark(line=number + 1, what=what, detail=detail, station=head.station, at_us=at_us))
    elif head is not None and head.announces:
        reason = "the line says that a message follows, and there is none"
        found.unreadable.append(Unreadable(line=number + 1, raw=line[:FRAME_MAX], reason=reason, station=head.station))
    elif line.strip():
        found.other += 1


def _messages(
    lines: Sequence[str], number: int, place: int, head: Head, read_head: HeadReader, found: Found
) -> int:  # fmt: skip
    """All messages that begin on a line; the number of the first line behind them."""
    quoted = _QUOTED.match(lines[number]) is not None
    while True:
        text, number_then, end = _one(lines, number, place, read_head, quoted)
        found.pieces.append(
            Piece(
                line=number + 1, text=text, time=head.time, station=head.station, way=head.way, direction=head.direction
            )
        )
        again = start_of(lines, number_then, end)
        if again is None:
            return number_then + 1
        number, place = number_then, again


def _one(
    lines: Sequence[str], number: int, place: int, read_head: HeadReader, quoted: bool
) -> tuple[str, int, int]:  # fmt: skip
    """The text of the message that begins here, the line it ends on, and the place behind its end on that line."""
    first = lines[number]
    scanner = Scanner(escaped=ESCAPED.match(first, place) is not None)
    end = scanner.feed(first, place)
    if end is not None:
        return first[place:end], number, end
    parts, size, now = [first[place:]], len(first) - place, number
    while now + 1 < len(lines) and now - number < JOINED_MAX and size < FRAME_MAX:
        line = lines[now + 1]
        another = start_of(lines, now + 1)
        if another is not None:
            # this one was cut off, unless it ends on the line on which the other begins
            end = scanner.feed(line[:another])
            if end is None:
                break
            return "".join([*parts, "\n", line[:end]]), now + 1, end
        if quoted:
            line = _QUOTED.sub("", line)
        head = read_head(line)
        begin = 0
        if head is not None and _at_the_front(line, head):
            begin = head.end  # broken by the log itself, which puts its head before every line
            if not _continues(line[begin:]):
                break
        now += 1
        # a line break inside of a text was put there by whoever broke the line
        between = "" if scanner.quote else "\n"
        end = scanner.feed(line, begin)
        rest = line[begin:] if end is None else line[begin:end]
        parts.append(between + rest)
        size += len(rest)
        if end is not None:
            return "".join(parts), now, end
    # cut off: what follows is not a part of it, as far as can be told
    return first[place:].rstrip(), number, len(first)


def _at_the_front(line: str, head: Head) -> bool:
    """Is it a head, not a time within a message?"""
    return head.announces or (head.time is not None and '"' not in line[: head.time.begin])


def _continues(rest: str) -> bool:
    """Could this be the next part of a message that was broken over lines?"""
    return bool(re.match(r'\s*["\[\]{},:\d}-]|.*["}\]]\s*,?\s*$', rest))


def general_head(line: str) -> Head | None:
    """The head of a line of which only is known that people read it: a time, words for the way, maybe a name."""
    head = line[:HEAD_MAX]
    time = read_time(head)
    words = head if time is None else head[: time.begin] + " " + head[time.end :]
    mark = None if START.search(line) else marked(words)
    direction, way, station = direction_of(words), way_of(words), station_of(words)
    if time is None and direction is None and way is None and not station and mark is None:
        return None
    return Head(time, station, way, direction, 0 if time is None else time.end, False, mark)


_STATION = (
    re.compile(r"\b(?:charge_?(?:box|point)_?id|station_?id|charger_?id|cp_?id|identity|client_?id)\s*[=:]\s*"
               r"[\"']?([\w.*:/+-]{1,48}?)[\"']?(?=[\s,;\])|]|$)", re.I),
    re.compile(r"\b(?:receive message|received|receive|recv|send|sent|rx|tx|from|to)\s+(?!message\b|text\b|from\b|to\b|"
               r"the\b|csms\b|charger\b|station\b|server\b)([\w.*-]{1,48})\s*:?\s*(?:-->?|<--?|=>)?\s*$", re.I),
    re.compile(r"(?:^|[\s:|])([A-Za-z0-9][\w.*-]{0,47}):\s+(?:receive message|received|receive|recv|send|sent|rx|tx)"
               r"\b", re.I),
    re.compile(r"\b(?:charge ?point|charger|station|charge ?box)\s+[\"']?([\w.*-]*\d[\w.*-]*)[\"']?", re.I),
    # beside the arrow right before the message, where it looks like an id and not like a word or a number
    re.compile(r"(?:<-+|<=+|-+>|=+>|←|→)\s*((?=[\w.*-]*[A-Za-z])(?=[\w.*-]*\d)[\w.*-]{3,48})\s*:?\s*$"),
    re.compile(r"(?:^|\s)((?=[\w.*-]*[A-Za-z])(?=[\w.*-]*\d)[\w.*-]{3,48}?)\s*(?:<-+|<=+|-+>|=+>|←|→)\s*:?\s*$"),
    re.compile(r"wss?://[^\s\"']*/([\w.*%-]{1,48})(?=[\s\"'\])]|$)"),
)  # fmt: skip
_NO_STATION = frozenset({"ocpp", "info", "debug", "trace", "warn", "warning", "error", "message", "text", "central"})


def station_of(words: str) -> str:
    """The id of a station among the words of a head, "" when there is none that can be told."""
    for pattern in _STATION:
        found = pattern.search(words)
        if found is not None and found[1].lower() not in _NO_STATION:
            return found[1]
    return ""
