"""How a frame leaves a station whose hardware is in its way: spoilt, more than once, in pieces, or late.

A sound station never comes here. Only answers are ever late; they wait in memory, so a reboot loses them, and they go
with the link they belong to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.effects import RawSend, Send
from simulator.core.records import Remark
from simulator.core.wiring import QUIET, on_timer

if TYPE_CHECKING:
    from simulator.core.desk import Desk
    from simulator.core.station import Station
    from simulator.hardware.comms import Outgoing

#: answers that wait at once; a frame more is lost, on record
MAX_LATE = 64
LATE = "late_frames"


def disturbed(st: Desk, data: bytes, action: str, is_call: bool) -> None:
    """A frame leaves through whatever is wrong with the way out."""
    slow_us = 0 if is_call else st.board.controller.answer_us(st.now)
    for frame in st.board.frame.out(data, action, "call" if is_call else "answer"):
        late_us = frame.late_us + slow_us
        if late_us:
            _wait(st, frame, st.now + late_us)
        else:
            _go(st, frame, is_call and bool(frame.meant))


def _go(st: Desk, frame: Outgoing, is_call: bool) -> None:
    link = st.link.number
    if frame.sound:
        st.do(Send(link, frame.data, is_call))
    else:
        st.do(RawSend(link, frame.data, frame.binary, frame.pieces, frame.meant, is_call))


def _wait(st: Desk, frame: Outgoing, due: int) -> None:
    waiting: list[tuple[int, int, Outgoing]] = st.data.setdefault(LATE, [])
    if len(waiting) >= MAX_LATE:
        st.record(Remark(f"more than {MAX_LATE} answers are late at once, one was lost"))
        return
    waiting.append((due, st.link.number, frame))
    st.timers.set(LATE, min(at for at, _, _ in waiting))


@on_timer(LATE)
def late_frames(st: Station, index: int, now: int) -> object:
    """What has waited long enough leaves, if its link is still there."""
    waiting: list[tuple[int, int, Outgoing]] = st.data.pop(LATE, [])
    rest = [row for row in waiting if row[0] > now]
    for due, link, frame in sorted((row for row in waiting if row[0] <= now), key=lambda row: row[0]):
        assert due <= now
        if st.link.is_up and link == st.link.number and st.board.modem.passes(now):
            _go(st, frame, False)
    if rest:
        st.data[LATE] = rest
        st.timers.set(LATE, min(at for at, _, _ in rest))
    return QUIET
