"""What variables of 2.x say about transactions and metering (part 2, E1.1 and J 2.)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks.availability import OFFLINE_THRESHOLD
from simulator.blocks.device_model import coarse_status
from simulator.blocks.metering import (
    ALIGNED_MEASURANDS,
    END_ALIGNED_INTERVAL,
    END_ALIGNED_MEASURANDS,
    END_INTERVAL,
    END_MEASURANDS,
    SAMPLED_ENABLED,
    START_MEASURANDS,
    collected,
)
from simulator.blocks.signed_values import BEGIN, END, begun, sign
from simulator.blocks.transactions import TX_START_POINT, TX_STOP_POINT
from simulator.core import readings
from simulator.core.connector import points_of

if TYPE_CHECKING:
    from simulator.blocks.transaction_record import Transaction
    from simulator.core.connector import Evse
    from simulator.core.reports import MeterReading
    from simulator.core.station import Station

#: no end message holds more meter values
MAX_END_READINGS = 250


def _start_measurands(st: Station) -> tuple[str, ...]:
    """SampledDataCtrlr.TxStartedMeasurands, while values are sampled at all."""
    wanted: tuple[str, ...] = st.settings[START_MEASURANDS]
    return wanted if st.settings[SAMPLED_ENABLED] else ()


class Policy2x:
    """See ``core/policy.py``."""

    station_sets_connectors = False

    def start_points(self, st: Station) -> int:
        """TxStartPoint (E01.FR.01-06)."""
        return points_of(st.settings[TX_START_POINT])

    def stop_points(self, st: Station) -> int:
        """TxStopPoint (E06.FR.01-07)."""
        return points_of(st.settings[TX_STOP_POINT])

    def begin_measurands(self, st: Station) -> tuple[str, ...]:
        """What the start message and the end message want of the begin."""
        started = _start_measurands(st)
        return started + tuple(name for name in self.end_measurands(st) if name not in started)

    def started_readings(self, st: Station, tx: Transaction) -> tuple[MeterReading, ...]:
        """SampledDataCtrlr.TxStartedMeasurands (E01.FR.09, FR.17)."""
        return begun(st, readings.only(tx.begin, _start_measurands(st)), BEGIN)

    def end_measurands(self, st: Station) -> tuple[str, ...]:
        """SampledDataCtrlr.TxEndedMeasurands."""
        wanted: tuple[str, ...] = st.settings[END_MEASURANDS]
        return wanted if st.settings[SAMPLED_ENABLED] else ()

    def end_readings(self, st: Station, evse: Evse, tx: Transaction) -> tuple[MeterReading, ...]:
        """Begin, what was collected, end (E06.FR.11); what is too much goes from the middle (J02.FR.20)."""
        wanted = self.end_measurands(st)
        first = begun(st, readings.only(tx.begin, wanted), END)
        end = sign(st, evse, readings.take(st, evse, "Transaction.End", wanted), END) if wanted else None
        last = () if end is None else (end,)
        middle = collected(st, tx)
        while len(middle) > MAX_END_READINGS - len(first) - len(last):
            middle = middle[::2]
        return (*first, *middle, *last)

    def collect_interval_s(self, st: Station) -> int:
        """SampledDataCtrlr.TxEndedInterval; 0 leaves only begin and end."""
        return int(st.settings[END_INTERVAL]) if self.end_measurands(st) else 0

    def aligned_end_interval_s(self, st: Station) -> int:
        """AlignedDataCtrlr.TxEndedInterval, if there is anything to measure."""
        return int(st.settings[END_ALIGNED_INTERVAL]) if st.settings[END_ALIGNED_MEASURANDS] else 0

    def trigger_measurands(self, st: Station) -> tuple[str, ...]:
        """AlignedDataCtrlr.Measurands (F06.FR.06)."""
        wanted: tuple[str, ...] = st.settings[ALIGNED_MEASURANDS]
        return wanted

    def shown_status(self, evse: Evse, error: str) -> tuple[str, str]:
        """Five statuses (G01); what is wrong is told by NotifyEvent, not here."""
        return coarse_status(evse.status, evse.plugged or evse.ev_gone), ""

    def offline_threshold(self, st: Station) -> int:
        """OCPPCommCtrlr.OfflineThreshold (B04.FR.01-02)."""
        return int(st.settings[OFFLINE_THRESHOLD]) * 1_000_000
