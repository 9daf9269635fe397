"""The decisions in which protocol versions really differ, as one small object per dialect.

Everything here is asked by a block and answered from settings and facts; nothing here changes a fact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from simulator.blocks.transaction_record import Transaction
    from simulator.core.connector import Evse
    from simulator.core.reports import MeterReading
    from simulator.core.station import Station


class Policy(Protocol):
    """What a dialect decides about transactions, metering and availability.

    ``station_sets_connectors``: making the station (in)operative makes every connector so (1.6 5.2); otherwise the
    station's state and the EVSEs' own states are kept apart (G04.FR.07-08).
    """

    station_sets_connectors: bool

    def start_points(self, st: Station) -> int:
        """Bit mask of the points of which any one starts a transaction."""

    def stop_points(self, st: Station) -> int:
        """Bit mask of the points of which any one, once held, stops the transaction by falling."""

    def begin_measurands(self, st: Station) -> tuple[str, ...]:
        """What is measured at the beginning of a transaction, for whichever message tells it."""

    def started_readings(self, st: Station, tx: Transaction) -> tuple[MeterReading, ...]:
        """The readings of the start message."""

    def end_measurands(self, st: Station) -> tuple[str, ...]:
        """What the sampled values of the end message hold."""

    def end_readings(self, st: Station, evse: Evse, tx: Transaction) -> tuple[MeterReading, ...]:
        """The readings of the end message: begin, collected, end."""

    def collect_interval_s(self, st: Station) -> int:
        """Seconds between the sampled values collected for the end message; 0: none."""

    def aligned_end_interval_s(self, st: Station) -> int:
        """Seconds between the clock-aligned values collected for the end message; 0: none."""

    def trigger_measurands(self, st: Station) -> tuple[str, ...]:
        """What a triggered meter values message holds."""

    def shown_status(self, evse: Evse, error: str) -> tuple[str, str]:
        """(status, error) as this version tells them: what does not differ here is not told again."""

    def offline_threshold(self, st: Station) -> int:
        """Microseconds offline after which every status is told again; a huge number where there is no such rule."""
