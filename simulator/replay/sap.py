"""A station template of SAP's e-mobility charging station simulator as a profile.

Its JSON describes a product and a load in one file; here the product is a profile, the load a fleet, and the way to the
CSMS a target. What has a place in a profile is carried over and names the key it was under. Everything else is told
field by field, with where it belongs or why there is nothing like it; no secret of the file is repeated.

Facts about the keys: the types and the table of keys in the documentation of that simulator.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard, get_args

from simulator.core.settings import KEYS, READ_WRITE, SETTINGS, Setting
from simulator.errors import AuthorError, UnknownName
from simulator.profile.checks import csms_actions, find_setting, setting_value
from simulator.profile.load import load_profile
from simulator.profile.schema import ConnectorType, Measurand
from simulator.registry import nearest
from simulator.replay.draft import Draft, plain

AC, DC = "generic/ac-single", "generic/dc-fast"
REGISTER = "Energy.Active.Import.Register"
#: that simulator's own defaults
VOLTS_AC, VOLTS_DC, PHASES_AC, RESET_S = 230.0, 400.0, 3, 30.0
MAX_EVSES, MAX_KEYS, MAX_BYTES = 64, 200, 4 << 20
#: field of a profile -> key, most characters
_IDENTITY = {
    "vendor": ("chargePointVendor", 20),
    "model": ("chargePointModel", 20),
    "firmware": ("firmwareVersion", 50),
    "meter_type": ("meterType", 25),
    "iccid": ("iccid", 60),
    "imsi": ("imsi", 60),
}
#: there a prefix and random characters, here a pattern with the station's number
_PREFIXES = {
    "serial": ("chargePointSerialNumberPrefix", 50),
    "box_serial": ("chargeBoxSerialNumberPrefix", 50),
    "meter_serial": ("meterSerialNumberPrefix", 50),
}
_OWN = "is a matter of that program"
_TARGET = "belongs in a target file"
_FLEET = "belongs in a fleet file"
#: keys that no profile has a place for, with the reason
LEFT: dict[str, str] = {
    "supervisionUrls": f"{_TARGET} (url)",
    "supervisionUrl": f"{_TARGET} (url)",
    "supervisionUser": f"{_TARGET}; the user is the station's id",
    "supervisionPassword": f"{_TARGET} (auth.password)",
    "supervisionUrlOcppConfiguration": "a key that changes the address of the CSMS is not simulated",
    "supervisionUrlOcppKey": "a key that changes the address of the CSMS is not simulated",
    "ocppProtocol": "only JSON is spoken here",
    "ocppStrictCompliance": "the specification is always kept, but for the quirks a profile names",
    "payloadSchemaValidation": "what the CSMS says is always held against the schema",
    "ocppPersistentConfiguration": "--state keeps what a station has on its flash",
    "stationInfoPersistentConfiguration": "--state keeps what a station has on its flash",
    "automaticTransactionGeneratorPersistentConfiguration": _OWN,
    "wsOptions": f"{_TARGET} (headers, tls)",
    "idTagsFile": f"{_TARGET} (tokens)",
    "authorizationFile": f"{_TARGET} (tokens)",
    "firmwareVersionPattern": "an update installs the version that its image names",
    "firmwareUpgrade": "an update installs the version that its image names",
    "autoRegister": "a station is registered when the CSMS says so",
    "autoReconnectMaxRetries": "a station never gives up dialling",
    "registrationMaxRetries": "a station never gives up registering",
    "reconnectExponentialDelay": "the settings RetryBackOff... say how a station dials again",
    "enableStatistics": _OWN,
    "templateHash": _OWN,
    "randomConnectors": "EVSEs are as they are listed",
    "useConnectorId0": "the station as a whole is always there",
    "mustAuthorizeAtRemoteStart": "the setting AuthorizeRemoteTxRequests decides",
    "mayAuthorizeAtRemoteStart": "the setting AuthorizeRemoteTxRequests decides",
    "amperageLimitationOcppKey": "a key that limits the current is not simulated; there are quirks for some products",
    "amperageLimitationUnit": "a key that limits the current is not simulated; there are quirks for some products",
    "beginEndMeterValues": "the values at the begin and the end are part of the messages that tell them",
    "outOfOrderEndMeterValues": "a habit, not a value: see cpfarm quirks list",
    "meteringPerTransaction": "registers are those of the meter; a habit to the contrary is a quirk",
    "mainVoltageMeterValues": "voltage is told for each phase, when it is a measurand",
    "phaseLineToLineVoltageMeterValues": "voltage is told for each phase against neutral",
    "customValueLimitationMeterValues": "values follow from the energy that flows",
    "messageTriggerSupport": "every trigger of a block that the product has is served",
    "x509Certificates": f"{_TARGET} (tls)",
    "autoStart": "what is in a fleet is started",
    "stopTransactionsOnStopped": "--at-end says how sessions end",
    "randomSeed": f"{_FLEET} (seed)",
    "evProfilesFile": f"{_FLEET}; cars are those of its drivers",
    "postTransactionDelay": f"{_FLEET}; drivers come when their habits say so",
    "coherentMeterValues": "values always follow from one flow of energy",
    "conversionEfficiency": "losses between the grid and the car are not simulated",
    "remoteAuthorization": "the settings LocalPreAuthorize and AuthCtrlr.DisableRemoteAuthorization decide",
    "forceTransactionOnInvalidIdToken": "a habit, not a value: see cpfarm quirks list",
}
#: the number of a connector or of a value in a path
_ANY = re.compile(r"((?:Connectors\.|MeterValues\[))\d+")
#: what is said elsewhere in this module
_USED = frozenset(
    {
        "$schemaVersion",
        "ocppVersion",
        "baseName",
        "nameSuffix",
        "fixedName",
        "power",
        "powerUnit",
        "powerSharedByConnectors",
        "currentOutType",
        "voltageOut",
        "numberOfPhases",
        "numberOfConnectors",
        "resetTime",
        "transactionDataMeterValues",
        "commandsSupport",
        "Configuration",
        "AutomaticTransactionGenerator",
        "Connectors",
        "Evses",
        *(key for key, _ in (*_IDENTITY.values(), *_PREFIXES.values())),
    }
)


def convert(text: str, *, source: str) -> Draft:
    """The draft of a template; its notes say what was not carried over. AuthorError for what is no template."""
    if len(text) > MAX_BYTES:
        raise AuthorError(f"is larger than {MAX_BYTES} bytes", file=source)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise AuthorError(f"is no JSON: {error}", file=source, line=line) from None
    if not isinstance(data, dict) or not {"chargePointVendor", "chargePointModel"} & set(data):
        raise AuthorError("is no station template: chargePointVendor and chargePointModel are missing", file=source)
    return _Template(data, source).convert()


class _Template:
    def __init__(self, data: dict[str, Any], source: str) -> None:
        import simulator.dialects  # noqa: F401 - declares every setting

        self.data, self.source = data, source
        self.is_dc = str(data.get("currentOutType", "AC")).upper() == "DC"
        kind = DC if self.is_dc else AC
        self.draft = Draft(kind, f"Converted from the SAP station template {source}")
        self.stated = {find_setting(name): name for name in load_profile(kind).profile.settings}
        self.version = "1.6"

    def convert(self) -> Draft:
        """Everything, in the order of a profile."""
        self._identity()
        self._version()
        self._evses()
        self._boot()
        self._keys()
        self._commands()
        self._load()
        for key in self.data:
            if key in LEFT:
                self._left(key, LEFT[key])
            elif key not in _USED:
                near = nearest(key, [*LEFT, *_USED])
                self._left(key, "nothing is known of it" + (f"; is it {near!r}?" if near else ""))
        return self.draft

    def _left(self, path: str, why: str) -> None:
        """One field that was not carried over; the same field of every connector is told once."""
        self.draft.note(f"not carried over: {_ANY.sub(lambda found: found[1] + '*', path)}: {why}")

    def _from(self, key: str) -> str:
        return f"template {self.source}, {key}"

    def _number(self, key: str, usual: float) -> float:
        """A number; of several to choose from the largest."""
        value = self.data.get(key, usual)
        numbers = [one for one in (value if isinstance(value, list) else [value]) if _is_number(one)]
        if isinstance(value, list) and numbers:
            self.draft.note(f"{key} is one of {len(value)} at random there; the largest is taken")
        elif not numbers:
            self._left(key, f"{value!r} is no number; {usual:g} is taken")
        return float(max(numbers, default=usual))

    # -- who it is

    def _identity(self) -> None:
        draft = self.draft
        for name, (key, limit) in _IDENTITY.items():
            value = self.data.get(key)
            if not isinstance(value, str) or not value:
                if name in ("vendor", "model"):
                    draft.put(("identity", name), "Unknown", "")
                    draft.note(f"{key} is missing: it is assumed")
                else:
                    draft.put(("identity", name), None, self._from("which has none"))
                continue
            if len(value) > limit:
                self._left(key, f"longer than the {limit} characters of the protocol; it is cut")
            draft.put(("identity", name), plain(name, value[:limit]), self._from(key))
        for name, (key, limit) in _PREFIXES.items():
            prefix = self.data.get(key)
            known = isinstance(prefix, str) and bool(prefix)
            pattern = plain(name, str(prefix)[:limit]) + "{n:06d}" if known else None
            draft.put(("identity", name), pattern, self._from(key if known else "which has none"))
        base, suffix = self.data.get("baseName"), self.data.get("nameSuffix") or ""
        if isinstance(base, str) and base:
            name = base if self.data.get("fixedName") is True else f"{base}-{{n:05d}}{suffix}"
            self._left("baseName, nameSuffix, fixedName", f"{_FLEET} (id), or --id {name!r}")

    def _version(self) -> None:
        said = str(self.data.get("ocppVersion", "1.6"))
        known = {"1.6": "1.6", "2.0": "2.0.1", "2.0.1": "2.0.1", "2.1": "2.1"}
        self.version = known.get(said, "1.6")
        if said != self.version:
            self._left("ocppVersion", f"{said} is not spoken here; {self.version} is taken")
        self.draft.put(("versions",), [self.version], self._from("ocppVersion") if "ocppVersion" in self.data else "")

    # -- what it is made of

    def _evses(self) -> None:
        places = list(self._places())
        count = len(places)
        if not count:
            count = int(self._number("numberOfConnectors", 1))
            places = [("numberOfConnectors", {})] * min(max(count, 1), MAX_EVSES)
        elif "numberOfConnectors" in self.data and int(self._number("numberOfConnectors", count)) != count:
            wanted = int(self._number("numberOfConnectors", count))
            places = [places[index % count] for index in range(min(max(wanted, 1), MAX_EVSES))]
        places = places[:MAX_EVSES]
        unit = 1000.0 if self.data.get("powerUnit") == "kW" else 1.0
        volts = self._number("voltageOut", VOLTS_DC if self.is_dc else VOLTS_AC)
        phases = int(self._number("numberOfPhases", 0 if self.is_dc else PHASES_AC))
        if phases not in (0, 1, 2, 3) or (phases == 0) is not self.is_dc:
            self._left("numberOfPhases", f"{phases} does not fit {'DC' if self.is_dc else 'AC'}")
            phases = 0 if self.is_dc else PHASES_AC
        fields: dict[str, Any] = {"phases": phases, "voltage_v": volts}
        if "power" in self.data:
            shared = self.data.get("powerSharedByConnectors") is True
            power = self._number("power", 0.0) * unit / (1 if shared else len(places))
            if shared:
                self._left("powerSharedByConnectors", "each EVSE has all of the power; only one of a power_group could")
            if power > 0:
                fields["max_power_w"] = round(power, 1)
                fields["max_current_a"] = round(min(power / (volts * max(phases, 1)), 3_000.0), 1)
        evses = []
        for index, (path, connector) in enumerate(places):
            kind = connector.get("type", connector.get("connectorType"))
            own = kind if kind in get_args(ConnectorType) else "cCCS2" if self.is_dc else "sType2"
            evse = {"connector_type": own, **fields}
            most = connector.get("maximumPower")
            if _is_number(most) and 0 < most < evse.get("max_power_w", math.inf):
                evse["max_power_w"] = float(most)
            evses.append(evse)
            self.draft.sources[f"evses[{index}]"] = self._from(path)
            for name in connector:
                if name not in ("MeterValues", "type", "connectorType", "maximumPower"):
                    self._left(f"{path}.{name}", "the state of a connector follows from what happens to it")
        self.draft.values["evses"] = evses
        self._measurands(places)

    def _places(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every connector but that of the whole station: its path and its fields."""
        evses = self.data.get("Evses")
        if isinstance(evses, dict):
            for number, evse in evses.items():
                inner = evse.get("Connectors") if isinstance(evse, dict) else None
                found = [(name, one) for name, one in (inner or {}).items() if isinstance(one, dict)]
                if number == "0" or not found:
                    continue
                for name, _ in found[1:]:
                    self._left(f"Evses.{number}.Connectors.{name}", "an EVSE has one connector here")
                yield f"Evses.{number}.Connectors.{found[0][0]}", found[0][1]
            return
        connectors = self.data.get("Connectors")
        for number, one in (connectors if isinstance(connectors, dict) else {}).items():
            if number != "0" and isinstance(one, dict):
                yield f"Connectors.{number}", one

    def _measurands(self, places: Iterable[tuple[str, dict[str, Any]]]) -> None:
        known: dict[str, str] = {}
        for path, connector in dict(places).items():
            values = connector.get("MeterValues")
            for index, value in enumerate(values if isinstance(values, list) else []):
                where = f"{path}.MeterValues[{index}]"
                name = value.get("measurand", REGISTER) if isinstance(value, dict) else None
                if not isinstance(value, dict) or name not in get_args(Measurand):
                    self._left(where, f"{name!r} is no measurand of a meter here")
                    continue
                known.setdefault(str(name), where)
                for field in value:
                    if field in ("value", "fluctuationPercent", "minimumValue", "maximumValue"):
                        self._left(f"{where}.{field}", "values follow from the energy that flows")
                    elif field == "unit" and value["unit"] not in ("Wh", "W", "A", "V", "Percent", "Hertz", "Celsius"):
                        self._left(f"{where}.unit", "values are told in the basic unit; there are quirks for others")
                    elif field not in ("measurand", "unit", "phase"):
                        self._left(f"{where}.{field}", "a sample says of itself what the station knows of it")
        if known:
            names = [name for name in get_args(Measurand) if name in known]
            self.draft.put(("hardware", "meter", "measurands"), names, self._from(next(iter(known.values()))))

    def _boot(self) -> None:
        if "resetTime" not in self.data:
            return
        seconds = self._number("resetTime", RESET_S)
        for name in ("soft_s", "hard_s"):
            self.draft.put(("hardware", "boot", name), min(max(seconds, 0.0), 3_600.0), self._from("resetTime"))

    # -- what can be set, and asked for

    def _keys(self) -> None:
        held = self.data.get("Configuration")
        rows = held.get("configurationKey") if isinstance(held, dict) else None
        for index, row in enumerate(rows if isinstance(rows, list) else []):
            path = f"Configuration.configurationKey[{index}]"
            key = row.get("key") if isinstance(row, dict) else None
            if not isinstance(key, str) or not key:
                self._left(path, "it has no key")
                continue
            self._key(f"{path} ({key})", key, row)
        if self.data.get("transactionDataMeterValues") is True:
            sampled = self.draft.values.get("settings", {}).get("MeterValuesSampledData", [REGISTER])
            self._set(find_setting("StopTxnSampledData"), ",".join(sampled), "transactionDataMeterValues")

    def _key(self, path: str, key: str, row: dict[str, Any]) -> None:
        value, read_only = str(row.get("value", "")), row.get("readonly") is True
        if row.get("visible") is False:
            self._left(f"{path}.visible", "a key is either there or not")
        setting = _setting(key, self.version)
        if setting is None:
            if self.version != "1.6":
                near = nearest(key, list(SETTINGS))
                self._left(path, "no variable of this name" + (f"; did you mean {near!r}?" if near else ""))
            elif len(self.draft.values.get("vendor_keys", {})) < MAX_KEYS and len(value) <= 500:
                self.draft.put(("vendor_keys", key), {"value": value, "writable": not read_only}, "")
                self.draft.sources.setdefault("vendor_keys", self._from("Configuration"))
                if row.get("reboot") is True:
                    self._left(f"{path}.reboot", "a key that only this product has acts on nothing")
            else:
                self._left(path, "too many keys, or too long a value")
            return
        if setting.key16 in ("NumberOfConnectors", "AuthorizationKey") or setting.variable == "BasicAuthPassword":
            self._left(path, "follows from other parts of a profile or of a target")
            return
        if value:
            self._set(setting, value, path)
        usual = setting.mutability16 if self.version == "1.6" else setting.mutability
        if read_only and usual == READ_WRITE:
            names = self.draft.values.get("read_only", [])
            self.draft.values["read_only"] = [*names, self._name(setting)]
            self.draft.sources.setdefault("read_only", self._from("Configuration"))
        elif not read_only and usual != READ_WRITE:
            self._left(f"{path}.readonly", "it can never be written here")
        if (row.get("reboot") is True) is not setting.reboot and "reboot" in row:
            self._left(f"{path}.reboot", f"a change acts {'after a reboot' if setting.reboot else 'at once'} here")

    def _name(self, setting: Setting) -> str:
        own = setting.key16 if self.version == "1.6" else setting.name
        return self.stated.get(setting) or own or setting.key16 or setting.key

    def _set(self, setting: Setting, text: str, path: str) -> None:
        name = self._name(setting)
        try:
            value = setting.parse(text)
            setting_value(name, value)
        except ValueError as error:
            self._left(path, str(error))
            return
        self.draft.put(("settings", name), list(value) if isinstance(value, tuple) else value, self._from(path))

    def _commands(self) -> None:
        support = self.data.get("commandsSupport")
        if not isinstance(support, dict):
            return
        known = csms_actions()
        incoming, outgoing = support.get("incomingCommands"), support.get("outgoingCommands")
        for action, offered in (incoming if isinstance(incoming, dict) else {}).items():
            wire = action[:1].upper() + action[1:]
            if wire not in known:
                self._left(f"commandsSupport.incomingCommands.{action}", "no such call of a CSMS")
            elif offered is False:
                self.draft.values.setdefault("not_offered", []).append(wire)
                self.draft.sources["not_offered"] = self._from("commandsSupport.incomingCommands")
        for action, offered in (outgoing if isinstance(outgoing, dict) else {}).items():
            if offered is False:
                self._left(f"commandsSupport.outgoingCommands.{action}", "a station says what it must say")

    def _load(self) -> None:
        """What drivers do there: a fleet's business here."""
        generator = self.data.get("AutomaticTransactionGenerator")
        if not isinstance(generator, dict):
            return
        shortest, longest = generator.get("minDuration"), generator.get("maxDuration")
        words = "--charging 100%" if generator.get("enable") is True else "--charging 0%"
        spans = [one for one in (shortest, longest) if _is_number(one)]
        if spans:
            words += f" --session {sum(spans) / len(spans):g}s"
        self._left(f"AutomaticTransactionGenerator ({', '.join(generator)})", f"{_FLEET}, or cpfarm run {words}")


def _setting(key: str, version: str) -> Setting | None:
    """The setting of a key: of 1.6, or Component.Variable with the instance behind a dot."""
    names = [key]
    if version != "1.6":
        parts = key.split(".")
        if len(parts) == 3:
            names.append(f"{parts[0]}.{parts[1]}[{parts[2]}]")
    for name in names:
        try:
            found = find_setting(name)
        except UnknownName:
            continue
        if version != "1.6" or name in KEYS:
            return found
    return None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) < 1e12
