"""Every case of 2.0.1 on the generic profiles, and its mutants."""

from __future__ import annotations

from importlib.resources import files
from itertools import product
from pathlib import Path

import pytest

from simulator.certify import cases201, mutants, runner
from simulator.certify.case import CASES_201, Case
from simulator.certify.catalogue201 import rows
from simulator.certify.features201 import features_of
from simulator.certify.verdicts import FAIL, INCONCLUSIVE, NOT_APPLICABLE, PASS

OCPP = "2.0.1"
PROFILES = ("generic/ac-single", "generic/ac-dual", "generic/dc-fast")
#: the one on which sessions begin in both ways
BOTH_WAYS = "generic/ac-single"
#: products that lack something, and some that are stricter than others or built otherwise
OTHERS = ("plain", "strict", "otherwise", "unstoppable")
WITHOUT = (*(str(Path(__file__).with_name(f"{name}.yaml")) for name in OTHERS), "generic/ac-mode2")
#: for products that none of these is, but their steps hold on any
HOLD_ANYWHERE = frozenset({"TC_C_05", "TC_E_38"})
#: every module of cases
GROUPS = (
    "simulator.certify.cases201.alerts",
    "simulator.certify.cases201.authorization",
    "simulator.certify.cases201.availability",
    "simulator.certify.cases201.boot",
    "simulator.certify.cases201.certificates",
    "simulator.certify.cases201.charging_profiles",
    "simulator.certify.cases201.composite_schedules",
    "simulator.certify.cases201.customer",
    "simulator.certify.cases201.data_transfer",
    "simulator.certify.cases201.firmware",
    "simulator.certify.cases201.listed",
    "simulator.certify.cases201.local_list",
    "simulator.certify.cases201.logs",
    "simulator.certify.cases201.meter_values",
    "simulator.certify.cases201.monitor_reports",
    "simulator.certify.cases201.monitors",
    "simulator.certify.cases201.network",
    "simulator.certify.cases201.offline",
    "simulator.certify.cases201.remote",
    "simulator.certify.cases201.reports",
    "simulator.certify.cases201.reservation",
    "simulator.certify.cases201.resets",
    "simulator.certify.cases201.security",
    "simulator.certify.cases201.signed_values",
    "simulator.certify.cases201.starts",
    "simulator.certify.cases201.stops",
    "simulator.certify.cases201.variables",
)


def test_every_group_is_named_here() -> None:
    """A module of cases that is not imported registers nothing."""
    folder = files("simulator.certify") / "cases201"
    stems = {entry.name.removesuffix(".py") for entry in folder.iterdir() if entry.name.endswith(".py")}
    assert stems - {"__init__"} == {group.rpartition(".")[2] for group in GROUPS} == set(cases201.__all__)


def test_every_case_is_written() -> None:
    """None is missing, and none is made up."""
    assert set(CASES_201) == set(rows())


def profiles_for(case: Case) -> list[str]:
    """The profiles the case applies to: generic ones, or for a case that is about doing without, one that does."""

    def fitting(names: tuple[str, ...]) -> list[str]:
        return [name for name in names if not rows()[case.id].not_applicable(features_of(name))]

    return fitting(PROFILES) or fitting(WITHOUT) or [name for name in PROFILES[:1] if case.id in HOLD_ANYWHERE]


@pytest.mark.parametrize("profile", PROFILES)
def test_all_cases_of_a_profile(profile: str) -> None:
    """Nothing fails, nothing is left undecided, no notes about new deliveries because of trouble. On one of them
    sessions begin in both ways, by a token and by the tool."""
    both = profile == BOTH_WAYS
    run = runner.run_cases(profile, shuffle=True, seed=7, ocpp=OCPP, declaration=both)
    assert not both or {"remote", "local"} <= {r.option for r in run.results}
    bad = [f"{r.name}: {r.reason}" for r in run.results if r.verdict in (FAIL, INCONCLUSIVE)]
    assert not bad, "\n".join(bad)
    assert not [finding.as_dict() for finding in run.findings]
    assert not [note for note in run.notes if "because of" in note]


def test_profiles_and_reservations_of_a_product_that_does_without() -> None:
    """Limits in W instead of A, and no reservation of whatever is free."""
    wanted = [name for name in CASES_201 if name.startswith(("TC_K_", "TC_H_"))]
    run = runner.run_cases(WITHOUT[0], wanted, ocpp=OCPP)
    assert not [f"{r.name}: {r.reason}" for r in run.results if r.verdict not in (PASS, NOT_APPLICABLE)]
    passed = {result.id for result in run.results if result.verdict == PASS}
    assert passed >= {"TC_H_13", "TC_K_12", "TC_K_42"} and not passed & {"TC_H_08", "TC_H_15"}


#: what a socket without pilot says of a car that nobody is authorised for decides these
FELT = ("TC_B_21", "TC_B_22", "TC_B_51", "TC_B_52", "TC_C_46", "TC_N_23")


def test_a_household_socket_feels_a_car_for_a_moment_only() -> None:
    """Cases that let time pass, or a reboot, between the plug and the token: each way to authorise, and each notices
    the last lie that can be told about such a product."""
    run = runner.run_cases("generic/ac-mode2", FELT, ocpp=OCPP, declaration=True)
    assert not [f"{r.name}: {r.reason}" for r in run.results if r.verdict != PASS]
    for case_id in FELT:
        case = CASES_201[case_id]
        base = mutants.baseline("generic/ac-mode2", case, ocpp=OCPP)
        last = list(mutants.derive(base))[-1]
        trial = mutants.attempt("generic/ac-mode2", case, last, ocpp=OCPP)
        assert trial.killed, f"{last} survived: {trial.result.verdict} {trial.result.reason}"


@pytest.mark.parametrize("case_id", sorted(CASES_201))
def test_first_mutant(case_id: str) -> None:
    """The case notices a lie about the first thing it looks at."""
    case = CASES_201[case_id]
    for profile in profiles_for(case)[:1]:
        base = mutants.baseline(profile, case, ocpp=OCPP)
        assert base.verdict == PASS, base.reason
        mutant = mutants.first(base)
        assert mutant is not None, f"{case_id} has no validation a mutant can reach"
        trial = mutants.attempt(profile, case, mutant, ocpp=OCPP)
        assert trial.killed, f"{mutant} survived: {trial.result.verdict} {trial.result.reason}"


@pytest.mark.slow
@pytest.mark.parametrize("case_id", sorted(CASES_201))
def test_every_mutant(case_id: str) -> None:
    """The case notices a lie about anything it looks at, on every profile it applies to, and with every security
    profile on the first of them."""
    case = CASES_201[case_id]
    first, *rest = profiles_for(case) or [""]
    levels: list[int | None] = [*case.security] or [None]
    for profile, level in (*product([first] if first else [], levels), *product(rest, levels[:1])):
        base = mutants.baseline(profile, case, security=level, ocpp=OCPP)
        assert base.verdict == PASS, base.reason
        for mutant in mutants.derive(base):
            trial = mutants.attempt(profile, case, mutant, security=level, ocpp=OCPP)
            assert trial.killed, f"{profile}: {mutant} survived: {trial.result.verdict} {trial.result.reason}"
