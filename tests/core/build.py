"""One station in the virtual driver, every frame kept and every outgoing one held against the published schemas."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft4Validator, Draft6Validator

from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.model import EvseSpec, HardwareSpec, Identity, Model
from simulator.core.settings import KEYS, SETTINGS, defaults
from simulator.core.station import Station
from simulator.dialects import DIALECTS
from simulator.fleet.virtual import VirtualFleet
from simulator.lab.csms import LabCsms

VERSIONS = tuple(DIALECTS)
TWO = tuple(v for v in VERSIONS if v != "1.6")
PACKAGES = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}


@cache
def validator(version: str, action: str, kind: str) -> Any:
    """The published schema of ``action``; ``kind`` is Request or Response."""
    name = action + ("" if version == "1.6" and kind == "Request" else kind)
    text = (files(f"ocpp.{PACKAGES[version]}") / "schemas" / f"{name}.json").read_text(encoding="utf-8-sig")
    return (Draft4Validator if version == "1.6" else Draft6Validator)(json.loads(text))


def model(version: str = "1.6", *, settings: dict[str, Any] | None = None, **fields: Any) -> Model:
    """A plain product. ``settings`` by 2.x name or 1.6 key; ``fields`` of HardwareSpec and Model are told apart."""
    values = defaults()
    for name, value in (settings or {}).items():
        found = SETTINGS.get(name) if name in SETTINGS else KEYS.get(name)
        found.validate(value)
        values[found.index] = value
    hardware = {name: fields.pop(name) for name in tuple(fields) if name in HardwareSpec.__dataclass_fields__}
    evses = fields.pop("evses", 1)
    specs = tuple(EvseSpec(n + 1) for n in range(evses)) if isinstance(evses, int) else evses
    plain = Model(
        "plain", DIALECTS[version], Identity("ACME", "X", "1.0"), specs, HardwareSpec(**hardware), tuple(values)
    )
    return replace(plain, **fields)


@dataclass
class Rig:
    """A station, its CSMS and what passed between them. ``frames``: (now, direction, bytes)."""

    version: str
    station: Station
    fleet: VirtualFleet
    csms: LabCsms
    frames: list[tuple[int, str, bytes]] = field(default_factory=list)
    actions: dict[str, str] = field(default_factory=dict)

    # -- doing

    def feed(self, *events: i.Input) -> None:
        """Feed inputs now."""
        for event in events:
            self.fleet.feed(self.station, event)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.fleet.run(seconds)

    def boot(self, seconds: float = 2.0) -> Rig:
        """Switch it on."""
        self.feed(i.PowerOn())
        self.run(seconds)
        return self

    def charge(self, token: str = "TAG", seconds: float = 30.0, evse_id: int = 1) -> None:
        """Plug in, identify, let it run."""
        self.feed(i.Plug(evse_id))
        self.run(1)
        self.feed(i.Present(token, evse_id))
        self.run(seconds)

    def leave(self, token: str = "TAG", evse_id: int = 1) -> None:
        """Identify again and drive away."""
        self.feed(i.Present(token, evse_id))
        self.run(1)
        self.feed(i.Unplug(evse_id, "both"))
        self.run(1)

    def cut(self, *, silently: bool = False) -> None:
        """The network goes."""
        self.fleet.cut(self.station, silently=silently)

    def mend(self) -> None:
        """The network is back."""
        self.fleet.mend(self.station)

    def answer_raw(self, data: bytes | str) -> list[e.AnyEffect]:
        """A frame of the CSMS as raw bytes, now."""
        raw = data if isinstance(data, bytes) else data.encode()
        return self.fleet.feed(self.station, i.Frame(self.station.link.number, raw))

    def back(self, seconds: float = 60) -> None:
        """The network is back, and so is the connection, whatever the back-off; then let time pass."""
        self.mend()
        assert self.fleet.settle(400, lambda: self.station.link.is_up), "no connection although there is a network"
        self.run(seconds)

    # -- asking

    def records(self, kind: type) -> list[Any]:
        """Records of a kind."""
        return self.fleet.recorded(kind)

    def fates(self) -> list[tuple[str, str, str]]:
        """(report, fate, why) of the durable messages."""
        return [(f.action, f.fate, f.why) for f in self.records(r.MessageFate)]

    def sent(self, *actions: str) -> list[dict[str, Any]]:
        """Payloads of what the CSMS received."""
        return self.csms.sent(*actions)

    def sent_at(self, action: str) -> list[float]:
        """When the station handed over its CALLs of this action, in seconds."""
        found = []
        for now, direction, data in self.frames:
            frame = json.loads(data) if direction == "out" else [0]
            if frame[0] == 2 and frame[2] == action:
                found.append(now / 1e6)
        return found

    def out(self, since: int = 0) -> list[Any]:
        """Frames the station handed over, decoded, from index ``since`` of ``frames`` on."""
        return [json.loads(data) for _, direction, data in self.frames[since:] if direction == "out"]

    def stops(self) -> list[dict[str, Any]]:
        """End messages the CSMS received, either version."""
        if self.version == "1.6":
            return self.sent("StopTransaction")
        return [p for p in self.sent("TransactionEvent") if p["eventType"] == "Ended"]

    def starts(self) -> list[dict[str, Any]]:
        """Start messages the CSMS received, either version."""
        if self.version == "1.6":
            return self.sent("StartTransaction")
        return [p for p in self.sent("TransactionEvent") if p["eventType"] == "Started"]

    # -- watching

    def watch(self, station: Station, event: i.Input, effects: list[e.AnyEffect], now: int) -> None:
        """Keep frames and hold outgoing ones against the schemas."""
        if isinstance(event, i.Frame):
            self.frames.append((now, "in", event.data))
            try:
                frame = json.loads(event.data)
                if frame[0] == 2:
                    self.actions[frame[1]] = frame[2]
            except (ValueError, IndexError, TypeError, KeyError, RecursionError):
                pass  # hostile on purpose
        for effect in effects:
            if isinstance(effect, e.Send):
                self.frames.append((now, "out", effect.data))
                self.check(json.loads(effect.data))

    def check(self, frame: Any) -> None:
        """An outgoing frame obeys the published schema."""
        if frame[0] == 2:
            validator(self.version, frame[2], "Request").validate(frame[3])
        elif frame[0] == 3 and frame[1] in self.actions:
            validator(self.version, self.actions[frame[1]], "Response").validate(frame[2])


def rig(version: str = "1.6", *, seed: int = 1, station_id: str = "CP1", **fields: Any) -> Rig:
    """A rig around one station of ``model(version, **fields)``; it is off."""
    station = Station(station_id, model(version, **fields), seed=seed, epoch_us=1_772_323_200_000_000)
    holder: list[Rig] = []
    fleet = VirtualFleet(observer=lambda *seen: holder[0].watch(*seen))
    csms = fleet.add(station)
    holder.append(Rig(version, station, fleet, csms))
    return holder[0]


def bring_to_rest(lab: Rig) -> None:
    """Nobody is there any more, the network is: everything must be said."""
    lab.mend()
    lab.run(10)
    for evse in lab.station.evses:
        for fault in list(lab.station.board.active):
            lab.feed(i.Clear(fault))
        if evse.connected or evse.ev_gone:
            lab.feed(i.Unplug(evse.evse_id, "both"))
    lab.fleet.settle(900, quiet(lab))
    lab.run(130)  # a token nobody plugged in for is forgotten
    for evse in lab.station.evses:
        if evse.connected or evse.ev_gone:
            lab.feed(i.Unplug(evse.evse_id, "both"))
    lab.run(5)
    lab.fleet.settle(900, quiet(lab))  # a heartbeat may be on its way just now


def quiet(lab: Rig) -> Callable[[], bool]:
    st = lab.station
    return lambda: st.running and st.link.is_up and st.gate == "accepted" and not st.outbox.waiting()


def offline(version: str, **fields: object) -> Rig:
    """Booted, then cut off."""
    settings = {"AllowOfflineTxForUnknownId": True, **fields.pop("settings", {})}  # type: ignore[dict-item]
    lab = rig(version, settings=settings, **fields).boot()
    lab.cut()
    lab.run(1)
    return lab


def numbers(lab: Rig) -> list[tuple[str, str, int]]:
    """(transaction, kind, seqNo) of the 2.x events as they came."""
    return [(p["transactionInfo"]["transactionId"], p["eventType"], p["seqNo"]) for p in lab.sent("TransactionEvent")]
