"""The checks every run makes, the state of the generator, and the exit code that follows.

Theory. A check is one sentence with its figure. It fails only for what nothing excuses: a fault in force at that
station, or an excuse of the profile, a quirk or the timetable; what was excused is listed, never hidden. A check that
had nothing to look at, or whose evidence is incomplete, is INCONCLUSIVE, which is neither a pass nor the CSMS's fault.

Whether the generator kept up is judged by what only it can be blamed for: how late its loop came, whether this machine
ran out of descriptors or ports, and whether records were dropped. Lateness of CALLs is not among these, because a slow
CSMS makes them late just as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.report import truth
from simulator.report.reasons import LOCAL_LIMIT
from simulator.report.truth import Excuse, Problem

BOOTED, ANSWERED, NO_ERRORS, SCHEMA, DELIVERED = (
    "all_booted",
    "all_calls_answered",
    "no_callerrors",
    "no_schema_violations",
    "stops_delivered",
)
BOOT_TIMEOUT_US = 60_000_000
LAG_P99_LIMIT_MS = 250.0
"""A loop that comes later than this distorts what it measures."""
OK, CSMS_FAILED, NOBODY_BOOTED, GENERATOR_LATE, OUR_ERROR = 0, 1, 3, 4, 70


class CheckResult(msgspec.Struct, frozen=True):
    """The outcome of one check. ``judged`` False: there was nothing, or not enough, to judge by.

    ``excused`` lists what went wrong and was not held against the CSMS. ``warning``: passed, but worth a look.
    ``examples`` are ids of stations, ``reproduce`` the command that shows the first of them alone.
    """

    name: str
    passed: bool
    sentence: str
    excused: tuple[str, ...] = ()
    warning: bool = False
    judged: bool = True
    examples: tuple[str, ...] = ()
    reproduce: str = ""

    @property
    def verdict(self) -> str:
        """PASS, FAIL or INCONCLUSIVE."""
        return ("PASS" if self.passed else "FAIL") if self.judged else "INCONCLUSIVE"


class GeneratorVerdict(msgspec.Struct, frozen=True):
    """Whether this machine kept up with the run, and if not, why: whole sentences."""

    kept_up: bool
    reasons: tuple[str, ...] = ()


def default_checks(
    ledger: Ledger,
    *,
    expect: str = "default",
    strict: bool = False,
    boot_timeout_us: int = BOOT_TIMEOUT_US,
    excuses: Sequence[Excuse] = (),
    reproduce: Callable[[str], str] | None = None,
) -> list[CheckResult]:
    """The five checks of every run; none of them with ``expect`` "none".

    ``strict`` makes a schema violation a failure instead of a warning. ``reproduce`` gives, for a station's id,
    the command that shows it alone.
    """
    assert expect in ("default", "none"), f"expect is default or none, not {expect!r}"
    if expect == "none":
        return []
    stations, booted = truth.stations(ledger)

    def of(check: str) -> list[Excuse]:
        return [excuse for excuse in excuses if excuse.check == check]

    seconds = boot_timeout_us / 1e6
    problems = [
        _check(
            BOOTED,
            truth.unbooted(ledger, boot_timeout_us, of(BOOTED)),
            f"of {stations} stations did not boot within {seconds:g} s",
            f"all {stations} stations booted within {seconds:g} s",
            nothing="" if stations else "there was no station",
        )
    ]
    silence = "" if booted else "no station booted, so there was nothing to judge"
    problems += [
        _check(
            ANSWERED,
            truth.calls(ledger, ("timeout", "lost"), of(ANSWERED)),
            "CALLs were never answered",
            "every CALL was answered",
            nothing=silence,
        ),
        _check(
            NO_ERRORS,
            truth.calls(ledger, ("callerror",), of(NO_ERRORS)),
            "CALLs were answered with a CALLERROR",
            "no CALL was answered with a CALLERROR",
            nothing=silence,
        ),
        _schema_check(ledger, of(SCHEMA), strict=strict, nothing=silence),
        _check(
            DELIVERED,
            truth.stops_undelivered(ledger, of(DELIVERED)),
            "sessions ended without their stop being answered",
            "every session that ended had its stop delivered",
            nothing=silence,
        ),
    ]
    lost = ledger.lost_rows
    return [_finished(check, lost, reproduce) for check in problems]


def generator_verdict(metrics: RunMetrics, ledger: Ledger) -> GeneratorVerdict:
    """Whether the generator kept up; see the module's theory for what counts."""
    reasons = []
    lag_ms = metrics.lag_ms(99)
    if lag_ms is not None and lag_ms > LAG_P99_LIMIT_MS:
        reasons.append(
            f"The loop came up to {lag_ms:.0f} ms late (p99; the limit is {LAG_P99_LIMIT_MS:.0f} ms): use fewer "
            "stations, a longer --meter-interval, or more processes."
        )
    limited = metrics.connect_failures.get(LOCAL_LIMIT, 0)
    if limited:
        reasons.append(f"{limited} dials failed because this machine ran out of descriptors, ports or buffers.")
    if ledger.lost_rows:
        reasons.append(f"{ledger.lost_rows} records were dropped because they came faster than they were written.")
    return GeneratorVerdict(not reasons, tuple(reasons))


def exit_code(
    checks: Sequence[CheckResult],
    *,
    stations: int,
    booted: int,
    generator: GeneratorVerdict,
    our_error: bool = False,
) -> int:
    """The exit code of a command: 0, 1, 3, 4 or 70 (2 is given before a run begins).

    A generator that could not keep up comes before anything said about the CSMS, because it spoils the evidence.
    """
    if our_error:
        return OUR_ERROR
    if not generator.kept_up:
        return GENERATOR_LATE
    excused = any(check.name == BOOTED and check.verdict == "PASS" for check in checks)
    if stations and not booted and not excused:
        return NOBODY_BOOTED
    return CSMS_FAILED if any(check.verdict == "FAIL" for check in checks) else OK


def _check(name: str, problem: Problem, bad: str, good: str, *, nothing: str) -> CheckResult:
    excused = _excused(problem.why, problem.excused)
    if problem.left:
        return CheckResult(
            name, False, f"{problem.left} {bad}{_by(problem.by_action)}", excused, False, True, problem.examples
        )
    if nothing:
        return CheckResult(name, False, nothing, excused, judged=False)
    return CheckResult(name, True, good + (f", but for {problem.excused} that are excused" if excused else ""), excused)


def _schema_check(ledger: Ledger, excuses: Sequence[Excuse], *, strict: bool, nothing: str) -> CheckResult:
    left: dict[str, int] = {}
    why: dict[str, int] = {}
    for found in truth.violations(ledger):
        excuse = next((e.why for e in excuses if e.covers("", found["action"], None)), None)
        counts, key = (left, f"{found['action']} {found['path']}".rstrip()) if excuse is None else (why, excuse)
        counts[key] = counts.get(key, 0) + found["count"]
    excused = _excused(why, sum(why.values()))
    if left:
        sentence = f"{sum(left.values())} violations of the schema by the CSMS{_by(left)}"
        if not strict:
            sentence += "; a warning unless --strict"
        return CheckResult(SCHEMA, not strict, sentence, excused, warning=not strict)
    if nothing:
        return CheckResult(SCHEMA, False, nothing, excused, judged=False)
    return CheckResult(SCHEMA, True, "the CSMS kept to the schema", excused)


def _finished(check: CheckResult, lost_rows: int, reproduce: Callable[[str], str] | None) -> CheckResult:
    if check.passed and lost_rows:
        sentence = f"nothing was seen, but {lost_rows} records were dropped"
        return CheckResult(check.name, False, sentence, check.excused, judged=False)
    if check.examples and reproduce is not None:
        return msgspec.structs.replace(check, reproduce=reproduce(check.examples[0]))
    return check


def _excused(why: Mapping[str, int], count: int) -> tuple[str, ...]:
    return tuple(f"{n} under {reason}" for reason, n in sorted(why.items())) if count else ()


def _by(counts: Mapping[str, int], limit: int = 5) -> str:
    """`` (a 3, b 1)``, the most frequent first."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{name} {n}" for name, n in ranked[:limit]]
    if len(ranked) > limit:
        shown.append(f"{len(ranked) - limit} more")
    return f" ({', '.join(shown)})" if shown else ""
