"""What every test shares.

Tests are as reproducible as the farm itself: Hypothesis draws the same examples each time, so a red run is red for
everybody. Its time limit per example is off, because two busy cores would make it a matter of luck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.bench import Lab

settings.register_profile("cpfarm", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cpfarm")


@pytest.fixture(autouse=True)
def shared_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live tests share two cores with the rest of the suite, so a late loop says nothing about the farm; when a
    generator counts as late is tested in tests/report/test_checks.py."""
    if request.node.get_closest_marker("live") is not None:
        monkeypatch.setattr("simulator.report.checks.LAG_P99_LIMIT_MS", 10_000.0)


@pytest.fixture
def version() -> str:
    """The protocol version of `lab`; `each_version` of tests/bench.py makes it all of them in turn."""
    return "1.6"


@pytest.fixture
def lab(version: str) -> Lab:
    """A station that has booted, its CSMS, and a stepped clock."""
    from tests.bench import bench  # only tests that want a station wait for it

    return bench(version)
