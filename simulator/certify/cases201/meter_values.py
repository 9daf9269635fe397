"""J01, J02: clock-aligned and sampled values, with and without a transaction. At the begin: see ``starts``; signed: see
``signed_values``."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

from simulator.certify.case import case_201
from simulator.certify.rules import OMITTED, Rule, one_of, such_that
from simulator.certify.states201 import (
    energy_started,
    ev_connected_after,
    ev_disconnected,
    parking_bay_unoccupied,
    running,
    stop_authorized,
)
from simulator.certify.tester201 import Tester201
from simulator.certify.wire import Heard

ALIGNED_S, SAMPLED_S = 60, 20
REGISTER = "Energy.Active.Import.Register"
CONTEXT = "meterValue.0.sampledValue.0.context"
ALIGNED, AT_END = "AlignedDataCtrlr.Measurands", "AlignedDataCtrlr.TxEndedMeasurands"
UPDATED, ENDED = "SampledDataCtrlr.TxUpdatedMeasurands", "SampledDataCtrlr.TxEndedMeasurands"
IDLE = "AlignedDataCtrlr.SendDuringIdle"


def measured(t: Tester201, name: str) -> Rule:
    """A list of sampled values that has every measurand of a setting; the register may go without a name."""
    wanted = set((t.read(name, "measurands") or "").split(",")) - {""}
    return such_that(
        f"an element for each of {', '.join(sorted(wanted))}",
        lambda told: wanted <= {one.get("measurand", REGISTER) for one in told},
    )


def complete(t: Tester201, step: str, heard: Heard, number: int, name: str) -> None:
    """One set of values in this message has an element for each measurand of a setting; the register may go without a
    name."""
    told = heard.payload["meterValue"][number]["sampledValue"]
    for wanted in (t.read(name, "measurands") or "").split(","):
        place = next((n for n, one in enumerate(told) if one.get("measurand", REGISTER) == wanted), 0)
        rule = one_of(REGISTER, OMITTED) if wanted == REGISTER else wanted
        t.validate(step, heard, {f"meterValue.{number}.sampledValue.{place}.measurand": rule})


def apart(t: Tester201, step: str, stamps: list[str], interval_s: int) -> None:
    """These moments are whole intervals apart."""
    moments = [datetime.fromisoformat(stamp) for stamp in stamps]
    gaps = [round((b - a).total_seconds()) for a, b in pairwise(moments)]
    t.check(step, f"{interval_s} s apart", all(gap == interval_s for gap in gaps), gaps)


def stamp(heard: Heard) -> str:
    """When the values of a message were taken."""
    return str(heard.payload["meterValue"][0]["timestamp"])


@case_201("TC_J_01", settings={"AlignedDataCtrlr.Interval": ALIGNED_S})
def aligned(t: Tester201) -> None:
    """Clock-aligned Meter Values: no transaction ongoing."""
    fields = {CONTEXT: "Sample.Clock", "meterValue.0.sampledValue": measured(t, ALIGNED), "evseId": t.connector}
    stamps = []
    for _ in range(3):
        for evse in t.rig.connectors:
            heard = t.expect(1, "MeterValues", fields | {"evseId": evse}, within_s=ALIGNED_S + 10.0)
        stamps.append(stamp(heard))
    apart(t, "post", stamps, ALIGNED_S)
    located(t)


@case_201(
    "TC_J_02",
    settings={"AlignedDataCtrlr.Interval": ALIGNED_S, "SampledDataCtrlr.TxUpdatedInterval": 0, IDLE: False},
    if_implemented=[IDLE],
    states=[energy_started],
)
def aligned_in_a_transaction(t: Tester201) -> None:
    """Clock-aligned Meter Values: transaction ongoing."""
    fields: dict[str, Any] = {CONTEXT: "Sample.Clock", "meterValue.0.sampledValue": measured(t, ALIGNED)}
    t.csms.pending.clear()
    t.see_samples()
    stamps = []
    for _ in range(2):
        wanted = t.event(3, "MeterValueClock", kind="Updated", fields=fields)
        stamps.append(stamp(t.hear(wanted, within_s=ALIGNED_S + 10.0)))
    apart(t, "post", stamps, ALIGNED_S)
    for evse in t.rig.connectors:
        if evse != t.connector:
            t.expect(1, "MeterValues", fields | {"evseId": evse}, within_s=ALIGNED_S + 10.0)
    located(t)


def located(t: Tester201) -> None:
    """Post scenario of every case of J (errata): nothing is measured in the car but its state of charge."""
    every = [
        one
        for row in t.csms.log
        if row["from"] == "station" and row["kind"] == "call"
        for value in row["payload"].get("meterValue", ())
        for one in value["sampledValue"]
    ]
    wrong = [one for one in every if one.get("location") == "EV" and one.get("measurand") != "SoC"]
    t.check("post", "nothing at the location EV but SoC", not wrong, wrong)


def ended(t: Tester201) -> Heard:
    """The session ends, however the product ends it: the message that ends the transaction."""
    key = t.transaction_id
    t.wait(4.0 * ALIGNED_S)
    before = len(t.csms.log)
    stop_authorized(t)
    if running(t):
        ev_connected_after(t)
    if running(t):
        ev_disconnected(t)
    for row in t.csms.log[before:]:
        payload = row["payload"]
        if row["action"] == "TransactionEvent" and row["kind"] == "call" and payload["eventType"] == "Ended":
            return Heard(row["number"], 0, 2, row["id"], "TransactionEvent", payload)
    raise t.inconclusive(f"{key} does not end")


@case_201("TC_J_06", settings={"AlignedDataCtrlr.Interval": ALIGNED_S, IDLE: True})
def only_while_idle(t: Tester201) -> None:
    """Clock-aligned Meter Values: no Meter Values during transaction.

    Sampled values of the transaction, which are switched on elsewhere, are none of the matter: J01.FR.20 is about those
    aligned with the clock.
    """
    fields = {CONTEXT: "Sample.Clock", "meterValue.0.sampledValue": measured(t, ALIGNED)}

    def idle(step: int) -> None:
        stamps = []
        for _ in range(2):
            for evse in t.rig.connectors:
                heard = t.expect(step, "MeterValues", fields | {"evseId": evse}, within_s=ALIGNED_S + 10.0)
            stamps.append(stamp(heard))
        apart(t, "post", stamps, ALIGNED_S)

    idle(1)
    energy_started(t)
    begun = len(t.csms.log)
    t.never(4, "MeterValues", ALIGNED_S + 5.0)
    t.never(4, "TransactionEvent", ALIGNED_S + 5.0, triggerReason="MeterValueClock")
    stop_authorized(t)
    parking_bay_unoccupied(t)
    told = [row["payload"] for row in t.csms.log[begun:] if row["from"] == "station" and row["kind"] == "call"]
    clock = [one for payload in told for one in payload.get("meterValue", ()) if _is_aligned(one)]
    t.check("post", "nothing aligned with the clock until the transaction is over", not clock, clock)
    idle(7)
    located(t)


def _is_aligned(value: dict[str, Any]) -> bool:
    return any(one.get("context") == "Sample.Clock" for one in value["sampledValue"])


def _contexts(*wanted: str) -> Rule:
    return such_that(
        f"values with {' and '.join(wanted)}",
        lambda told: set(wanted) <= {one["sampledValue"][0].get("context", "Sample.Periodic") for one in told},
    )


@case_201(
    "TC_J_03",
    settings={
        "AlignedDataCtrlr.TxEndedInterval": ALIGNED_S,
        AT_END: REGISTER,
        ENDED: "",
        IDLE: False,
    },
    if_implemented=[IDLE],
    states=[energy_started],
)
def aligned_at_the_end(t: Tester201) -> None:
    """Clock-aligned Meter Values: EventType Ended."""
    heard = ended(t)
    t.validate("post", heard, {"meterValue": _contexts("Sample.Clock")})
    t.validate("post", heard, {CONTEXT: "Sample.Clock"})
    complete(t, "post", heard, 0, AT_END)
    apart(t, "post", [value["timestamp"] for value in heard.payload["meterValue"]], ALIGNED_S)
    located(t)


@case_201(
    "TC_J_09",
    settings={"SampledDataCtrlr.TxUpdatedInterval": SAMPLED_S},
    states=[energy_started],
)
def sampled(t: Tester201) -> None:
    """Sampled Meter Values: EventType Updated."""
    fields = {CONTEXT: "Sample.Periodic", "meterValue.0.sampledValue": measured(t, UPDATED)}
    t.see_samples()
    stamps = []
    for _ in range(3):
        heard = t.hear(t.event(1, "MeterValuePeriodic", fields=fields), within_s=SAMPLED_S + 10.0)
        stamps.append(stamp(heard))
    apart(t, "post", stamps, SAMPLED_S)
    located(t)


@case_201(
    "TC_J_10",
    settings={"SampledDataCtrlr.TxEndedInterval": SAMPLED_S, AT_END: ""},
    states=[energy_started],
)
def sampled_at_the_end(t: Tester201) -> None:
    """Sampled Meter Values: EventType Ended."""
    heard = ended(t)
    t.validate("post", heard, {"meterValue": _contexts("Sample.Periodic", "Transaction.End")})
    complete(t, "post", heard, 1, ENDED)
    periodic = [v for v in heard.payload["meterValue"] if v["sampledValue"][0].get("context") == "Sample.Periodic"]
    apart(t, "post", [value["timestamp"] for value in periodic], SAMPLED_S)
    located(t)
