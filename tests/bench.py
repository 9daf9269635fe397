"""A station on the bench: virtual clock, scripted CSMS, and a watch that looks at every single step.

``Lab`` drives one station with the words of the field (``boot``, ``plug``, ``present``, ``charge``) and reads what it
said in words that fit all versions (``statuses``, ``sessions``). The watch judges each frame against the schemas of the
`ocpp` package and each step against the laws that hold whatever a test does: one CALL in flight, legal moves of the
status, a register that never falls, sequence numbers without gaps, one start and one end for a transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core.connector import LEGAL_MOVES, Evse
from simulator.core.dialect import Dialect
from simulator.core.model import EvseSpec, HardwareSpec, Identity, Model, ModemSpec, RtcSpec
from simulator.core.records import FaultBegan, Remark
from simulator.core.settings import Setting, defaults
from simulator.core.station import Station
from simulator.dialects import DIALECTS
from simulator.fleet.virtual import VirtualFleet
from simulator.hardware.fault import FAULTS
from simulator.lab.csms import LabCsms

VERSIONS = ("1.6", "2.0.1", "2.1")
each_version = pytest.mark.parametrize("version", VERSIONS)
each_2x = pytest.mark.parametrize("version", VERSIONS[1:])

#: a round trip of nothing: what is sent at a moment is answered at that moment
AT_ONCE = ModemSpec(rtt_ms=(0, 0))
#: a constant 11 kW for 60 kWh: sums in tests can be done in the head
CAR = i.EvSpec(curve="flat", soc=0.0)


@cache
def validator(version: str, action: str, kind: int) -> Any:
    """The compiled schema of a request (2) or response (3)."""
    name = {2: action if version == "1.6" else action + "Request", 3: action + "Response"}[kind]
    path = files("ocpp") / f"v{version.replace('.', '')}" / "schemas" / f"{name}.json"
    schema = decimal(path.read_text(encoding="utf-8-sig"))
    return jsonschema.validators.validator_for(schema)(schema)


def decimal(text: str | bytes) -> Any:
    """JSON with exact decimals, so that a step of 0.1 can be tested."""
    return json.loads(text, parse_float=Decimal)


def build(
    version: str | Dialect = "1.6",
    *,
    evses: int = 1,
    settings: Mapping[Setting, Any] | None = None,
    hardware: HardwareSpec | None = None,
    identity: Identity | None = None,
    evse: Mapping[str, Any] | None = None,
    **model: Any,
) -> Model:
    """A model by hand. ``evse``: fields of every EvseSpec; ``model``: fields of Model."""
    values = defaults()
    for setting, value in (settings or {}).items():
        setting.validate(value)
        values[setting.index] = value
    return Model(
        name="bench",
        dialect=version if isinstance(version, Dialect) else DIALECTS[version],
        identity=identity or Identity("Maker", "Model", firmware="1.0"),
        evses=tuple(EvseSpec(number, **(evse or {})) for number in range(1, evses + 1)),
        hardware=hardware or HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=0.0)),
        defaults=tuple(values),
        **model,
    )


@dataclass
class Session:
    """One transaction as the CSMS heard of it, in the words of 2.x. ``events`` are the raw payloads in order."""

    evse_id: int
    begin: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] | None = None

    @property
    def reason(self) -> str | None:
        """Why it ended."""
        if self.end is None:
            return None
        found = self.end.get("reason") or self.end.get("transactionInfo", {}).get("stoppedReason")
        return str(found) if found else "Local"

    @property
    def triggers(self) -> list[str]:
        """Trigger reasons, in order (2.x)."""
        return [event["triggerReason"] for event in self.events]

    @property
    def states(self) -> list[str]:
        """Charging states told, repetitions left out (2.x)."""
        told = [event["transactionInfo"].get("chargingState") for event in self.events]
        return [s for n, s in enumerate(told) if s and (not n or s != told[n - 1])]

    @property
    def stop_token(self) -> str | None:
        """The token that ended it, None when none did."""
        if self.end is None:
            return None
        if "idTag" in self.end:
            return str(self.end["idTag"])
        token = self.end.get("idToken")
        return str(token["idToken"]) if token else None


class Watch:
    """Looks at every feed of a station. ``lawful``: laws a test switches off because it breaks them on purpose."""

    def __init__(self) -> None:
        self.statuses: dict[int, str] = {}
        self.boot_no = 0
        self.registers: dict[int, float] = {}
        self.numbers: dict[str, int] = {}
        self.ended: set[str] = set()
        self.in_flight: str | None = None
        self.waived: set[str] = set()
        self.csms: LabCsms | None = None
        self.version = ""

    def __call__(self, st: Station, event: i.Input, effects: list[e.AnyEffect], now: int) -> None:
        if isinstance(event, i.Frame):
            try:
                frame = json.loads(event.data)
            except (ValueError, RecursionError):
                frame = None  # garbage is the station's business
            if isinstance(frame, list) and len(frame) > 1 and frame[0] in (3, 4) and frame[1] == self.in_flight:
                self.in_flight = None
        for effect in effects:
            if isinstance(effect, e.Send):
                self.frame(decimal(effect.data), effect)
            elif isinstance(effect, e.Hangup):
                self.in_flight = None
            elif (
                isinstance(effect, e.Record)
                and isinstance(effect.what, FaultBegan)
                and (getattr(FAULTS.get(effect.what.fault), "may_fall", False))
            ):
                self.waived.add("register")
        if not st.link.is_up or st.timers.get("call") is None:
            self.in_flight = None
        if st.boot_no != self.boot_no:
            self.boot_no = st.boot_no
            self.statuses.clear()
        for evse in st.evses:
            self.status(evse)

    def status(self, evse: Evse) -> None:
        """The status moves along the legal moves only."""
        before, after = self.statuses.get(evse.evse_id), evse.status
        self.statuses[evse.evse_id] = after
        if before is not None and before != after:
            assert after in LEGAL_MOVES[before], f"EVSE {evse.evse_id}: {before} to {after} is no legal move"

    def frame(self, frame: list[Any], effect: e.Send) -> None:
        """Shape by the schema, and the laws of the wire."""
        kind, message_id = frame[0], frame[1]
        if kind == 2:
            assert effect.is_call
            assert self.in_flight is None, f"{frame[2]} was sent while another CALL was in flight"
            self.in_flight = message_id
            action, payload = frame[2], frame[3]
        elif kind == 3:
            assert self.csms is not None
            action, payload = self.csms.calls.get(message_id, ""), frame[2]
            assert action, f"an answer to nothing: {frame}"
        else:
            assert kind in ((4, 5) if self.version == "2.1" else (4,)) and len(frame) == 5, frame
            return
        for error in validator(self.version, action, kind).iter_errors(payload):
            raise AssertionError(f"{action} {'.'.join(map(str, error.absolute_path))}: {error.message}\n{payload}")
        if kind == 2:
            self.payload(action, payload)

    def payload(self, action: str, payload: dict[str, Any]) -> None:
        """The laws of sequence numbers and registers."""
        if action == "TransactionEvent":
            key = payload["transactionInfo"]["transactionId"]
            seq_no, moment = payload["seqNo"], payload["eventType"]
            if seq_no != self.numbers.get(key, -1) and "thinned" not in self.waived:  # the same again is a repetition
                assert key not in self.ended, f"{moment} after the end of {key}"
                assert seq_no == self.numbers.get(key, -1) + 1, f"seqNo {seq_no} after {self.numbers.get(key)}"
                assert (moment == "Started") == (seq_no == 0), f"{moment} has seqNo {seq_no}"
            self.numbers[key] = seq_no
            if moment == "Ended":
                self.ended.add(key)
        if "register" in self.waived:
            return
        evse_id = payload.get("connectorId") or payload.get("evseId") or (payload.get("evse") or {}).get("id")
        for reading in payload.get("meterValue", ()):
            for value in reading["sampledValue"]:
                energy = value.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register"
                if energy and value.get("context") != "Transaction.Begin" and isinstance(evse_id, int):
                    wh = float(value["value"])
                    assert wh >= self.registers.get(evse_id, 0.0), "the register fell"
                    self.registers[evse_id] = wh


class Lab:
    """One station, its CSMS and its clock."""

    def __init__(self, model: Model, *, seed: int = 1) -> None:
        self.version = model.dialect.name
        self.watch = Watch()
        self.fleet = VirtualFleet(observer=self.watch)
        self.station = Station("CP1", model, seed=seed, epoch_us=self.fleet.epoch_us)
        self.csms = self.fleet.add(self.station, LabCsms(model.dialect.subprotocol))
        self.watch.csms, self.watch.version = self.csms, self.version

    # -- doing

    def feed(self, event: i.Input, run_s: float = 0.0) -> Lab:
        """Feed an input, then let so much time pass (0: what happens at once still happens)."""
        self.fleet.feed(self.station, event)
        self.fleet.run(run_s)
        return self

    def run(self, seconds: float = 0.0) -> Lab:
        """Let time pass."""
        self.fleet.run(seconds)
        return self

    def boot(self) -> Lab:
        """Power on, and as far as the CSMS lets it get at once."""
        return self.feed(i.PowerOn())

    def plug(self, evse_id: int = 1, ev: i.EvSpec = CAR) -> Lab:
        """A car is connected."""
        return self.feed(i.Plug(evse_id, ev))

    def unplug(self, evse_id: int = 1, side: str = "both") -> Lab:
        """The driver takes the cable out."""
        return self.feed(i.Unplug(evse_id, side))

    def present(self, token: str = "TAG", evse_id: int = 0) -> Lab:
        """A token at the reader."""
        return self.feed(i.Present(token, evse_id))

    def charge(self, evse_id: int = 1, token: str = "TAG") -> Lab:
        """Plug, token, and energy flows."""
        self.plug(evse_id).present(token, evse_id).run(4)
        assert self.evse(evse_id).flowing, [r.text for r in self.fleet.recorded(Remark)]
        return self

    def inject(self, fault: str, evse_id: int = 0, fault_id: str = "f", **params: Any) -> Lab:
        """A fault begins."""
        self.feed(i.Inject(fault_id, fault, evse_id, params))
        assert any(r.fault_id == fault_id for r in self.fleet.recorded(FaultBegan)), self.fleet.recorded(Remark)
        return self

    def clear(self, fault_id: str = "f") -> Lab:
        """A fault ends."""
        return self.feed(i.Clear(fault_id))

    def ask(self, action: str, **payload: Any) -> Any:
        """The CSMS calls; the answer's payload, or [code, description, details] of a CALLERROR."""
        answer = self.fleet.ask(self.station, action, payload)
        self.fleet.run(0)
        return answer

    def configure(self, setting: Setting, value: Any) -> None:
        """The CSMS writes a setting in the way of the version; it must be taken."""
        text = setting.format(value)
        if self.version == "1.6":
            answer = self.ask("ChangeConfiguration", key=setting.key16, value=text)
            assert answer["status"] == "Accepted", (setting, text, answer)
            return
        variable = {"name": setting.variable}
        if setting.instance:
            variable["instance"] = setting.instance
        row = {"component": {"name": setting.component}, "variable": variable, "attributeValue": text}
        answer = self.ask("SetVariables", setVariableData=[row])
        assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted", (setting, text, answer)

    def remote_start(self, token: str = "TAG", evse_id: int | None = 1, **more: Any) -> str:
        """The CSMS starts a session; the status of the answer."""
        if self.version == "1.6":
            old: dict[str, Any] = {"idTag": token} | ({} if evse_id is None else {"connectorId": evse_id})
            return str(self.ask("RemoteStartTransaction", **old, **more)["status"])
        payload: dict[str, Any] = {"idToken": {"idToken": token, "type": "ISO14443"}, "remoteStartId": 7}
        payload |= {} if evse_id is None else {"evseId": evse_id}
        return str(self.ask("RequestStartTransaction", **(payload | more))["status"])

    def remote_stop(self, transaction: Any = None) -> str:
        """The CSMS stops a session (the newest it knows); the status of the answer."""
        if transaction is None:
            transaction = list(self.csms.transactions)[-1]
        if self.version == "1.6":
            return str(self.ask("RemoteStopTransaction", transactionId=transaction)["status"])
        return str(self.ask("RequestStopTransaction", transactionId=transaction)["status"])

    # -- reading

    def evse(self, evse_id: int = 1) -> Evse:
        """The facts of an EVSE."""
        found = self.station.evse(evse_id)
        assert found is not None
        return found

    def remarks(self) -> list[str]:
        """What the station remarked."""
        return [r.text for r in self.fleet.recorded(Remark)]

    def statuses(self, evse_id: int = 1) -> list[str]:
        """Statuses told about an EVSE, in the version's own words, in order."""
        if self.version == "1.6":
            return [p["status"] for p in self.csms.sent("StatusNotification") if p["connectorId"] == evse_id]
        return [p["connectorStatus"] for p in self.csms.sent("StatusNotification") if p["evseId"] == evse_id]

    def sessions(self) -> list[Session]:
        """All transactions in the order in which the CSMS heard of them."""
        found: dict[Any, Session] = {}
        if self.version == "1.6":
            for number, known in self.csms.transactions.items():
                session = Session(known["start"]["connectorId"], known["start"], [], known["stop"])
                session.events = known["samples"]
                found[number] = session
            return list(found.values())
        for payload in self.csms.sent("TransactionEvent"):
            key = payload["transactionInfo"]["transactionId"]
            if key not in found:
                found[key] = Session((payload.get("evse") or {}).get("id", 0), payload)
            session = found[key]
            if session.events and session.events[-1]["seqNo"] == payload["seqNo"]:
                continue  # told again
            session.events.append(payload)
            if payload["eventType"] == "Ended":
                session.end = payload
        return list(found.values())

    def session(self) -> Session:
        """The only transaction."""
        (found,) = self.sessions()
        return found

    def forget(self) -> Lab:
        """Only what comes from now on counts (transactions stay known)."""
        self.csms.seen.clear()
        return self


def frames(csms: LabCsms, *actions: str) -> list[tuple[float, str, Any]]:
    """(second, action, payload) of the station's CALLs."""
    return [
        (s.now / 1e6, s.action, s.payload)
        for s in csms.seen
        if s.direction == "cp" and s.kind == 2 and (not actions or s.action in actions)
    ]


def told(lab: Lab) -> list[str]:
    """Actions of the station since the last `forget`, with the status where there is one."""
    return [f"{a} {p['status']}" if "status" in p else a for _, a, p in frames(lab.csms)]


def asked(lab: Lab) -> int:
    """How often the CSMS was asked."""
    return len(lab.csms.sent("Authorize"))


def verdict_in_start(lab: Lab, status: str) -> None:
    """Authorize is accepted, and the answer to the start is not."""
    info = {"status": status}
    if lab.version == "1.6":
        lab.csms.script["StartTransaction"] = lambda csms, p: csms.on_StartTransaction(p) | {"idTagInfo": info}
    else:
        lab.csms.script["TransactionEvent"] = lambda csms, p: (
            csms.on_TransactionEvent(p) | ({"idTokenInfo": info} if "idToken" in p else {})
        )


def bench(version: str = "1.6", **model: Any) -> Lab:
    """A station that has booted; see :func:`build` for ``model``."""
    lab = Lab(build(version, **model)).boot()
    assert lab.station.gate == "accepted"
    return lab
