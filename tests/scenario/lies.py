"""A CSMS that is sound but for one lie: the proof that an expectation of a scenario can fail.

A scenario that passed has kept what each of its expectations looked at (``Played.judged``). From that alone follow the
lies: the answer to this very message is an error instead of a result, or has another value in the field that was
looked at, or lacks it; or the CSMS sends something else than its operator has asked for. Until the lie both runs are
the same, so it must be noticed at the line of the expectation.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator.lab.csms import CallError, LabCsms
from simulator.scenario.counterpart import Counterpart
from simulator.scenario.match import ABSENT, holds
from simulator.scenario.player import Judged

#: what a field is instead, the first of the same kind that was not wanted
OTHERS: tuple[Any, ...] = ("Accepted", "Blocked", "Rejected", "1999-01-01T00:00:00.000Z", 0, 987_654)
Alter = Callable[[Any], Any]


@dataclass(frozen=True)
class Lie:
    """One lie about the message ``at``. ``alter`` makes the reply of the sound one; None: what was asked for is not
    sent."""

    name: str
    at: Judged
    alter: Alter | None = None


class Liar(Counterpart):
    """Sound but for one lie, told once."""

    lie: Lie | None = None

    def _answer(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        lie = self.lie
        if lie is None or lie.alter is None or message_id != lie.at.heard.message_id or self.now < lie.at.heard.now:
            super()._answer(message_id, action, payload)
            return
        self.lie, alter = None, lie.alter
        truth = copy.deepcopy(self.sound(action, payload))
        kept = self.script.get(action)
        self.script[action] = lambda csms, payload: alter(truth)
        super()._answer(message_id, action, payload)
        del self.script[action]
        if kept is not None:
            self.script[action] = kept

    def call(self, action: str, payload: dict[str, Any]) -> tuple[str, bytes]:
        """What its operator asks for, but for the lie: then something else."""
        lie = self.lie
        if lie is not None and lie.alter is None and f"csms-{self.next_id}" == lie.at.heard.message_id:
            self.lie = None
            return super().call("DataTransfer", {"vendorId": "org.example.other"})
        return super().call(action, payload)


def with_lie(lie: Lie) -> Callable[[str], LabCsms]:
    """Makes the CSMS of each station in turn; only that of the lie's station lies."""
    made: list[Liar] = []

    def make(subprotocol: str) -> LabCsms:
        one = Liar(subprotocol)
        if len(made) == lie.at.seat.index:
            one.lie = lie
        made.append(one)
        return one

    return make


def lies(judged: Judged) -> Iterator[Lie]:
    """Every lie that one expectation must notice."""
    wanted = judged.wanted
    if not judged.heard.to_csms:
        yield Lie(f"{judged.heard.action} is not sent", judged)
    elif wanted == "error":
        yield Lie("a result instead of an error", judged, lambda truth: {})
    elif wanted == "any":
        yield Lie("an error instead of a result", judged, _error)
    elif isinstance(wanted, dict):
        for name, value in wanted.items():
            paths = judged.paths.get(name, name)
            path = paths if isinstance(paths, str) else paths[0]
            yield Lie(f"{name} is wrong", judged, _altered(path, value))


def _error(truth: Any) -> CallError:
    return CallError("InternalError")


def _altered(path: str, wanted: Any) -> Alter:
    *heads, last = path.split(".")

    def alter(truth: Any) -> Any:
        holder = truth
        for head in heads:
            holder = holder.setdefault(head, {})
        if wanted == ABSENT:
            holder[last] = OTHERS[0]
        else:
            same = [one for one in OTHERS if type(one) is type(holder[last]) and not holds(wanted, [one])]
            if same:
                holder[last] = same[0]
            else:
                del holder[last]
        return truth

    return alter
