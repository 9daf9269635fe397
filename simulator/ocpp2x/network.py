"""SetNetworkProfile of 2.x (B09)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import network_profiles
from simulator.blocks.network_profiles import NetworkProfile
from simulator.core.dialect import REGISTERED, Table
from simulator.core.link_policy import TLS_PROFILES
from simulator.ocpp2x.types import reason

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

MAX_TIMEOUT_S, MAX_SECURITY_PROFILE = 3_600, 3
#: what may stand behind the scheme: a name or an address, a port, and the rest without what a URL must encode
_PLACE = re.compile(r"([A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(:([0-9]{1,5}))?([/?][!-~]*)?")
MAX_PORT = 65_535


@table.on("SetNetworkProfile", when=REGISTERED)
def set_network_profile(st: Station, req: Any, m: Any) -> Any:
    """B09.FR.01-05; the reason codes are those of errata 2.11."""
    data = req.connection_data
    if req.configuration_slot not in network_profiles.SLOTS:
        return _rejected(m, "InvalidConfSlot")
    wrong = _wrong(st, data)
    if wrong:
        return _rejected(m, "InvalidNetworkConf", wrong)
    password = data.basic_auth_password
    profile = NetworkProfile(
        data.ocpp_csms_url,
        data.security_profile,
        data.message_timeout,
        None if password is UNSET else str(password),
        interface=data.ocpp_interface,
        apn=data.apn is not UNSET,
    )
    done = network_profiles.keep(st, req.configuration_slot, profile)
    if done == "Accepted":
        return m.make(m.SetNetworkProfileResponse, status="Accepted")
    if done == "Failed":
        return m.make(m.SetNetworkProfileResponse, status="Failed", status_info=reason(m, "OutOfStorage"))
    return _rejected(m, done)


def _rejected(m: Any, code: str, info: str = "") -> Any:
    return m.make(m.SetNetworkProfileResponse, status="Rejected", status_info=reason(m, code, info))


def _names_a_place(rest: str) -> bool:
    found = _PLACE.fullmatch(rest)
    return found is not None and (found[3] is None or 0 < int(found[3]) <= MAX_PORT)


def _wrong(st: Station, data: Any) -> str:
    """Why this station cannot connect so, "" when it can (B09.FR.02). The field ocppVersion is ignored: the handshake
    decides (part 2, NetworkConnectionProfileType)."""
    own = network_profiles.own_interface(st.model)
    scheme, _, rest = data.ocpp_csms_url.partition("://")
    wanted = "wss" if data.security_profile in TLS_PROFILES else "ws"
    checks = (
        (data.ocpp_transport != "JSON", "only JSON is spoken"),
        (not 0 <= data.security_profile <= MAX_SECURITY_PROFILE, "no such securityProfile"),
        (scheme.lower() != wanted, f"ocppCsmsUrl must begin with {wanted}://"),
        (not _names_a_place(rest), "ocppCsmsUrl names no host that could be dialled"),
        (not 1 <= data.message_timeout <= MAX_TIMEOUT_S, f"messageTimeout is 1 to {MAX_TIMEOUT_S}"),
        (data.ocpp_interface not in (own, "Any"), f"the interface of this station is {own}"),
        (data.vpn is not UNSET, "no VPN"),
        (data.apn is not UNSET and st.model.hardware.modem.kind != "lte", "no mobile network"),
        (data.identity is not UNSET and data.identity != st.id, "the identity cannot be changed"),
    )
    return next((why for failed, why in checks if failed), "")
