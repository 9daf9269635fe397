"""Whole sessions over real sockets, every version at once, and both sides' books compared."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.live.rig import VERSIONS, Played, Stage, groups, perform, plan_of

pytestmark = pytest.mark.live


def seq_numbers(trace: Path) -> dict[tuple[str, str], list[int]]:
    """(station, transaction) -> sequence numbers in the order they were sent."""
    found: dict[tuple[str, str], list[int]] = {}
    for line in trace.read_text().splitlines():
        row: dict[str, Any] = json.loads(line)
        if row["direction"] == "cp-to-csms" and row["action"] == "TransactionEvent":
            key = (row["chargePointId"], row["payload"]["transactionInfo"]["transactionId"])
            found.setdefault(key, []).append(row["payload"]["seqNo"])
    return found


def test_both_sides_have_the_same_books(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()
        await stage.charging()
        await stage.charged(2)
        await stage.done()

    trace = tmp_path / "trace.jsonl"
    played = perform(plan_of(tmp_path, groups(4)), play, trace=trace)
    assert played.violations == []
    assert played.summary["exit_code"] == 0 and set(played.verdicts().values()) == {"PASS"}
    assert played.summary["schema_violations"] == []
    energies = played.energies()
    assert len(energies) == len(played.booked) == 4 * len(VERSIONS)
    assert all(ours == theirs and ours > 0 for ours, theirs in energies.values()), energies
    numbers = seq_numbers(trace)
    assert len(numbers) == 8 and all(seen == list(range(len(seen))) for seen in numbers.values()), numbers
    assert min(map(len, numbers.values())) >= 4  # started, charging, a reading, ended


def test_drivers_of_their_own_and_the_end_of_a_run(tmp_path: Path) -> None:
    """Sessions under way when the run ends are ended by their drivers, delivered, and told apart from lost ones."""

    async def play(stage: Stage) -> None:
        await stage.booted()
        await stage.until(lambda: stage.run.metrics.transactions_active >= 6, "some charge")

    played = perform(plan_of(tmp_path, groups(4, charging="100%", session="20s")), play)
    assert played.violations == [] and played.summary["exit_code"] == 0
    found = played.summary["transactions"]
    assert found["started"] == found["stopped"] >= 6 and found["undelivered"] == found["open"] == 0
    assert all(row["state"] == "closed" for row in played.booked)


def ended_with(at_end: str, folder: Path) -> Played:
    async def play(stage: Stage) -> None:
        await stage.booted()
        stage.plug_in()
        await stage.until(lambda: stage.run.metrics.transactions_active == 6, "six transactions")
        await stage.until(lambda: not any(seat.station.outbox.waiting() for seat in stage.seats), "all is told")

    return perform(plan_of(folder, groups(2), at_end=at_end), play)


def test_disconnect_at_the_end_leaves_sessions_open(tmp_path: Path) -> None:
    played = ended_with("disconnect", tmp_path)
    assert played.summary["exit_code"] == 0 and played.summary["transactions"]["open"] == 6
    assert [row["state"] for row in played.booked] == ["open"] * 6
    assert played.summary["disconnects"] == {"local_close": 6}


def test_power_cut_at_the_end_says_nothing(tmp_path: Path) -> None:
    played = ended_with("power-cut", tmp_path)
    assert played.summary["exit_code"] == 0 and played.summary["transactions"]["open"] == 6
    assert [row["state"] for row in played.booked] == ["open"] * 6
