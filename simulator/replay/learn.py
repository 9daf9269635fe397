"""A profile drafted from what one station said.

What is taken: who it says it is, its version, how many EVSEs it has and what their values show of them, the settings it
lists with whether they may be written, keys only it has, what it measures and how finely, and what it refuses. Each
value names the line that shows it; everything else is that of the generic
product it extends, and assumed. What a single station's trace cannot tell (a serial number's pattern, a current limit
that no car has reached) is said at the top.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from simulator.core.settings import KEYS, READ_WRITE, SETTINGS, WRITE_ONLY, Setting
from simulator.profile.checks import csms_actions, find_setting, pattern_problem, setting_value
from simulator.profile.load import load_profile
from simulator.profile.schema import ConnectorType, Measurand
from simulator.replay.capture import BOOT, Capture
from simulator.replay.draft import Draft, plain
from simulator.replay.samples import Sample, interval_s, resolution_wh, samples
from simulator.traces.parts import fields, items, rows, text, whole
from simulator.yamlfile import Loc

AC, DC = "generic/ac-single", "generic/dc-fast"
MAX_EVSES, MAX_VENDOR_KEYS, MAX_KEY_VALUE = 64, 200, 500
MAX_NUMBER, MAX_POWER_W, MAX_CURRENT_A = 1e12, 10_000_000, 3_000
#: volts above which a measured voltage is that of direct current (IEC 60038: 230/400 V)
AC_VOLTS_MAX = 300.0
NOT_THERE = frozenset({"NotSupported", "NotImplemented"})
#: settings that are the state of one station, or follow from other parts of a profile
_FOLLOW = frozenset(
    {
        "NumberOfConnectors",
        "AuthorizationKey",
        "SecurityProfile",
        "CertificateEntries",
        "ActiveMonitoringBase",
        "ActiveMonitoringLevel",
        "BasicAuthPassword",
        "Identity",
    }
)
#: field of a profile -> most characters, where BootNotification says it in 1.6 and in 2.x
_IDENTITY: tuple[tuple[str, int, tuple[str, ...], tuple[str, ...]], ...] = (
    ("vendor", 20, ("chargePointVendor",), ("chargingStation", "vendorName")),
    ("model", 20, ("chargePointModel",), ("chargingStation", "model")),
    ("firmware", 50, ("firmwareVersion",), ("chargingStation", "firmwareVersion")),
    ("serial", 60, ("chargePointSerialNumber",), ("chargingStation", "serialNumber")),
    ("box_serial", 60, ("chargeBoxSerialNumber",), ()),
    ("meter_type", 25, ("meterType",), ()),
    ("meter_serial", 60, ("meterSerialNumber",), ()),
    ("iccid", 60, ("iccid",), ("chargingStation", "modem", "iccid")),
    ("imsi", 60, ("imsi",), ("chargingStation", "modem", "imsi")),
)
#: patterns, and what may be in them
_PATTERNS = frozenset({"serial", "box_serial", "meter_serial", "iccid", "imsi"})
_COUNT = re.compile(r"[0-9]{1,3}")
_DIGITS = re.compile(r"(\d{1,9})(\D*)$")


def learn(capture: Capture, *, source: str) -> Draft:
    """The draft, without quirks (see ``recognise``). ``source`` is what the trace is called."""
    return _Learner(capture, source).learn()


class _Learner:
    def __init__(self, capture: Capture, source: str) -> None:
        import simulator.dialects  # noqa: F401 - declares every setting

        self.capture, self.source = capture, source
        self.found: list[Sample] = list(samples(capture.acts))
        self.report = list(_reported(capture))
        kind = DC if self._is_dc() else AC
        #: what the generic product states is replaced under the name it has there
        self.stated = {find_setting(name): name for name in load_profile(kind).profile.settings}
        evidence = f"Drafted from {source}: one station, {len(capture.acts)} messages"
        self.draft = Draft(kind, evidence, notes=[*capture.notes, *capture.assumed])

    def learn(self) -> Draft:
        """Everything."""
        draft = self.draft
        self._identity()
        draft.put(("versions",), [self.capture.version], self._at(self.capture.acts[0].line))
        self._evses()
        self._meter()
        self._settings()
        self._refused()
        if not self.found:
            draft.note("no meter values in the trace: what it measures is assumed")
        return draft

    def _at(self, line: int) -> str:
        return f"{self.source}, line {line}"

    def _name(self, setting: Setting) -> str:
        """What a setting is called: as in the profile that is extended, else in the version of the trace."""
        if setting in self.stated:
            return self.stated[setting]
        old, new = setting.key16 or setting.key, setting.name or setting.key16 or setting.key
        return old if self.capture.version == "1.6" else new

    # -- who it is

    def _identity(self) -> None:
        draft = self.draft
        boot = next((act for act in self.capture.acts if act.action == BOOT and isinstance(act.payload, dict)), None)
        for name, limit, *ways in _IDENTITY:
            way = ways[0 if boot is None or "chargingStation" not in boot.payload else 1]
            said = _inside(boot.payload, way) if boot is not None and way else None
            path: Loc = ("identity", name)
            if said is None:
                if name in ("vendor", "model"):
                    draft.put(path, "Unknown", "")
                    draft.note(f"no BootNotification names the {name}: it is assumed")
                elif boot is not None and way:
                    draft.put(path, None, self._at(boot.line))
                continue
            assert boot is not None
            if len(said) > limit:
                draft.note(f"{name} {said!r} is longer than the {limit} characters of the protocol: it is cut")
                said = said[:limit]
            said = self._pattern(name, said) if name in _PATTERNS else plain(name, said)
            draft.put(path, said, self._at(boot.line))
        if boot is not None and draft.values["identity"].get("iccid"):
            draft.put(("hardware", "modem", "kind"), "lte", self._at(boot.line))

    def _pattern(self, name: str, said: str) -> str:
        """A number of one station becomes a pattern for many; which digits count is a guess."""
        text = plain(name, said)
        if said == self.capture.station:
            return "{id}"
        found = _DIGITS.search(text)
        if found is None:
            return text
        pattern = f"{text[: found.start()]}{{n:0{len(found[1])}d}}{found[2]}"
        if pattern_problem(pattern, ("n", "id")):
            return text
        self.draft.note(f"identity.{name} was {said!r}; its last digits are taken for the number of the station")
        return pattern

    # -- what it is made of

    def _is_dc(self) -> bool:
        kinds = {str(row.value) for row in self.report if row.variable == "ConnectorType"}
        if kinds:
            return any(kind.startswith(("cCCS", "cG105", "cCHAO", "cMCS", "cGBT", "cNACS")) for kind in kinds)
        phased = any(one.phase.startswith("L") for one in self.found)
        volts = [one.value for one in self.found if one.measurand == "Voltage" and one.value is not None]
        if any(value > AC_VOLTS_MAX for value in volts) and not phased:
            return True
        return not phased and any(one.measurand == "SoC" for one in self.found)

    def _evses(self) -> None:
        names = ("connectorId", "evseId")
        seen = {whole(fields(act.payload).get(name)) for act in self.capture.acts for name in names}
        seen |= {row.evse for row in self.report} | {one.evse for one in self.found}
        told = self._listed("NumberOfConnectors")
        count = int(told[0]) if told and _COUNT.fullmatch(told[0]) else max(seen, default=1)
        if not 1 <= count <= MAX_EVSES:
            self.draft.note(f"{count} connectors cannot be: there are 1 to {MAX_EVSES}")
        count = min(max(count, 1), MAX_EVSES)
        self.draft.values["evses"] = [self._evse(number) for number in range(1, count + 1)]
        if told:
            self.draft.note(f"there are {count} EVSEs: NumberOfConnectors in line {told[1]}")
        else:
            self.draft.note(f"there are {count} EVSEs as far as the trace shows")

    def _evse(self, number: int) -> dict[str, Any]:
        """What is known of one EVSE; the first one's values are those of the others that were not used."""
        known: dict[str, Any] = {}
        mine = [one for one in self.found if one.evse == number] or self.found
        path: Loc = ("evses", number - 1)

        def put(name: str, value: Any, line: int) -> None:
            known[name] = value
            self.draft.sources[f"evses[{number - 1}].{name}"] = self._at(line)

        for row in self.report:
            if row.evse != number:
                continue
            if row.variable == "ConnectorType" and row.value in get_args(ConnectorType):
                put("connector_type", row.value, row.line)
            elif row.component == "EVSE" and row.variable == "SupplyPhases" and row.value in ("0", "1", "2", "3"):
                put("phases", int(row.value), row.line)
            elif row.component == "EVSE" and row.variable == "Power" and 0 < row.limit <= MAX_POWER_W:
                put("max_power_w", row.limit, row.line)
            elif row.component == "EVSE" and row.variable.endswith("Current") and 0 < row.limit <= MAX_CURRENT_A:
                put("max_current_a", row.limit, row.line)
        dc = self.draft.extends == DC
        known.setdefault("connector_type", "cCCS2" if dc else "sType2")
        if "phases" not in known:
            phases = {one.phase[:2]: one.line for one in mine if one.phase[:2] in ("L1", "L2", "L3") and one.value}
            if dc:
                known["phases"] = 0
            elif phases:
                put("phases", len(phases), max(phases.values()))
        for name, measurand, most in (
            ("max_current_a", "Current.Offered", MAX_CURRENT_A),
            ("max_power_w", "Power.Offered", MAX_POWER_W),
        ):
            values = [(one.value, one.line) for one in mine if one.measurand == measurand and one.value is not None]
            offered = [(value, line) for value, line in values if 0 < value <= most]
            if name not in known and offered:
                put(name, *max(offered))
                self.draft.note(f"evses[{path[1]}].{name} is the most that was offered; it may be more")
        if dc:
            for name, usual in (("max_current_a", 375), ("max_power_w", 150_000), ("voltage_v", 400)):
                known.setdefault(name, usual)
        return known

    def _meter(self) -> None:
        draft = self.draft
        first = {one.measurand: one.line for one in reversed(self.found)}
        known = [name for name in get_args(Measurand) if name in first]
        for name in sorted(set(first) - set(known)):
            draft.note(f"the measurand {name!r} of line {first[name]} is none that a meter here can have")
        for key in ("MeterValuesSampledData", "MeterValuesAlignedData"):
            listed = self._listed(key)
            for name in listed[0].split(",") if listed else ():
                if name in get_args(Measurand) and name not in known:
                    known.append(name)
        if known:
            line = min((first[name] for name in known if name in first), default=self.capture.acts[0].line)
            draft.put(("hardware", "meter", "measurands"), known, self._at(line))
        fine = resolution_wh(self.found)
        if fine is not None:
            draft.put(("hardware", "meter", "resolution_wh"), fine[0], self._at(fine[1]))
        usual = interval_s(self.found)
        if usual is not None and usual[0] > 0:
            self._put_setting(KEYS.get("MeterValueSampleInterval"), str(usual[0]), usual[1])
        periodic = list(dict.fromkeys(one.measurand for one in self.found if one.context == "Sample.Periodic"))
        if periodic and not self._listed("MeterValuesSampledData"):
            line = next(one.line for one in self.found if one.context == "Sample.Periodic")
            self._put_setting(KEYS.get("MeterValuesSampledData"), ",".join(periodic), line)

    # -- what can be set

    def _listed(self, key: str) -> tuple[str, int] | None:
        """The value of a key of 1.6 as the station listed it, or the same setting by its newer name; and the line."""
        for row in self.report:
            if key in (row.key, row.setting.key16 if row.setting is not None else None) and row.value is not None:
                return row.value, row.line
        return None

    def _settings(self) -> None:
        draft, names, whole = self.draft, set(), 0
        known_by_key = {key.lower(): KEYS.get(key) for key in KEYS}
        for row in self.report:
            setting = row.setting
            if row.key:
                setting = known_by_key.get(row.key.lower())
                names.add(row.key.lower())
                whole = whole or (row.line if row.whole else 0)
            if setting is None:
                self._strange(row)
                continue
            if row.value is not None:
                self._put_setting(setting, row.value, row.line)
            usual = setting.mutability16 if row.key else setting.mutability
            name = self._name(setting)
            if row.read_only and usual == READ_WRITE and name not in _FOLLOW:
                draft.put(("read_only",), [], self._at(row.line))
                draft.values["read_only"] = list(dict.fromkeys([*draft.values["read_only"], name]))
            elif row.read_only is False and usual not in (READ_WRITE, WRITE_ONLY):
                draft.note(f"{row.key or name} may be written, which cannot be carried over")
        if whole:
            absent = [s.key16 for s in known_by_key.values() if s.key16 and s.key16.lower() not in names]
            self._absent(absent, whole)
        unknown = [
            (key, order.line)
            for order in self.capture.orders
            if order.action == "GetConfiguration"
            and order.answer is not None
            and isinstance(order.answer.payload, dict)
            for key in order.answer.payload.get("unknownKey") or []
        ]
        for key, line in unknown:
            if isinstance(key, str) and key.lower() in known_by_key and key.lower() not in names:
                self._absent([known_by_key[key.lower()].key16 or key], line)

    def _absent(self, keys: Iterable[str], line: int) -> None:
        told = self.draft.values.get("settings", {})
        new = [key for key in keys if key not in told and key not in _FOLLOW]
        if new:
            self.draft.put(("absent",), [], self._at(line))
            self.draft.values["absent"] = list(dict.fromkeys([*self.draft.values["absent"], *new]))

    def _put_setting(self, setting: Setting, wire: str, line: int) -> None:
        name = self._name(setting)
        if {name, setting.key16, setting.variable} & _FOLLOW or wire.startswith("<secret:"):
            return
        try:
            setting_value(name, value := setting.parse(wire))
        except ValueError as error:
            self.draft.note(f"{name} was {wire!r} in line {line}, which cannot be carried over: {error}")
            return
        if isinstance(value, int | float) and abs(value) > MAX_NUMBER:
            self.draft.note(f"{name} was {wire} in line {line}, a number that nothing can be")
            return
        value = list(value) if isinstance(value, tuple) else value
        self.draft.put(("settings", name), value, self._at(line))

    def _strange(self, row: _Row) -> None:
        """A key that only this product has."""
        draft = self.draft
        if not row.key:
            return
        value = row.value or ""
        if len(draft.values.get("vendor_keys", {})) >= MAX_VENDOR_KEYS or len(value) > MAX_KEY_VALUE:
            draft.note(f"the key {row.key} of line {row.line} is left out: too many keys, or too long a value")
            return
        if value.startswith("<secret:"):
            value = ""
        draft.put(("vendor_keys", row.key), {"value": value, "writable": row.read_only is False}, "")
        draft.sources.setdefault("vendor_keys", self._at(row.line))

    def _refused(self) -> None:
        known = csms_actions()
        for order in self.capture.orders:
            if order.answer is not None and order.answer.code in NOT_THERE and order.action in known:
                self.draft.put(("not_offered",), [], self._at(order.answer.line))
                actions = self.draft.values["not_offered"]
                self.draft.values["not_offered"] = list(dict.fromkeys([*actions, order.action]))


class _Row:
    """One key or variable as the station listed it. ``whole``: in the list of all keys."""

    __slots__ = ("component", "evse", "key", "limit", "line", "read_only", "setting", "value", "variable", "whole")

    def __init__(self, line: int, value: Any, read_only: bool | None) -> None:
        self.line, self.read_only = line, read_only
        self.value: str | None = value if isinstance(value, str) else None
        self.key = self.component = self.variable = ""
        self.evse = 0
        self.limit = 0.0
        self.whole = False
        self.setting: Setting | None = None


def _reported(capture: Capture) -> Iterable[_Row]:
    """Everything the station listed, in the older way and in the newer ones."""
    for order in capture.orders:
        if order.answer is None or order.answer.is_error:
            continue
        payload, line = fields(order.answer.payload), order.answer.line
        if order.action == "GetConfiguration":
            for one in rows(payload.get("configurationKey")):
                if text(one.get("key")):
                    row = _Row(line, one.get("value"), one.get("readonly") is True)
                    row.key, row.whole = one["key"], not items(fields(order.payload).get("key"))
                    yield row
        elif order.action == "GetVariables":
            for one in rows(payload.get("getVariableResult")):
                if one.get("attributeStatus") == "Accepted":
                    yield _variable(one, one.get("attributeValue"), None, line)
    for act in capture.acts:
        if act.action != "NotifyReport":
            continue
        for one in rows(fields(act.payload).get("reportData")):
            for attribute in rows(one.get("variableAttribute")):
                if attribute.get("type", "Actual") == "Actual":
                    mutability = attribute.get("mutability", READ_WRITE)
                    yield _variable(one, attribute.get("value"), mutability == "ReadOnly", act.line)


def _variable(one: Mapping[str, Any], value: Any, read_only: bool | None, line: int) -> _Row:
    row = _Row(line, value, read_only)
    component, variable = fields(one.get("component")), fields(one.get("variable"))
    row.component, row.variable = text(component.get("name")), text(variable.get("name"))
    row.evse = whole(fields(component.get("evse")).get("id"))
    limit = fields(one.get("variableCharacteristics")).get("maxLimit")
    row.limit = limit if isinstance(limit, int | float) and not isinstance(limit, bool) else 0.0
    instance = text(variable.get("instance"))
    name = f"{row.component}.{row.variable}" + (f"[{instance}]" if instance else "")
    if name in SETTINGS:
        row.setting = SETTINGS.get(name)
    return row


def _inside(payload: Any, way: Iterable[str]) -> str | None:
    for step in way:
        payload = payload.get(step) if isinstance(payload, dict) else None
    return payload if isinstance(payload, str) else None
