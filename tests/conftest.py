"""What every test shares.

Tests are as reproducible as the farm itself: Hypothesis draws the same examples each time, so a red run is red for
everybody. Its time limit per example is off, because two busy cores would make it a matter of luck.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("cpfarm", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cpfarm")
