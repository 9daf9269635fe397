"""A CSMS that is gone for a while, and one that answers badly: stations survive, nothing of a session is lost."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator.core import inputs as i
from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from simulator.fleet.target import make_target
from tests.live.rig import Stage, groups, perform, plan_of

pytestmark = pytest.mark.live

ATTEMPTS = {
    "MessageTimeout": 1,
    "TransactionMessageAttempts": 5,
    "TransactionMessageRetryInterval": 0,
}


def test_a_csms_that_dies_and_comes_back_has_lost_nothing(tmp_path: Path) -> None:
    """Its process ends while cars charge, one car leaves meanwhile, and another process opens the same books."""
    options = CsmsOptions(port=0, http_port=0, db=tmp_path / "csms.sqlite")
    first = CsmsProcess(options).start()
    url, http_url = urlsplit(first.url), urlsplit(first.http_url)
    again = CsmsProcess(CsmsOptions(port=url.port or 0, http_port=http_url.port or 0, db=options.db))
    target = make_target({"url": first.url + "/{id}"}, {}, base_dir=tmp_path)

    async def play(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        await stage.booted()
        stage.plug_in()
        await stage.until(lambda: stage.run.metrics.transactions_active == 6, "six transactions")
        await stage.until(lambda: not any(seat.station.outbox.waiting() for seat in stage.seats), "all is told")
        await loop.run_in_executor(None, first.stop)
        await stage.until(lambda: not any(seat.station.link.is_up for seat in stage.seats), "all are offline")
        left = [seat for seat in stage.seats if seat.index % 2]
        stage.each(lambda seat: i.Unplug(1, "both"), left)
        await stage.until(lambda: all(seat.station.evses[0].tx is None for seat in left), "some have left")
        assert all(seat.station.outbox.durable_waits() for seat in left)
        await loop.run_in_executor(None, again.start)
        stage.csms = again
        await stage.until(lambda: all(seat.station.link.is_up for seat in stage.seats), "all are back")
        await stage.done()

    try:
        played = perform(plan_of(tmp_path, groups(2), target=target), play, csms=again)
    finally:
        first.stop()
        again.stop()
    assert played.violations == []
    found = played.summary["transactions"]
    assert found["started"] == found["stopped"] == 6 and found["undelivered"] == 0
    energies = played.energies()
    assert len(energies) == 6 and all(ours == theirs for ours, theirs in energies.values()), energies
    assert played.summary["reconnects"] == 6
    storm = played.summary["storms"][0]
    assert storm["stations_lost"] == 6 and storm["queues_empty"]["p100_s"] is not None
    assert played.verdicts()["stops_delivered"] == "PASS"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "slow": ({"delay_s": 0.3}, ""),
    "silent": ({"silent": ["MeterValues", "TransactionEvent", "StopTransaction"]}, "timeout"),
    "wrong": ({"wrong": ["StopTransaction", "TransactionEvent"]}, ""),
    "callerror": ({"callerror": ["StopTransaction", "TransactionEvent"]}, "callerror"),
    "wrong_id": ({"wrong_id": ["StopTransaction", "TransactionEvent"]}, "timeout"),
    "twice": ({"twice": True}, ""),
    "closing": ({"close_after": 1, "close_code": 1011}, "lost"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_csms_that_answers_badly_is_counted_and_survived(kind: str, tmp_path: Path) -> None:
    """The sessions end while it fails; when it has recovered, every stop is delivered after all."""
    faults, outcome = BAD[kind]
    count: dict[str, int] = {}

    async def play(stage: Stage) -> None:
        def failed() -> int:
            rows = stage.farm.ledger.query("SELECT outcome, sum(count) FROM calls GROUP BY outcome")
            count.update(rows)
            return int(count.get(outcome, 0))

        await stage.booted()
        stage.plug_in()
        await stage.until(lambda: stage.run.metrics.transactions_active == 3, "three transactions")
        await stage.until(lambda: not any(seat.station.outbox.waiting() for seat in stage.seats), "all is told")
        await stage.api("PUT", "/api/faults", faults)
        stage.each(lambda seat: i.Unplug(1, "both"))
        if outcome:
            await stage.until(lambda: failed() >= 3, f"CALLs end as {outcome}")
        else:
            await stage.until(lambda: not any(seat.station.outbox.waiting() for seat in stage.seats), "all is told")
        await stage.api("PUT", "/api/faults", {})
        await stage.quiet()

    played = perform(plan_of(tmp_path, groups(1, settings=ATTEMPTS)), play)
    assert played.violations == []
    found = played.summary["transactions"]
    assert found["started"] == found["stopped"] == 3 and found["undelivered"] == 0, found
    assert all(row["state"] == "closed" for row in played.booked) and len(played.booked) == 3
    verdicts = played.verdicts()
    assert verdicts["stops_delivered"] == "PASS"
    assert verdicts["all_calls_answered"] == ("FAIL" if outcome in ("timeout", "lost") else "PASS")
    assert verdicts["no_callerrors"] == ("FAIL" if outcome == "callerror" else "PASS")
    if kind == "wrong":
        assert played.summary["schema_violations"]
    if kind in ("twice", "wrong_id"):
        assert played.summary["remarks"], "answers that match nothing are on record"
