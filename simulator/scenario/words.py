"""Messages and operations by what they mean, so that one scenario file serves every version.

``transaction started`` is StartTransaction in 1.6 and TransactionEvent with ``eventType: Started`` in 2.x; its
``token`` is ``idTag`` there and ``idToken.idToken`` here. A scenario may always name an action and its own fields
instead; then it is for the versions that have them.

This table is the only place of the scenario package where the two families of messages stand side by side. A *message*
says how it is recognised and where its fields are, a *verb* how a CSMS is asked to send one. Statuses of connectors are
written in the finer words of 1.6 (4.9) and told coarsely where a version knows only five.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.lab.wire import COARSE
from simulator.registry import nearest
from simulator.scenario.match import find

#: a path, or several of which the first that is there counts
Path = str | tuple[str, ...]
REGISTER = "Energy.Active.Import.Register"


@dataclass(frozen=True)
class Form:
    """A message in one family of versions. ``fields`` and ``answer`` map neutral words to paths; ``given`` is what a
    field is taken to be where the message leaves it out; ``coarse``: statuses are told in five words."""

    action: str
    where: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Path] = field(default_factory=dict)
    answer: Mapping[str, Path] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    coarse: bool = False

    def get(self, payload: Any, name: str) -> list[Any]:
        """The values of a field, by its neutral word or by its path."""
        if name == "register":
            return registers_wh(payload)[-1:]
        return self._get(payload, name, self.fields)

    def of_answer(self, payload: Any, name: str) -> list[Any]:
        """The same of the answer to this message."""
        return self._get(payload, name, self.answer)

    def _get(self, payload: Any, name: str, paths: Mapping[str, Path]) -> list[Any]:
        wanted = paths.get(name, name)
        for path in (wanted,) if isinstance(wanted, str) else wanted:
            found = find(payload, path)
            if found:
                return found
        return [self.given[name]] if name in self.given else []

    def wanted(self, name: str, value: Any) -> Any:
        """What is wanted of a field, in the words of this version."""
        if not self.coarse or self.fields.get(name) not in ("connectorStatus",):
            return value
        if isinstance(value, list | tuple):
            return [self.wanted(name, each) for each in value]
        return COARSE.get(value, value) if isinstance(value, str) else value


def registers_wh(payload: Any) -> list[Any]:
    """The energy registers a message tells, in Wh, in their order; the last one is what it says in the end. 1.6
    ``meterStart`` and ``meterStop`` count more than sampled values."""
    for name in ("meterStart", "meterStop"):
        if name in payload:
            return [payload[name]]
    found: list[Any] = []
    for sample in find(payload, "meterValue[*].sampledValue[*]"):
        if not isinstance(sample, dict) or sample.get("measurand", REGISTER) != REGISTER or "phase" in sample:
            continue
        unit = sample.get("unit") or sample.get("unitOfMeasure", {}).get("unit", "Wh")
        power = sample.get("unitOfMeasure", {}).get("multiplier", 0)
        try:
            found.append(float(sample["value"]) * 10.0**power * (1_000.0 if unit == "kWh" else 1.0))
        except (KeyError, TypeError, ValueError):
            continue
    return found


@dataclass(frozen=True)
class Message:
    """A message by its meaning. ``sender`` is ``station`` or ``csms``."""

    sender: str
    old: Form | None
    new: Form | None

    def form(self, version: str) -> Form | None:
        """How it looks in a version; None where the version has no such thing."""
        return self.old if version == "1.6" else self.new


def _same(action: str, sender: str = "station", **forms: Any) -> Message:
    return Message(sender, Form(action, **forms), Form(action, **forms))


_STATUS = {"status": "status"}
_EVENT: dict[str, Path] = {
    "transaction": "transactionInfo.transactionId",
    "token": "idToken.idToken",
    "evse": "evse.id",
    "reason": "transactionInfo.stoppedReason",
    "time": "timestamp",
    "trigger": "triggerReason",
    "state": "transactionInfo.chargingState",
    "remote start": "transactionInfo.remoteStartId",
    "reservation": "reservationId",
}
_EVENT_ANSWER = {"status": "idTokenInfo.status", "group": "idTokenInfo.groupIdToken.idToken"}
_TAG_ANSWER = {"status": "idTagInfo.status", "group": "idTagInfo.parentIdTag"}


def _event(kind: str, **where: Any) -> Form:
    return Form("TransactionEvent", {"eventType": kind, **where}, _EVENT, _EVENT_ANSWER, {"reason": "Local"})


#: what is said on the wire, by its meaning
MESSAGES: dict[str, Message] = {
    "boot": Message(
        "station",
        Form(
            "BootNotification",
            fields={"vendor": "chargePointVendor", "model": "chargePointModel", "firmware": "firmwareVersion",
                    "serial": ("chargePointSerialNumber", "chargeBoxSerialNumber")},
            answer=_STATUS,
        ),
        Form(
            "BootNotification",
            fields={"vendor": "chargingStation.vendorName", "model": "chargingStation.model",
                    "firmware": "chargingStation.firmwareVersion", "serial": "chargingStation.serialNumber"},
            answer=_STATUS,
        ),
    ),
    "heartbeat": _same("Heartbeat"),
    "authorize": Message(
        "station",
        Form("Authorize", fields={"token": "idTag"}, answer=_TAG_ANSWER),
        Form("Authorize", fields={"token": "idToken.idToken"}, answer=_EVENT_ANSWER),
    ),
    "status": Message(
        "station",
        Form("StatusNotification", fields={"evse": "connectorId", "status": "status", "error": "errorCode"}),
        Form("StatusNotification", fields={"evse": "evseId", "status": "connectorStatus"}, coarse=True),
    ),
    "transaction started": Message(
        "station",
        Form(
            "StartTransaction",
            fields={"evse": "connectorId", "token": "idTag", "time": "timestamp", "reservation": "reservationId"},
            answer=_TAG_ANSWER | {"transaction": "transactionId"},
        ),
        _event("Started"),
    ),
    "transaction updated": Message("station", None, _event("Updated")),
    "transaction ended": Message(
        "station",
        Form(
            "StopTransaction",
            fields={"token": "idTag", "transaction": "transactionId", "time": "timestamp"},
            answer=_TAG_ANSWER,
            given={"reason": "Local"},
        ),
        _event("Ended"),
    ),
    "meter values": Message(
        "station",
        Form("MeterValues", fields={"evse": "connectorId", "transaction": "transactionId"}),
        _event("Updated", meterValue="any"),
    ),
    "clock-aligned values": _same("MeterValues"),
    "firmware status": _same("FirmwareStatusNotification"),
    "log status": Message(
        "station", Form("DiagnosticsStatusNotification"), Form("LogStatusNotification")
    ),
    "security event": _same("SecurityEventNotification"),
    "monitor event": Message("station", None, Form("NotifyEvent")),
    "remote start": Message(
        "csms",
        Form("RemoteStartTransaction", fields={"token": "idTag", "evse": "connectorId"}, answer=_STATUS),
        Form("RequestStartTransaction", fields={"token": "idToken.idToken", "evse": "evseId"}, answer=_STATUS),
    ),
    "remote stop": Message(
        "csms",
        Form("RemoteStopTransaction", fields={"transaction": "transactionId"}, answer=_STATUS),
        Form("RequestStopTransaction", fields={"transaction": "transactionId"}, answer=_STATUS),
    ),
    "unlock": Message(
        "csms",
        Form("UnlockConnector", fields={"evse": "connectorId"}, answer=_STATUS),
        Form("UnlockConnector", fields={"evse": "evseId", "connector": "connectorId"}, answer=_STATUS),
    ),
    "reset": _same("Reset", "csms"),
    "change availability": Message(
        "csms",
        Form("ChangeAvailability", fields={"evse": "connectorId", "to": "type"}, answer=_STATUS),
        Form("ChangeAvailability", fields={"evse": "evse.id", "to": "operationalStatus"}, answer=_STATUS),
    ),
    "trigger": Message(
        "csms",
        Form("TriggerMessage", fields={"message": "requestedMessage", "evse": "connectorId"}, answer=_STATUS),
        Form("TriggerMessage", fields={"message": "requestedMessage", "evse": "evse.id"}, answer=_STATUS),
    ),
    "reserve": Message(
        "csms",
        Form("ReserveNow", fields={"evse": "connectorId", "token": "idTag", "id": "reservationId",
                                   "until": "expiryDate"}, answer=_STATUS),
        Form("ReserveNow", fields={"evse": "evseId", "token": "idToken.idToken", "id": "id",
                                   "until": "expiryDateTime"}, answer=_STATUS),
    ),
    "cancel reservation": _same("CancelReservation", "csms", fields={"id": "reservationId"}, answer=_STATUS),
    "clear cache": _same("ClearCache", "csms", answer=_STATUS),
    "configure": Message(
        "csms",
        Form("ChangeConfiguration", fields={"name": "key", "value": "value"}, answer=_STATUS),
        Form("SetVariables", fields={"name": "setVariableData[*].variable.name",
                                     "component": "setVariableData[*].component.name",
                                     "value": "setVariableData[*].attributeValue"},
             answer={"status": "setVariableResult[*].attributeStatus"}),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Verb:
    """How a CSMS is asked for a message. ``old`` and ``new`` are payloads with ``<argument>`` in them, or
    ``<argument|number>`` with what it is when it was not given; else what holds it is left out then. ``needs`` must be
    given, ``given`` is what others are by default in every version."""

    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    needs: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    #: words of an argument -> words of the version
    old_words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def arguments(self) -> set[str]:
        """Every argument it takes."""
        return _arguments(self.old) | _arguments(self.new)

    def payload(self, version: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """The payload in a version; None where the version has no such thing."""
        template = self.old if version == "1.6" else self.new
        if template is None:
            return None
        values = {**self.given, **given}
        if version == "1.6":
            for name, words in self.old_words.items():
                if values.get(name) in words:
                    values[name] = words[values[name]]
        built: dict[str, Any] = _fill(template, values)
        return built


_MISSING: Any = object()


def _arguments(template: Any) -> set[str]:
    if isinstance(template, Mapping):
        return {name for inner in template.values() for name in _arguments(inner)}
    if isinstance(template, list):
        return {name for inner in template for name in _arguments(inner)}
    is_argument = isinstance(template, str) and template.startswith("<")
    return {template[1:-1].partition("|")[0]} if is_argument else set()


def _fill(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, Mapping):
        filled = {key: _fill(inner, values) for key, inner in template.items()}
        kept = {key: inner for key, inner in filled.items() if inner is not _MISSING}
        return kept if kept or not template else _MISSING
    if isinstance(template, list):
        return [_fill(inner, values) for inner in template]
    if isinstance(template, str) and template.startswith("<"):
        name, default, number = template[1:-1].partition("|")
        return values.get(name, int(number) if default else _MISSING)
    return template


_TOKEN = {"idToken": "<token>", "type": "ISO14443"}

#: what a scenario asks the CSMS's operator for
VERBS: dict[str, Verb] = {
    "remote start": Verb(
        {"idTag": "<token>", "connectorId": "<evse>"},
        {"idToken": _TOKEN, "evseId": "<evse>", "remoteStartId": "<id>"},
        ("token",),
        {"id": 1},
    ),
    "remote stop": Verb({"transactionId": "<transaction>"}, {"transactionId": "<transaction>"}, ("transaction",)),
    "unlock": Verb({"connectorId": "<evse|1>"}, {"evseId": "<evse|1>", "connectorId": "<connector|1>"}),
    "reset": Verb({"type": "<type>"}, {"type": "<type>", "evseId": "<evse>"}, (), {"type": "OnIdle"},
                  {"type": {"OnIdle": "Soft", "Immediate": "Hard"}}),
    "change availability": Verb(
        {"connectorId": "<evse|0>", "type": "<to>"},
        {"operationalStatus": "<to>", "evse": {"id": "<evse>"}},
        ("to",),
    ),
    "trigger": Verb(
        {"requestedMessage": "<message>", "connectorId": "<evse>"},
        {"requestedMessage": "<message>", "evse": {"id": "<evse>"}},
        ("message",),
    ),
    "reserve": Verb(
        {"connectorId": "<evse>", "expiryDate": "<until>", "idTag": "<token>", "reservationId": "<id>"},
        {"id": "<id>", "expiryDateTime": "<until>", "idToken": _TOKEN, "evseId": "<evse>"},
        ("token", "until"),
        {"id": 1, "evse": 1},
    ),
    "cancel reservation": Verb({"reservationId": "<id>"}, {"reservationId": "<id>"}, (), {"id": 1}),
    "clear cache": Verb({}, {}),
    "configure": Verb(
        {"key": "<name>", "value": "<value>"},
        {"setVariableData": [{"component": {"name": "<component>"}, "variable": {"name": "<name>"},
                              "attributeValue": "<value>"}]},
        ("name", "value"),
    ),
}  # fmt: skip


def verb_action(verb: str, version: str) -> str | None:
    """The action that a verb, or an action by its own name, asks for in a version."""
    if verb not in VERBS:
        return verb
    form = MESSAGES[verb].form(version)
    return None if form is None else form.action


def unknown(name: str, known: Mapping[str, Any] | list[str], what: str) -> str:
    """A sentence about a name that is none, with the nearest one."""
    near = nearest(name, list(known))
    return f"unknown {what} {name!r}" + (f"; did you mean {near!r}?" if near else "")
