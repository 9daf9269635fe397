"""A 1.6 station on the bench with file servers in reach."""

from __future__ import annotations

import hashlib
from typing import Any

from simulator.core import certificate_store as store
from simulator.core.model import FirmwareSpec, HardwareSpec
from simulator.core.wall import format_wall
from simulator.lab.files import LabFiles
from simulator.lab.jobs import LabWorker
from simulator.pki.authority import Authority, Issued
from simulator.pki.reading import inspect_certificate
from simulator.pki.work import sign
from tests.bench import AT_ONCE, Lab, build, frames

DAY_US = 86_400_000_000
#: a demo image: what makes it firmware is its first line
IMAGE = b"CPFARM-FIRMWARE 2.0.0\n" + bytes(range(256)) * 40
SHA = hashlib.sha256(IMAGE).hexdigest()
URL = "http://files.example/images/station.bin"
LOGS = "ftp://files.example/logs/"


class Field(Lab):
    """The bench, with servers."""

    def __init__(self, **model: Any) -> None:
        super().__init__(build("1.6", **model))
        self.worker = LabWorker()
        self.fleet.worker = self.worker
        self.boot()

    @property
    def files(self) -> LabFiles:
        """The servers."""
        return self.worker.files

    def at(self, seconds: float = 0.0) -> str:
        """A date-time so far from now."""
        return format_wall(self.fleet.epoch_us + self.fleet.now + int(seconds * 1e6))

    def said(self, *, also: str = "") -> list[str]:
        """The station's messages about transfers since the last `forget`: action, status or type, request id. ``also``
        is the beginning of further actions."""
        words = ("Firmware", "SignedFirmware", "Diagnostics", "Log", "Security", *([also] if also else []))
        found = []
        for _, action, payload in frames(self.csms):
            if action.startswith(words):
                values = [str(payload[name]) for name in ("status", "type", "requestId") if name in payload]
                found.append(" ".join([action.replace("StatusNotification", ""), *values]))
        return found

    def jobs(self, kind: str = "") -> list[Any]:
        """The jobs the station has asked for."""
        return [job for _, job in self.fleet.jobs if not kind or job.kind == kind]


class Maker:
    """The maker of the station: a root, a certificate to sign firmware with, and signatures."""

    def __init__(self, lab: Field) -> None:
        now_us = lab.fleet.epoch_us
        self.authority = Authority.root("Maker Root", not_before_us=now_us - DAY_US, not_after_us=now_us + 900 * DAY_US)
        self.signer: Issued = self.authority.code_signing(
            "Maker Firmware", not_before_us=now_us - DAY_US, not_after_us=now_us + 90 * DAY_US
        )

    def deliver(self, lab: Field) -> None:
        """Put the root into the station."""
        assert store.put(lab.station, store.MANUFACTURER_ROOT, inspect_certificate(self.authority.pem))

    def signature(self, sha256: str) -> str:
        """Over an image."""
        return sign(sha256, self.signer.key)


def product(**spec: Any) -> HardwareSpec:
    return HardwareSpec(modem=AT_ONCE, firmware=FirmwareSpec(**spec))


def field(**model: Any) -> Field:
    lab = Field(**model)
    lab.files.serve(URL, IMAGE)
    lab.forget()
    return lab


def update(lab: Field, url: str = URL, after_s: float = -3600, **more: Any) -> Any:
    return lab.ask("UpdateFirmware", location=url, retrieveDate=lab.at(after_s), **more)


def told(lab: Field) -> list[str]:
    """What was said, security events and boots of the way left out."""
    return [said for said in lab.said() if not said.startswith("Security")]


def signed(lab: Field, maker: Maker, number: int = 11, *, url: str = URL, **more: Any) -> Any:
    firmware_fields = {
        "location": url,
        "retrieveDateTime": lab.at(-3600),
        "signingCertificate": maker.signer.certificate,
        "signature": maker.signature(SHA),
    }
    outer = {name: more.pop(name) for name in ("retries", "retryInterval") if name in more}
    return lab.ask("SignedUpdateFirmware", requestId=number, firmware=firmware_fields | more, **outer)


def words(number: int, *statuses: str) -> list[str]:
    return [f"SignedFirmware {status} {number}" for status in statuses]
