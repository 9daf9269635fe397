"""The live benchmark in small: a real sink, a few clients of both kinds, one short window each."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from simulator.bench import __main__ as command
from simulator.bench import client, live, table
from simulator.bench.bare import Bare
from simulator.bench.memory import HEARTBEAT_S, Figure
from simulator.bench.ours import Ours, SteppedClock
from simulator.bench.sink import Answers

FIGURE = Figure(us=30.0, us_median=45.0, unit_us=5.0, units=6.0, calls=100, slices=10)


def _client(kind: str, us: float, kib: float = 15.0) -> live.Client:
    spread = live.Spread(us, us - 1, us + 1)
    return live.Client(
        kind=kind,
        version="1.6",
        stations=50,
        calls=1_000,
        us_per_call=spread,
        undisturbed_us=us,
        calls_per_s=spread,
        sink_share=0.2,
        bytes_per_call=330.0,
        kib_idle=kib,
        kib_charging=kib,
        kib_after=kib,
        tracked_idle=27.0,
        tracked_charging=32.0,
        full_pass_ms=10.0,
        connect_us=300.0,
    )


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with live.Process("simulator.bench.sink", "--heartbeat", str(HEARTBEAT_S)) as sink:
        yield int(sink.read().rsplit(" ", 1)[1])
        assert float(sink.ask("cpu")) > 0.0


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize("kind", ["ours", "books", "bare"])
def test_a_window(kind: str, version: str, port: int, tmp_path: Path) -> None:
    """Each client in its turn, and as many samples as heartbeats."""

    def counts(clients: object) -> tuple[int, int]:
        """Samples and heartbeats so far."""
        if not isinstance(clients, Ours):
            return 0, 0
        calls = clients.metrics.by_action()
        sample = "MeterValues" if "MeterValues" in calls else "TransactionEvent"
        return tuple(calls[name].count if name in calls else 0 for name in (sample, "Heartbeat"))  # type: ignore[return-value]

    async def run() -> None:
        options = {"kind": kind, "version": version, "port": port, "folder": str(tmp_path)}
        clients = client.make(options)
        desk = client.Desk(clients)
        await desk.connect("4")
        await desk.charge()
        before = counts(clients)
        found = await desk.window("0.1")
        assert found["calls"] >= 8 and found["cpu_s"] > 0.0 and found["unit_us"] > 0.0
        assert 200 < found["bytes_per_call"] < 900
        if isinstance(clients, Ours):
            samples, beats = (now - then for now, then in zip(counts(clients), before, strict=True))
            assert samples + beats == found["calls"]
            # a round moves time by whole seconds, but real time passes too: a station may be one message ahead
            assert abs(samples - beats) <= 4, "4 stations, a sample and a heartbeat each"
            assert clients.open == 0 and not clients.failures
        else:
            assert isinstance(clients, Bare)
        weighed = await desk.weigh()
        assert weighed["rss"] > 1_000_000 and weighed["tracked"] > 1_000
        await clients.close()

    _run(run)
    assert (tmp_path / "ledger.sqlite").exists() == (kind == "books")


def _run(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    uvloop.run(run())


def test_time_stands_still_between_windows() -> None:
    clock = SteppedClock()
    clock.stop()
    stood = clock.now()
    clock.skip(5_000_000)
    assert clock.now() == stood
    clock.go()
    assert stood <= clock.now() < stood + 1_000_000
    clock.skip(3_000_000)
    assert clock.now() >= stood + 3_000_000


def test_a_child_that_ends_is_an_error() -> None:
    with (
        live.Process("simulator.bench.client", "no JSON") as child,
        pytest.raises(RuntimeError, match="has ended with"),
    ):
        child.read()


def test_answers_give_the_interval() -> None:
    boot = json.loads(Answers(7).old[b"BootNotification"])
    assert (boot["status"], boot["interval"]) == ("Accepted", 7)


def test_the_table_says_what_is_over_budget() -> None:
    result = {
        "machine": command.machine(),
        "rounds": 3,
        "window_s": 0.4,
        "memory": {"1.6": FIGURE},
        "live": [_client("ours", 120.0, kib=15.0), _client("bare", 480.0, kib=30.0)],
        "wall_s": 10.0,
    }
    text = table.show(result)
    assert "30.0 of 40 us: within budget" in text
    assert "120.0 of 100 us/call: OVER budget" in text
    assert "15.0 of 20 KiB: within budget" in text
    assert "4.0 times the CPU and 2.00 times the memory" in text


def test_memory_only_needs_no_socket(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--quick", "--memory-only", "--json"])
    monkeypatch.setattr(command, "in_memory", lambda slices: {"1.6": FIGURE})
    command.main()
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["live"], found["memory"]["1.6"]["units"]) == ("cpfarm-bench/1", [], 6.0)
    assert set(found["machine"]["libraries"]) == set(command.LIBRARIES)
