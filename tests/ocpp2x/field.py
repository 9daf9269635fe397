"""A 2.x station on the bench with file servers in reach and work on keys and certificates done."""

from __future__ import annotations

from typing import Any

from simulator.core.wall import format_wall
from simulator.lab.files import LabFiles
from simulator.lab.jobs import LabWorker
from tests.bench import Lab, build, frames
from tests.ocpp16.transfers import IMAGE, URL


class Field(Lab):
    """The bench, with servers."""

    def __init__(self, version: str, *, boot: bool = True, **model: Any) -> None:
        super().__init__(build(version, **model))
        self.worker = LabWorker()
        self.fleet.worker = self.worker
        self.files.serve(URL, IMAGE)
        if boot:
            self.boot().forget()

    @property
    def files(self) -> LabFiles:
        """The servers."""
        return self.worker.files

    def at(self, seconds: float = 0.0) -> str:
        """A date-time so far from now."""
        return format_wall(self.fleet.epoch_us + self.fleet.now + int(seconds * 1e6))

    def said(self, *actions: str) -> list[str]:
        """What the station told of transfers (or ``actions``) since the last `forget`: status or type, request id."""
        wanted = actions or ("FirmwareStatusNotification", "LogStatusNotification")
        found = []
        for _, _, payload in frames(self.csms, *wanted):
            found.append(" ".join(str(payload[name]) for name in ("status", "type", "requestId") if name in payload))
        return found

    def events(self) -> list[str]:
        """Types of the security events told."""
        return [payload["type"] for payload in self.csms.sent("SecurityEventNotification")]
