"""The statements fit the tables they are for, and every kind of time is moved by a merge."""

import sqlite3

from simulator.report.tables import COUNTED, INDEXES, SHIFTED, STATEMENTS, TABLES


def columns(table: str) -> list[str]:
    return [row[1] for row in database().execute(f"PRAGMA table_info({table})")]


def database() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    for table, text in TABLES.items():
        db.execute(f"CREATE TABLE {table} ({text})")
    for index in INDEXES:
        db.execute(index)
    return db


def test_every_statement_can_be_prepared() -> None:
    db = database()
    for name, statement in STATEMENTS.items():
        values = (
            {"fate": "queued", "station": "CP1", "key": "1"} if ":fate" in statement else ["1"] * statement.count("?")
        )
        db.execute(statement, values)
        assert statement.split()[0] in ("INSERT", "UPDATE"), name


def test_all_monotonic_times_are_moved_by_a_merge_and_no_other_clock_is() -> None:
    for table in TABLES:
        monotonic = {
            name
            for name in columns(table)
            if name.endswith("_us") and not name.endswith(("_utc_us", "_wall_us")) and name != "took_us"
        }
        assert monotonic == set(SHIFTED.get(table, ())), table


def test_counters_have_one_shape() -> None:
    for table in COUNTED:
        assert len(columns(table)) == 4
        assert columns(table)[0] == "station_id"
        assert columns(table)[-1] == "count"
