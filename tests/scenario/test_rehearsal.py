"""Whether a cell that did not pass is the product's affair or the CSMS's."""

from __future__ import annotations

import pytest

from simulator.lab.csms import CallError, LabCsms
from simulator.scenario.cells import Cell, choose
from simulator.scenario.counterpart import Counterpart
from simulator.scenario.player import FAIL, Failure
from simulator.scenario.rehearsal import END, Rehearsals, line_of
from simulator.scenario.run import Options, Result, ScenarioRun
from tests.scenario.play import scenario

#: the box begins by remote start only
SESSION = """
steps:
  - operator: {do: trigger, with: {message: Heartbeat}, answer: Accepted}
  - expect: {message: heartbeat, answer: any}
  - plug
  - present: valid
  - expect: {message: transaction started, answer: any}
"""
BOX = "wallbox/pulsar-plus"


def run(text: str, profile: str, csms: type[LabCsms] = Counterpart) -> Result:
    (result,) = ScenarioRun(choose([scenario(text)], [profile], ["1.6"]), Options(csms=csms)).execute()
    assert not result.our_error, result.our_error
    return result


class NoHeartbeats(Counterpart):
    def _answer(self, message_id: str, action: str, payload: dict[str, object]) -> None:
        self.script["Heartbeat"] = lambda csms, payload: CallError("InternalError")
        super()._answer(message_id, action, payload)


class NoStarts(Counterpart):
    def _answer(self, message_id: str, action: str, payload: dict[str, object]) -> None:
        self.script["StartTransaction"] = lambda csms, payload: CallError("InternalError")
        super()._answer(message_id, action, payload)


def test_a_product_that_does_not_get_through_it_with_a_sound_csms_either() -> None:
    result = run(SESSION, BOX)
    assert result.verdict == "NOT_APPLICABLE"
    assert result.reason.startswith(
        f"{BOX} does not get through it with a sound CSMS either: no transaction started of"
    )


def test_what_the_csms_did_wrong_before_is_its_own() -> None:
    result = run(SESSION, BOX, NoHeartbeats)
    assert (result.verdict, result.reason) == ("FAIL", "Heartbeat was answered with the error InternalError")


def test_a_product_that_can_blames_the_csms() -> None:
    result = run(SESSION, "alfen/ng910", NoStarts)
    assert (result.verdict, result.reason) == ("FAIL", "StartTransaction was answered with the error InternalError")


def test_products_it_is_written_for_have_to_pass() -> None:
    result = run(f"profile: wallbox/*\nocpp: 1.6\n{SESSION}", BOX)
    assert result.verdict == "FAIL"


def test_a_scenario_that_nobody_gets_through_is_wrong_itself() -> None:
    result = run("steps:\n  - expect: {message: boot, within: 5s}\n", BOX)
    assert result.verdict == "FAIL"


@pytest.mark.parametrize("text", ["ocpp: 2.0.1\n", "needs: {evses: 2}\n"])
def test_without_a_product_it_is_written_for_nothing_is_excused(text: str) -> None:
    one = scenario(text + "steps:\n  - expect: {message: boot, within: 5s}\n")
    cells = choose([one], ["generic/dc-fast"], ["2.0.1"])
    (result,) = ScenarioRun(cells, Options()).execute()
    assert result.verdict == "FAIL"


def test_each_is_rehearsed_once() -> None:
    one = scenario(SESSION)
    asked: list[Cell] = []

    def rehearse(cell: Cell) -> Result:
        asked.append(cell)
        if cell.profile == BOX:
            return Result(cell, FAIL, "no", Failure(FAIL, "no", "", 9))
        return Result(cell, "PASS")

    rehearsals, (cell,) = Rehearsals(rehearse), choose([one], [BOX], ["1.6"])
    late, early = (Result(cell, FAIL, "no", Failure(FAIL, "no", "", line)) for line in (9, 8))
    assert [rehearsals.unable(cell, wrong) for wrong in (late, early, late)] == [
        f"{BOX} does not get through it with a sound CSMS either: no", "", rehearsals.unable(cell, late),
    ]  # fmt: skip
    assert [one.profile for one in asked] == [BOX, "generic/ac-single"]
    assert line_of(Result(cell, FAIL, "the ledger")) == END
