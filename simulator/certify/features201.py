"""The features of a product in 2.0.1, as part 5 of the specification numbers them (its tables 2 and 4, appendix A).

Nothing is filled in by hand: whether a feature is there follows from the variables that a station of the profile would
report, from the requests it serves, and from its hardware. ``answers`` hold features (``C-09.2``), questions
(``AQ-9``), hardware (``HFS-1``; ``HFS-8`` is the numbers of the EVSEs) and the certification profiles beside Core,
under names without blanks; conditions of the list are held against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from simulator.blocks import device_model
from simulator.blocks.device_model import Variable
from simulator.blocks.inventory.archetypes import HARD_WIRED
from simulator.blocks.master_pass import GROUP, SESSIONS
from simulator.certify.pics import (
    CIPHER_SUITES,
    COMMUNICATION,
    MODE_12,
    NETWORK_BOUNDS,
    PERFORMANCE,
    SECURITY_PROFILES,
    Pics,
)
from simulator.core.model import Model
from simulator.core.settings import READ_ONLY
from simulator.core.station import Station
from simulator.ocpp2x.messages_201 import ConnectorEnumType
from simulator.profile.compiled import compile_profile

#: start and stop points in the order of their features
START_POINTS = ("EVConnected", "Authorized", "DataSigned", "PowerPathClosed", "EnergyTransfer", "ParkingBayOccupancy")
STOP_POINTS = ("EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer", "ParkingBayOccupancy")
#: what has a feature of its own, and the variable it stands and falls with
_VARIABLES = {
    "C-02": "AuthCtrlr.OfflineTxForUnknownIdEnabled",
    "C-03": "TxCtrlr.MaxEnergyOnInvalidId",
    "C-13": "EVSE.AllowReset",
    "C-20": "ChargingStation.AllowNewSessionsPendingFirmwareUpdate",
    "C-21": "OCPPCommCtrlr.QueueAllMessages",
    "C-25": "ClockCtrlr.TimeOffset",
    "C-26": "ClockCtrlr.TimeZone",
    "C-28": "AlignedDataCtrlr.SendDuringIdle",
    "C-42": "SampledDataCtrlr.SignReadings",
    "C-49": "AuthCacheCtrlr.Enabled",
    "C-53": "AuthCacheCtrlr.LifeTime",
    "C-58": "AuthCtrlr.DisableRemoteAuthorization",
    "C-59": "AuthCacheCtrlr.DisablePostAuthorize",
    "AS-3": "SecurityCtrlr.CertSigningWaitMinimum",
    "R-2": "ReservationCtrlr.NonEvseSpecific",
    "R-3": "ReservationCtrlr.Enabled",
    "LA-1": "LocalAuthListCtrlr.Enabled",
    "LA-3": "LocalAuthListCtrlr.DisablePostAuthorize",
    "DM-3": "MonitoringCtrlr.OfflineQueuingSeverity",
}
_MEASURANDS = {
    "C-40.1": "SampledDataCtrlr.TxStartedMeasurands",
    "C-40.2": "SampledDataCtrlr.TxUpdatedMeasurands",
    "C-40.3": "SampledDataCtrlr.TxEndedMeasurands",
    "C-40.4": "AlignedDataCtrlr.Measurands",
    "C-40.5": "AlignedDataCtrlr.TxEndedMeasurands",
}
#: a certification profile beside Core needs these requests
_PROFILES = {
    "AdvancedSecurity": ("CertificateSigned", "InstallCertificate", "GetInstalledCertificateIds", "DeleteCertificate"),
    "LocalAuthorizationList": ("SendLocalList", "GetLocalListVersion"),
    "SmartCharging": ("SetChargingProfile", "GetChargingProfiles", "ClearChargingProfile", "GetCompositeSchedule"),
    "AdvancedDeviceManagement": ("SetVariableMonitoring", "SetMonitoringBase", "GetMonitoringReport", "GetReport"),
    "Reservation": ("ReserveNow", "CancelReservation"),
}
#: and this component (part 5, section 5)
_CONTROLLERS = {
    "AdvancedSecurity": "SecurityCtrlr",
    "LocalAuthorizationList": "LocalAuthListCtrlr",
    "SmartCharging": "SmartChargingCtrlr",
    "AdvancedDeviceManagement": "MonitoringCtrlr",
    "Reservation": "ReservationCtrlr",
}


@dataclass(frozen=True, slots=True)
class Features(Pics):
    """The features of a product. ``features`` names its certification profiles."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as printed and put into reports."""
        answers = self.answers
        return {
            "schema": "cpfarm-pics-2.0.1/1",
            "profile": self.profile,
            "general_information": dict(self.general),
            "certification_profiles": list(self.features),
            "optional_features": {
                k: v for k, v in answers.items() if k[:2] in ("C-", "AS", "SC", "R-", "DM", "IS", "LA")
            },
            "cipher_suites": {name: {"suites": list(suites), "answer": True} for name, suites in CIPHER_SUITES.items()},
            "additional_questions": {k: v for k, v in answers.items() if k.startswith("AQ-")},
            "hardware_features": {k: v for k, v in answers.items() if k.startswith("HFS-")},
            "security_profiles": list(answers["security_profiles"]),
            "limits_and_settings": dict(self.limits),
            "performance": {
                "communication_technology": self.general["communication"][0],
                "network_bounds": NETWORK_BOUNDS,
                "parameters": dict.fromkeys(PERFORMANCE),
            },
        }


class _Told:
    """What a station of the model would tell of itself."""

    def __init__(self, model: Model) -> None:
        self.station = Station("PICS", model, seed=0)
        self.variables: dict[str, Variable] = {}
        for one in device_model.variables(self.station):
            instance = f"[{one.instance}]" if one.instance else ""
            self.variables.setdefault(f"{one.component}.{one.variable}{instance}", one)

    def has(self, name: str) -> bool:
        return name in self.variables

    def text(self, name: str) -> str:
        found = self.variables.get(name)
        return (found.text(self.station) or "") if found is not None else ""

    def items(self, name: str) -> tuple[str, ...]:
        return tuple(self.text(name).split(",")) if self.text(name) else ()

    def writable(self, name: str) -> bool:
        return self.has(name) and self.variables[name].mutability != READ_ONLY

    def can_be(self, name: str, value: str) -> bool:
        """May a list hold this, or a switch be so?"""
        if not self.writable(name):
            return value in self.items(name)
        return value in self.variables[name].values or self.variables[name].data_type == "boolean"


def features_of(profile: str) -> Features:
    """The features of a profile by name or file; raises ProfileError when there is none, or it does not speak 2.0.1."""
    return features_of_model(compile_profile(profile, "2.0.1"))


def features_of_model(model: Model) -> Features:
    """The features of a compiled 2.0.1 model."""
    told = _Told(model)
    served = frozenset(model.dialect.routes) - model.not_offered
    hardware = _hardware(model)
    answers: dict[str, Any] = {
        **{name: told.has(variable) for name, variable in _VARIABLES.items()},
        **_profiles(told, served),
        **_core(model, told, served),
        **hardware,
        "security_profiles": SECURITY_PROFILES,
    }
    answers["C-13"] = told.text("EVSE.AllowReset") == "true"
    answers["C-01"] = bool(answers["C-02"] or answers["C-49"] or answers["LocalAuthorizationList"])
    answers["AQ-10"] = told.has("SecurityCtrlr.BasicAuthPassword")  # any setting can be watched for changes
    answers["R-2"] = told.can_be("ReservationCtrlr.NonEvseSpecific", "true")
    # 2.0.1 can name the connectors of its own list only (part 5 errata, 5.19)
    kinds = {evse.connector_type for evse in model.evses}
    answers["R-1"] = answers["R-2"] and not kinds.isdisjoint(get_args(ConnectorEnumType))
    answers["C-42"] = told.can_be("SampledDataCtrlr.SignReadings", "true")
    answers |= {
        "AS-2": told.can_be("SecurityCtrlr.AdditionalRootCertificateCheck", "true"),
        "ISO-3": False,
        "ISO-4": False,
        "ISO-5": False,
        "ISO15118": False,
    }
    units = told.variables.get("SmartChargingCtrlr.RateUnit")
    rates = told.items("SmartChargingCtrlr.RateUnit") or (units.values if units is not None else ())
    answers |= {"SC-2": bool(rates), "SC-2.1": "A" in rates, "SC-2.2": "W" in rates}
    profiles = ("Core", *(name for name in _PROFILES if answers[name]))
    limits = {name: told.text(name) for name in sorted(told.variables) if "ItemsPer" in name or "BytesPer" in name}
    return Features(model.name, _general(model, hardware), answers, limits, profiles)


def _profiles(told: _Told, served: frozenset[str]) -> dict[str, bool]:
    components = {one.component for one in told.variables.values()}
    return {
        name: served.issuperset(actions) and _CONTROLLERS[name] in components for name, actions in _PROFILES.items()
    }


def _core(model: Model, told: _Told, served: frozenset[str]) -> dict[str, Any]:
    start, stop = "TxCtrlr.TxStartPoint", "TxCtrlr.TxStopPoint"
    on_ev_side, unlock = "TxCtrlr.StopTxOnEVSideDisconnect", "OCPPCommCtrlr.UnlockOnEVSideDisconnect"
    remote = "AuthCtrlr.AuthorizeRemoteStart"
    reader = not model.free_vend
    trigger = "TriggerMessage" in served
    master = told.has(GROUP.key)
    found: dict[str, Any] = {
        "C-04": any(name.endswith(".MinimumStatusDuration") for name in told.variables),
        "C-06.1": told.can_be(on_ev_side, "false"),
        "C-06.2": told.can_be(on_ev_side, "true") or not told.has(on_ev_side),
        "C-07": master and SESSIONS in model.shows,
        "C-08": master and SESSIONS not in model.shows,
        **{f"C-09.{n}": told.can_be(start, point) for n, point in enumerate(START_POINTS, 1)},
        **{f"C-10.{n}": told.can_be(stop, point) for n, point in enumerate(STOP_POINTS, 1)},
        "C-12.1": told.can_be(unlock, "true"),
        "C-12.2": told.can_be(unlock, "false") or not told.has(unlock),
        "C-14": False,  # nothing is stored under a customer's identifier
        "C-23": told.items("ClockCtrlr.TimeSource"),
        "C-29.1": trigger,
        "C-29.2": trigger,
        "C-29.3": trigger and "GetLog" in served,
        "C-29.4": trigger and "UpdateFirmware" in served,
        "C-29.5": trigger,
        "C-29.6": trigger,
        "C-30": reader,
        "C-31": reader,
        "C-32": False,
        "C-33": False,
        "C-34": False,
        "C-35": model.free_vend,
        "C-36": True,
        "C-37": True,
        "C-38": True,
        "C-39": True,
        "C-40": all(told.has(name) for name in _MEASURANDS.values()),
        **{
            name: told.variables[variable].values if told.has(variable) else ()
            for name, variable in _MEASURANDS.items()
        },
        "C-43": model.hardware.firmware.install_while_charging,
        "C-47": "SetNetworkProfile" in served,  # B10.FR.07
        "C-48.1": told.can_be(remote, "true"),
        "C-48.2": told.can_be(remote, "false"),
        "C-51": told.writable(start),
        "C-52": told.writable(stop),
        "C-54": told.items("AuthCacheCtrlr.Policy"),
        "C-56": "GetBaseReport" in served,
        "C-57": "GetLog" in served,
        "C-60": "UpdateFirmware" in served and model.hardware.firmware.cancels,
    }
    # a switch that cannot be written has one value only
    for name, variable, value in (
        ("C-06.1", on_ev_side, "false"),
        ("C-12.2", unlock, "false"),
        ("C-48.1", remote, "true"),
        ("C-48.2", remote, "false"),
    ):
        if told.has(variable) and not told.writable(variable):
            found[name] = told.text(variable) == value
    return found


def _hardware(model: Model) -> dict[str, Any]:
    evses = model.evses
    monitors = device_model.archetype(model).monitors
    phases = {evse.phases for evse in evses if not evse.is_dc}
    return {
        "HFS-1": any(not evse.tethered for evse in evses),
        "HFS-2": any(evse.tethered for evse in evses),
        "HFS-3": any(not evse.is_dc for evse in evses),
        "HFS-4": any(evse.is_dc for evse in evses),
        "HFS-5": 1 in phases,
        "HFS-6": 2 in phases,
        "HFS-7": 3 in phases,
        "HFS-8": tuple(evse.evse_id for evse in evses),
        "HFS-9": COMMUNICATION[model.hardware.modem.kind],
        "HFS-10": "single",
        "Mode12": not any(evse.pilot for evse in evses),
        "AQ-1": True,  # the last root can go; only what the present connection rests on is kept
        "AQ-2": False,  # no cable lock keeps a plug out before authorisation
        "AQ-3": False,
        "AQ-4": bool(phases) and phases != {1, 2, 3},
        "AQ-5": any(one.standing == HARD_WIRED for one in monitors),
        "AQ-6": any(one.standing != HARD_WIRED for one in monitors),
        "AQ-7": model.hardware.firmware.fetch_while_charging,
        "AQ-8": False,
        "AQ-9": any(evse.pilot and not evse.is_dc for evse in evses),
    }


def _general(model: Model, hardware: Mapping[str, Any]) -> dict[str, Any]:
    identity = model.identity
    return {
        "vendor_name": identity.vendor,
        "dut": "Charging Station",
        "product_subtype": MODE_12 if hardware["Mode12"] else "N.A.",
        "type_model": identity.model,
        "evses": len(model.evses),
        "firmware_version": identity.firmware or "",
        "milliseconds": True,
        "communication": (hardware["HFS-9"],),
        "rfid_readers": "single",
    }
