"""The PICS of a profile: what its vendor would answer in the Protocol Implementation Conformance Statement of 1.6.

Nothing is filled in by hand: keys and limits are read from a station of that profile exactly as GetConfiguration would
tell them, hardware answers from the parts, what the simulated product can do from the blocks it has. Ids, key names and
allowed answers are those of the procedure V2.4, appendix A. :mod:`simulator.certify.conditions` reads ``answers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator.blocks import device_model
from simulator.certify import conditions
from simulator.core.model import Model
from simulator.core.settings import KEYS
from simulator.core.station import Station
from simulator.profile.compiled import compile_profile

MODE_12 = "Mode 1/2-only Charging Station"
SECURITY_PROFILES = (0, 1, 2, 3)
#: the communication technology in the procedure's words
COMMUNICATION = {"ethernet": "ethernet", "wifi": "WiFi", "lte": "mobile network"}
CIPHER_SUITES = {
    "ECDSA": ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    "RSA": ("TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
}
#: the lab's bounds for the network it measures on (9.2.2)
NETWORK_BOUNDS = {"bandwidth_kb_s_min": 5, "latency_ms_max": 1000, "signal_dbm_min": -81}
#: the five performance parameters (9.2.1); a central system is asked for the fourth, a station for the others
PERFORMANCE = (
    "triggered_function_timeout",
    "response_timeout",
    "authorize_response",
    "remote_start_to_start",
    "remote_stop_to_stop",
)
_LIMITS = (
    "GetConfigurationMaxKeys",
    "MeterValuesAlignedDataMaxLength",
    "MeterValuesSampledDataMaxLength",
    "StopTransactionMaxMeterValues",
    "StopTxnAlignedDataMaxLength",
    "StopTxnSampledDataMaxLength",
    "WebSocketPingInterval",
    "LocalAuthListMaxLength",
    "SendLocalListMaxLength",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled",
    "CertificateSignedMaxChainSize",
    "CertificateStoreMaxLength",
)
#: keys whose allowed range the PICS asks for
_RANGES = ("MeterValueSampleInterval", "HeartbeatInterval")


@dataclass(frozen=True, slots=True)
class Pics:
    """A filled-in PICS. ``answers`` by id (``C-07``, ``AQ-9``, ``fixed_cable``, ...); ``features`` is what the station
    says of its feature profiles; ``limits`` by key, ranges as [lowest, highest], None where the product has no such
    key."""

    profile: str
    general: Mapping[str, Any]
    answers: Mapping[str, Any]
    limits: Mapping[str, Any]
    features: tuple[str, ...]

    @property
    def mode_12(self) -> bool:
        """Is it of the subtype Mode 1/2-only?"""
        return self.general["product_subtype"] == MODE_12

    def holds(self, expression: str) -> bool:
        """Is a condition of the certification lists true for this product? Raises AuthorError for an unreadable one."""
        return conditions.holds(expression, self.answers)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as printed and put into reports."""
        return {
            "schema": "cpfarm-pics-1.6/1",
            "profile": self.profile,
            "general_information": dict(self.general),
            "optional_features": {k: v for k, v in self.answers.items() if k[:2] in ("C-", "R-", "SC", "LA", "RT")},
            "cipher_suites": {name: {"suites": list(suites), "answer": True} for name, suites in CIPHER_SUITES.items()},
            "additional_questions": {k: v for k, v in self.answers.items() if k.startswith("AQ-")},
            "security_profiles": list(self.answers["security_profiles"]),
            "limits_and_settings": dict(self.limits),
            "performance": {
                "communication_technology": self.general["communication"][0],
                "network_bounds": NETWORK_BOUNDS,
                "parameters": dict.fromkeys(PERFORMANCE),
            },
        }


def pics_of(profile: str) -> Pics:
    """The PICS of a profile by name or file; raises ProfileError when there is none, or it does not speak 1.6."""
    return pics_of_model(compile_profile(profile, "1.6"))


def pics_of_model(model: Model) -> Pics:
    """The PICS of a compiled 1.6 model."""
    # what the product can, not how its quirks spell it
    station = Station("PICS", replace(model, seams=replace(model.seams, setting=())), seed=0)
    keys = {name: (value, read_only) for name, value, read_only in device_model.all_keys(station)}
    evses = model.evses
    sockets = [evse for evse in evses if not evse.tethered]
    features = tuple((keys["SupportedFeatureProfiles"][0] or "").split(","))
    mode_3 = any(evse.pilot and not evse.is_dc for evse in evses)
    has_pilot = any(evse.pilot for evse in evses)
    power_loss = model.hardware.power_loss
    answers: dict[str, Any] = {
        "fixed_cable": not sockets,
        "security_profiles": SECURITY_PROFILES,
        "C-02": "AllowOfflineTxForUnknownId" in keys,
        "C-03": "MaxEnergyOnInvalidId" in keys,
        "C-04": "AuthorizationCacheEnabled" in keys,
        "C-05": "MinimumStatusDuration" in keys,
        "C-06": _switch(keys, "StopTransactionOnEVSideDisconnect", "Both", absent="Yes"),
        "C-07": not model.free_vend,
        "C-08": not model.free_vend,
        "C-10": _switch(keys, "UnlockConnectorOnEVSideDisconnect", "Configurable", absent="No"),
        "C-11": True,
        "R-0": "Reservation" in features,
        "R-1": "Reservation" in features and keys.get("ReserveConnectorZeroSupported", ("false", True))[0] == "true",
        "SC-1": _rate_units(keys),
        "LA-0": "LocalAuthListManagement" in features,
        "RT-0": "RemoteTrigger" in features,
        "AQ-1": True,  # the last root can go; only what the present connection rests on is kept (white paper, A05)
        "AQ-2": False,  # no cable lock keeps a plug out before authorisation
        "AQ-3": False,
        "AQ-4": model.hardware.firmware.fetch_while_charging,
        "AQ-5": False,
        "AQ-6": mode_3,
        "AQ-7.1": power_loss == "stop_before",
        "AQ-7.2": power_loss == "stop_after",
        "AQ-8": False,
        "AQ-9": bool(sockets),
        "AQ-11": True,
    }
    identity = model.identity
    general = {
        "vendor_name": identity.vendor,
        "dut": "Charging Station",
        "product_subtype": "N.A." if has_pilot else MODE_12,
        "type_model": identity.model,
        "sockets_connectors": "single" if len(evses) == 1 else "multiple",
        "fixed_cable": answers["fixed_cable"],
        "firmware_version": identity.firmware or "",
        "milliseconds": True,
        "communication": (COMMUNICATION[model.hardware.modem.kind],),
        "rfid_readers": "single",
    }
    limits: dict[str, Any] = {name: _number(keys, name) for name in _LIMITS}
    for name in _RANGES:
        limits[name] = [KEYS.get(name).minimum, KEYS.get(name).maximum]
    limits["supported_file_transfer_protocols"] = (
        (keys.get("SupportedFileTransferProtocols", ("", True))[0] or "").lower().split(",")
    )
    return Pics(model.name, general, answers, limits, features)


def _switch(keys: Mapping[str, tuple[str | None, bool]], name: str, both: str, *, absent: str) -> str:
    if name not in keys:
        return absent
    value, read_only = keys[name]
    if not read_only:
        return both
    return "Yes" if value == "true" else "No"


def _rate_units(keys: Mapping[str, tuple[str | None, bool]]) -> str | None:
    units = set((keys.get("ChargingScheduleAllowedChargingRateUnit", ("", True))[0] or "").split(",")) - {""}
    if units == {"Current", "Power"}:
        return "Both"
    return "A" if units == {"Current"} else "W" if units == {"Power"} else None


def _number(keys: Mapping[str, tuple[str | None, bool]], name: str) -> int | None:
    value = keys.get(name, (None, True))[0]
    return None if value is None else int(value)
