"""Playing a scenario that stands in a test, in memory."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from simulator.lab.csms import LabCsms
from simulator.scenario.cells import choose
from simulator.scenario.counterpart import Counterpart
from simulator.scenario.run import Options, Result, ScenarioRun
from simulator.scenario.schema import Scenario, scenario_of


def scenario(text: str, name: str = "one") -> Scenario:
    """A scenario whose title is of no interest: the text begins with its header or with ``steps:``."""
    return scenario_of(f"title: a test\n{textwrap.dedent(text)}", f"{name}.yaml")


def play(
    text: str,
    *,
    version: str = "1.6",
    profile: str = "generic/ac-single",
    csms: Callable[[str], LabCsms] = Counterpart,
) -> Result:
    """The result of one cell, with everything that was kept of it."""
    run = ScenarioRun(choose([scenario(text)], [profile], [version]), Options(keep=True, csms=csms))
    (result,) = run.execute()
    assert not result.our_error, result.our_error
    return result


def actions(result: Result, station: int = 0, *, of_csms: bool = False) -> Sequence[str]:
    """Actions of the calls at a station, in order."""
    assert result.played is not None
    return [h.action for h in result.played.seats[station].frames if h.kind == 2 and h.to_csms != of_csms]
