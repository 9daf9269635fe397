"""The verdict on a scenario that was played: its steps, its expectations on the ledger, and the checks of every run.

The first thing that is wrong, in this order, is the sentence of the cell: a step that failed, a check that failed, the
ledger, a step that was inconclusive. What quirks and faults are bound to break is excused, and the excuses are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from simulator.fleet.excuses import of_quirks
from simulator.ledger import Ledger
from simulator.report import truth
from simulator.report.checks import ANSWERED, BOOT_TIMEOUT_US, BOOTED, NO_ERRORS, CheckResult, default_checks
from simulator.scenario.match import holds, shown
from simulator.scenario.memory import Place, Played
from simulator.scenario.player import FAIL, INCONCLUSIVE, Failure
from simulator.scenario.schema import LedgerExpectation, Scenario
from simulator.scenario.seat import Heard
from simulator.wire.rpc import CALL, ERROR

PASS, NOT_APPLICABLE, SKIPPED = "PASS", "NOT_APPLICABLE", "SKIPPED"
VERDICTS = (PASS, FAIL, INCONCLUSIVE, NOT_APPLICABLE, SKIPPED)


def checks_of(
    scenario: Scenario, places: Sequence[Place], played: Played, *, strict: bool, speed: float = 1.0
) -> list[CheckResult]:
    """The checks of every run that the scenario does not leave out. ``speed``: how fast the stations' time ran."""
    wanted = set(scenario.fields.checks)
    if scenario.kept_out or scenario.fields.begin == "off":  # when they boot, and whether, is the scenario's affair
        wanted.discard(BOOTED)
    timeout_us = int(BOOT_TIMEOUT_US * speed)
    found = default_checks(played.ledger, strict=strict, excuses=of_quirks(places), boot_timeout_us=timeout_us)
    return [check for check in found if check.name in wanted]


def verdict_of(failure: Failure | None, checks: Sequence[CheckResult], ledger: Sequence[str]) -> tuple[str, str]:
    """Verdict and the one sentence that goes with it; the sentence of a PASS is empty."""
    if failure is not None and failure.verdict == FAIL:
        return FAIL, failure.sentence
    bad = next((check for check in checks if check.verdict == FAIL), None)
    if bad is not None:
        return FAIL, f"{bad.name}: {bad.sentence}"
    if failure is not None:
        return failure.verdict, failure.sentence
    if ledger:
        return FAIL, ledger[0]
    return PASS, ""


def evidence(check: CheckResult, played: Played) -> list[str]:
    """Frames around the first message that a failed check is about, where one message shows it."""
    offends: Callable[[Heard], bool]
    if check.name == NO_ERRORS:
        offends = _refused
    elif check.name == ANSWERED:
        offends = _unanswered
    else:
        return []
    for seat in played.seats:
        found = next((heard for heard in seat.frames if offends(heard)), None)
        if found is not None:
            return seat.around(found)
    return []


def _refused(heard: Heard) -> bool:
    return heard.kind == ERROR and not heard.to_csms


def _unanswered(heard: Heard) -> bool:
    return heard.kind == CALL and heard.to_csms and heard.answer is None


def ledger_findings(expected: LedgerExpectation, played: Played, places: Sequence[Place]) -> list[str]:
    """What the ledger says otherwise than expected: whole sentences with figures."""
    totals = truth.transactions(played.ledger)
    figures: dict[str, Callable[[], Any]] = {
        "transactions": lambda: totals.started,
        "stopped": lambda: totals.stopped,
        "open": lambda: totals.open,
        "undelivered": lambda: totals.undelivered,
        "queued": lambda: totals.queued,
        "energy_wh": lambda: round(totals.reported_wh, 3),
        "faults": lambda: sum(row["count"] for row in truth.faults(played.ledger)),
        "alerts": lambda: truth.remarks(played.ledger).get("alert", 0),
    }
    found = []
    for name, figure in figures.items():
        wanted = getattr(expected, name)
        if wanted is not None and not holds(wanted, [got := figure()]):
            found.append(f"the ledger has {name.replace('_', ' ')} {shown(got)}, not {shown(wanted)}")
    if expected.energy is not None:
        wrong = list(unequal_energies(played.ledger, places))
        if expected.energy == "equal" and wrong:
            found.append(wrong[0])
        elif expected.energy == "different" and not wrong:
            found.append("every transaction was told with the energy that was taken, which was not expected")
    return found


def unequal_energies(ledger: Ledger, places: Sequence[Place]) -> Iterator[str]:
    """Transactions told with another energy than the car took, beyond what their meters are allowed."""
    allowed = {place.id: place.model.hardware.meter for place in places}
    rows = ledger.query("""
        SELECT station_id, key, coalesce(told_end_wh - told_begin_wh, reported_wh), physical_wh FROM transactions
        WHERE end_us IS NOT NULL ORDER BY station_id, begin_us""")
    for station, key, told_wh, physical_wh in rows:
        if told_wh is None or physical_wh is None:
            continue
        meter = allowed[station]
        margin = 2 * meter.resolution_wh + physical_wh * meter.accuracy_permille / 1_000.0 + 1e-3
        if abs(told_wh - physical_wh) > margin:
            yield f"transaction {key} was told with {told_wh:.0f} Wh and the car took {physical_wh:.0f} Wh"
