"""Stand-ins for values that nobody else should see: the same for the same value, and of the same shape.

Letters become letters, digits digits, hexadecimal stays hexadecimal; signs between them stay where they are, capitals
stay capitals, and long runs of zeros stay zeros. What is the same but for capitals and signs (``20:69:C0:21`` and
``2069c021``) gets the same stand-in, in the form it has. Which one follows from a key: without it nobody can try out
all tags there are until one fits.
"""

from __future__ import annotations

import hashlib
import hmac
import re

TRIES = 64
_HEX = re.compile(r"[0-9a-f]+")
_BASE32 = re.compile(r"[a-z2-7]+")
_ZEROS = re.compile(r"0{4,}")
_SIGNS = re.compile(r"[^a-z0-9]")
LETTERS, HEX_LETTERS = "abcdefghijklmnopqrstuvwxyz", "abcdef"


def core(value: str) -> str:
    """What makes a value itself: its letters and digits, without capitals."""
    return _SIGNS.sub("", value.lower())


class Placeholders:
    """Hands them out. Different values get different ones, as far as their shape allows."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._streams: dict[str, bytes] = {}
        self._taken: dict[str, str] = {}

    def of(self, value: str) -> str:
        """The stand-in for a value, in the form this one has."""
        return self._render(value, self._stream(value))

    def address4(self, value: str) -> str:
        """For an IPv4 address: one of those set aside for documents (RFC 5737)."""
        number = self._bytes(f"ip:{value}")
        block = ("192.0.2", "198.51.100", "203.0.113")[number[0] % 3]
        return f"{block}.{1 + number[1] % 254}"

    def address6(self, value: str) -> str:
        """For an IPv6 address: one of those set aside for documents (RFC 3849)."""
        number = self._bytes(f"ip:{value.lower()}").hex()
        return f"2001:db8::{number[:4]}:{number[4:8]}"

    def host(self, value: str) -> str:
        """For the name of a host: as many labels, the last of them ``example``."""
        labels = value.split(".")
        return ".".join([*(self.of(label) for label in labels[:-1]), "example"]) if labels[:-1] else self.of(value)

    def mail(self, value: str) -> str:
        """For an e-mail address."""
        user, _, host = value.rpartition("@")
        return f"{self.of(user)}@{self.host(host)}"

    def _bytes(self, what: str) -> bytes:
        return hmac.new(self._key, what.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    def _stream(self, value: str) -> bytes:
        name = core(value) or value
        known = self._streams.get(name)
        if known is not None:
            return known
        stream = b""
        for attempt in range(TRIES):
            stream = b"".join(self._bytes(f"{name}:{attempt}:{part}") for part in range(len(name) // 32 + 1))
            made = core(self._render(value, stream))
            if made != name and self._taken.get(made, name) == name:
                self._taken[made] = name
                break
        self._streams[name] = stream
        return stream

    def _render(self, value: str, stream: bytes) -> str:
        name = core(value)
        hexadecimal = _HEX.fullmatch(name) is not None and len(name) >= 4
        base32 = _BASE32.fullmatch(name) is not None
        kept = {place for run in _ZEROS.finditer(name) for place in range(run.start(), run.end())}
        made: list[str] = []
        place = -1
        for letter in value:
            if not (letter.isascii() and letter.isalnum()):
                made.append("x" if letter.isalnum() else letter)
                continue
            place += 1
            number = stream[place % len(stream)]
            if place in kept or (place == 0 and letter == "0"):
                made.append("0")
            elif letter.isdigit():
                # a number does not begin with a zero unless it did
                made.append(str(2 + number % 6) if base32 else str(number % 10 if place else 1 + number % 9))
            else:
                letters = HEX_LETTERS if hexadecimal else LETTERS
                other = letters[number % len(letters)]
                made.append(other.upper() if letter.isupper() else other)
        return "".join(made)
