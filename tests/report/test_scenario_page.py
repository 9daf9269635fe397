"""The page of a run of scenarios: the matrix, cells, frames; nothing a CSMS sends gets out of its place."""

from __future__ import annotations

from simulator.report.scenario_page import scenario_page
from simulator.scenario.cells import choose
from simulator.scenario.report import report
from simulator.scenario.run import Options, ScenarioRun
from tests.scenario.play import scenario

BAD = "steps:\n  - expect: {message: transaction started, within: 5s}\n    because: <b>why</b>\n"


def page() -> str:
    cells = choose([scenario("steps: [plug]\n", "good"), scenario(BAD, "bad")], ["generic/ac-single"], ["1.6", "2.1"])
    cells += choose([scenario("needs: {evses: 2}\nsteps: [plug]\n", "two")], ["generic/ac-single"], ["1.6"])
    run = ScenarioRun(cells, Options(draw=True))
    run.execute()
    data = report(run, command="cpfarm scenario run <x>", wall_s=1.0)
    return scenario_page(data, {one.cell.key: one.timeline for one in run.results if one.timeline is not None})


def test_matrix_cells_and_frames() -> None:
    text = page()
    assert '<th colspan="2">generic/ac-single</th>' in text
    assert text.count('<td class="PASS"') == 2
    assert text.count('<td class="FAIL"') == 2
    assert 'title="it needs 2 EVSEs; generic/ac-single has 1"' in text
    assert '<details id="bad-generic.ac-single-1.6" open>' in text
    assert '<details id="good-generic.ac-single-1.6">' in text
    assert "BootNotification" in text
    assert "cpfarm scenario run bad.yaml --profile generic/ac-single --ocpp 2.1" in text
    assert text.count("<svg") == 4


def test_texts_are_escaped_and_nothing_is_loaded() -> None:
    text = page()
    assert "&lt;b&gt;why&lt;/b&gt;" in text
    assert "<b>why</b>" not in text
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "cpfarm scenario run &lt;x&gt;" in text
