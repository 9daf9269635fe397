"""Quirks of registers in transaction messages, on the wire, with and without."""

from __future__ import annotations

from typing import Any

from simulator.core import inputs as i
from simulator.core.model import HardwareSpec, MeterSpec, ModemSpec
from simulator.quirks import tx_values
from tests.quirks.rig import Bench, build, compare


def registers(b: Bench) -> list[float]:
    """meterStart and meterStop, one after the other."""
    return [p.get("meterStart", p.get("meterStop")) for p in b.sent("StartTransaction", "StopTransaction")]


def energies(b: Bench) -> list[float]:
    """meterStop less meterStart of every session."""
    found = registers(b)
    return [stop - start for start, stop in zip(found[::2], found[1::2], strict=True)]


def test_minus_one_without_readings() -> None:
    assert tx_values.NoReadingIsMinusOne.name == "tx-meter-value-minus-one"

    def scenario(b: Bench) -> list[float]:
        b.boot().feed(i.Inject("dead", "meter.no_readings"), 5)
        return registers(b.session(20))

    hardware = HardwareSpec(meter=MeterSpec(stop_when_dead=False), modem=ModemSpec(rtt_ms=(10, 10)))
    compare("tx-meter-value-minus-one", scenario, hardware=hardware, without=[0, 0], with_=[-1, -1])


def test_one_less() -> None:
    def scenario(b: Bench) -> list[float]:
        b.boot().plug()
        b.feed(i.EvReady(1, False), 1).token("TAG", 20).token("TAG", 5).unplug()
        return energies(b)

    b = compare("tx-meterstop-below-start", scenario, without=[0], with_=[-1])
    assert energies(b.session(60))[1] > 100


def test_stop_is_start() -> None:
    def scenario(b: Bench) -> list[Any]:
        b.smoke().session()
        first, _, second, _ = registers(b)
        return [round(second - first, -2), [energy > 0 for energy in energies(b)]]

    name = "tx-meterstop-equals-start"
    compare(name, scenario, without=[400, [True, True]], with_=[400, [False, False]])


def test_begin_of_an_offline_session() -> None:
    def scenario(b: Bench) -> list[bool]:
        b.smoke()
        _offline(b)
        return [value == 0 for value in registers(b)]

    settings = {"AllowOfflineTxForUnknownId": True}
    name = "tx-offline-begin-zero"
    compare(name, scenario, settings=settings, without=[False] * 4, with_=[False, False, True, False])


def _offline(b: Bench) -> None:
    b.disturbed = True
    b.fleet.cut(b.station)
    b.plug().token("TAG", 30)
    b.fleet.mend(b.station)
    b.run(60).token("TAG", 5).unplug()


def test_begin_of_an_offline_session_in_the_newer_versions() -> None:
    settings = {"AllowOfflineTxForUnknownId": True}
    for name, begins in ((), [False]), (("tx-offline-begin-zero",), [True]):
        b = Bench(build(*name, version="2.0.1", settings=settings)).boot()
        _offline(b)
        found = [
            sample["value"] == 0
            for event in b.sent("TransactionEvent")
            for value in event.get("meterValue", ())
            for sample in value["sampledValue"]
            if sample.get("context") == "Transaction.Begin"
        ]
        assert found[:1] == begins, (name, found)


def test_the_end_in_the_newer_versions() -> None:
    for use, equal in ((), False), (("tx-meterstop-equals-start",), True):
        b = Bench(build(*use, version="2.0.1")).smoke()
        samples = [
            (sample["context"], sample["value"])
            for event in b.sent("TransactionEvent")
            for value in event.get("meterValue", ())
            for sample in value["sampledValue"]
        ]
        begin = next(value for context, value in samples if context == "Transaction.Begin")
        end = next(value for context, value in samples if context == "Transaction.End")
        assert (begin == end) == equal
