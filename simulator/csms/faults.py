"""How the reference CSMS fails on request: slow, silent, wrong, closing, refusing, away.

A plan is set as a whole by ``PUT /api/faults`` and holds until the next one. A faulty answer bypasses validation on
purpose. A call that is answered wrongly or not at all is still processed: it is the *answer* that gets lost, which is
the case in which a station must resend and a CSMS must recognise what it has already booked.
"""

from __future__ import annotations

from typing import Annotated

from ocpp.messages import Call
from pydantic import BaseModel, ConfigDict, Field, field_validator

from simulator.csms.frames import encode, error_frame
from simulator.csms.validation import actions
from simulator.registry import nearest

VERSIONS = ("1.6", "2.0.1", "2.1")
NORMAL_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})
WRONG_PAYLOAD = {"wrongShape": [None, 1]}
Which = list[str] | bool


class FaultPlan(BaseModel):
    """What goes wrong. A list names actions; ``true`` means every one.

    ``delay_s`` holds back answers. ``silent``: no answer. ``wrong``: an answer of the wrong shape. ``callerror``: a
    CALLERROR. ``wrong_id``: an answer to a call that nobody made. ``twice``: the answer twice. ``close_after``: the
    connection is closed with ``close_code`` after that many calls (1006: dropped without a close frame).
    ``refuse_connect``: 503 with Retry-After ``retry_after_s``. ``down_for_s``: away for that long, once.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    delay_s: Annotated[float, Field(ge=0, le=600)] = 0.0
    silent: Which = False
    wrong: Which = False
    callerror: Which = False
    wrong_id: Which = False
    twice: Which = False
    close_after: Annotated[int, Field(ge=1)] | None = None
    close_code: int = 1011
    refuse_connect: bool = False
    retry_after_s: Annotated[int, Field(ge=0, le=86_400)] = 5
    down_for_s: Annotated[float, Field(gt=0, le=3600)] | None = None

    @field_validator("silent", "wrong", "callerror", "wrong_id", "twice")
    @classmethod
    def _known_actions(cls, value: Which) -> Which:
        known = frozenset().union(*(actions(version) for version in VERSIONS))
        for name in value if isinstance(value, list) else ():
            if name not in known:
                near = nearest(name, sorted(known))
                raise ValueError(f"unknown action {name!r}" + (f"; did you mean {near!r}?" if near else ""))
        return value

    @field_validator("close_code")
    @classmethod
    def _sendable(cls, value: int) -> int:
        if value != 1006 and value not in NORMAL_CLOSE_CODES and not 3000 <= value <= 4999:
            raise ValueError("not a close code that can be sent (1006 means: drop the connection)")
        return value

    @property
    def active(self) -> bool:
        """Whether answers have to be looked at one by one."""
        return bool(
            self.delay_s
            or self.silent
            or self.wrong
            or self.callerror
            or self.wrong_id
            or self.twice
            or self.close_after
        )

    def frames(self, call: Call, good: bytes) -> list[bytes]:
        """What is sent instead of the right answer ``good`` to ``call``: nothing, one frame, or two."""
        action, unique_id = call.action, call.unique_id
        if _names(self.silent, action):
            return []
        frame = good
        if _names(self.wrong_id, action):
            frame = encode([3, f"nobody-asked-{unique_id}"[:36], {}])
        elif _names(self.wrong, action):
            frame = encode([3, unique_id, WRONG_PAYLOAD])
        elif _names(self.callerror, action):
            frame = error_frame(unique_id, "InternalError", "a fault that was asked for")
        return [frame, frame] if _names(self.twice, action) else [frame]


def _names(which: Which, action: str) -> bool:
    return which if isinstance(which, bool) else action in which
