"""Quirks of when meter values come and whose they are, on the wire, with and without."""

from itertools import pairwise
from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.quirks import meter_moment
from tests.quirks.rig import ENERGY, Bench, build, compare

ALIGNED = {"ClockAlignedDataInterval": 60, "MeterValueSampleInterval": 3_600}
BOTH = {"MeterValuesSampledData": (ENERGY, "Voltage")}
STOP_DATA = {"StopTxnSampledData": (ENERGY,)}


def gaps(b: Bench) -> list[int]:
    """Whole seconds between the MeterValues of a bench."""
    at = [s.now for s in b.calls() if s.action == "MeterValues"]
    return [round((late - early) / 1e6) for early, late in pairwise(at)]


def test_interval_minimum() -> None:
    assert meter_moment.IntervalMinimum.name == "meter-interval-minimum"

    def scenario(b: Bench) -> list[int]:
        b.boot().session(65)
        return gaps(b)

    more = {"settings": {"MeterValueSampleInterval": 10}}
    compare("meter-interval-minimum", scenario, without=[10] * 5, with_=[30], **more)


def test_silent_while_suspended() -> None:
    def scenario(b: Bench) -> int:
        b.boot().plug().token("TAG", 65).feed(i.EvReady(1, False), 120).token("TAG", 5).unplug()
        return len(b.sent("MeterValues"))

    compare("meter-stops-while-suspended", scenario, without=3, with_=1)


def test_energy_only_at_end() -> None:
    def scenario(b: Bench) -> tuple[set[str], set[str]]:
        b.smoke()
        data = b.sent("StopTransaction")[0]["transactionData"]
        return {s["measurand"] for s in b.samples()}, {v["sampledValue"][0]["context"] for v in data}

    both, ends = {ENERGY, "Voltage"}, {"Transaction.Begin", "Transaction.End"}
    more = {"settings": {**BOTH, **STOP_DATA}}
    without = (both, {*ends, "Sample.Periodic"})
    b = compare("meter-only-at-end", scenario, without=without, with_=({"Voltage"}, ends), **more)
    assert b.sent("StopTransaction")[0]["meterStop"] > b.sent("StartTransaction")[0]["meterStart"]
    newer = Bench(build("meter-only-at-end", version="2.0.1")).smoke()
    told = {p["eventType"] for p in newer.sent("TransactionEvent") if "meterValue" in p}
    assert told >= {"Ended"} and newer.sent("TransactionEvent")[-1]["meterValue"]


def test_only_sample_clock() -> None:
    def scenario(b: Bench) -> list[str]:
        return [s["context"] for s in b.smoke().samples()]

    compare("meter-only-sample-clock", scenario, without=["Sample.Periodic"] * 2, with_=["Sample.Clock"] * 2)


def test_no_begin_values() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().session(30)
        return [v["sampledValue"][0]["context"] for v in b.sent("StopTransaction")[0]["transactionData"]]

    begin, end = "Transaction.Begin", "Transaction.End"
    compare("meter-no-transaction-begin", scenario, without=[begin, end], with_=[end], settings=STOP_DATA)
    newer = Bench(build("meter-no-transaction-begin", version="2.0.1")).smoke()
    assert "meterValue" not in newer.sent("TransactionEvent")[0]


def story(b: Bench) -> list[tuple[str, Any]]:
    """The messages of one session, with the context of values."""
    b.boot().session(30)
    told = ("StartTransaction", "StopTransaction", "MeterValues")
    return [
        (s.action[:5], s.payload["meterValue"][0]["sampledValue"][0]["context"] if s.action == "MeterValues" else None)
        for s in b.calls()
        if s.action in told
    ]


def test_values_after_stop() -> None:
    start, stop, late = ("Start", None), ("StopT", None), ("Meter", "Transaction.End")
    b = compare("meter-values-after-stop", story, without=[start, stop], with_=[start, stop, late])
    assert b.sent("MeterValues")[0]["transactionId"] == 1
    assert [s.now // 10**6 for s in b.calls() if s.action in ("StopTransaction", "MeterValues")] == [40, 42]


def test_end_out_of_order() -> None:
    start, stop = ("Start", None), ("StopT", None)
    begin, end = ("Meter", "Transaction.Begin"), ("Meter", "Transaction.End")
    b = compare("meter-end-out-of-order", story, without=[start, stop], with_=[start, begin, stop, end])
    assert [p["transactionId"] for p in b.sent("MeterValues")] == [1, 1]
    assert b.sent("MeterValues")[1]["meterValue"][0]["timestamp"] == b.sent("StopTransaction")[0]["timestamp"]


@pytest.mark.parametrize("name", ["meter-values-after-stop", "meter-end-out-of-order"])
def test_late_values_in_the_newer_versions(name: str) -> None:
    b = Bench(build(name, version="2.0.1")).smoke()
    late = b.sent("MeterValues")[-1]["meterValue"][0]["sampledValue"][0]
    assert late["context"] == "Transaction.End" and b.csms.actions()[-1] != "TransactionEvent"


def aligned_ids(b: Bench) -> list[Any]:
    b.boot(60.5).session(60).run(60)
    return [p.get("transactionId") for p in b.sent("MeterValues")]


def test_transaction_id_sticks() -> None:
    without, with_ = [None, 1, None], [None, 1, 1]
    compare("meter-transaction-id-sticks", aligned_ids, without=without, with_=with_, settings=ALIGNED)


def test_transaction_id_zero() -> None:
    without, with_ = [None, 1, None], [0, 1, 0]
    compare("meter-transaction-id-zero", aligned_ids, without=without, with_=with_, settings=ALIGNED)


def test_triggered_for_connector_zero() -> None:
    def scenario(b: Bench) -> list[tuple[int, bool]]:
        b.boot().plug().token("TAG", 10)
        assert b.ask("TriggerMessage", requestedMessage="MeterValues", connectorId=1) == {"status": "Accepted"}
        b.run(5).token("TAG", 5).unplug()
        return [(p["connectorId"], "transactionId" in p) for p in b.sent("MeterValues")]

    compare("meter-trigger-reports-connector-zero", scenario, without=[(1, True)], with_=[(0, False)])
    newer = Bench(build("meter-trigger-reports-connector-zero", version="2.0.1")).boot()
    newer.ask("TriggerMessage", requestedMessage="MeterValues", evse={"id": 1})
    assert newer.run(5).sent("MeterValues")[0]["evseId"] == 0


def test_values_that_come_again() -> None:
    def scenario(b: Bench) -> tuple[int, int]:
        b.boot().plug().token("TAG", 70).drop_link().token("TAG", 5).unplug()
        b.drop_link()
        sent = [(s.message_id, str(s.payload)) for s in b.calls() if s.action == "MeterValues"]
        return len(sent), len(set(sent))

    compare("meter-resent-on-reconnect", scenario, without=(2, 2), with_=(3, 2))
