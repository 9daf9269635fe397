"""Passwords of stations (security profiles 1 and 2: HTTP basic authentication).

Only salted hashes are kept (1.6 security whitepaper A01.FR.08), with few rounds on purpose: a fleet that reconnects
within seconds must not wait for them, stations' passwords are long and random, and this is a test target. A password
that was right is remembered in memory as a keyed digest, so a reconnect costs next to nothing.

1.6 writes a password into a station as hexadecimal digits for bytes (1.6-J 6.2), 2.x as text, and people mix them up.
A password learnt in writing is therefore kept in both readings; the first one that is used stays, the other goes.
"""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import hmac
import json
import os
from pathlib import Path

from simulator.csms.store import Batch, Store
from simulator.errors import AuthorError

ROUNDS = 200
SALT_BYTES = 8
PASSWORD_BYTES_MAX = 512

Salted = tuple[bytes, bytes]
"""Salt and hash."""


def credentials(header: str) -> tuple[str, bytes] | None:
    """User name and password of an ``Authorization`` header; None when it is no basic authentication."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(text.strip(), validate=True).partition(b":")
        name = user.decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon and len(password) <= PASSWORD_BYTES_MAX else None


def readings(written: str) -> list[bytes]:
    """The byte strings that a password given in writing can stand for."""
    found = [written.encode()]
    if len(written) % 2 == 0:
        try:
            found.append(bytes.fromhex(written))
        except ValueError:
            pass  # not hexadecimal: only text
    return found


def read_csv(path: Path) -> dict[str, str]:
    """Station ids and passwords of a stations file; raises :class:`AuthorError` naming file and line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = {"id", "password"} - set(rows.fieldnames or ())
            if missing:
                raise AuthorError(f"no column {', '.join(sorted(missing))}", file=str(path), line=1)
            found: dict[str, str] = {}
            for row in rows:
                name, password = row["id"], row["password"]
                if not name or not password:
                    raise AuthorError("an id and a password are needed", file=str(path), line=rows.line_num)
                if name in found:
                    raise AuthorError(f"station {name!r} stands here twice", file=str(path), line=rows.line_num)
                found[name] = password
            return found
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise AuthorError(str(e), file=str(path)) from None


class PasswordBook:
    """Who may connect with what. ``listed`` are passwords from a file; ``learn`` accepts the first one of an id."""

    def __init__(self, store: Store, *, listed: dict[str, str] | None = None, learn: bool = False) -> None:
        self.required = listed is not None or learn
        self._learn = learn
        self._key = os.urandom(32)
        self._proven: dict[str, bytes] = {}
        self._hashes: dict[str, list[Salted]] = {}
        self._batch: Batch[str] = Batch(store, "passwords", ("station", "hashes"), self._to_row)
        for station, hashes in store.read("SELECT station, hashes FROM passwords"):
            self._hashes[station] = [
                (bytes.fromhex(salt), bytes.fromhex(digest)) for salt, digest in json.loads(hashes)
            ]
        for station, password in (listed or {}).items():
            # What is in the database is newer than the file: it was changed through a station.
            if station not in self._hashes:
                self.replace(station, readings(password))

    def check(self, station: str, header: str | None) -> bool:
        """Whether ``station`` may connect with this ``Authorization`` header. Always, when none is required."""
        if not self.required:
            return True
        given = credentials(header) if header else None
        if given is None or given[0] != station:
            return False
        password = given[1]
        proof = hashlib.blake2b(password, key=self._key, digest_size=16).digest()
        if hmac.compare_digest(self._proven.get(station, b""), proof):
            return True
        known = self._hashes.get(station)
        if known is None:
            if not self._learn:
                return False
            self.replace(station, [password])
        else:
            right = [salt for salt, digest in known if hmac.compare_digest(_hash(password, salt), digest)]
            if not right:
                return False
            if len(known) > 1:
                self.replace(station, [password])
        self._proven[station] = proof
        return True

    def replace(self, station: str, passwords: list[bytes]) -> None:
        """From now on ``station`` connects with one of ``passwords``, and with nothing it had before."""
        salted = [(salt, _hash(password, salt)) for password in passwords for salt in (os.urandom(SALT_BYTES),)]
        self._hashes[station] = salted
        self._proven.pop(station, None)
        self._batch.put(station, station)

    def _to_row(self, station: str) -> tuple[str, str]:
        return station, json.dumps([[salt.hex(), digest.hex()] for salt, digest in self._hashes[station]])


def _hash(password: bytes, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password, salt, ROUNDS)
