"""The demo's story, told in an instant: a loop turned by hand, scripted CSMSs, and books that agree or do not."""

import asyncio
from typing import Any

import pytest

from simulator.fleet.story import Story, compare_with_csms
from simulator.report.truth import Excuse
from tests.fleet.manual import Rig, plan_of


class Csms:
    """What the story asks of the reference CSMS: to go away, and to show its books."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.books: list[dict[str, Any]] = []
        self.violations: dict[str, Any] = {"count": 0, "violations": []}

    def down(self, seconds: float) -> None:
        self.rig.transport.away = True
        self.rig.farm.live.cut()
        self.rig.loop.call_later(seconds, self._back)

    def _back(self) -> None:
        self.rig.transport.away = False

    def request(self, method: str, path: str) -> Any:
        if path.startswith("/api/transactions"):
            return {"transactions": self.books, "next": None}
        return self.violations


class StoryRun:
    """The part of a Run that a story sees."""

    def __init__(self, rig: Rig) -> None:
        self.farm, self.metrics, self.csms = rig.farm, rig.metrics, Csms(rig)
        self.excuses: list[Excuse] = []
        self.why = ""

    def end(self, why: str) -> None:
        self.why = why


class Loop:
    """The running loop as the story asks for it."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def time(self) -> float:
        return self._rig.loop.time()

    async def run_in_executor(self, _: None, function: Any, *args: Any) -> Any:
        return function(*args)


def told(monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], StoryRun, Rig]:
    rig = Rig(monkeypatch, plan_of(count=40, ramp={"rate": 20}, charging="60%", session="25s", version="2.0.1"), {})
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: Loop(rig))
    run, lines = StoryRun(rig), list[str]()
    rig.run(Story(lines.append)(run))  # type: ignore[arg-type]
    return lines, run, rig


def test_every_line_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, run, rig = told(monkeypatch)
    assert run.why == "the story is told"
    text = "\n".join(lines)
    assert lines[0] == "40 stations of Generic connect, OCPP 2.0.1."
    assert "40 have booted." in text and "  40 stations are offline; " in text
    assert "Dead meter at 12 stations" in text and "  12 of them told the CSMS about it; " in text
    assert "their time stamps are up to 0.8 s off" in text
    assert "  All stations are back, every queue is empty." in text
    faults = {row[0] for row in rig.ledger.query("SELECT DISTINCT fault FROM faults")}
    assert faults == {"meter.no_readings", "rtc.never_syncs", "rtc.drift", "flash.full"}
    assert rig.ledger.query("SELECT count(*) FROM faults WHERE end_us IS NULL") == [(0,)]
    assert {excuse.check for excuse in run.excuses} == {"all_calls_answered", "no_callerrors"}
    assert 40 < rig.loop.time() < 90
    assert all(len(line) < 100 for line in lines)


def test_it_does_not_claim_what_did_not_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Csms, "_back", lambda self: None)
    lines, run, _ = told(monkeypatch)
    assert "  Not all stations are back, queues remain." in lines
    assert run.why == "the story is told"


def test_the_books_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    _, run, rig = told(monkeypatch)
    rig.finish()
    rows = rig.ledger.query(
        "SELECT station_id, key, told_end_wh - told_begin_wh FROM transactions WHERE told_end_wall_us IS NOT NULL"
    )
    assert len(rows) > 20
    run.csms.books = [{"station": s, "transaction_id": key, "energy_wh": wh} for s, key, wh in rows]
    first, second = compare_with_csms(run)  # type: ignore[arg-type]
    assert first.startswith(f"The CSMS's own books: {len(rows)} of {len(rows)} finished transactions are there, 0 with")
    assert second == "The CSMS saw no violation of the protocol by any station."
    run.csms.books[0]["energy_wh"] += 7
    del run.csms.books[1]
    run.csms.violations = {"count": 3, "violations": [{"action": "Heartbeat", "rule": "odd"}]}
    first, second = compare_with_csms(run)  # type: ignore[arg-type]
    assert f"{len(rows) - 1} of {len(rows)} finished transactions are there, 1 with another energy" in first
    assert second.startswith("The CSMS saw 3 violations") and "Heartbeat odd" in second
