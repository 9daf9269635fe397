"""Where a network profile may send a station: the target's host, loopback, and what the target file allows."""

from pathlib import Path

import pytest

from simulator.fleet.target import elsewhere, make_target


@pytest.mark.parametrize(
    ("url", "own", "allowed"),
    [
        ("ws://csms.test/two", "ws://csms.test/two/CP%201", True),
        ("wss://127.0.0.1:9/ocpp/", "wss://127.0.0.1:9/ocpp/CP%201", True),
        ("ws://localhost:1", "ws://localhost:1/CP%201", True),
        ("ws://spare.test", "ws://spare.test/CP%201", True),
        ("ws://stranger.test/ocpp", "ws://stranger.test/ocpp/CP%201", False),
        ("ws://127.0.0.1.stranger.test", "ws://127.0.0.1.stranger.test/CP%201", False),
        ("ws://[broken", "ws://[broken", False),
    ],
)
def test_only_known_hosts(url: str, own: str, allowed: bool, tmp_path: Path) -> None:
    fields = {"url": "ws://csms.test/ocpp", "transfers": {"allowed_hosts": ["Spare.test"]}}
    target = make_target(fields, {}, base_dir=tmp_path)
    found, why = elsewhere(target, url, "CP 1")
    assert (found, not why) == (own, allowed)
