"""What uploads and downloads have in common: addresses, attempts, waiting.

An attempt is one job (``core/jobs.py``); how often and when the next one comes is decided here, once for logs and
firmware. An address of a scheme the product does not transfer with is refused before anything is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks.product_settings import FILE_PROTOCOLS
from simulator.core import certificate_store

if TYPE_CHECKING:
    from simulator.core.station import Station

#: what a station does where the CSMS leaves it to the station (6.25, 6.55 and N01, L01: "left to decide")
OWN_RETRIES, OWN_INTERVAL_S = 2, 30
MAX_RETRIES, MIN_INTERVAL_S, MAX_INTERVAL_S = 1_000, 1, 86_400
#: failures that every further attempt would meet again
HOPELESS = frozenset({"bad_url", "unsupported", "host_not_allowed"})
MAX_URL = 2_000
#: a job of which nothing is heard for a day never ends
GIVE_UP_US = 86_400_000_000


def plan(retries: int | None, interval_s: int | None) -> tuple[int, int]:
    """(attempts in all, seconds between them) of a request; None is left to the station."""
    extra = OWN_RETRIES if retries is None else min(max(retries, 0), MAX_RETRIES)
    pause_s = OWN_INTERVAL_S if interval_s is None else min(max(interval_s, MIN_INTERVAL_S), MAX_INTERVAL_S)
    return 1 + extra, pause_s


def trouble_with(st: Station, url: str) -> str:
    """Why this address cannot be used at all: ``bad_url``, ``unsupported``, or nothing."""
    scheme, separator, rest = url.partition("://")
    if not separator or not rest.strip("/") or len(url) > MAX_URL or not url.isprintable() or " " in url:
        return "bad_url"
    return "" if scheme.upper() in st.settings[FILE_PROTOCOLS] else "unsupported"


def last_name(url: str) -> str:
    """The file name an address ends in, without query; may be empty."""
    path = url.partition("://")[2].partition("/")[2]
    return path.partition("?")[0].partition("#")[0].rpartition("/")[2]


def roots(st: Station) -> str:
    """The roots (PEM, one text) by which the server of a transfer over TLS is judged; empty: the driver's own."""
    return "\n".join(
        str(facts["pem"]).strip() for _, facts in certificate_store.entries(st, certificate_store.CSMS_ROOT)
    )
