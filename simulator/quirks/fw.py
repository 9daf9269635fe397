"""Quirks of firmware updates: how files are fetched, and firmware that comes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.blocks import firmware_record
from simulator.core.release import release
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.station import Station

_ROUTES = "Offer FTP, and take odd addresses for firmware and logs."
#: characters of a path and query that are not a letter, digit or one of ``-._~``
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@quirk(
    "fw-ftp-only",
    vendors=("EVBox",),
    sources=("evcc-io/evcc#15991",),
    survive=_ROUTES,
    settings={"SupportedFileTransferProtocols": "FTP"},
)
class FtpOnly(Quirk):
    """Firmware and logs go by FTP and nothing else."""

    def setting(self, st: Station, name: str, value: str) -> str:
        """The setting itself makes the difference, in what is told and in what is done; a profile may not widen it."""
        return "FTP" if name == "SupportedFileTransferProtocols" else value


@quirk(
    "fw-url-double-encoded",
    vendors=("Schneider",),
    sources=("sap-labs-france/ev-server@68d5269f3",),
    survive=_ROUTES,
)
class UrlDoubleEncoded(Quirk):
    """When it fetches firmware, path and query of the address are percent-encoded once more, slashes included."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """The station remembers the address as it will ask for it."""
        holder = req if action == "UpdateFirmware" and hasattr(req, "location") else getattr(req, "firmware", None)
        if action in ("UpdateFirmware", "SignedUpdateFirmware") and holder is not None:
            holder.location = encoded(holder.location)
        return None


def encoded(url: str) -> str:
    """``url`` with everything after the first slash of its path encoded as if it were one name."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    done = "".join(chr(b) if chr(b) in _UNRESERVED else f"%{b:02X}" for b in path.encode())
    return f"{scheme}{separator}{host}{slash}{done}"


@quirk(
    "fw-variant-by-hardware-revision",
    vendors=("Wallbox",),
    sources=("evcc-io/evcc#24183",),
    breaks=("stays_connected",),
    survive="Store boot texts word for word, and expect another firmware after any boot; do not tie a model to one.",
    params={
        "after_s": (3_600.0, 1.0, 3_600.0),
        "revision_a": ("6.7.25",),
        "revision_b": ("6.6.12",),
        "revision_c": ("5.17.79",),
    },
)
class SilentUpdate(Quirk):
    """One model name, three hardware revisions: each updates itself to a newest firmware of its own, unasked.

    ``after_s``: from the first boot. The other parameters: the newest firmware of each revision.
    """

    after_s: float
    revision_a: str
    revision_b: str
    revision_c: str

    def _newest(self, st: Station) -> str:
        return (self.revision_a, self.revision_b, self.revision_c)[st.number % 3]

    def moment(self, st: Station, name: str, now: int) -> None:
        """It looks for firmware some time after a start."""
        if name == "start" and release(firmware_record.version(st) or "") < release(self._newest(st)):
            QuirkPort(st, self).wake_in(self.after_s)

    def timer(self, st: Station, now: int) -> None:
        """Found: installed when nobody charges."""
        port = QuirkPort(st, self)
        if any(evse.tx for evse in st.evses):
            port.wake_in(60.0)
            return
        update = firmware_record.order("", 0, None, None)
        update.version = self._newest(st)
        if firmware_record.mark_installed(st, update):
            port.reboot("FirmwareUpdate")
