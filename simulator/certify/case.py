"""How a case is declared and found.

A case is a function of a :class:`~simulator.certify.tester.Tester` under one or more ids. What has to hold before its
first step is declared with it: settings, memory states, reusable states; the runner establishes them in this order, so
that the function itself is only the scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: a function of the tester of its version
Scenario = Callable[[Any], None]
#: a state to establish, or the value of a setting computed from the tool's configuration
State = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario under one id. ``settings``: key -> value, or a function of the tester that gives it; a key the
    product does not have is left out when it stands in ``if_implemented``. ``fresh``: runs on a station that was just
    delivered, and another one is delivered afterwards (for what cannot be undone). ``security``: security profiles the
    station is delivered with, one run for each; it implies ``fresh``. ``sockets``: it is also run on real sockets."""

    id: str
    scenario: Scenario
    settings: Mapping[str, Any] = field(default_factory=dict)
    if_implemented: frozenset[str] = frozenset()
    memory: Sequence[State] = ()
    states: Sequence[State] = ()
    fresh: bool = False
    security: Sequence[int] = ()
    sockets: bool = False


#: the cases of 1.6 and those of 2.0.1, by id
CASES: dict[str, Case] = {}
CASES_201: dict[str, Case] = {}


class Declaring:
    """The decorator that puts scenarios into a table of cases."""

    def __init__(self, cases: dict[str, Case]) -> None:
        self.cases = cases

    def __call__(
        self,
        *ids: str,
        settings: Mapping[str, Any] | None = None,
        if_implemented: Sequence[str] = (),
        memory: Sequence[State] = (),
        states: Sequence[State] = (),
        fresh: bool = False,
        security: Sequence[int] = (),
        sockets: bool = False,
    ) -> Callable[[Scenario], Scenario]:
        """Declare a scenario under its ids (several where one text of the document serves several rows of the list)."""

        def declare(scenario: Scenario) -> Scenario:
            for one in ids:
                assert one not in self.cases, f"{one} is declared twice"
                self.cases[one] = Case(
                    one,
                    scenario,
                    dict(settings or {}),
                    frozenset(if_implemented),
                    memory,
                    states,
                    fresh or bool(security),
                    security,
                    sockets,
                )
            return scenario

        return declare


case = Declaring(CASES)
case_201 = Declaring(CASES_201)
