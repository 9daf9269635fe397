"""Security events: what is told to the CSMS and what only stands in the security log (A04, white paper chapter 8).

The words are those of 2.x (part 2 appendix 1); an older dialect translates them. Told are the critical ones of the
list and those that a requirement or a certification case wants told although the older list does not call them
critical (A00.FR.309, A02.FR.07, L01.FR.02-03; TC_077, TC_078). They are durable: kept on flash until answered
(A04.FR.02). The others become a :class:`~simulator.core.reports.SecurityNote`, for which no version has a message.

A version that has security as an extension only (without ``EVENTS_ALWAYS``) talks at security profile 0 to a CSMS that
may never have heard of it. What any station experiences (boots, its clock, its memory) then stays in the log; what
comes of using the extension is told all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.link_policy import SECURITY_PROFILE
from simulator.core.reports import SecurityEvent, SecurityNote

if TYPE_CHECKING:
    from simulator.core.station import Station

#: capability of a version whose security events belong to the base protocol
EVENTS_ALWAYS = "security events without a security profile"
#: happens to every station, whether it uses security or not
OF_EVERY_STATION = frozenset(
    {"SettingSystemTime", "StartupOfTheDevice", "ResetOrReboot", "SecurityLogWasCleared", "MemoryExhaustion"}
)
TOLD = OF_EVERY_STATION | {
    "FirmwareUpdated",
    "TamperDetectionActivated",
    "InvalidFirmwareSignature",
    "InvalidFirmwareSigningCertificate",
    "InvalidCsmsCertificate",
    "InvalidChargingStationCertificate",
    "InvalidTLSVersion",
    "InvalidTLSCipherSuite",
    "DiscardedRenewedClientCertificate",
}
#: longest text beside an event (techInfo)
MAX_INFO = 255


def say(st: Station, kind: str, info: str = "") -> None:
    """A security event has happened now. ``info`` never holds a secret."""
    told = kind in TOLD and (
        kind not in OF_EVERY_STATION or EVENTS_ALWAYS in st.dialect.capabilities or st.settings[SECURITY_PROFILE] > 0
    )
    report = SecurityEvent if told else SecurityNote
    st.publish(report(kind, st.stamp(), info[:MAX_INFO]))
