"""Which files a ledger may take the place of, and who may read what it writes."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from simulator.errors import AuthorError
from simulator.report.ledger_file import is_ledger, make_room, private
from simulator.report.tables import APPLICATION_ID


def ledger_at(path: Path, application_id: int = APPLICATION_ID) -> Path:
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA application_id = {application_id}")
    db.execute("CREATE TABLE t (a)")
    db.commit()
    db.close()
    return path


def test_a_ledger_is_known_by_its_header(tmp_path: Path) -> None:
    assert is_ledger(ledger_at(tmp_path / "a"))
    assert not is_ledger(ledger_at(tmp_path / "b", 1))
    assert not is_ledger(tmp_path)
    assert not is_ledger(tmp_path / "missing")
    (tmp_path / "short").write_bytes(b"SQLite format 3\0")
    assert not is_ledger(tmp_path / "short")


def test_room_is_made_in_place_of_a_ledger_an_empty_file_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for path in (ledger_at(tmp_path / "a"), tmp_path / "empty", tmp_path / "new"):
        Path(f"{path}-wal").write_text("left over from a crash")
        make_room(path)
        assert path.read_bytes() == b""
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not Path(f"{path}-wal").exists()
    (tmp_path / "text").write_text("precious")
    for path in (tmp_path / "text", tmp_path):
        with pytest.raises(AuthorError, match="this"):
            make_room(path)
    assert (tmp_path / "text").read_text() == "precious"


def test_a_private_file_is_emptied_and_closed_to_others_even_if_it_was_open(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_text("before")
    path.chmod(0o644)
    os.close(private(path))
    assert path.read_bytes() == b""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
