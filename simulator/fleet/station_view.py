"""What is shown of a station to whoever asks: a line in a list, its state, and everything there is to know.

Read only, from facts as they are. What blocks and flash hold is shown generically, so that a new block is visible
without a word here: structures become plain data, bounded in depth, length and number. Secrets are left out by place
(settings that cannot be read, fields named as secrets) and, by the control port, redacted by value as in a trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator.blocks import tariff
from simulator.blocks.device_model import exists, text_of
from simulator.core.connector import Evse
from simulator.core.desk import SETTINGS_AREA
from simulator.core.outbox import QUEUE_AREA
from simulator.core.settings import WRITE_ONLY, all_settings
from simulator.core.station import Station
from simulator.core.wall import format_wall
from simulator.fleet.frames import LastMessage, last_message
from simulator.fleet.live import Seat
from simulator.fleet.trace import FrameRings

MAX_DEPTH, MAX_ITEMS, MAX_TEXT = 5, 50, 400
_SECRET = ("password", "secret", "private", "simpin", "authorizationkey", "credential")


class Line(msgspec.Struct, gc=False):
    """A station in a list. ``status`` has one entry for each EVSE, ``faults`` are the names of those at work."""

    id: str
    profile: str
    ocpp: str
    phase: str
    status: list[str]
    faults: list[str]
    queued: int
    last_message: LastMessage | None


class TransactionView(msgspec.Struct, gc=False):
    """A running transaction: the station's own ``key``, the id the CSMS gave, and what has been charged so far.

    ``energy_wh`` is what the register has counted since the start, ``physical_wh`` the truth.
    """

    key: str
    csms_id: str | None
    id_token: str
    started: str
    energy_wh: float
    physical_wh: float
    remote_start_id: int | None
    offline: bool
    next_seq_no: int


class CarView(msgspec.Struct, gc=False):
    """The car at the plug: state of charge 0 to 1, and whether it asks for energy."""

    soc: float
    wants_energy: bool


class ProblemView(msgspec.Struct, gc=False):
    """Something the station knows to be wrong with itself."""

    component: str
    code: str
    blocks: bool
    info: str


class EvseView(msgspec.Struct, gc=False):
    """An EVSE and its connector. ``cable``: none, station (it sits in the socket only), both (a car is connected).

    ``display`` is what the driver was told last of prices, by kind (``blocks/tariff.py``).
    """

    evse_id: int
    connector_id: int
    connector_type: str
    status: str
    cable: str
    plugged: bool
    locked: bool
    car: CarView | None
    asked_token: str | None
    id_token: str | None
    group: str | None
    transaction: TransactionView | None
    charging_state: str
    flowing: bool
    power_w: float
    register_wh: float
    evse_ready: bool
    operative: bool
    reserved: bool
    bay: bool
    display: dict[str, str]
    problems: list[ProblemView]


class FaultView(msgspec.Struct, gc=False):
    """An active fault and the parameters it runs with."""

    fault: str
    evse_id: int
    params: dict[str, Any]


class LinkView(msgspec.Struct, gc=False):
    """The connection to the CSMS. ``state``: down, dialing, up; ``failed_attempts`` since it was last up."""

    state: str
    number: int
    failed_attempts: int
    next_dial_s: float | None
    network_up: bool
    network_passes: bool


class ClockView(msgspec.Struct, gc=False):
    """The station's own clock, and by how much it is ahead of the truth."""

    wall: str
    ahead_s: float
    synced: bool


class FlashView(msgspec.Struct, gc=False):
    """How full the station's flash is."""

    used_bytes: int
    capacity_bytes: int


class State(Line, gc=False):
    """A station as it is now. Times are UTC, energies Wh, powers W."""

    vendor: str
    model: str
    powered: bool
    mains: bool
    running: bool
    registration: str
    connected: bool
    boot_no: int
    boot_reason: str
    link: LinkView
    clock: ClockView
    flash: FlashView
    active_faults: dict[str, FaultView]
    problems: list[ProblemView]
    jobs: int
    evses: list[EvseView]


class SettingView(msgspec.Struct, gc=False):
    """A setting by its name in OCPP 2.x, in 1.6, or both; ``changed`` from what the product is delivered with."""

    name: str | None
    key16: str | None
    value: str
    changed: bool


class AreaView(msgspec.Struct, gc=False):
    """A part of the flash: number of entries, their bytes, and the first of them."""

    entries: int
    bytes: int
    records: list[Any]


class FullState(State, gc=False):
    """A station with its settings, what its blocks remember, and what lies on its flash."""

    settings: list[SettingView]
    vendor_keys: dict[str, str]
    blocks: dict[str, Any]
    flash_areas: dict[str, AreaView]


#: what moves by itself, so it is no effect of an action
MOVING = frozenset(
    {"queued", "last_message", "clock", "flash", "register_wh", "energy_wh", "physical_wh", "soc", "next_seq_no"}
    | {"next_dial_s", "status"}  # of the station: those of its EVSEs are said below
)


def line(seat: Seat, rings: FrameRings, epoch_us: int) -> Line:
    """A station in a list."""
    return Line(**_line(seat, rings, epoch_us))


def _line(seat: Seat, rings: FrameRings, epoch_us: int) -> dict[str, Any]:
    station = seat.station
    return {
        "id": station.id,
        "profile": station.model.name,
        "ocpp": station.dialect.name,
        "phase": seat.phase,
        "status": [evse.status for evse in station.evses],
        "faults": sorted(active.name for active in station.board.active.values()),
        "queued": station.outbox.waiting(),
        "last_message": last_message(rings.frames(station.id), epoch_us),
    }


def state(seat: Seat, rings: FrameRings, epoch_us: int, now: int) -> State:
    """A station as it is at ``now``."""
    return State(**_state(seat, rings, epoch_us, now))


def _state(seat: Seat, rings: FrameRings, epoch_us: int, now: int) -> dict[str, Any]:
    station = seat.station
    board, link = station.board, station.link
    dial_us = station.timers.get("dial")
    wall_us = board.rtc.wall(now)
    return {
        **_line(seat, rings, epoch_us),
        "vendor": station.model.identity.vendor,
        "model": station.model.identity.model,
        "powered": station.powered,
        "mains": board.supply.mains,
        "running": station.running,
        "registration": station.gate,
        "connected": link.is_up,
        "boot_no": station.boot_no,
        "boot_reason": station.boot_reason,
        "link": LinkView(
            link.state,
            link.number,
            link.attempts,
            None if dial_us is None else round(max(0, dial_us - now) / 1e6, 1),
            board.modem.up(now),
            board.modem.passes(now),
        ),
        "clock": ClockView(format_wall(wall_us), round((wall_us - epoch_us - now) / 1e6, 3), board.rtc.synced),
        "flash": FlashView(board.flash.used_bytes, board.flash.capacity_bytes),
        "active_faults": {
            fault_id: FaultView(active.name, active.evse_id, active.fault.params())
            for fault_id, active in board.active.items()
        },
        "problems": _problems(station, 0),
        "jobs": len(station.jobs),
        "evses": [_evse(station, evse, now) for evse in station.evses],
    }


def _problems(station: Station, evse_id: int) -> list[ProblemView]:
    found = station.board.problems(evse_id)
    return [ProblemView(p.component, p.code, p.blocks, p.info) for p in found if p.evse_id == evse_id]


def _evse(station: Station, evse: Evse, now: int) -> EvseView:
    index = evse.evse_id - 1
    grant, asked, car = evse.grant, evse.asked, evse.ev
    return EvseView(
        evse_id=evse.evse_id,
        connector_id=1,
        connector_type=evse.spec.connector_type,
        status=evse.status,
        cable="both" if evse.connected else "station" if evse.ev_gone else "none",
        plugged=evse.plugged,
        locked=station.board.locks[index].closed,
        car=None if car is None else CarView(round(car.soc, 4), car.ready),
        asked_token=None if asked is None else asked.id_token,
        id_token=None if grant is None else grant.id_token,
        group=None if grant is None else grant.group,
        transaction=_transaction(station, evse, now),
        charging_state=evse.charging_state,
        flowing=evse.flowing,
        power_w=round(evse.power_w, 1),
        register_wh=round(station.board.meters[index].register_wh(now), 1),
        evse_ready=evse.evse_ready,
        operative=evse.operative,
        reserved=bool(evse.reserved),
        bay=evse.bay,
        display=tariff.shown(station, evse.evse_id),
        problems=_problems(station, evse.evse_id),
    )


def _transaction(station: Station, evse: Evse, now: int) -> TransactionView | None:
    tx = evse.tx
    if tx is None:
        return None
    meter = station.board.meters[evse.evse_id - 1]
    physical_wh = meter.physical_wh(now) - tx.physical_wh
    counted_wh = physical_wh if tx.register_wh is None else meter.register_wh(now) - tx.register_wh
    return TransactionView(
        key=tx.key,
        csms_id=tx.csms_id,
        id_token=tx.id_token,
        started=format_wall(station.wall_of(tx.started)),
        energy_wh=round(counted_wh, 1),
        physical_wh=round(physical_wh, 1),
        remote_start_id=tx.remote_start_id,
        offline=tx.offline,
        next_seq_no=tx.seq_no,
    )


def full(seat: Seat, rings: FrameRings, epoch_us: int, now: int) -> FullState:
    """Everything there is to know of a station at ``now``."""
    station = seat.station
    return FullState(
        **_state(seat, rings, epoch_us, now),
        settings=_settings(station),
        vendor_keys=_vendor_keys(station),
        blocks={str(name): plain(value) for name, value in station.data.items()},
        flash_areas={name: _area(station, name, area) for name, area in station.board.flash.areas.items()},
    )


def _settings(station: Station) -> list[SettingView]:
    overlay = station.settings.overlay
    return [
        SettingView(one.name, one.key16, text_of(station, one, one.name or one.key16 or ""), one.key in overlay)
        for one in all_settings()
        if exists(station, one)
        and WRITE_ONLY not in (one.mutability, one.mutability16)
        and not _is_secret(one.name or one.key16 or "")
    ]


def _vendor_keys(station: Station) -> dict[str, str]:
    stored = station.board.flash.get
    return {
        key: stored("vendor_keys", key) or value
        for key, (value, _) in station.model.vendor_keys.items()
        if not _is_secret(key)
    }


def _area(station: Station, name: str, area: Mapping[Any, tuple[Any, int]]) -> AreaView:
    """Settings are shown as such; queued messages are frames to come, of which the number is enough."""
    hidden = name in (SETTINGS_AREA, QUEUE_AREA, "vendor_keys")
    records = [] if hidden else [plain({str(key): value}) for key, (value, _) in list(area.items())[:MAX_ITEMS]]
    return AreaView(len(area), sum(size for _, size in area.values()), records)


def _is_secret(name: str) -> bool:
    lowered = name.lower().replace("_", "")
    return any(word in lowered for word in _SECRET)


def plain(value: Any, depth: int = 0) -> Any:
    """``value`` as plain data: bounded in depth, number and length; what is named as a secret is left out."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}... ({len(value)} characters)"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if depth >= MAX_DEPTH:
        return type(value).__name__
    if isinstance(value, Mapping):
        return _pairs({str(key): item for key, item in list(value.items())[:MAX_ITEMS]}, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in list(value)[:MAX_ITEMS]]
    names = getattr(type(value), "__struct_fields__", None) or getattr(type(value), "__slots__", None)
    if names is None:
        names = list(getattr(value, "__dict__", {}))
    if isinstance(names, str):
        names = (names,)
    return _pairs({name: getattr(value, name, None) for name in list(names)[:MAX_ITEMS]}, depth)


def _pairs(items: dict[str, Any], depth: int) -> dict[str, Any]:
    return {name: plain(item, depth + 1) for name, item in items.items() if not _is_secret(name)}


def facts(shown: State) -> dict[str, Any]:
    """The facts of a state by a name people read, without what moves by itself."""
    found: dict[str, Any] = {}
    data = msgspec.to_builtins(shown)
    evses, active = data.pop("evses"), data.pop("active_faults")
    del data["faults"]  # the same again, by name
    _flatten(data, "", found)
    found |= {f"fault {fault_id}": fault["fault"] for fault_id, fault in active.items()}
    for evse in evses:
        evse_id, status, transaction = evse.pop("evse_id"), evse.pop("status"), evse.pop("transaction")
        found[f"EVSE {evse_id} status"] = status
        found[f"EVSE {evse_id} transaction"] = transaction and transaction["key"]
        _flatten(evse, f"EVSE {evse_id} ", found)
    return found


def _flatten(data: Mapping[str, Any], prefix: str, found: dict[str, Any]) -> None:
    for name, value in data.items():
        if name in MOVING:
            continue
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{name} ", found)
        else:
            found[f"{prefix}{name}"] = value


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What is different, as sentences without a verb: ``EVSE 1 status: Available -> Preparing``."""
    names = dict.fromkeys((*before, *after))
    return [
        f"{name}: {_word(before.get(name))} -> {_word(after.get(name))}"
        for name in names
        if before.get(name) != after.get(name)
    ]


def _word(value: Any) -> str:
    if value is None or value == [] or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_word(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{item}" for item in value.values() if item not in ("", None))
    return str(value)
