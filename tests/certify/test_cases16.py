"""Every case on every generic profile, and its mutants."""

from __future__ import annotations

from importlib.resources import files
from itertools import product

import pytest

from simulator.certify import cases16, mutants, runner
from simulator.certify.case import CASES, Case
from simulator.certify.catalogue import rows
from simulator.certify.pics import pics_of
from simulator.certify.verdicts import FAIL, INCONCLUSIVE, PASS

PROFILES = ("generic/ac-single", "generic/ac-dual", "generic/dc-fast", "generic/ac-mode2")
#: what the station does not do yet, with the reason; this list only gets shorter
KNOWN: dict[tuple[str, str], str] = {}
each_profile = pytest.mark.parametrize("profile", PROFILES)
#: every module of cases
GROUPS = (
    "simulator.certify.cases16.boot",
    "simulator.certify.cases16.configuration",
    "simulator.certify.cases16.diagnostics",
    "simulator.certify.cases16.faults",
    "simulator.certify.cases16.firmware",
    "simulator.certify.cases16.local_list",
    "simulator.certify.cases16.meter_values",
    "simulator.certify.cases16.offline",
    "simulator.certify.cases16.power",
    "simulator.certify.cases16.remote",
    "simulator.certify.cases16.reservation",
    "simulator.certify.cases16.resets",
    "simulator.certify.cases16.security",
    "simulator.certify.cases16.sessions",
    "simulator.certify.cases16.smart_charging",
    "simulator.certify.cases16.stops",
    "simulator.certify.cases16.triggers",
    "simulator.certify.cases16.unlock",
)


def test_every_group_is_named_here() -> None:
    """A module of cases that is not imported registers nothing."""
    folder = files("simulator.certify") / "cases16"
    stems = {entry.name.removesuffix(".py") for entry in folder.iterdir() if entry.name.endswith(".py")}
    assert stems - {"__init__"} == {group.rpartition(".")[2] for group in GROUPS} == set(cases16.__all__)


def profiles_for(case: Case) -> list[str]:
    """The profiles the case applies to. A case for products that none of them is (no local start, ...) is run on the
    first all the same: its steps must hold there too."""
    found = [name for name in PROFILES if not rows()[case.id].not_applicable(pics_of(name))] or [PROFILES[0]]
    return [name for name in found if (name, case.id) not in KNOWN]


@each_profile
def test_all_cases_of_a_profile(profile: str) -> None:
    """Nothing fails, nothing is left undecided, no notes about new deliveries because of trouble."""
    run = runner.run_cases(profile, shuffle=True, seed=7)
    judged = [r for r in run.results if (profile, r.id) not in KNOWN]
    bad = [f"{r.name}: {r.reason}" for r in judged if r.verdict in (FAIL, INCONCLUSIVE)]
    assert not bad, "\n".join(bad)
    assert not [finding.as_dict() for finding in run.findings]
    assert not [note for note in run.notes if "because of" in note]


@pytest.mark.parametrize("case_id", sorted(CASES))
def test_first_mutant(case_id: str) -> None:
    """The case notices a lie about the first thing it looks at."""
    case = CASES[case_id]
    profile = profiles_for(case)[0]
    base = mutants.baseline(profile, case)
    assert base.verdict == PASS, base.reason
    mutant = mutants.first(base)
    assert mutant is not None, f"{case_id} has no validation a mutant can reach"
    trial = mutants.attempt(profile, case, mutant)
    assert trial.killed, f"{mutant} survived: {trial.result.verdict} {trial.result.reason}"


@pytest.mark.slow
@pytest.mark.parametrize("case_id", sorted(CASES))
def test_every_mutant(case_id: str) -> None:
    """The case notices a lie about anything it looks at, on every profile it applies to."""
    case = CASES[case_id]
    for profile, level in product(profiles_for(case), case.security or [None]):
        base = mutants.baseline(profile, case, security=level)
        assert base.verdict == PASS, base.reason
        for mutant in mutants.derive(base):
            trial = mutants.attempt(profile, case, mutant, security=level)
            assert trial.killed, f"{profile}: {mutant} survived: {trial.result.verdict} {trial.result.reason}"
