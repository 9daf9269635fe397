"""Signs of quirks of the configuration: which keys there are, how they are spelt, and what becomes of a write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from simulator.core.settings import KEYS
from simulator.traces.model import ERROR, Frame
from simulator.traces.parts import fields, items, text
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import SIGNS, Hit, may, shows, sign

#: keys of a product's own that give a quirk away: quirk -> keys, all of them for certain, some of them maybe
OWN_KEYS: dict[str, tuple[str, ...]] = {
    "config-daily-reboot": ("DailyReboot",),
    "config-hidden-vendor-keys": ("GridCurrent",),
    "config-left-right-limit-keys": ("CurrentManagementLeft", "CurrentManagementRight"),
    "config-modem-identity-keys": ("ModemCcid", "ModemImsi"),
    "config-namespaced-keys": ("HU1.CCURFIDDisable",),
    "config-per-socket-limit-key": ("OperatorCurrentLimit",),
    "config-static-limit-deciamps": ("evb_MaximumStationCurrent",),
    "config-static-limit-milliamps": ("MaxAvailableCurrent",),
    "idtag-letter-case-setting": ("idTagLetterCase",),
    "reconnect-exponential-vendor-keys": ("ReconnectExpBackOffMax", "ReconnectRandomRange"),
    "smart-rejected-load-balancer-disabled": ("EnergyManagementEnabled",),
}
_BOOLEANS = frozenset(
    {
        "AllowOfflineTxForUnknownId", "AuthorizationCacheEnabled", "AuthorizeRemoteTxRequests", "LocalAuthListEnabled",
        "LocalAuthorizeOffline", "LocalPreAuthorize", "StopTransactionOnEVSideDisconnect",
        "StopTransactionOnInvalidId", "UnlockConnectorOnEVSideDisconnect",
    }
)  # fmt: skip
#: keys that a CSMS may write (1.6 9.1), of which some products let it write none
_WRITABLE = _BOOLEANS | {
    "ConnectionTimeOut", "HeartbeatInterval", "MeterValueSampleInterval", "ClockAlignedDataInterval",
    "MeterValuesSampledData", "ResetRetries", "TransactionMessageAttempts", "WebSocketPingInterval",
}  # fmt: skip
_METERING = frozenset({"MeterValueSampleInterval", "MeterValuesSampledData"})


def _key_sign(names: tuple[str, ...]) -> Callable[[Story], Iterator[Hit]]:
    wanted = {name.lower(): name for name in names}

    def found(story: Story) -> Iterator[Hit]:
        for answer, entry in story.settings:
            if entry["key"].lower() in wanted:
                yield shows(answer, f"there is a key {entry['key']}")
        for call in story.asked("ChangeConfiguration"):
            name = text(fields(call.payload).get("key"))
            if name.lower() in wanted and story.status_of_answer(call) in ("Accepted", "RebootRequired"):
                yield shows(call, f"{name} can be written")

    found.__doc__ = f"A key of the product's own: {', '.join(names)}."
    return found


for _quirk, _names in OWN_KEYS.items():
    SIGNS.add(_quirk, _key_sign(_names))


@sign("config-change-needs-reboot")
def needs_reboot(story: Story) -> Iterator[Hit]:
    """RebootRequired for keys of which the product says so."""
    for name in ("WeldCheck", "ChargePointVendor", "ChargePointModel"):
        for call, _, status in story.written(name):
            if status == "RebootRequired":
                yield shows(call, f"{name}: RebootRequired")


@sign("config-boolean-spelling")
def booleans(story: Story) -> Iterator[Hit]:
    """1, True or TRUE for a boolean."""
    for answer, entry in story.settings:
        if entry["key"] in _BOOLEANS and text(entry.get("value")) in ("0", "1", "True", "False", "TRUE", "FALSE"):
            yield shows(answer, f"{entry['key']} is {entry['value']!r}")


@sign("config-key-case-variants")
def other_capitals(story: Story) -> Iterator[Hit]:
    """A standard key with other capitals."""
    known = {name.lower(): name for name in KEYS}
    for answer, entry in story.settings:
        name = entry["key"]
        standard = known.get(name.lower())
        doubled = any(answer is a and e["key"] == standard for a, e in story.settings)
        if standard is not None and name != standard and name not in KEYS and not doubled:
            yield shows(answer, f"{name} for {standard}")


@sign("config-lowercase-vendor-keys")
def lower_case(story: Story) -> Iterator[Hit]:
    """Metering keys a second time in lower case, beside keys in lower case."""
    for answer, entries in story.full_lists:
        names = {text(entry.get("key")) for entry in entries}
        twice = sorted(name for name in names if name.islower() and any(n.lower() == name and n != name for n in names))
        own = sorted(name for name in names if name.islower() and name not in twice)
        if twice and own:
            yield shows(answer, f"{', '.join(twice[:2])} beside the standard spelling, and {', '.join(own[:3])}")


@sign("config-mostly-readonly")
def mostly_read_only(story: Story) -> Iterator[Hit]:
    """Standard keys that cannot be written."""
    for answer, entries in story.full_lists:
        standard = [entry for entry in entries if text(entry.get("key")) in _WRITABLE]
        fixed = [entry for entry in standard if entry.get("readonly") is True]
        if len(fixed) >= 5 and len(fixed) * 2 > len(standard):
            yield shows(answer, f"{len(fixed)} of {len(standard)} keys that should be writable are read-only")


@sign("config-serial-differs-from-boot")
def other_serial(story: Story) -> Iterator[Hit]:
    """Another serial than in the BootNotification."""
    known = story.setting("SerialNumber")
    told = {story.reported(name) for name in ("chargePointSerialNumber", "chargeBoxSerialNumber")} - {""}
    if known is not None and told and known[1] not in told:
        yield shows(known[0], "SerialNumber is not what BootNotification said")


@sign("config-scrambled-after-backend-change")
def scrambled(story: Story) -> Iterator[Hit]:
    """More connectors than there are statuses of."""
    known = story.setting("NumberOfConnectors")
    if (
        known is not None
        and known[1].isdecimal()
        and story.connectors
        and story.boots
        and len(known[1]) < 4
        and int(known[1]) > max(story.connectors)
    ):
        yield may(known[0], f"NumberOfConnectors is {known[1]}, statuses name {story.connectors}")


@sign("config-value-quoted-list")
def quoted_list(story: Story) -> Iterator[Hit]:
    """Quotation marks in a value."""
    for answer, entry in story.settings:
        if re.fullmatch(r'".*"', text(entry.get("value"))) and "," in text(entry.get("value")):
            yield shows(answer, f"{entry['key']} is {entry['value']}")


@sign("feature-list-with-spaces")
def features_with_spaces(story: Story) -> Iterator[Hit]:
    """A space after each comma of the features."""
    known = story.setting("SupportedFeatureProfiles")
    if known is not None and ", " in known[1]:
        yield shows(known[0], f"SupportedFeatureProfiles is {known[1]!r}")


@sign("rate-unit-nonstandard-w")
def watts_for_power(story: Story) -> Iterator[Hit]:
    """W where the standard has Power."""
    known = story.setting("ChargingScheduleAllowedChargingRateUnit")
    if known is not None and {part.strip() for part in known[1].split(",")} & {"W", "A", "kW"}:
        yield shows(known[0], f"ChargingScheduleAllowedChargingRateUnit is {known[1]!r}")


@sign("measurands-phase-suffixed-names")
def suffixed(story: Story) -> Iterator[Hit]:
    """Measurands with a phase at the end."""
    for answer, entry in story.settings:
        if re.search(r"\b(Current|Power|Voltage)[\w.]*\.L[123]\b", text(entry.get("value"))):
            yield shows(answer, f"{entry['key']} is {entry['value']}")


def _unknown(story: Story) -> Iterator[tuple[Frame, str]]:
    for call in story.asked("GetConfiguration"):
        answer = story.answer(call)
        if answer is not None and answer.kind != ERROR:
            for name in items(fields(answer.payload).get("unknownKey")):
                yield answer, text(name)


@sign("measurand-key-unknown")
def measurand_key(story: Story) -> Iterator[Hit]:
    """MeterValuesSampledData is not known."""
    for answer, name in _unknown(story):
        if name == "MeterValuesSampledData":
            yield shows(answer, "MeterValuesSampledData is unknown")
    for call, _, status in story.written("MeterValuesSampledData"):
        if status == "NotSupported":
            yield shows(call, "MeterValuesSampledData: NotSupported")


@sign("getconfiguration-no-standard-keys")
def no_metering_keys(story: Story) -> Iterator[Hit]:
    """No metering keys in the list of all keys."""
    for answer, entries in story.full_lists:
        names = {text(entry.get("key")).lower() for entry in entries}
        if len(names) >= 5 and not names & {name.lower() for name in _METERING}:
            yield shows(answer, f"none of {', '.join(sorted(_METERING))} among {len(names)} keys")


@sign("ws-pinginterval-not-configurable")
def ping_interval(story: Story) -> Iterator[Hit]:
    """WebSocketPingInterval cannot be written."""
    for call, _, status in story.written("WebSocketPingInterval"):
        if status in ("NotSupported", "Rejected"):
            yield shows(call, f"WebSocketPingInterval: {status}")
    for answer, entry in story.settings:
        if entry["key"] == "WebSocketPingInterval" and entry.get("readonly") is True:
            yield shows(answer, "WebSocketPingInterval is read-only")


@sign("config-key-appears-with-firmware")
def key_appears(story: Story) -> Iterator[Hit]:
    """WebSocketPingInterval is unknown, or there in lower case."""
    for answer, name in _unknown(story):
        if name.lower() == "websocketpinginterval":
            yield may(answer, "WebSocketPingInterval is unknown; a later firmware may have it")
    if any(entry["key"] == "websocketpinginterval" for _, entry in story.settings):
        lower = sum(entry["key"].islower() for _, entry in story.settings)
        if lower == 1:
            yield shows(story.settings[0][0], "websocketpinginterval, in lower case unlike every other key")
