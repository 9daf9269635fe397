"""A certification run: choose, order, run, judge.

One station object goes through all cases, as one device stays on the table of a lab. Before each case the basic state
is established (:mod:`reset`), then what the case declares: settings, memory states, reusable states. A breach of schema
or protocol by the station fails the case it happens in, whatever the case looks at; an exception inside the station is
a FAIL with the last line of its traceback, and a new station is delivered, on record. The order is by list, or shuffled
by the seed.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from simulator.certify.case import Case
from simulator.certify.catalogue import Row
from simulator.certify.configuration import Finding
from simulator.certify.edition import Edition, edition_of
from simulator.certify.pics import Pics
from simulator.certify.reset import NotBasic, Reset
from simulator.certify.rig import Rig, Tool
from simulator.certify.tester import Meddler, Tester
from simulator.certify.verdicts import (
    FAIL,
    INCONCLUSIVE,
    NOT_APPLICABLE,
    PASS,
    SKIPPED,
    CaseFailed,
    CaseInconclusive,
    CaseResult,
    Failure,
)
from simulator.certify.wire import Mutation
from simulator.errors import AuthorError

#: ways of authorisation: a declaration repeats for each the cases that start a session by the state Charging
OPTIONS = ("remote", "local")
#: how a run is carried out
SIMULATED, SOCKET, BOTH = TRANSPORTS = ("simulated", "socket", "both")


@dataclass(slots=True)
class Run:
    """What came of a run."""

    profile: str
    seed: int
    shuffled: bool
    pics: Pics
    tool: Tool
    configuration: dict[str, tuple[str | None, bool]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    results: list[CaseResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    performance: dict[str, dict[str, float | int | None]] = field(default_factory=dict)
    firmware_version: str | None = None
    firmware_sha256: str | None = None
    deliveries: int = 1
    transport: str = "simulated"
    ocpp: str = "1.6"

    def count(self, verdict: str) -> int:
        """How many cases have this verdict."""
        return sum(result.verdict == verdict for result in self.results)

    @property
    def sentence(self) -> str:
        """The last word: ``N passed, N failed``, and the rest if there is any."""
        text = f"{self.count(PASS)} passed, {self.count(FAIL)} failed"
        rest = [(INCONCLUSIVE, "inconclusive"), (SKIPPED, "skipped"), (NOT_APPLICABLE, "not applicable")]
        return text + "".join(f", {self.count(v)} {word}" for v, word in rest if self.count(v))

    @property
    def exit_code(self) -> int:
        """0 when every case that was run passed, else 1."""
        return 1 if self.count(FAIL) or self.count(INCONCLUSIVE) else 0


def on_sockets(rows: Sequence[Row], ocpp: str = "1.6") -> list[Row]:
    """Those whose point is the connection itself: they are also run on real sockets."""
    cases = edition_of(ocpp).cases
    return [row for row in rows if row.id in cases and cases[row.id].sockets]


def run_cases(
    profile: str,
    names: Sequence[str] = (),
    *,
    seed: int = 1,
    shuffle: bool = False,
    declaration: bool = False,
    tool: Tool | None = None,
    transport: str = SIMULATED,
    ocpp: str = "1.6",
    on_result: Callable[[CaseResult], None] | None = None,
) -> Run:
    """Run cases (all without ``names``) on a station of a profile.

    ``transport``: ``simulated``, ``socket`` (only cases whose point is the connection), or ``both``. Raises UnknownName
    for an id that is none, ProfileError for a profile that cannot be used, AuthorError when none of the cases is run
    that way.
    """
    edition = edition_of(ocpp)
    rows = edition.wanted(list(names)) if names else edition.runnable()
    if shuffle:
        rows = list(rows)
        random.Random(seed).shuffle(rows)
    of_kind = {SIMULATED: rows, SOCKET: on_sockets(rows, ocpp)}
    if transport != BOTH:
        of_kind = {transport: of_kind[transport]}
        if not of_kind[transport]:
            there = ", ".join(row.id for row in on_sockets(edition.runnable(), ocpp)) or "none at all"
            raise AuthorError(f"none of these cases is run on sockets; {there} are", field="--transport")
    pics = edition.pics_of(profile)
    run = Run(profile, seed, shuffle, pics, tool or Tool(), transport=transport, ocpp=ocpp)
    options = OPTIONS if declaration and pics.holds(edition.local_start) else OPTIONS[:1]
    for number, (kind, chosen) in enumerate(of_kind.items()):
        with closing(_rig_of(kind)(profile, seed=seed, tool=run.tool, deliver=number == 0, ocpp=ocpp)) as rig:
            reset = edition.reset(rig)
            if number == 0 and not _begin(run, rig, reset, chosen):
                return run
            for row in chosen:
                for security in _levels(edition, row.id, pics):
                    for option in options:
                        result = _judge(rig, reset, pics, row, option if declaration else "", security, run.notes)
                        if not result.option_used:
                            result.option = ""
                        run.results.append(result)
                        if on_result is not None:
                            on_result(result)
                        if not result.option_used:
                            break
            _end(run, rig, number == 0)
    return run


def _rig_of(transport: str) -> type[Rig]:
    if transport == SIMULATED:
        return Rig
    from simulator.certify.sockets import SocketRig  # a server and a loop, which most runs do without

    return SocketRig


def _begin(run: Run, rig: Rig, reset: Reset, rows: Sequence[Row]) -> bool:
    """Read what was delivered; False when it cannot be tested, which is then on record."""
    try:
        run.configuration = reset.learn()
    except NotBasic as why:
        reason = f"the station that was delivered cannot be tested: {why}"
        run.notes.append(reason)
        for row in rows:
            gate = row.not_applicable(run.pics)
            verdict = NOT_APPLICABLE if gate else INCONCLUSIVE
            run.results.append(
                CaseResult(row.id, verdict, gate or reason, transport=rig.transport, ocpp=rig.edition.ocpp)
            )
        return False
    run.findings = rig.edition.check_configuration(run.configuration, run.pics)
    if reset.by_name:
        run.findings.append(Finding("GetConfiguration", "without keys is not answered; keys were asked for by name"))
    boots = [row["payload"] for row in rig.csms.log if row["action"] == "BootNotification" and row["kind"] == "call"]
    run.firmware_version = rig.edition.firmware_version(boots[-1]) if boots else None
    return True


def _end(run: Run, rig: Rig, first: bool) -> None:
    """What was measured and counted. On sockets time is another one: only the first rig is measured."""
    run.deliveries = rig.deliveries if first else run.deliveries + rig.deliveries
    if first:
        run.performance = rig.performance.summary()
    run.firmware_sha256 = rig.firmware_sha256 or run.firmware_sha256
    run.firmware_version = rig.firmware_version or run.firmware_version


def _levels(edition: Edition, case_id: str, pics: Pics) -> list[int | None]:
    """The security profiles a case is run with: those of its own that the product has; None where it is not about
    them."""
    case = edition.cases.get(case_id)
    supported = pics.answers["security_profiles"]
    return [level for level in case.security if level in supported] or [None] if case is not None else [None]


def _judge(
    rig: Rig, reset: Reset, pics: Pics, row: Row, option: str, security: int | None, notes: list[str]
) -> CaseResult:
    ocpp = rig.edition.ocpp
    why = row.not_applicable(pics)
    if why:
        return CaseResult(row.id, NOT_APPLICABLE, why, option=option, transport=rig.transport, ocpp=ocpp)
    found = rig.edition.cases.get(row.id)
    if found is None:
        return CaseResult(row.id, SKIPPED, "not written yet", option=option, transport=rig.transport, ocpp=ocpp)
    return run_case(rig, reset, found, option=option, security=security, notes=notes)


def run_case(
    rig: Rig,
    reset: Reset,
    case: Case,
    *,
    option: str = "",
    security: int | None = None,
    notes: list[str] | None = None,
    mutation: Mutation | None = None,
    meddler: Callable[[Rig], Meddler] | None = None,
) -> CaseResult:
    """One case on a rig, from the basic state on. ``mutation`` and ``meddler`` stand between station and tool."""
    run_notes: list[str] = notes if notes is not None else []
    if security is None and case.security:
        security = case.security[0]
    result = CaseResult(case.id, PASS, option=option, security=security, transport=rig.transport, ocpp=rig.edition.ocpp)
    try:
        if case.fresh:
            _deliver(rig, reset, result.notes, "as the case asks", security)
        elif rig.spent:
            _deliver(rig, reset, result.notes, "because the one before cannot be brought back")
        result.notes += [f"000_RESET: {note}" for note in reset.run()]
    except NotBasic as why:
        result.verdict, result.reason = INCONCLUSIVE, f"the basic state was not reached: {why}"
        _deliver(rig, reset, run_notes, f"because before {case.id} {why}")
        return result
    except Exception as error:  # noqa: BLE001 - an exception of the station must not end the run
        result.verdict, result.reason = FAIL, f"exception in the station during 000_RESET: {_last_line(error)}"
        _deliver(rig, reset, run_notes, f"because of an exception before {case.id}")
        return result
    rig.csms.fresh_case()
    rig.watch.take()
    tester = rig.edition.tester(rig, case.id, option=option, meddler=meddler(rig) if meddler else None)
    rig.csms.mutation = mutation
    measured = rig.measure()
    began_us = rig.now_us
    broken = ""
    try:
        prepare(tester, case)
        case.scenario(tester)
        tester.finish()
    except CaseFailed as failed:
        result.verdict, result.failure = FAIL, failed.failure
        result.reason = str(failed)
    except CaseInconclusive as why_not:
        result.verdict, result.reason = INCONCLUSIVE, str(why_not)
    except Exception as error:  # noqa: BLE001 - an exception inside the station is a failure of the case
        broken = _last_line(error)
        result.verdict, result.reason = FAIL, f"exception: {broken}"
        result.failure = Failure("", "", "", "no exception", broken)
    finally:
        rig.csms.mutation = None
        rig.measured(measured)
    breaches = rig.watch.take()
    if breaches and result.verdict != FAIL:
        result.verdict, result.reason = FAIL, f"breach of the protocol: {breaches[0]}"
        result.failure = Failure("", "", "", "frames that keep to the protocol", breaches[0])
    result.notes += [f"breach: {text}" for text in breaches] + tester.notes
    result.began_s, result.took_s = began_us / 1e6, (rig.now_us - began_us) / 1e6
    result.validations, result.frames = tester.validations, rig.csms.log
    result.option_used = tester.option_used
    if broken:
        _deliver(rig, reset, run_notes, f"because of an exception in {case.id}: {broken}")
    rig.spent = case.fresh and not broken
    return result


def prepare(t: Tester, case: Case) -> None:
    """What a case declares: settings, memory states, reusable states."""
    for key, value in case.settings.items():
        wanted: Any = value(t) if callable(value) else value
        if key in case.if_implemented and t.read(key) is None:
            continue
        t.configure(key, wanted)
    for state in (*case.memory, *case.states):
        state(t)


def _deliver(rig: Rig, reset: Reset, notes: list[str], why: str, security: int | None = None) -> None:
    """Another station out of the box, with a security profile if the case wants one."""
    rig.deliver(security)
    notes.append(f"a new station was delivered {why}")
    try:
        reset.learn()
    except NotBasic as trouble:  # the next 000_RESET will say so again, where it counts
        notes.append(f"that station is not in the basic state: {trouble}")


def _last_line(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno})" if frames else ""
    return traceback.format_exception_only(error)[-1].strip() + where
