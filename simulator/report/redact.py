"""Secrets out of everything a run writes down.

Theory. Two kinds of secrets pass by. Those the user gave (passwords of the target and of stations) are known by value
and replaced wherever they occur. Those the CSMS hands out during the run are known by place: OCPP carries them in
a handful of fields, and each is replaced and learnt on sight, so that it is also found wherever it turns up later. A
secret becomes ``<secret:n>``, the same value always the same n, so that a trace still shows which one was used when.

Places: 1.6 ChangeConfiguration and GetConfiguration of ``AuthorizationKey`` (security whitepaper, A01); 2.x the
variable ``BasicAuthPassword`` in every message that carries variables (part 2, A01), 2.1 also ``SharedSecret``;
SetNetworkProfile's ``basicAuthPassword``, ``apnPassword``, ``simPin`` and the VPN's ``password`` and ``key`` (B09); and
``user:password@`` in the URLs that firmware, log and diagnostics requests carry.

Placeholders are left alone when they are read again, and keep their numbers: a recorded run, fed once more, is redacted
into the very same bytes. A station's own secrets are looked for in that station's frames only, which keeps the cost of
a frame independent of the number of stations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import msgspec

ANYWHERE_MIN = 6
"""Shorter secrets are replaced only where they fill a whole JSON string; elsewhere they would be mere letters."""
KNOWN_MAX = 64
"""Secrets remembered per station; a station whose password changes more often forgets the oldest."""

_PLACEHOLDER = re.compile(r"<secret:(\d+)>")
_FIELDS = frozenset({"password", "basicauthpassword", "apnpassword", "simpin"})
_VARIABLES = frozenset({"basicauthpassword", "sharedsecret"})
_VALUES = frozenset({"attributevalue", "value", "actualvalue"})
_HINTS = (b"password", b"authorizationkey", b"simpin", b'"vpn"', b"sharedsecret", b"\\u")
_URL = re.compile(r"(:(?:\\?/){2}[^\s\"/@:\\]*:)([^\s\"/@\\]+)(?=@)")
# What is left when a frame with a hint is no JSON: any string behind one of these names.
_BROKEN = re.compile(
    r'("(?:value|attributeValue|actualValue|password|basicAuthPassword|apnPassword|simPin|key)"\s*:\s*)'
    r'("(?!AuthorizationKey|BasicAuthPassword)(?:[^"\\]|\\.)*"?|\d+)',
    re.IGNORECASE,
)


class Redactor:
    """Replaces secrets by placeholders. ``secrets`` are known to every station's frames."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._highest = 0
        self._shared: dict[str, tuple[tuple[bytes, bytes], ...]] = {}
        self._own: dict[str, dict[str, tuple[tuple[bytes, bytes], ...]]] = {}
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str, station_id: str = "") -> str:
        """Remember a secret, of one station or (without an id) of all; its placeholder. Nothing happens to nothing."""
        if not secret:
            return secret
        placeholder = _PLACEHOLDER.fullmatch(secret)
        if placeholder:
            self._highest = max(self._highest, int(placeholder[1]))
            return secret
        number = self._numbers.get(secret)
        if number is None:
            number = self._highest = self._numbers[secret] = self._highest + 1
        known = self._own.setdefault(station_id, {}) if station_id else self._shared
        if secret not in known:
            known[secret] = _patterns(secret, f"<secret:{number}>")
            if station_id and len(known) > KNOWN_MAX:
                del known[next(iter(known))]
        return f"<secret:{number}>"

    def clean(self, data: bytes, station_id: str = "") -> bytes:
        """``data`` without secrets; the very same object when it holds none."""
        if b"<secret:" in data:
            for number in re.findall(rb"<secret:(\d{1,9})>", data):
                self._highest = max(self._highest, int(number))
        if b"://" in data or b":\\/" in data:
            data = self._urls(data, station_id)
        lowered = data.lower()
        if any(hint in lowered for hint in _HINTS):
            data = self._on_sight(data, station_id)
        for known in (self._shared, self._own.get(station_id, {})):
            for patterns in known.values():
                for pattern, placeholder in patterns:
                    if pattern in data:
                        data = data.replace(pattern, placeholder)
        return data

    def clean_text(self, text: str, station_id: str = "") -> str:
        """The same for text, e.g. a command line or an error message."""
        return self.clean(text.encode("utf-8", "surrogateescape"), station_id).decode("utf-8", "surrogateescape")

    def _urls(self, data: bytes, station_id: str) -> bytes:
        if b"@" not in data:
            return data
        text = data.decode("utf-8", "surrogateescape")
        cleaned = _URL.sub(lambda found: found[1] + self.learn(found[2], station_id), text)
        return data if cleaned == text else cleaned.encode("utf-8", "surrogateescape")

    def _on_sight(self, data: bytes, station_id: str) -> bytes:
        try:
            tree = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = data.decode("utf-8", "surrogateescape")
            return _BROKEN.sub(lambda found: self._broken(found, station_id), text).encode("utf-8", "surrogateescape")
        found: list[str] = []
        cleaned = self._walk(tree, station_id, found)
        if cleaned == tree:
            return data
        # Keep the frame's own spelling where that is enough, so that a trace shows what was on the wire.
        kept = data
        for secret in found:
            if len(secret) >= ANYWHERE_MIN:
                for pattern, placeholder in _patterns(secret, f"<secret:{self._numbers[secret]}>"):
                    kept = kept.replace(pattern, placeholder)
        try:
            if msgspec.json.decode(kept) == cleaned:
                return kept
        except msgspec.DecodeError:  # a secret that is also a piece of JSON
            return msgspec.json.encode(cleaned)
        return msgspec.json.encode(cleaned)

    def _broken(self, found: re.Match[str], station_id: str) -> str:
        text = found[2]
        if not text.startswith('"'):
            return f"{found[1]}0"
        closed = text.endswith('"') and len(text) > 1
        secret = text[1:-1] if closed else text[1:]
        return f'{found[1]}"{self.learn(secret, station_id)}' + ('"' if closed else "")

    def _walk(
        self, node: Any, station_id: str, found: list[str], field: str = "", also: frozenset[str] = frozenset()
    ) -> Any:
        """A copy of ``node`` without secrets, which go to ``found``. ``also`` are secret fields the parent knows of."""
        if isinstance(node, list):
            return [self._walk(item, station_id, found, field, also) for item in node]
        if not isinstance(node, dict):
            return node
        secret_fields = _secret_fields(node, field) | also
        result: dict[str, Any] = {}
        for name, value in node.items():
            lowered = name.lower()
            if lowered in secret_fields and isinstance(value, str):
                result[name] = self.learn(value, station_id)
                if result[name] != value:
                    found.append(value)
            elif lowered in secret_fields and isinstance(value, int | float):
                result[name] = 0  # a PIN: a placeholder would not fit its type
            else:
                inner = secret_fields & _VALUES if lowered == "variableattribute" else frozenset()
                result[name] = self._walk(value, station_id, found, lowered, inner)
        return result


def _secret_fields(node: dict[str, Any], field: str) -> frozenset[str]:
    """Names, in lower case, of the fields of ``node`` that hold a secret; ``field`` is where ``node`` stands."""
    names = _FIELDS
    if field == "vpn":
        names |= {"key"}
    key = node.get("key")
    if isinstance(key, str) and key.lower() == "authorizationkey":
        names |= {"value"}
    variable = node.get("variable")
    if isinstance(variable, dict) and str(variable.get("name", "")).lower() in _VARIABLES:
        names |= _VALUES
    return names


def _patterns(secret: str, placeholder: str) -> tuple[tuple[bytes, bytes], ...]:
    """Every spelling a secret may have on the wire, the longest first, with what it is replaced by."""
    spellings = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe="")}
    raw = secret.encode("utf-8", "surrogateescape")
    if len(raw) >= ANYWHERE_MIN:  # an AuthorizationKey is often sent as the hex of the password
        spellings |= {raw.hex(), raw.hex().upper()}
    result = []
    for spelling in sorted(spellings, key=lambda text: (-len(text), text)):
        pattern = spelling.encode("utf-8", "surrogateescape")
        if len(pattern) >= ANYWHERE_MIN:
            result.append((pattern, placeholder.encode()))
        else:
            result.append((b'"' + pattern + b'"', b'"' + placeholder.encode() + b'"'))
    return tuple(result)
