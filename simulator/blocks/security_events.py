"""A04 Security events that a station's life brings: boots, its clock, its memory, and who refused whom on the link.

What other blocks do with certificates and firmware they say themselves, by ``core/security_event.say``, which decides
what is told and what is only logged. A refusal on the link is said once in a time without a connection, however often
the station dials: the event is about the peer, not about the attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.security_event import say
from simulator.core.settings import setting
from simulator.core.wiring import at, drain

if TYPE_CHECKING:
    from simulator.core.station import Station

TIME_THRESHOLD = setting(
    "ClockCtrlr.TimeAdjustmentReportingThreshold",
    "int",
    20,
    minimum=0,
    maximum=86_400,
    unit="s",
    description="seconds by which the clock must be set for a security event",
)
#: boot reasons that are no start from nothing
REBOOTS = frozenset({"RemoteReset", "ScheduledReset", "LocalReset", "ApplicationReset", "FirmwareUpdate", "Watchdog"})
#: end of a dial -> what it means (white paper A00.FR.309, 315, 318 and 407)
OF_CAUSE = {
    "tls_server_cert": "InvalidCsmsCertificate",
    "tls_version": "InvalidTLSVersion",
    "tls_cipher": "InvalidTLSCipherSuite",
    "tls_client_cert": "FailedToAuthenticateAtCsms",
}
REFUSED = frozenset({401, 403})
#: what is still so, or so again, is worth an event every so often
AGAIN_US = 3_600_000_000


@at("start")
def booted(st: Station, now: int) -> None:
    """One event for a boot, told after the registration."""
    kind = "ResetOrReboot" if st.boot_reason in REBOOTS else "StartupOfTheDevice"
    say(st, kind, st.boot_reason)


@at("clock")
def clock_set(st: Station, now: int) -> None:
    """The CSMS has moved the clock noticeably."""
    step_us: int = st.data.get("clock_step_us", 0)
    if abs(step_us) > st.settings[TIME_THRESHOLD] * 1_000_000:
        say(st, "SettingSystemTime", f"by {step_us / 1e6:+.0f} s")


@at("link_up")
def connected(st: Station, now: int) -> None:
    """From now on a refusal is another one."""
    st.data.pop("refusals_said", None)


@drain(20)
def refused(st: Station, now: int) -> None:
    """A dial has failed because one end did not trust the other."""
    trouble = st.link.trouble
    if trouble is None or st.data.get("refusal_seen") == trouble[0]:
        return
    number, cause, code, detail = trouble
    st.data["refusal_seen"] = number
    kind = OF_CAUSE.get(cause)
    if cause == "http_status" and code in REFUSED:
        kind, detail = "FailedToAuthenticateAtCsms", f"HTTP status {code}"
    said: tuple[str, ...] = st.data.get("refusals_said", ())
    if kind is not None and kind not in said:
        st.data["refusals_said"] = (*said, kind)
        say(st, kind, detail)


@at("flash")
def memory(st: Station, now: int) -> None:
    """The memory has refused a write because it is full; said at most once an hour."""
    if st.board.flash.why != "full":
        return
    if not _again(st, "memory_full_us", now):
        return
    flash = st.board.flash
    say(st, "MemoryExhaustion", f"{flash.used_bytes} of {flash.capacity_bytes} bytes of flash in use")


@at("invalid")
def invalid(st: Station, now: int) -> None:
    """The CSMS talks nonsense; said at most once an hour, so that it cannot fill the log with it."""
    if _again(st, "invalid_us", now):
        say(st, "InvalidMessages", str(st.data["invalid"]))


def _again(st: Station, key: str, now: int) -> bool:
    """Has an event of this kind not been said for so long that it is worth saying again?"""
    said_us: int | None = st.data.get(key)
    if said_us is not None and now < said_us + AGAIN_US:
        return False
    st.data[key] = now
    return True
