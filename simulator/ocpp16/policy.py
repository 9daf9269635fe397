"""What 1.6 fixes where 2.x has variables.

A transaction starts when the power path is closed and stops when the authorisation ends, or the cable is pulled at the
car if StopTransactionOnEVSideDisconnect says so (1.6 3.6, 9.1.23).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks.authorization import STOP_ON_EV_SIDE
from simulator.blocks.metering import (
    ALIGNED_INTERVAL,
    END_ALIGNED_MEASURANDS,
    MAX_STOP_VALUES,
    SAMPLE_INTERVAL,
    SAMPLE_MEASURANDS,
    STOP_TXN_SAMPLED,
    collected,
    wanted,
)
from simulator.core import readings
from simulator.core.connector import (
    AUTHORIZED,
    EV_CONNECTED,
    FAULTED,
    FINISHING,
    POWER_PATH_CLOSED,
    PREPARING,
    SUSPENDED_EV,
    SUSPENDED_EVSE,
)

if TYPE_CHECKING:
    from simulator.blocks.transaction_record import Transaction
    from simulator.core.connector import Evse
    from simulator.core.reports import MeterReading
    from simulator.core.station import Station

NEVER_US = 1 << 62
#: 4.9: with these statuses only a problem of the communication with the car may be told
WITH_EV_ERROR = frozenset({PREPARING, SUSPENDED_EV, SUSPENDED_EVSE, FINISHING})


def told_error(status: str, error: str) -> str:
    """The problem that is told with a status: where the code of the specification may not be used another one."""
    if error == "ev_communication" and status not in WITH_EV_ERROR:
        return "other_error" if status == FAULTED else ""
    return error


class Policy16:
    """See ``core/policy.py``."""

    station_sets_connectors = True

    def start_points(self, st: Station) -> int:
        """Always the closed power path."""
        return POWER_PATH_CLOSED

    def stop_points(self, st: Station) -> int:
        """The authorisation, and the cable where the key says so."""
        return AUTHORIZED | EV_CONNECTED if st.settings[STOP_ON_EV_SIDE] else AUTHORIZED

    def begin_measurands(self, st: Station) -> tuple[str, ...]:
        """The begin and end values of transactionData: every measurand configured for it (errata 3.14)."""
        aligned = st.settings[END_ALIGNED_MEASURANDS] if st.settings[ALIGNED_INTERVAL] else ()
        return tuple(dict.fromkeys((*st.settings[STOP_TXN_SAMPLED], *aligned)))

    def started_readings(self, st: Station, tx: Transaction) -> tuple[MeterReading, ...]:
        """StartTransaction has the register only."""
        return ()

    def end_measurands(self, st: Station) -> tuple[str, ...]:
        """StopTxnSampledData: what is sampled in between."""
        named: tuple[str, ...] = st.settings[STOP_TXN_SAMPLED]
        return named

    def end_readings(self, st: Station, evse: Evse, tx: Transaction) -> tuple[MeterReading, ...]:
        """transactionData: begin, collected, end; bounded by StopTransactionMaxMeterValues (errata 3.89)."""
        if not (st.settings[STOP_TXN_SAMPLED] or st.settings[END_ALIGNED_MEASURANDS]):
            return ()  # 3.16.5
        named = self.begin_measurands(st)
        middle = collected(st, tx)
        end = readings.take(st, evse, "Transaction.End", named)
        first = (tx.begin,) if tx.begin is not None else ()
        last = (end,) if end is not None else ()
        room = int(st.settings[MAX_STOP_VALUES]) - len(first) - len(last)
        while len(middle) > max(0, room):
            middle = middle[::2] if len(middle) > 1 else ()
        return (*first, *middle, *last)

    def collect_interval_s(self, st: Station) -> int:
        """1.6 has one interval for both."""
        return int(st.settings[SAMPLE_INTERVAL]) if st.settings[STOP_TXN_SAMPLED] else 0

    def aligned_end_interval_s(self, st: Station) -> int:
        """1.6 has one interval for both."""
        return int(st.settings[ALIGNED_INTERVAL]) if st.settings[END_ALIGNED_MEASURANDS] else 0

    def trigger_measurands(self, st: Station) -> tuple[str, ...]:
        """MeterValuesSampledData (1.6 5.17)."""
        return wanted(st, SAMPLE_MEASURANDS)

    def shown_status(self, evse: Evse, error: str) -> tuple[str, str]:
        """All nine statuses, with the error code (4.9)."""
        return evse.status, told_error(evse.status, error)

    def offline_threshold(self, st: Station) -> int:
        """1.6 tells only what has changed (4.9)."""
        return NEVER_US
