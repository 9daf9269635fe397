"""Faults of the network on real sockets: no session is lost, whatever the way to the CSMS does."""

from pathlib import Path
from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.hardware.fault import FAULTS
from tests.live.rig import Stage, groups, perform, plan_of

pytestmark = pytest.mark.live

NETWORK = [name for name in FAULTS if FAULTS.get(name).part == "network"]
SETTINGS = {"MessageTimeout": 2, "TransactionMessageAttempts": 5, "TransactionMessageRetryInterval": 0}
#: so that each has its effect within seconds
PARAMS: dict[str, dict[str, Any]] = {
    "network.slow_read": {"pause_s": 0.4, "read_s": 0.4},
    "network.idle_cut": {"idle_s": 0.3},
    "network.loss": {"loss_share": 0.5, "retransmit_ms": 100},
    "network.latency": {"latency_ms": 100, "jitter_ms": 100},
    "network.answer_lost": {"answers": 2},
}
#: what ends a connection by itself
ENDS = {"network.reset", "network.closed", "network.address_change", "network.answer_lost", "network.idle_cut"}
#: what keeps a station that has lost its connection from coming back
SHUT = {"network.dns_failure": "dns", "network.tls_failure": "tls_server_cert", "network.unreachable": "refused"}


def test_every_fault_of_the_network_within_a_session(tmp_path: Path) -> None:
    count = len(NETWORK)

    async def play(stage: Stage) -> None:
        await stage.booted()
        await stage.charging()
        for number, seat in enumerate(stage.seats):
            name = NETWORK[number % count]
            stage.farm.live.feed(seat, i.Inject("f", name, 0, PARAMS.get(name, {})))
            if name in SHUT:
                stage.farm.live.feed(seat, i.Inject("cut", "network.reset"))

        def acted() -> bool:
            lost = {s for (s,) in stage.farm.ledger.query("SELECT DISTINCT station_id FROM disconnects")}
            failed = {s for (s,) in stage.farm.ledger.query("SELECT DISTINCT station_id FROM connect_failures")}
            names = [(NETWORK[n % count], seat.station.id) for n, seat in enumerate(stage.seats)]
            return all(
                (name not in ENDS or station in lost) and (name not in SHUT or station in failed)
                for name, station in names
            )

        await stage.until(acted, "connections have ended and dials have failed", 30)
        for seat in stage.seats:
            for fault_id in list(seat.station.board.active):
                stage.farm.live.feed(seat, i.Clear(fault_id))
        await stage.until(lambda: all(seat.station.link.is_up for seat in stage.seats), "all are back", 30)
        await stage.done()
        assert all(seat.transit is None or seat.transit.over(seat.station.now) for seat in stage.seats)

    played = perform(plan_of(tmp_path, groups(count, settings=SETTINGS)), play, drain_s=20.0)
    found = played.summary["transactions"]
    assert found["started"] == found["stopped"] == 3 * count and found["open"] == found["undelivered"] == 0
    assert set(played.verdicts().values()) == {"PASS"}, played.summary["checks"]
    assert played.violations == [], "a station that repeats itself breaks no rule"
    assert all(ours == theirs for ours, theirs in played.energies().values()), "and nothing is counted twice"
    failures = played.summary["connect_failures"]
    assert {SHUT["network.dns_failure"], "tls_untrusted", "refused"} <= set(failures), failures
