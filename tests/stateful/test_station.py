"""A station under any order of inputs: the checkers hold at every step, and in the end everything comes to rest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from simulator.core import inputs as i
from simulator.core.model import EvseSpec, FlashSpec, MeterSpec
from simulator.core.station import Station
from simulator.lab.checkers import Checkers
from simulator.lab.csms import SILENT, CallError, Late, Raw, Stranger, Twice
from tests.core.build import VERSIONS, Rig, bring_to_rest, rig

EVSES = st.integers(1, 2)
TOKENS = st.sampled_from(["A", "B", "BLOCKED", "UNKNOWN"])
#: fault and whether it is given to one EVSE
FAULTS = [
    ("meter.no_readings", True), ("meter.register_frozen", True), ("meter.drop_outs", True), ("meter.noise", True),
    ("meter.register_reset", True), ("lock.jammed", True), ("contactor.welded", True), ("contactor.stuck_open", True),
    ("contactor.chattering", True), ("pilot.bouncing", True), ("pilot.short", True), ("reader.dead", False),
    ("reader.double_read", False), ("flash.full", False), ("flash.read_only", False), ("flash.torn_write", False),
    ("flash.worn", False), ("rtc.step", False), ("rtc.drift", False), ("rtc.battery_dead", False),
    ("modem.outage", False), ("modem.flapping", False), ("modem.half_open", False), ("modem.slow", False),
    ("modem.weak_signal", False), ("supply.mains_outage", False), ("supply.brown_out", False),
    ("supply.over_voltage", False), ("protection.rcd_trip", True), ("protection.emergency_stop", False),
    ("protection.over_temperature", True),
]  # fmt: skip
PARAMS = {"rtc.step": {"step_s": -3600}}
ACTIONS = [
    "BootNotification", "Authorize", "StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent",
    "StatusNotification", "Heartbeat",
]  # fmt: skip
GARBAGE = [
    b"", b"[]", b"][", b"null", b'[2,"a"]', b'[2,"a","MakeTea",{}]', b'[3,"nobody",{}]', b'[4,"nobody","E","",{}]',
    b'[2,"a","Reset",{"type":7}]', b'[9,"x"]', b"\xff\xfe", b"[" * 2000,
]  # fmt: skip


class Machine(RuleBasedStateMachine):
    """Rules are inputs; what must hold is the checkers' business."""

    version = "1.6"

    @initialize(
        loss=st.sampled_from(["stop_before", "stop_after", "resume"]),
        tethered=st.booleans(),
        small=st.booleans(),
        stop_on_ev=st.booleans(),
        free_vend=st.booleans(),
        seed=st.integers(1, 1000),
    )
    def build(self, loss: str, tethered: bool, small: bool, stop_on_ev: bool, free_vend: bool, seed: int) -> None:
        self.checkers = Checkers()
        self.lab: Rig = rig(
            self.version,
            seed=seed,
            evses=(EvseSpec(1, tethered=tethered), EvseSpec(2)),
            power_loss=loss,
            holdup_s=3.0 if loss == "stop_before" else 0.0,
            flash=FlashSpec(6_000 if small else 262_144),
            meter=MeterSpec(stop_when_dead=seed % 2 == 0),
            free_vend=free_vend,
            settings={
                "AllowOfflineTxForUnknownId": True,
                "MeterValueSampleInterval": 20,
                "TransactionMessageAttempts": 3,
                "TransactionMessageRetryInterval": 5,
                "MessageTimeout": 10,
                "StopTransactionOnEVSideDisconnect": stop_on_ev,
            },
        )
        frames = self.lab.watch

        def both(station: Station, event: i.Input, effects: list[Any], now: int) -> None:
            frames(station, event, effects, now)
            self.checkers.observe(station, event, effects, now)

        self.lab.fleet._observer = both
        self.lab.csms.verdicts["BLOCKED"] = "Blocked"
        self.lab.csms.interval_s = 60
        self.lab.boot(1)
        self.faults = 0

    # -- the world

    @rule(evse=EVSES, soc=st.sampled_from([0.2, 0.79, 0.999, 1.0]))
    def plug(self, evse: int, soc: float) -> None:
        self.lab.feed(i.Plug(evse, i.EvSpec(soc=soc, battery_wh=2_000.0)))

    @rule(evse=EVSES, side=st.sampled_from(["ev", "station", "both"]))
    def unplug(self, evse: int, side: str) -> None:
        self.lab.feed(i.Unplug(evse, side))

    @rule(token=TOKENS, evse=st.integers(0, 2))
    def present(self, token: str, evse: int) -> None:
        self.lab.feed(i.Present(token, evse))

    @rule(evse=EVSES, ready=st.booleans(), car=st.booleans())
    def suspend(self, evse: int, ready: bool, car: bool) -> None:
        self.lab.feed(i.EvReady(evse, ready) if car else i.EvseReady(evse, ready))

    @rule(button=st.sampled_from(["stop", "emergency_stop", "emergency_release", "nonsense"]), evse=EVSES)
    def press(self, button: str, evse: int) -> None:
        self.lab.feed(i.Press(button, evse))

    @rule(seconds=st.sampled_from([0.001, 0.5, 3.0, 15.0, 70.0, 400.0]))
    def wait(self, seconds: float) -> None:
        self.lab.run(seconds)

    # -- power, network, parts

    @rule(on=st.booleans())
    def switch(self, on: bool) -> None:
        self.lab.feed(i.PowerOn() if on else i.PowerOff())

    @rule(silently=st.booleans())
    def cut(self, silently: bool) -> None:
        self.lab.cut(silently=silently)

    @rule()
    def mend(self) -> None:
        self.lab.mend()

    @rule(fault=st.sampled_from(FAULTS), evse=EVSES)
    def inject(self, fault: tuple[str, bool], evse: int) -> None:
        self.faults += 1
        name, single = fault
        self.lab.feed(i.Inject(f"f{self.faults}", name, evse if single else 0, PARAMS.get(name, {})))

    @precondition(lambda self: self.lab.station.board.active)
    @rule(which=st.integers(0, 10))
    def clear(self, which: int) -> None:
        active = list(self.lab.station.board.active)
        self.lab.feed(i.Clear(active[which % len(active)]))

    @rule(kind=st.sampled_from(["soft", "hard"]))
    def reboot(self, kind: str) -> None:
        self.lab.feed(i.Perform("reboot", {"kind": kind}))

    # -- the CSMS

    def call(self, action: str, payload: dict[str, Any]) -> None:
        self.lab.fleet.call(self.lab.station, action, payload)

    @rule(token=TOKENS, evse=st.one_of(st.none(), EVSES))
    def remote_start(self, token: str, evse: int | None) -> None:
        if self.version == "1.6":
            self.call("RemoteStartTransaction", {"idTag": token, **({"connectorId": evse} if evse else {})})
        else:
            wish = {"idToken": {"idToken": token, "type": "Central"}, "remoteStartId": self.faults + 1}
            self.call("RequestStartTransaction", {**wish, **({"evseId": evse} if evse else {})})

    @rule(which=st.integers(0, 5))
    def remote_stop(self, which: int) -> None:
        known = [*self.lab.csms.transactions, 4711 if self.version == "1.6" else "nobody"]
        action = "RemoteStopTransaction" if self.version == "1.6" else "RequestStopTransaction"
        self.call(action, {"transactionId": known[which % len(known)]})

    @rule(hard=st.booleans())
    def reset(self, hard: bool) -> None:
        old = "Hard" if hard else "Soft"
        self.call("Reset", {"type": old if self.version == "1.6" else "Immediate" if hard else "OnIdle"})

    @rule(evse=st.integers(0, 2), operative=st.booleans())
    def availability(self, evse: int, operative: bool) -> None:
        word = "Operative" if operative else "Inoperative"
        if self.version == "1.6":
            self.call("ChangeAvailability", {"connectorId": evse, "type": word})
        else:
            self.call("ChangeAvailability", {"operationalStatus": word, **({"evse": {"id": evse}} if evse else {})})

    @rule(evse=EVSES)
    def unlock(self, evse: int) -> None:
        more = {"connectorId": evse} if self.version == "1.6" else {"evseId": evse, "connectorId": 1}
        self.call("UnlockConnector", more)

    @rule(key=st.sampled_from(["interval", "stop"]), value=st.integers(0, 60))
    def change_setting(self, key: str, value: int) -> None:
        text = str(value) if key == "interval" else ("true" if value % 2 else "false")
        if self.version == "1.6":
            name = "MeterValueSampleInterval" if key == "interval" else "StopTransactionOnEVSideDisconnect"
            self.call("ChangeConfiguration", {"key": name, "value": text})
        else:
            where = ("SampledDataCtrlr", "TxUpdatedInterval") if key == "interval" else ("TxCtrlr", "StopTxOnInvalidId")
            row = {"component": {"name": where[0]}, "variable": {"name": where[1]}, "attributeValue": text}
            self.call("SetVariables", {"setVariableData": [row]})

    @rule(action=st.sampled_from(ACTIONS), how=st.integers(0, 7))
    def misbehave(self, action: str, how: int) -> None:
        sound = self.lab.csms.sound
        self.lab.csms.script[action] = lambda csms, payload: [
            SILENT,
            CallError("InternalError", "no"),
            Raw('[3,"{id}",{"unwanted":1}]'),
            Raw("]["),
            Late(4, sound(action, payload)),
            Late(25, sound(action, payload)),
            Twice(sound(action, payload)),
            Stranger(sound(action, payload)),
        ][how]

    @rule()
    def behave(self) -> None:
        self.lab.csms.script.clear()

    @rule(data=st.sampled_from(GARBAGE))
    def garbage(self, data: bytes) -> None:
        self.lab.answer_raw(data)

    # -- what must hold

    @invariant()
    def no_rule_is_broken(self) -> None:
        if hasattr(self, "checkers"):
            assert not self.checkers.problems, str(self.checkers.problems[0])

    def teardown(self) -> None:
        if not hasattr(self, "lab"):
            return
        self.no_rule_is_broken()
        lab = self.lab
        lab.csms.script.clear()
        for fault in list(lab.station.board.active):
            lab.feed(i.Clear(fault))
        lab.feed(i.PowerOn())
        bring_to_rest(lab)
        problems = self.checkers.finish([lab.station], lab.fleet.now)
        assert not problems, str(problems[0])


def machine(version: str) -> type[Machine]:
    return type(f"Machine{version.replace('.', '')}", (Machine,), {"version": version})


COMMON = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}


@pytest.mark.parametrize("version", VERSIONS)
def test_any_order_of_inputs(version: str) -> None:
    run_state_machine_as_test(
        machine(version),
        settings=settings(max_examples=40, stateful_step_count=30, **COMMON),  # type: ignore[arg-type]
    )


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_any_order_of_inputs_at_length(version: str) -> None:
    run_state_machine_as_test(
        machine(version),
        settings=settings(max_examples=200, stateful_step_count=60, **COMMON),  # type: ignore[arg-type]
    )
