"""A small run with something of everything, for the tests of the reports. Not a test module."""

from simulator.core import records as r
from simulator.core.records import AnyRecord
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.report.checks import default_checks
from simulator.report.series import Series
from simulator.report.storms import Storms
from simulator.report.summary import RunInfo

SECOND = 1_000_000
HOSTILE = "<script>alert('x')</script>\x00&"


class SampleRun:
    """Feeds records to everything that takes them, as a driver does."""

    def __init__(self) -> None:
        self.metrics, self.ledger, self.storms, self.series = RunMetrics(), Ledger(), Storms(), Series()
        self.ledger.begin_run({"run_id": "r1"}, start_us=0, start_utc_us=1_700_000_000 * SECOND)
        self._phases: dict[str, str] = {}

    def station(self, station_id: str) -> None:
        self.ledger.add_station(station_id, ocpp="1.6", profile="generic/ac-single", at_us=0)
        self._phases[station_id] = "off"
        self.metrics.bind("1.6", "generic/ac-single").phase(None, "off")

    def add(self, station_id: str, record: AnyRecord, at_s: float) -> None:
        at_us = int(at_s * SECOND)
        handle = self.metrics.bind("1.6", "generic/ac-single")
        handle.record(record, phase=self._phases[station_id])
        if isinstance(record, r.PhaseChanged):
            handle.phase(self._phases[station_id], record.phase)
            self._phases[station_id] = record.phase
        self.ledger.add(station_id, record, at_us)
        self.storms.add(station_id, record, at_us)

    def boot(self, station_id: str, at_s: float) -> None:
        for record in (
            r.PhaseChanged("pending"),
            r.Connected(3_000, False),
            r.CallFinished("BootNotification", "ok", 20_000, 0),
            r.Booted(25_000, "PowerUp"),
            r.PhaseChanged("available"),
        ):
            self.add(station_id, record, at_s)

    def session(self, station_id: str, key: str, at_s: float, stop_fate: str = "answered") -> None:
        for record in (
            r.TransactionOpened(key, 1, "VALID", 0, 0.0, 0.0, False),
            r.CallFinished("StartTransaction", "ok", 30_000, 0),
            r.MessageFate("TransactionStarted", "answered", key),
            r.TransactionClosed(key, 1, "Local", 0, 2500.0, 2500.0, 2500.0, 2500.0),
        ):
            self.add(station_id, record, at_s)
        if stop_fate != "queued":
            self.add(station_id, r.MessageFate("TransactionEnded", stop_fate, key), at_s)


def good_run() -> SampleRun:
    """Three stations, everything as it should be."""
    run = SampleRun()
    for n in range(3):
        run.station(f"CP{n}")
        run.boot(f"CP{n}", 1)
        run.session(f"CP{n}", "1", 10)
        run.ledger.close_station(f"CP{n}")
    for second in range(20):
        run.series.sample(float(second), run.metrics)
    return run


def bad_run() -> SampleRun:
    """Ten stations: one is refused, one is under a fault, the CSMS breaks its schema, a stop stays queued, a storm."""
    run = SampleRun()
    for n in range(10):
        run.station(f"CP{n}")
    for n in range(9):
        run.boot(f"CP{n}", 1)
        run.series.sample(float(n), run.metrics)
    run.add("CP9", r.ConnectFailed("http_status", 401, HOSTILE), 2)
    run.add("CP1", r.FaultBegan("f", "modem.half_open", 0, {}), 5)
    run.add("CP1", r.CallFinished("Heartbeat", "timeout", 30 * SECOND, 0), 36)
    run.add("CP1", r.FaultEnded("f", "modem.half_open"), 20)
    run.add("CP2", r.CallFinished("Heartbeat", "timeout", 30 * SECOND, 0), 36)
    run.add("CP2", r.CallFinished("Authorize", "callerror", 40_000, 0, "InternalError"), 36)
    run.add("CP3", r.ViolationSeen("Reset", "type", "enum", HOSTILE), 37)
    run.session("CP4", "1", 40, "queued")
    for n in range(4):
        run.add(f"CP{n}", r.Disconnected("closed", 1001), 50)
    run.add("CP0", r.Connected(1, True), 55)
    run.add("CP0", r.PhaseChanged("available"), 55)
    run.ledger.close_station("CP4", queued=[("TransactionEnded", "1")])
    run.metrics.lag(2 * SECOND)
    run.series.sample(60.0, run.metrics)
    return run


def info(**more: object) -> RunInfo:
    values: dict[str, object] = {
        "run_id": "r1",
        "version": "0.1.0",
        "command": "cpfarm run --csms ws://localhost:9000 --seed 7",
        "seed": 7,
        "begin_utc_us": 1_700_000_000 * SECOND,
        "end_utc_us": 1_700_000_060 * SECOND,
        "target": {"url": "ws://localhost:9000", "sha256": "0" * 64},
        "fleet": {"name": "small", "sha256": "1" * 64},
        "labels": {"build": "42"},
        "machine": {"cores": 2},
        "cpu_seconds": 1.5,
        "rss_bytes": 50 << 20,
        "wall_seconds": 60.0,
    }
    return RunInfo(**{**values, **more})  # type: ignore[arg-type]


def checks_of(run: SampleRun, **more: object) -> list:  # type: ignore[type-arg]
    return default_checks(run.ledger, reproduce=lambda station: f"cpfarm check --id {station}", **more)  # type: ignore[arg-type]
