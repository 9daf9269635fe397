"""Reports: how each kind is treated by the outbox, and that they freeze their facts."""

from __future__ import annotations

import msgspec
import pytest

from simulator.core import reports
from simulator.core.outbox import estimate_bytes
from simulator.core.reports import (
    AnyReport,
    AuthorizeAsked,
    BootAsked,
    MeterReading,
    Report,
    Sampled,
    SampleTaken,
    SecurityEvent,
    Stamp,
    StatusChanged,
    TransactionEnded,
    TransactionReport,
    TransactionStarted,
    TransactionUpdated,
)  # fmt: skip

AT = Stamp(1, 2, True, 1)
KINDS = {v for v in vars(reports).values() if isinstance(v, type) and issubclass(v, Report)}
CONCRETE = KINDS - {Report, TransactionReport}


def test_the_set_is_closed() -> None:
    assert set(AnyReport.__args__) == CONCRETE


def test_what_must_not_be_lost_is_durable_and_what_is_durable_may_be_told_apart() -> None:
    durable = {kind for kind in CONCRETE if kind.durable}
    assert {TransactionStarted, TransactionUpdated, SampleTaken, TransactionEnded, SecurityEvent} <= durable
    assert not StatusChanged.durable and not BootAsked.durable and not AuthorizeAsked.durable
    assert all(kind.durable for kind in CONCRETE if kind.retry or kind.drop_rank), "thinning is about flash"


def test_starts_ends_and_security_events_are_never_thinned_samples_first() -> None:
    for kind in (TransactionStarted, TransactionEnded, SecurityEvent):
        assert kind.drop_rank == 0
    assert SampleTaken.drop_rank == max(kind.drop_rank for kind in CONCRETE) > TransactionUpdated.drop_rank


def test_somebody_at_the_station_goes_first() -> None:
    assert {kind for kind in CONCRETE if kind.urgent} == {BootAsked, AuthorizeAsked}


def test_a_report_cannot_be_changed_and_can_be_kept() -> None:
    reading = MeterReading(AT, "Sample.Periodic", (Sampled(1.5, "Voltage", "V", "L1-N"),))
    report = SampleTaken("k", 1, 1, 3, "MeterValuePeriodic", AT, readings=(reading,))
    with pytest.raises(AttributeError):
        report.seq_no = 4  # type: ignore[misc]
    again = msgspec.json.decode(msgspec.json.encode(report), type=SampleTaken)
    assert again == report


def test_a_report_takes_more_room_the_more_it_holds() -> None:
    def sample(values: int, count: int) -> SampleTaken:
        reading = MeterReading(AT, "Sample.Periodic", tuple(Sampled(1.0, "Voltage", "V") for _ in range(values)))
        return SampleTaken("k", 1, 1, 0, "MeterValuePeriodic", AT, readings=(reading,) * count)

    sizes = [estimate_bytes(sample(values, count)) for values, count in ((0, 0), (1, 1), (4, 1), (4, 10))]
    assert sizes == sorted(set(sizes)) and sizes[0] >= 64
    assert estimate_bytes(SecurityEvent("StartupOfTheDevice", AT)) >= 64
