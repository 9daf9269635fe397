"""The law of signs: a comparison run with a quirk shows its sign, the run without it does not.

Every comparison in ``tests/quirks`` is held to it (``rig.compare``). The few whose own comparison leaves nothing on the
wire have a run of their own in ``test_law.py``.
"""

from __future__ import annotations

from simulator.traces.model import Trace
from simulator.traces.signs import SIGNS, Hit, Story

#: quirks whose comparisons in tests/quirks look into the station, or at something else than the wire
ELSEWHERE = frozenset(
    {
        "config-daily-reboot",
        "free-charging-no-transaction",
        "getconfiguration-no-answer",
        "idtag-letter-case-setting",
        "meter-interval-minimum",
        "meter-no-phase-power",
        "msgid-short-numeric-leading-zero",
        "remotestart-accepted-no-start",
        "remotestart-required",
        "smart-accepted-no-effect",
        "smart-chargepointmax-accepted-ignored",
        "smart-discrete-current-steps",
        "smart-limit-clamped-to-minimum",
        "smart-limit-lost-on-reboot",
        "smart-profile-lost-on-reconnect",
        "smart-rejected-load-balancer-disabled",
        "smart-unsupported-cloud-mode",
        "smart-zero-limit-breaks-resume",
        "smart-zero-needs-remotestop",
        "time-pre-sync-event-timestamps",
    }
)


def hits(name: str, trace: Trace) -> list[Hit]:
    """Where a trace shows a quirk."""
    return [hit for station in trace.stations for hit in SIGNS.get(name)(Story(trace, station))]


def judge(name: str, plain: Trace, quirked: Trace) -> None:
    """Hold the two runs of a comparison to the law, if the quirk has a sign."""
    if name not in SIGNS:
        return
    found = hits(name, plain)
    assert not found, f"without {name} its sign is seen: {found[0]}"
    if name not in ELSEWHERE:
        assert hits(name, quirked), f"with {name} its sign is not seen"
