"""A product's own way to open a connection (``Dial.manner``), put into the dial that the driver is about to make."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from simulator.core.effects import PLAIN, Manner
from simulator.fleet.connection import DialSpec


def renamed(url: str, station_id: str, manner: Manner, serial: str) -> str:
    """The address with the product's idea of its name where the station's id stands; each part percent-encoded."""
    own = quote(station_id, safe="")
    parts = manner.identity_in_path(station_id, serial).split("/")
    before, found, after = url.rpartition(own)
    return before + "/".join(quote(part, safe="") for part in parts) + after if found else url


def in_manner(spec: DialSpec, station_id: str, serial: str, manner: Manner) -> DialSpec:
    """The dial of a station that has a way of its own; the same for one that has not."""
    if manner == PLAIN:
        return spec
    auth = spec.basic_auth
    if manner.blank_password:
        auth = (station_id, "")
    if auth is not None and manner.identity:
        auth = (manner.identity, auth[1])
    return replace(spec, url=renamed(spec.url, station_id, manner, serial), basic_auth=auth, manner=manner)
