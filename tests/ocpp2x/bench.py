"""One 2.x station in the virtual driver; whatever it says is held against the published schemas."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft6Validator

from simulator.core import inputs as i
from simulator.core.effects import AnyEffect, Send
from simulator.core.model import EvseSpec, HardwareSpec, Identity, Model
from simulator.core.settings import SETTINGS, defaults
from simulator.core.station import Station
from simulator.fleet.virtual import VirtualFleet
from simulator.ocpp2x import DIALECT_21, DIALECT_201

DIALECTS = {dialect.name: dialect for dialect in (DIALECT_201, DIALECT_21)}
EPOCH_US = 1_772_323_200_000_000  # 2026-03-01
IDENTITY = Identity("Acme", "Wall-22", "3.1.4", serial="{id}")

each_version = pytest.mark.parametrize("version", list(DIALECTS))


@cache
def schema(version: str, name: str) -> Any:
    """The published schema of a message."""
    package = {"2.0.1": "ocpp.v201", "2.1": "ocpp.v21"}[version]
    text = (files(package) / "schemas" / f"{name}.json").read_text(encoding="utf-8-sig")
    return Draft6Validator(json.loads(text))


def model(version: str, settings: dict[str, Any] | None = None, **fields: Any) -> Model:
    """A plain product with two sockets; ``settings`` by name."""
    values = defaults()
    for name, value in (settings or {}).items():
        found = SETTINGS.get(name)
        found.validate(value)
        values[found.index] = value
    plain = Model("plain", DIALECTS[version], IDENTITY, (EvseSpec(1), EvseSpec(2)), HardwareSpec(), tuple(values))
    return replace(plain, **fields)


class Bench:
    """A station, the CSMS at its other end, and the clock of both."""

    def __init__(self, version: str, settings: dict[str, Any] | None = None, **fields: Any) -> None:
        self.version = version
        self.fleet = VirtualFleet(epoch_us=EPOCH_US, observer=self._watch)
        self.st = Station("CP-1", model(version, settings, **fields), seed=7, epoch_us=EPOCH_US)
        self.csms = self.fleet.add(self.st)
        self.checked = 0

    def _watch(self, station: Station, event: i.Input, effects: list[AnyEffect], now: int) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                frame = json.loads(effect.data)
                if frame[0] == 2:
                    schema(self.version, frame[2] + "Request").validate(frame[3])
                    self.checked += 1

    # -- doing

    def feed(self, *events: i.Input) -> None:
        for event in events:
            self.fleet.feed(self.st, event)

    def run(self, seconds: float) -> None:
        self.fleet.run(seconds)

    def boot(self) -> Bench:
        self.feed(i.PowerOn())
        self.run(3)
        return self

    def charge(self, token: str = "TAG", evse_id: int = 1, seconds: float = 10) -> str:
        """Plug in, identify, charge; the id of the transaction."""
        self.feed(i.Plug(evse_id))
        self.run(1)
        self.feed(i.Present(token, evse_id))
        self.run(seconds)
        return str(self.events()[-1]["transactionInfo"]["transactionId"])

    def ask(self, action: str, payload: dict[str, Any] | None = None) -> Any:
        """The CSMS calls; its payload must be sound itself. The answer, held against the schema, or the CALLERROR."""
        schema(self.version, action + "Request").validate(payload or {})
        answer = self.fleet.ask(self.st, action, payload or {})
        assert answer is not None, f"{action} was not answered"
        if isinstance(answer, dict):
            schema(self.version, action + "Response").validate(answer)
        return answer

    # -- asking

    def sent(self, *actions: str) -> list[dict[str, Any]]:
        return self.csms.sent(*actions)

    def mark(self) -> int:
        """A place in what the station said, for ``since``."""
        return len(self.csms.seen)

    def since(self, mark: int) -> list[tuple[str, dict[str, Any]]]:
        """(action, payload) of the CALLs of the station since a mark."""
        return [(s.action, s.payload) for s in self.csms.seen[mark:] if s.direction == "cp" and s.kind == 2]

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """Transaction events, of one type or all."""
        return [e for e in self.sent("TransactionEvent") if kind in ("", e["eventType"])]
