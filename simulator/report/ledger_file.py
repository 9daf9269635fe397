"""The file a ledger lives in: who may read it, and which file may be replaced by one."""

from __future__ import annotations

import os
from pathlib import Path

from simulator.errors import AuthorError
from simulator.report.tables import APPLICATION_ID


def is_ledger(path: Path) -> bool:
    """Whether ``path`` is a SQLite file with our application id in its header."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(72)
    return head.startswith(b"SQLite format 3\0") and int.from_bytes(head[68:72], "big") == APPLICATION_ID


def make_room(path: Path) -> None:
    """Create an empty file at ``path``, in place of an older ledger but of nothing else (AuthorError)."""
    if path.exists() and not path.is_file():
        raise AuthorError("this is no file", file=str(path))
    if path.exists() and path.stat().st_size and not is_ledger(path):
        raise AuthorError("this file is no ledger and is not overwritten", file=str(path))
    for leftover in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        leftover.unlink(missing_ok=True)
    os.close(private(path))


def private(path: Path) -> int:
    """Open ``path`` for writing, emptied, readable by its owner only; AuthorError when its folder is missing."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    except FileNotFoundError:
        raise AuthorError(f"there is no folder {str(path.parent)!r} for it", file=str(path)) from None
    os.fchmod(descriptor, 0o600)
    return descriptor
