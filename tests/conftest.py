"""What every test shares.

Tests are as reproducible as the farm itself: Hypothesis draws the same examples each time, so a red run is red for
everybody. Its time limit per example is off, because two busy cores would make it a matter of luck.
"""

import pytest
from hypothesis import HealthCheck, settings

from tests.lab import Lab, bench

settings.register_profile("cpfarm", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cpfarm")


@pytest.fixture
def version() -> str:
    """The protocol version of `lab`; `each_version` of tests/lab.py makes it all of them in turn."""
    return "1.6"


@pytest.fixture
def lab(version: str) -> Lab:
    """A station that has booted, its CSMS, and a stepped clock."""
    return bench(version)
