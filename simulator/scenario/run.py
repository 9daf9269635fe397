"""A run of scenarios: cell after cell, each judged by itself, with what is needed to show and repeat it."""

from __future__ import annotations

import shlex
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.errors import AuthorError
from simulator.fleet.target import Target
from simulator.fleet.trace import FrameTrace
from simulator.lab.csms import LabCsms
from simulator.ledger import Ledger
from simulator.report import truth
from simulator.report.checks import CSMS_FAILED, NOBODY_BOOTED, OK, OUR_ERROR, CheckResult
from simulator.report.reasons import what_helps
from simulator.report.timeline import Timeline
from simulator.scenario.cells import Cell, lacking, places_of
from simulator.scenario.counterpart import Counterpart
from simulator.scenario.history import timeline
from simulator.scenario.judge import (
    NOT_APPLICABLE,
    PASS,
    SKIPPED,
    VERDICTS,
    checks_of,
    evidence,
    ledger_findings,
    verdict_of,
)
from simulator.scenario.length import open_ended, too_long
from simulator.scenario.live import Live, stem_of
from simulator.scenario.memory import Played, play_in_memory
from simulator.scenario.player import FAIL, INCONCLUSIVE, Failure
from simulator.scenario.rehearsal import Rehearsals
from simulator.scenario.schema import FROM_TARGET

#: time lines of cells that passed are drawn up to so many; a page must stay one that can be opened
DRAWN_MAX = 60
#: exit code of a run that somebody has ended, as of every program that is
INTERRUPTED = 130


@dataclass(slots=True)
class Result:
    """What came of one cell. ``played`` is kept for reports unless the cell was not played."""

    cell: Cell
    verdict: str
    reason: str = ""
    failure: Failure | None = None
    frames: tuple[str, ...] = ()
    checks: list[CheckResult] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    reproduce: str = ""
    #: seconds of the stations' time, and of real time
    simulated_s: float = 0.0
    took_s: float = 0.0
    stations: int = 0
    booted: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    our_error: str = ""
    played: Played | None = None
    timeline: Timeline | None = None


@dataclass(slots=True)
class Options:
    """How scenarios are run; see ``cpfarm scenario run``."""

    seed: int | None = None
    strict: bool = False
    #: variables that go before those of the scenarios
    variables: dict[str, Any] = field(default_factory=dict)
    #: words of the command line by which the target was given
    target_words: tuple[str, ...] = ()
    ledger: Path | None = None
    trace: FrameTrace | None = None
    #: keep everything of each cell; draw its time line
    keep: bool = False
    draw: bool = False
    csms: Callable[[str], LabCsms] = Counterpart
    #: on sockets, against its target; None: in memory
    live: Live | None = None


class ScenarioRun:
    """The cells of a run and what came of them."""

    def __init__(self, cells: Sequence[Cell], options: Options) -> None:
        self.cells, self.options = list(cells), options
        self.results: list[Result] = []
        self._drawn = 0
        self._rehearsals = Rehearsals(self._rehearse)
        self.interrupted = False
        #: why no station can reach the CSMS, in whatever version
        self._unreachable = ""

    def execute(self, on_result: Callable[[Result], None] | None = None) -> list[Result]:
        """Run every cell, in order. An interrupt ends the run after what is done; that is reported as always."""
        try:
            for cell in self.cells:
                self.results.append(self._cell(cell))
                if on_result is not None:
                    on_result(self.results[-1])
        except KeyboardInterrupt:  # also one between two cells
            self.interrupted = True
        return self.results

    def count(self, verdict: str) -> int:
        """How many cells have this verdict."""
        return sum(result.verdict == verdict for result in self.results)

    @property
    def sentence(self) -> str:
        """The last word: ``N passed, N failed``, and the rest if there is any."""
        text = f"{self.count(PASS)} passed, {self.count(FAIL)} failed"
        rest = ((INCONCLUSIVE, "inconclusive"), (SKIPPED, "skipped"), (NOT_APPLICABLE, "not applicable"))
        text += "".join(f", {self.count(v)} {word}" for v, word in rest if self.count(v))
        if self.results and not any(self.count(v) for v in (PASS, FAIL, INCONCLUSIVE)):
            text += "; nothing was tried"
        missing = len(self.cells) - len(self.results)
        return text + (f", {missing} not run: interrupted" if missing else "")

    @property
    def exit_code(self) -> int:
        """70 after an error of ours, 3 when nothing booted where something failed, 1 when something failed, else 0."""
        if any(result.our_error for result in self.results):
            return OUR_ERROR
        if self.interrupted:
            return INTERRUPTED
        stations, booted = (
            sum(getattr(result, what) for result in self.results if result.verdict != PASS)
            for what in ("stations", "booted")
        )
        if stations and not booted:
            return NOBODY_BOOTED
        return CSMS_FAILED if self.count(FAIL) or self.count(INCONCLUSIVE) else OK

    @property
    def target(self) -> Target | None:
        """The CSMS under test, None for the one in memory."""
        return self.options.live.target if self.options.live is not None else None

    def _live(self, cell: Cell) -> Live | None:
        """What a cell is played on; None: in memory."""
        return self.options.live.fit_for(cell.scenario) if self.options.live is not None else None

    def _given(self, live: Live | None) -> set[str]:
        """Names of the variables that somebody has said, beside the scenarios, and what else the target can."""
        if live is None:
            return set(self.options.variables)
        return {*self.options.variables, *live.variables, *(["registration"] if live.register is not None else ())}

    def _too_long(self, cell: Cell) -> str:
        live = self.options.live
        if live is None:
            return ""
        variables = {**live.variables, **self.options.variables}
        scenario, version, longest_us = cell.scenario, cell.version, live.longest_us
        rehearsed_us = 0
        if open_ended(scenario, version, longest_us * live.speed, variables):
            rehearsed_us = int(self._rehearsals.seconds(cell) * 1e6)
        return too_long(scenario, version, live.speed, longest_us, variables, rehearsed_us)

    # -- one cell

    def _cell(self, cell: Cell) -> Result:
        if cell.not_applicable:
            return Result(cell, NOT_APPLICABLE, cell.not_applicable)
        live = self._live(cell)
        target = live.target if live is not None else None
        why = lacking(cell.scenario, cell.version, target, self._given(live)) or self._too_long(cell)
        why = why or self._unreachable
        if why:
            return Result(cell, SKIPPED, why)
        began_s = time.perf_counter()
        result = Result(cell, PASS, reproduce=self.command(cell))
        try:
            self._play(cell, result)
            if result.verdict != PASS and (why := self._rehearsals.unable(cell, result)):
                result.verdict, result.reason = NOT_APPLICABLE, why
        except AuthorError:
            raise  # a file or an option is wrong, which the next cell would not change
        except Exception as error:  # noqa: BLE001 - an error of ours in one cell must not end the run
            result.our_error = "".join(traceback.format_exception(error))
            result.verdict, result.reason = INCONCLUSIVE, f"an error of cpfarm itself: {type(error).__name__}: {error}"
        result.took_s = time.perf_counter() - began_s
        return result

    def _rehearse(self, cell: Cell) -> Result:
        """A cell in memory, with a sound CSMS and its files."""
        variables = {name: v for name, v in self.options.variables.items() if name not in FROM_TARGET}
        result = Result(cell, PASS)
        ScenarioRun([cell], Options(seed=self.options.seed, variables=variables))._play(cell, result)
        return result

    def _play(self, cell: Cell, result: Result) -> None:
        options, scenario = self.options, cell.scenario
        seed = options.seed if options.seed is not None else scenario.fields.seed
        live, version = self._live(cell), cell.version
        places = places_of(cell, "" if live is None else stem_of(live.id_prefix, version))
        with Ledger(self.ledger_path(cell)) as ledger:
            if live is not None:
                played = live.play(
                    scenario,
                    places,
                    seed=seed,
                    version=version,
                    ledger=ledger,
                    trace=options.trace,
                    variables=options.variables,
                )
            else:
                played = play_in_memory(
                    scenario,
                    places,
                    seed=seed,
                    version=version,
                    ledger=ledger,
                    trace=options.trace,
                    csms=options.csms,
                    variables=options.variables,
                )
            result.failure = played.failure
            result.checks = checks_of(
                scenario, places, played, strict=options.strict, speed=live.speed if live is not None else 1.0
            )
            if played.failure is None:
                result.findings = ledger_findings(scenario.fields.ledger, played, places)
            result.verdict, result.reason = verdict_of(played.failure, result.checks, result.findings)
            if played.unreachable and played.failure is not None:
                result.reason = played.failure.sentence
                helps = what_helps(played.unreachable)
                self._unreachable = f"the CSMS cannot be reached: {played.unreachable}. {helps}"
            if result.verdict == FAIL and (played.failure is None or played.failure.verdict != FAIL):
                bad = next((check for check in result.checks if check.verdict == FAIL), None)
                result.frames = tuple(evidence(bad, played)) if bad is not None else ()
            elif played.failure is not None:
                result.frames = played.failure.frames
            result.stations, result.booted = truth.stations(ledger)
            totals = truth.transactions(ledger)
            result.figures = {
                "transactions": totals.started,
                "stopped": totals.stopped,
                "open": totals.open,
                "undelivered": totals.undelivered,
                "energy_wh": round(totals.reported_wh, 3),
                "physical_energy_wh": round(totals.physical_wh, 3),
            }
        result.simulated_s = (played.ended_us - played.began_us) / 1e6
        if options.keep:
            result.played = played
        if options.draw and (result.verdict != PASS or self._drawn < DRAWN_MAX or played.truth.samples):
            self._drawn += 1
            result.timeline = timeline(played, f"{scenario.fields.title}, {cell.profile}, OCPP {cell.version}")

    def ledger_path(self, cell: Cell) -> Path | None:
        """Where the ledger of a cell goes: the file that was asked for, beside it when there are several cells."""
        path = self.options.ledger
        if path is None or len(self.cells) == 1:
            return path
        name = "-".join((cell.scenario.name, cell.profile.replace("/", "."), cell.version))
        return path.with_name(f"{path.stem}-{name}{path.suffix}")

    def command(self, cell: Cell) -> str:
        """The command that runs this cell alone."""
        words = [
            "cpfarm",
            "scenario",
            "run",
            str(cell.scenario.path),
            "--profile",
            cell.profile,
            "--ocpp",
            cell.version,
        ]
        if self.options.seed is not None:
            words += ["--seed", str(self.options.seed)]
        if self.options.strict:
            words.append("--strict")
        for name, value in self.options.variables.items():
            words += ["--set", f"{name}={value}"]
        return " ".join(shlex.quote(word) for word in (*words, *self.options.target_words))


def failed_before(document: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """The cells of an earlier run that neither passed nor were left out, by name, profile and version."""
    bad = (FAIL, INCONCLUSIVE)
    return {(c["scenario"], c["profile"], c["ocpp"]) for c in document["cells"] if c["verdict"] in bad}


__all__ = ["VERDICTS", "Options", "Result", "ScenarioRun", "failed_before"]
