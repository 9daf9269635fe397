"""Ids and stations files."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import FleetError
from simulator.fleet.identity import default_prefix, fill, id_problem, machine_tag, read_stations


def test_prefix_depends_on_the_machine_only() -> None:
    assert default_prefix("bench-7") == default_prefix("bench-7") == f"CPF-{machine_tag('bench-7')}-"
    assert machine_tag("bench-7") != machine_tag("bench-8")
    assert len(machine_tag("")) == 4 and int(machine_tag(""), 16) >= 0


@pytest.mark.parametrize("station_id", ["CP1", "a b", "ä/ö?%", "x" * 48, "..."])
def test_odd_ids_are_allowed(station_id: str) -> None:
    assert id_problem(station_id) is None


@pytest.mark.parametrize("station_id", ["", " a", "a ", "a:b", "a\nb", "x" * 49, ".", ".."])
def test_ids_that_cannot_work(station_id: str) -> None:
    assert id_problem(station_id) is not None


def test_serial_numbers_keep_their_end() -> None:
    assert fill("S{n:04d}-{id}", 7, "CP1") == "S0007-CP1"
    assert fill("{id}", 1, "x" * 30 + "00042").endswith("00042")
    assert len(fill("{id}", 1, "x" * 48)) == 25


def rows(tmp_path: Path, text: str | bytes) -> list[tuple[object, ...]]:
    path = tmp_path / "s.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [
        (r.id, r.password.get_secret_value() if r.password else None, r.cert, r.key, r.profile, r.serial, r.line)
        for r in read_stations(path)
    ]


def test_rows(tmp_path: Path) -> None:
    text = '\ufeffid,password,profile,serial\r\nA, p w ,generic/dc-fast,S1\r\n\r\n"B,1","x""y",,\r\nC\r\n'
    assert rows(tmp_path, text) == [
        ("A", " p w ", None, None, "generic/dc-fast", "S1", 2),
        ("B,1", 'x"y', None, None, None, None, 4),
        ("C", None, None, None, None, None, 5),
    ]
    assert rows(tmp_path, "key,id,cert\nk,A,c\n") == [("A", None, "c", "k", None, None, 2)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("id,pasword\n", ["s.csv:1: unknown column 'pasword'; did you mean 'password'?"]),
        ("CP1,secret99\n", ["s.csv:1: must be a header of id, password, cert, key, profile, serial"]),
        ("password\nx\n", ["s.csv:1: the column 'id' is missing"]),
        ("", ["s.csv:1: the column 'id' is missing"]),
        ("id,id\n", ["s.csv:1: the column 'id' stands twice"]),
        ("id\n", ["s.csv: has no stations"]),
        ("id,password\nA,secret99,c\n", ["s.csv:2: has 3 cells under 2 columns"]),
        ("id,serial\nA,1\nB,2\nA,3\n", ["s.csv:4: id: A stands twice, first in line 2"]),
        ("id\na:b\nok\n" + "x" * 49 + "\n",
         ["s.csv:2: id: the id 'a:b' cannot be used: no colon, no control characters, not '.' or '..'",
          f"s.csv:4: id: the id '{'x' * 49}' is longer than 48 characters"]),
        ("id,cert\nA,c\n", ["s.csv:2: cert: cert and key go together"]),
        ("id,serial\nA," + "9" * 26 + "\n", [f"s.csv:2: serial: '{'9' * 26}' is longer than 25 characters"]),
        ('id,password\nA,"secret99\n', ["s.csv:2: unexpected end of data"]),
    ],
)  # fmt: skip
def test_rows_refused(tmp_path: Path, text: str, lines: list[str]) -> None:
    with pytest.raises(FleetError) as caught:
        rows(tmp_path, text)
    shown = str(caught.value).replace(f"{tmp_path}/", "")
    assert shown.splitlines() == lines
    assert "secret99" not in shown


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="cannot be read: No such file"):
        read_stations(tmp_path / "none.csv")
    with pytest.raises(FleetError, match="is not UTF-8 text"):
        rows(tmp_path, b"id\n\xff\n")


def test_problems_are_bounded(tmp_path: Path) -> None:
    with pytest.raises(FleetError) as caught:
        rows(tmp_path, "id\n" + "a:b\n" * 1_000)
    assert len(str(caught.value).splitlines()) == 20
