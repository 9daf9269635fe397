"""What a case of 2.0.1 is written in: the words of :mod:`simulator.certify.tester`, and some beside them.

A variable is named as in settings, ``TxCtrlr.TxStartPoint``. A status of a connector is told by StatusNotification or
by NotifyEvent, as the product does; :meth:`Tester201.status` stands for either. Samples of a transaction come when they
come, as heartbeats do, and are in nobody's way unless a case asks for them by their trigger. What holds of every
transaction is looked at when the scenario is over: its events are numbered without a gap, from 0 (E01.FR.07).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.certify.rules import OMITTED, Rule, one_of, such_that
from simulator.certify.tester import BACKGROUND, WITHIN_S, Expected, Step, Tester, message
from simulator.certify.variables201 import place
from simulator.certify.verdicts import CAME
from simulator.certify.wire import Heard
from simulator.core import inputs as i

#: the type of the tokens that are entered into the tool
TOKEN_TYPE = "ISO14443"
#: kinds of messages of their own, see :meth:`Tester201.sort`
EVENT = "NotifyEvent (other)"
SAMPLES = {name: f"TransactionEvent ({name})" for name in ("MeterValuePeriodic", "MeterValueClock")}
POINTS = ("EVConnected", "Authorized", "DataSigned", "PowerPathClosed", "EnergyTransfer", "ParkingBayOccupancy")


class Tester201(Tester):
    """The tester at the bench of a 2.0.1 station."""

    def __init__(self, rig: Any, case_id: str, **more: Any) -> None:
        super().__init__(rig, case_id, **more)
        self.background = {*BACKGROUND, *SAMPLES.values(), EVENT}
        #: what has happened in the case so far: the car is connected, a token is accepted
        self.connected = self.authorized = False
        #: what was authorised or stopped last was asked for by the tool, not by a token
        self.by_tool = False
        #: the car is in a socket that felt it and has let go of it again
        self.let_go = False
        #: the charging state that was told last
        self.state = ""
        self._points: dict[str, frozenset[str]] = {}
        #: the car that is plugged in, None for one that charges at once
        self.car: i.EvSpec | None = None
        #: elements of events that were looked at: (frame, place in it)
        self._alerts: set[tuple[int, int]] = set()

    def plug(self, connector: int | None = None) -> None:
        """The driver connects car and station."""
        self.rig.plug(connector or self.connector, self.car)

    def go_to(self, evse: int, token: str, *, connected: bool = False) -> None:
        """The tester goes to another EVSE, with this token; ``connected``: a session runs there."""
        self.connector, self.valid = evse, token
        self.connected = self.authorized = connected
        self.transaction_id = None

    def take_option(self, option: str) -> None:
        """This case is about one way of authorisation, whatever the run says."""
        self._option = option

    @property
    def evse(self) -> dict[str, int]:
        """The EVSE under test with its connector, as EVSEType."""
        return {"id": self.connector, "connectorId": 1}

    def token(self, token: str | None = None) -> dict[str, str]:
        """A token as IdTokenType; the valid one without a name."""
        return {"idToken": token or self.valid, "type": TOKEN_TYPE}

    # -- what comes

    def sort(self, action: str, payload: Any) -> str:
        """Samples of transactions and events about other things than a connector's status are kinds of their own."""
        if action == "TransactionEvent":
            return SAMPLES.get(payload.get("triggerReason"), action)
        if action == "NotifyEvent" and not (self.rig.model.availability_by_event and _tells_status(payload)):
            return EVENT
        return action

    def learn(self, heard: Heard) -> None:
        """A message was claimed: the transaction it belongs to is the one at hand."""
        if heard.action == "TransactionEvent":
            told = heard.payload["transactionInfo"]
            self.transaction_id, self.state = told["transactionId"], told.get("chargingState", self.state)

    def status(self, step: Step, status: Any, evse: int | None = None) -> Expected:
        """That a connector (of the EVSE under test without a number) tells its status."""
        number = evse or self.connector
        if not self.rig.model.availability_by_event:
            return message(step, "StatusNotification", evseId=number, connectorId=1, connectorStatus=status)
        fields = {
            "eventData.0.trigger": "Delta",
            "eventData.0.actualValue": status,
            "eventData.0.component.name": "Connector",
            "eventData.0.component.evse.id": number,
            "eventData.0.component.evse.connectorId": 1,
            "eventData.0.variable.name": "AvailabilityState",
        }
        return message(step, "NotifyEvent", fields)

    def event(
        self,
        step: Step,
        trigger: Any = None,
        *,
        kind: Any = None,
        state: Any = None,
        stopped: Any = None,
        fields: dict[str, Any] | None = None,
        **more: Any,
    ) -> Expected:
        """A TransactionEvent: trigger reason, ``kind`` (Started, Updated, Ended), charging state, stopped reason."""
        wanted: dict[str, Any] = {}
        if trigger is not None:
            wanted["triggerReason"] = trigger
        if kind is not None:
            wanted["eventType"] = kind
        if state is not None:
            wanted["transactionInfo.chargingState"] = state
        if stopped is not None:
            wanted["transactionInfo.stoppedReason"] = stopped
        return message(step, "TransactionEvent", {**wanted, **(fields or {}), **more})

    def hear(self, wanted: Expected, **more: Any) -> Heard:
        """Wait for what :meth:`status` or :meth:`event` stand for, as the next message."""
        return self.expect(wanted.step, wanted.action, wanted.fields, **more)

    def all_statuses(self, step: Step, status: Any, *, within_s: float = 60.0) -> list[Heard]:
        """Every connector tells this status."""
        return self.any_order(*(self.status(step, status, evse) for evse in self.rig.connectors), within_s=within_s)

    def until(self, step: Step, wanted: Expected, *, within_s: float = 60.0) -> Heard:
        """This message, after any number of other events of transactions: those a document leaves open."""

        def fits() -> bool:
            return any(h.action == wanted.action and wanted.fits(h.payload)[0] for h in self.csms.pending)

        self.rig.wait_for(fits, max(within_s, self.rig.patience_s))
        same = [h for h in self.csms.pending if self.sort(h.action, h.payload) == self._sort(wanted)]
        if same:  # the first that fits; if none does, the one that comes closest is what is looked at
            meant = max(same, key=lambda heard: wanted.fits(heard.payload))
            for heard in same[: same.index(meant)]:
                self.learn(heard)
                self.csms.pending.remove(heard)
        return self.expect(step, wanted.action, wanted.fields, within_s=0.0)

    def alert(
        self, step: Step, fields: dict[str, Any], whole: dict[str, Any] | None = None, *, within_s: float = WITHIN_S
    ) -> dict[str, Any]:
        """An event with these fields (of EventDataType): an element of whatever NotifyEvent that was not looked at
        yet, for several events may come in one message or in several. If none fits, the one that comes closest is what
        is looked at. ``whole``: fields of the message it is in. The element is returned."""

        def closest() -> tuple[Expected, Heard, tuple[bool, ...]] | None:
            found = []
            for heard in self.csms.pending:
                for n in range(len(heard.payload.get("eventData", ())) if heard.action == "NotifyEvent" else 0):
                    if (heard.number, n) not in self._alerts:
                        one = message(step, "NotifyEvent", {f"eventData.{n}.{path}": v for path, v in fields.items()})
                        found.append((one, heard, one.fits(heard.payload)))
            return max(found, key=lambda row: sum(row[2]), default=None)

        def fits() -> bool:
            best = closest()
            return best is not None and best[2][0]

        self.rig.wait_for(fits, max(within_s, self.rig.patience_s))
        best = closest()
        if best is None:
            text = f"NotifyEvent within {within_s:g} s"
            self._validate(step, CAME, None, "", text, "nothing", False, action="NotifyEvent")
        assert best is not None
        one, heard, _ = best
        number = int(next(iter(one.fields)).split(".")[1])
        self._alerts.add((heard.number, number))
        if all((heard.number, n) in self._alerts for n in range(len(heard.payload["eventData"]))):
            self.csms.pending.remove(heard)
        self._validate(step, CAME, heard, "", "NotifyEvent", heard.action, True)
        self.validate(step, heard, {**(whole or {}), **one.fields})
        element: dict[str, Any] = heard.payload["eventData"][number]
        return element

    def see_samples(self) -> None:
        """Samples of transactions are messages like others from now on."""
        self.background -= set(SAMPLES.values())

    def finish(self) -> None:
        """Sequence numbers of every transaction: from 0 on, none left out (E01.FR.07)."""
        for key, numbers in self.csms.numbers.items():  # type: ignore[attr-defined]
            told = sorted(set(numbers))
            if told and told[0] == 0:
                self.check("end", f"events of {key} are numbered without a gap", told == list(range(len(told))), told)

    # -- variables

    def variable(self, name: str, step: Step = "read", type_: str = "Actual") -> dict[str, Any]:
        """What GetVariables says of one variable."""
        wanted = {**place(name), "attributeType": type_}
        heard = self.call(step, "GetVariables", {"getVariableData": [wanted]})
        found: dict[str, Any] = heard.payload["getVariableResult"][0]
        return found

    def read(self, key: str, step: Step = "read") -> str | None:
        """The value of a variable; None when the station does not have it."""
        found = self.variable(key, step)
        return str(found.get("attributeValue", "")) if found["attributeStatus"] == "Accepted" else None

    def configure(self, key: str, value: Any, step: Step = "set") -> None:
        """Give a variable a value; it must be taken, unless it has that value already."""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if self.read(key, step) == text:
            return
        payload = {"setVariableData": [{**place(key), "attributeValue": text}]}
        fields = {"setVariableResult.0.attributeStatus": one_of("Accepted", "RebootRequired")}
        self.call(step, "SetVariables", payload, fields)
        self._points.pop(key, None)

    def points(self, name: str) -> frozenset[str]:
        """Start or stop points as they are set now (``TxStartPoint``, ``TxStopPoint``)."""
        key = f"TxCtrlr.{name}"
        if key not in self._points:
            self._points[key] = frozenset((self.read(key) or "").split(","))
        return self._points[key]

    @property
    def local(self) -> bool:
        """Are sessions authorised at the station, by a token? Else by the tool; the option of the run says so."""
        return self.option != "remote"


def _tells_status(payload: Any) -> bool:
    """Is it (a message, or what is expected of one) about the AvailabilityState of a connector?"""
    if "eventData" not in payload:
        return payload.get("eventData.0.variable.name") == "AvailabilityState"
    first = payload["eventData"][0]
    return bool(first["component"]["name"] == "Connector" and first["variable"]["name"] == "AvailabilityState")


def same_token(token: str) -> dict[str, Any]:
    """Fields of a message that names a token."""
    return {"idToken.idToken": token, "idToken.type": TOKEN_TYPE}


def or_omitted(value: Any) -> Rule:
    """This value, or the field is left out."""
    return one_of(value, OMITTED)


def at_least(number: float) -> Rule:
    """A number that is not smaller."""
    return such_that(f"at least {number:g}", lambda value: isinstance(value, int | float) and value >= number)


State201 = Callable[["Tester201"], None]
