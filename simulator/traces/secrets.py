"""What in a log should not be passed on, and where it stands.

Known by place: fields and configuration keys whose names say what they hold, in messages of every version, in payloads
of DataTransfer, and in JSON inside of texts. Known by form: addresses of machines, people and networks, credentials in
headers and URLs, certificates, and ``name=value`` in texts nobody can read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from simulator.traces.model import Trace

DEPTH_MAX = 40
#: kinds of values; the words of ``--keep``
KINDS: dict[str, str] = {
    "tags": "tokens of drivers: RFID tags, contract ids, MAC addresses of cars",
    "serials": "serial numbers of stations, meters and boxes",
    "stations": "ids under which stations connect",
    "sim": "ICCID, IMSI and phone numbers",
    "passwords": "passwords, keys, PINs, credentials",
    "addresses": "IP and MAC addresses, hosts, e-mail addresses, networks",
    "certificates": "certificates and signing requests",
}
_WORDS: dict[str, str] = {
    **dict.fromkeys(("idtag", "token", "idtoken", "rfid", "uid", "emaid", "contract", "evccid", "vin", "tag"), "tags"),
    **dict.fromkeys(("vid", "card", "parentidtag", "groupidtoken", "plate"), "tags"),
    **dict.fromkeys(("serial", "serialnumber", "sn", "serialno"), "serials"),
    **dict.fromkeys(("chargepointid", "chargeboxid", "stationid", "identity", "cpid", "cbid"), "stations"),
    **dict.fromkeys(("iccid", "ccid", "imsi", "msisdn", "phone", "imei"), "sim"),
    **dict.fromkeys(("password", "passwd", "pwd", "pin", "psk", "secret", "passphrase"), "passwords"),
    **dict.fromkeys(("authorizationkey", "user", "username", "login", "apikey", "wifikey"), "passwords"),
    **dict.fromkeys(("credentials", "authorization"), "passwords"),
    **dict.fromkeys(("email", "mail", "ssid", "apn", "hostname", "host", "mac", "latitude", "longitude"), "addresses"),
    **dict.fromkeys(("certificate", "csr", "certificatechain"), "certificates"),
}  # fmt: skip
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
#: values that say nothing of anybody, among them tags that products have for nobody
_DULL = re.compile(r"(?i)true|false|null|none|yes|no|basic|bearer|autostart|4driversapp|\d{1,3}|")
#: configuration values that are settings, whatever the name of their key
_SETTING = re.compile(r"(?i)true|false|\d{1,5}|[\w ]*,[\w ,.]*|")
_NAMED = re.compile(
    r"""(?i)(\\*["']?)\b([a-z][\w.]{1,40})\1\s{0,2}[=:]\s{0,2}(\\*["']?)([^\s"'\\,;&}\])]{3,200})""",
)
_PAIR = re.compile(
    r'"(?:key|name)"\s{0,4}:\s{0,4}"([\w.]{1,60})"[^{}]{0,120}?"(?:value|attributeValue)"\s{0,4}:\s{0,4}"([^"]{1,2500})'
)
_CREDENTIALS = re.compile(r"(?i)\b(?:basic|bearer)\s+([A-Za-z0-9+/=._~-]{6,})")
_URL = re.compile(r"(?i)\b[a-z][a-z0-9+]{1,9}:\\?/\\?/([^\s\"'<>\\]{1,2000})")
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_IPV4 = re.compile(r"(?<![\w.:-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]*\.?\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4}){0,6}(?![\w:])|(?<![\w:])fe80::[\w:]+")
_MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])")
_PEM = re.compile(r"-----BEGIN [A-Z ]{3,40}-----((?:(?!-----).){1,20000})-----END", re.DOTALL)
_FIRMWARE = re.compile(r'"(?:firmwareVersion|softwareVersion|meterType)\\*"\s*:\s*\\*"([^"\\]{1,50})')
_LOCAL = re.compile(r"localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1?|255\.255\.\d+\.\d+")


def kind_of(name: str) -> str | None:
    """The kind of values a field or key of this name holds; None when they may be passed on."""
    words = [word.lower() for word in _CAMEL.findall(name)]
    for size in (3, 2, 1):
        for place in range(len(words) - size + 1):
            kind = _WORDS.get("".join(words[place : place + size]))
            if kind is not None:
                return kind
    return None


def by_place(trace: Trace) -> Iterator[tuple[str, str]]:
    """(kind, value) of the values that stand in fields of messages; the stations themselves are among them."""
    for station in trace.stations:
        if station:
            yield "stations", station
    for frame in trace.frames:
        if frame.station:
            yield "stations", frame.station
        yield from _walk(frame.payload, 0)


def _walk(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEPTH_MAX:
        return
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, depth + 1)
    elif isinstance(value, dict):
        yield from _setting(value)
        for name, item in value.items():
            if isinstance(item, str | int | float) and not isinstance(item, bool):
                yield from _field(name, item)
            if isinstance(item, str):
                yield from _inside(item, depth)
            else:
                yield from _walk(item, depth + 1)


def _field(name: str, item: str | float) -> Iterator[tuple[str, str]]:
    kind = kind_of(name)
    text = item if isinstance(item, str) else repr(item)
    # of a certificate only what is between its first and last line, see by_form
    if kind is not None and not _DULL.fullmatch(text) and "-----BEGIN" not in text:
        yield kind, text


def _setting(entry: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """A configuration key with its value (1.6), or a variable with that of an attribute (2.x)."""
    name = entry.get("key") or entry.get("variable") or entry.get("name")
    if isinstance(name, dict):
        name = name.get("name")
    kind = kind_of(name) if isinstance(name, str) else None
    for field in ("value", "attributeValue", "actualValue"):
        value = entry.get(field)
        if kind is not None and isinstance(value, str) and not _SETTING.fullmatch(value):
            yield kind, value


def _inside(text: str, depth: int) -> Iterator[tuple[str, str]]:
    """JSON inside of a text, as in the data of DataTransfer."""
    if len(text) > 2 and text[0] in "{[" and text[-1] in "}]" and text.count("{") + text.count("[") < 2000:
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            return
        yield from _walk(inner, depth + 1)


def by_form(text: str) -> Iterator[tuple[str, str]]:
    """(kind, value) of what can be told by its form, anywhere in a log."""
    for found in _MAIL.finditer(text):
        yield "mail", found[0]
    for found in _MAC.finditer(text):
        yield "addresses", found[0]
    versions = set(_FIRMWARE.findall(text))
    for found in _IPV4.finditer(text):
        if not _LOCAL.fullmatch(found[0]) and found[0] not in versions:
            yield "ipv4", found[0]
    for found in _IPV6.finditer(text):
        groups = found[0].split(":")
        if "::" in found[0] or (len(groups) == 8 and max(map(len, groups)) > 2):
            yield "ipv6", found[0]
    for found in _CREDENTIALS.finditer(text):
        yield "passwords", found[1]
    for found in _PEM.finditer(text):
        for line in re.split(r"\\[nr]|\s+", found[1]):
            if len(line) >= 16:
                yield "certificates", line
    for found in _URL.finditer(text):
        yield from _url(found[1])
    for found in _PAIR.finditer(text):
        yield from _setting({"key": found[1], "value": found[2]})
    for found in _NAMED.finditer(text):
        # an Alfen station calls a level of its log USER
        kind = None if found[2] == "USER" else kind_of(found[2])
        value = found[4].rstrip(".:")
        if (
            kind is not None
            and not _DULL.fullmatch(value)
            and not value.startswith(("{", "[", "http", "ws:", "wss:", "-----"))
        ):
            yield kind, value


def _url(rest: str) -> Iterator[tuple[str, str]]:
    authority, _, path = rest.replace("\\", "").partition("/")
    user, _, host = authority.rpartition("@")
    name, _, _ = host.partition(":")
    for part in user.split(":") if user else ():
        yield "passwords", part
    if name and not host.startswith("[") and not _LOCAL.fullmatch(name) and not re.fullmatch(r"[\d.]+|\{.*", name):
        yield "host", name
    _, _, query = path.partition("?")
    for pair in query.split("&") if query else ():
        _, _, value = pair.partition("=")
        if len(value) >= 4:
            yield "passwords", value
