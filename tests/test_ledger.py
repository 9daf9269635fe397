"""The ledger: what it knows of transactions, messages, faults; two threads; files, merge and export."""

import csv
import json
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

import simulator.ledger as module
from simulator.core import records as r
from simulator.errors import AuthorError, CpfarmError
from simulator.ledger import FATES, Ledger

SECOND = 1_000_000


def opened(key: str = "1") -> r.TransactionOpened:
    return r.TransactionOpened(key, 1, "VALID-1", 111, 1000.0, 1000.0, False, 7)


def closed(key: str = "1", wh: float = 500.0) -> r.TransactionClosed:
    return r.TransactionClosed(key, 1, "Local", 222, 1000.0 + wh, 1000.0 + wh, wh, wh)


def row(ledger: Ledger, table: str, where: str = "1") -> dict[str, Any]:
    names = [column[1] for column in ledger.query(f"PRAGMA table_info({table})")]
    (values,) = ledger.query(f"SELECT * FROM {table} WHERE {where}")
    return dict(zip(names, values, strict=True))


def test_a_transaction_has_its_truths_side_by_side() -> None:
    ledger = Ledger()
    ledger.add("CP1", opened(), 10 * SECOND)
    ledger.add("CP1", r.TransactionTold("1", "begin", 0.0, 333), 11 * SECOND)
    ledger.add("CP1", r.TransactionNamed("1", "4711"), 12 * SECOND)
    ledger.add("CP1", r.MessageFate("TransactionStarted", "answered", "1"), 12 * SECOND)
    ledger.add("CP1", closed(), 70 * SECOND)
    ledger.add("CP1", r.TransactionTold("1", "end", 1500.0, 444), 71 * SECOND)
    ledger.add("CP1", r.MessageFate("TransactionEnded", "answered_with_error", "1", ""), 72 * SECOND)
    found = row(ledger, "transactions")
    expected = {
        "csms_id": "4711",
        "id_token": "VALID-1",
        "remote_start_id": 7,
        "begin_us": 10 * SECOND,
        "end_us": 70 * SECOND,
        "begin_wall_us": 111,
        "end_wall_us": 222,
        "physical_wh": 500.0,
        "reported_wh": 500.0,
        "told_begin_wh": 0.0,
        "told_begin_wall_us": 333,
        "told_end_wh": 1500.0,
        "csms_wh": None,
        "start_fate": "answered",
        "stop_fate": "answered_with_error",
        "answered": 1,
        "errors": 1,
        "reason": "Local",
    }
    assert {name: found[name] for name in expected} == expected


BEGIN, MIDDLE, END = "TransactionStarted", "SampleTaken", "TransactionEnded"


@pytest.mark.parametrize(
    ("fates", "queued", "sent", "found"),
    [
        ([(BEGIN, "answered"), (MIDDLE, "answered"), (END, "answered")], [], [], ("answered", "answered")),
        ([(BEGIN, "answered"), (END, "answered_with_error")], [], [], ("answered", "answered_with_error")),
        ([(BEGIN, "answered")], [MIDDLE, END], [], ("answered", "queued")),
        ([(BEGIN, "answered")], [], [END], ("answered", "sent_unanswered")),
        ([(BEGIN, "answered")], [END], [MIDDLE], ("answered", "queued")),
        ([(BEGIN, "answered"), (END, "dropped_by_station")], [MIDDLE], [], ("answered", "dropped_by_station")),
        ([(MIDDLE, "dropped_by_station")], [BEGIN, END], [], ("queued", "queued")),
        ([], [], [], ("dropped_by_station", "dropped_by_station")),
    ],
)
def test_the_fates_of_begin_and_end(
    fates: list[tuple[str, str]], queued: list[str], sent: list[str], found: tuple[str, str]
) -> None:
    ledger = Ledger()
    ledger.add("CP1", opened(), 0)
    ledger.add("CP1", closed(), 1)
    for kind, fate in fates:
        ledger.add("CP1", r.MessageFate(kind, fate, "1", "because"), 2)
    ledger.close_station("CP1", [(kind, "1") for kind in queued], sent=[(kind, "1") for kind in sent], at_us=9)
    transaction = row(ledger, "transactions")
    assert (transaction["start_fate"], transaction["stop_fate"]) == found
    assert (transaction["queued"], transaction["unanswered"]) == (len(queued), len(sent))
    assert transaction["dropped"] == sum(fate == "dropped_by_station" for _, fate in fates)
    assert ledger.query("SELECT count(*) FROM messages WHERE at_us = 9") == [(len(queued) + len(sent),)]


def test_a_transaction_the_station_lost_is_told_apart_from_an_open_one() -> None:
    ledger = Ledger()
    for key in ("1", "2"):
        ledger.add("CP1", opened(key), 0)
        ledger.add("CP1", r.MessageFate("TransactionStarted", "answered", key), 1)
    ledger.close_station("CP1", open=["1"])
    assert row(ledger, "transactions", "key = '1'")["stop_fate"] == "never_due"
    lost = row(ledger, "transactions", "key = '2'")
    assert (lost["stop_fate"], lost["why"]) == ("dropped_by_station", "the station lost it")


def test_a_resent_start_keeps_its_answer() -> None:
    ledger = Ledger()
    ledger.add("CP1", opened(), 0)
    ledger.add("CP1", r.MessageFate("TransactionStarted", "answered", "1"), 1)
    ledger.add("CP1", r.MessageFate("TransactionStarted", "dropped_by_station", "1", "full"), 1)
    assert row(ledger, "transactions")["start_fate"] == "answered"


def test_fates_are_a_closed_set() -> None:
    assert len(FATES) == 6
    with pytest.raises(AssertionError, match="no fate of a message: 'eaten'"):
        Ledger().add("CP1", r.MessageFate("TransactionEnded", "eaten", "1"), 0)


def test_calls_are_counted_and_only_the_bad_ones_have_rows() -> None:
    ledger = Ledger()
    for _ in range(1000):
        ledger.add("CP1", r.CallFinished("Heartbeat", "ok", 5, 0), 3)
    ledger.add("CP1", r.CallFinished("Heartbeat", "timeout", 30 * SECOND, 0), 40 * SECOND)
    ledger.add("CP2", r.CallFinished("Authorize", "callerror", 70, 0, "InternalError"), 41 * SECOND)
    ledger.add("CP2", r.CsmsCallHandled("Reset", "ok"), 41 * SECOND)
    assert ledger.query("SELECT * FROM calls ORDER BY 1, 2, 3") == [
        ("CP1", "Heartbeat", "ok", 1000),
        ("CP1", "Heartbeat", "timeout", 1),
        ("CP2", "Authorize", "callerror", 1),
    ]
    assert ledger.query("SELECT station_id, action, outcome, code, took_us FROM messages") == [
        ("CP1", "Heartbeat", "timeout", "", 30 * SECOND),
        ("CP2", "Authorize", "callerror", "InternalError", 70),
    ]
    assert ledger.query("SELECT * FROM csms_calls") == [("CP2", "Reset", "ok", 1)]
    ledger.add("CP1", r.CallFinished("Heartbeat", "ok", 5, 0), 50 * SECOND)
    assert ledger.query("SELECT count FROM calls WHERE outcome = 'ok'") == [(1001,)], "counted on after a question"


def test_faults_have_true_times_on_both_clocks() -> None:
    ledger = Ledger()
    ledger.begin_run({"run_id": "x"}, start_us=100, start_utc_us=5_000_000, speed=2.0)
    ledger.add("CP1", r.FaultBegan("f1", "meter.noise", 1, {"permille": 5}), 100 + 10 * SECOND)
    ledger.add("CP1", r.FaultEnded("f1", "meter.noise"), 100 + 20 * SECOND)
    ledger.add("CP1", r.FaultBegan("f1", "meter.noise", 1, {}), 100 + 30 * SECOND)
    first, second = ledger.query("SELECT begin_us, end_us, begin_utc_us, end_utc_us, params FROM faults ORDER BY 1")
    assert first == (100 + 10 * SECOND, 100 + 20 * SECOND, 10_000_000, 15_000_000, '{"permille": 5}')
    assert second[1] is None


def test_a_station_that_is_thrown_out_before_its_boot_was_kicked() -> None:
    ledger = Ledger()
    ledger.add_station("CP1", ocpp="1.6", profile="p", at_us=0)
    for record in (
        r.PhaseChanged("connecting"),
        r.ConnectFailed("http_status", 401, "Unauthorized"),
        r.Connected(10, False),
        r.PhaseChanged("pending"),
        r.PhaseChanged("offline"),
        r.Disconnected("closed", 1008),
        r.Connected(10, True),
        r.PhaseChanged("pending"),
        r.Disconnected("local_close", 1000),
        r.Connected(10, True),
        r.PhaseChanged("pending"),
        r.BootRefused("Pending"),
        r.Booted(10, "PowerUp"),
        r.PhaseChanged("available"),
        r.Disconnected("reset", 0),
        r.Connected(10, True),
        r.PhaseChanged("available"),
        r.Disconnected("closed", 1001),
    ):
        ledger.add("CP1", record, 5)
    assert dict(ledger.query("SELECT reason, count FROM connect_failures")) == {
        "http_401": 1,
        "kicked": 1,
        "boot_pending": 1,
    }
    found = row(ledger, "stations")
    assert (found["connects"], found["boots"], found["disconnects"]) == (4, 1, 4)
    assert (found["first_connected_us"], found["first_booted_us"], found["boot_reason"]) == (5, 5, "PowerUp")
    assert ledger.query("SELECT cause, code, count FROM disconnects ORDER BY 1, 2") == [
        ("closed", 1001, 1),
        ("closed", 1008, 1),
        ("local_close", 1000, 1),
        ("reset", 0, 1),
    ]


def test_the_rest_is_kept_as_violations_and_remarks() -> None:
    ledger = Ledger()
    for value in ("a", "b"):
        ledger.add("CP1", r.ViolationSeen("Reset", "type", "enum", value), 1)
    ledger.add("CP1", r.StrayAnswer("late", "17"), 2)
    ledger.add("CP1", r.FlashTrouble("queue", "full", "one sample"), 3)
    ledger.add("CP1", r.Remark("x" * 10_000), 4)
    ledger.add("CP1", r.QueueDepth(4), 4)
    ledger.add("CP1", r.DriverShown(2, "total_cost", "3.00 EUR"), 5)
    assert ledger.query("SELECT * FROM violations") == [("CP1", "Reset", "type", "enum", "a", 1, 2)]
    kinds = ledger.query("SELECT kind, length(text) FROM remarks ORDER BY at_us")
    assert kinds == [("stray_answer", 8), ("flash", 23), ("remark", module.TEXT_MAX), ("shown", 27)]
    assert ledger.query("SELECT text FROM remarks WHERE kind = 'shown'") == [("EVSE 2 total_cost: 3.00 EUR",)]


def test_what_drivers_are_shown_has_a_bound_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_MAX", {**module.ROWS_MAX, "shown": 2, "remark": 1})
    ledger = Ledger()
    for at in range(5):
        ledger.add("CP1", r.DriverShown(1, "running_cost", f"{at}.00 EUR"), at)
    ledger.add("CP1", r.Remark("still there"), 9)
    assert ledger.query("SELECT kind FROM remarks ORDER BY at_us") == [("shown",), ("shown",), ("remark",)]
    assert ledger.left_off["shown"] == 3 and ledger.left_off["remark"] == 0


def test_rows_are_bounded_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "ROWS_MAX", {"message": 3, "fate": 1, "remark": 2, "violation": 1})
    ledger = Ledger(tmp_path / "l.sqlite")
    for i in range(5):
        ledger.add("CP1", r.CallFinished("Heartbeat", "timeout", 1, 0), i)
        ledger.add("CP1", r.Remark("x"), i)
        ledger.add("CP1", r.ViolationSeen("Reset", f"path{i % 2}", "enum"), i)
        ledger.add("CP1", r.MessageFate("SampleTaken", "dropped_by_station"), i)
    assert ledger.left_off == {"message": 2, "fate": 4, "remark": 3, "violation": 2}
    assert ledger.query("SELECT count FROM calls") == [(5,)]
    assert ledger.query("SELECT count FROM message_fates") == [(5,)]
    assert ledger.query("SELECT count(*) FROM messages") == [(4,)]
    assert ledger.query("SELECT path, count FROM violations") == [("path0", 3)]
    ledger.close()
    with Ledger.open(tmp_path / "l.sqlite") as again:
        assert again.query("SELECT value FROM run WHERE name = 'left_off_remark'") == [("3",)]


def test_a_full_buffer_is_written_at_once_or_counted_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 10)
    patient, hurried = Ledger(), Ledger(inline_flush=False)
    for i in range(25):
        patient.add("CP1", r.Remark("x"), i)
        hurried.add("CP1", r.Remark("x"), i)
    assert patient.query("SELECT count(*) FROM remarks") == [(25,)]
    assert (patient.lost_rows, hurried.lost_rows) == (0, 15)
    assert hurried.query("SELECT count(*) FROM remarks") == [(10,)]


def test_a_flushing_thread_loses_nothing() -> None:
    ledger = Ledger()
    done = threading.Event()
    flushed = []

    def flush() -> None:
        while not done.is_set():
            ledger.flush(counts=True)
            flushed.append(1)

    thread = threading.Thread(target=flush)
    thread.start()
    for i in range(20_000):
        ledger.add(f"CP{i % 50}", r.CallFinished("Heartbeat", "ok", 5, 0), i)
        if i % 10 == 0:
            ledger.add(f"CP{i % 50}", r.Remark(str(i)), i)
    done.set()
    thread.join()
    assert flushed
    assert ledger.query("SELECT sum(count) FROM calls") == [(20_000,)]
    assert ledger.query("SELECT count(*), count(DISTINCT text) FROM remarks") == [(2_000, 2_000)]


def test_a_file_is_private_and_replaces_only_ledgers(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with Ledger(path) as ledger:
        ledger.add("CP1", r.Remark("first"), 0)
        ledger.flush()
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    with Ledger(path) as ledger:
        assert ledger.query("SELECT count(*) FROM remarks") == [(0,)], "the same command may be given again"
    foreign = tmp_path / "precious.db"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE t (a)")
    for path in (foreign, tmp_path):
        before = foreign.read_bytes()
        with pytest.raises(AuthorError, match=path.name):
            Ledger(path)
        assert foreign.read_bytes() == before
    with pytest.raises(AuthorError, match="there is no folder"):
        Ledger(tmp_path / "nowhere" / "l.sqlite")
    with pytest.raises(AuthorError, match="this is no cpfarm ledger"):
        Ledger.open(foreign)
    with pytest.raises(AuthorError, match="no such file"):
        Ledger.open(tmp_path / "missing.sqlite")


def worker(path: Path | None, station: str, start_us: int, start_utc_us: int) -> Ledger:
    ledger = Ledger(path)
    ledger.begin_run({"run_id": "x"}, start_us=start_us, start_utc_us=start_utc_us)
    ledger.add_station(station, ocpp="1.6", profile="p", at_us=start_us)
    ledger.add(station, r.CallFinished("Heartbeat", "ok", 5, 0), start_us)
    ledger.add(station, r.FaultBegan("f", "modem.outage", 0, {}), start_us + 4 * SECOND)
    ledger.add(station, opened(), start_us + 1 * SECOND)
    return ledger


def test_workers_are_merged_onto_one_time(tmp_path: Path) -> None:
    worker(tmp_path / "w1.sqlite", "CP2", 7_000 * SECOND, 103 * SECOND).close()
    ledger = worker(None, "CP1", 50 * SECOND, 100 * SECOND)
    ledger.merge([tmp_path / "w1.sqlite"])
    assert ledger.query("SELECT station_id, begin_us, begin_utc_us, end_us FROM faults ORDER BY 1") == [
        ("CP1", 54 * SECOND, 104 * SECOND, None),
        ("CP2", 57 * SECOND, 107 * SECOND, None),
    ]
    assert ledger.query("SELECT station_id, begin_us FROM transactions ORDER BY 1") == [
        ("CP1", 51 * SECOND),
        ("CP2", 54 * SECOND),
    ]
    assert ledger.query("SELECT sum(count) FROM calls") == [(2,)]
    with pytest.raises(CpfarmError, match=r"w1\.sqlite: a station of this ledger is already in memory"):
        ledger.merge([tmp_path / "w1.sqlite"])
    assert ledger.query("SELECT count(*) FROM stations") == [(2,)]


def test_export(tmp_path: Path) -> None:
    ledger = worker(None, "CP1", 0, 0)
    ledger.export(tmp_path / "l.json", "json")
    tables = json.loads((tmp_path / "l.json").read_text())
    assert tables["stations"][0]["station_id"] == "CP1"
    assert tables["transactions"][0]["id_token"] == "VALID-1"
    assert {name: value for entry in tables["run"] for name, value in [entry.values()]}["run_id"] == '"x"'
    ledger.export(tmp_path / "folder", "csv")
    with (tmp_path / "folder" / "faults.csv").open() as file:
        (fault,) = csv.DictReader(file)
    assert (fault["fault"], fault["begin_us"], fault["end_us"]) == ("modem.outage", str(4 * SECOND), "")
    assert {path.stem for path in (tmp_path / "folder").iterdir()} == set(tables)
    assert stat.S_IMODE((tmp_path / "l.json").stat().st_mode) == 0o600
    with pytest.raises(AuthorError, match="unknown format 'xml'"):
        ledger.export(tmp_path / "l.xml", "xml")
