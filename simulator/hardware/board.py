"""The board: all parts of one station, and the faults they have at the moment.

The board belongs to the world: it goes on through reboots and power cuts of the station, and only a power cut touches
it. ``inject`` makes a fault of its name, attaches it to the part (or to that part of every EVSE) and remembers it under
its id; ``clear`` takes it off again. ``version`` grows with every change of a port or a problem, so a station compares
one integer to know whether it has to look again. Between changes an idle board costs no time at all: parts that move by
themselves are asked for their next change and advanced when it is due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from simulator.core.model import Model
from simulator.core.rng import Rng, seed_of
from simulator.errors import AuthorError
from simulator.hardware.comms import Comms
from simulator.hardware.connector_lock import Lock
from simulator.hardware.contactor import Contactor
from simulator.hardware.control_pilot import Pilot
from simulator.hardware.controller import Controller
from simulator.hardware.fault import FAULTS, Fault, Part, Problem, Pulse
from simulator.hardware.flash import Flash, Key
from simulator.hardware.meter import Meter
from simulator.hardware.modem import Modem
from simulator.hardware.network import Network
from simulator.hardware.protection import Protection
from simulator.hardware.rfid_reader import Reader
from simulator.hardware.rtc import Rtc
from simulator.hardware.supply import Supply
from simulator.hardware.thermal import Thermal

#: At most so many faults at once on one station.
MAX_ACTIVE = 128

#: Parts that every EVSE has, and where the board keeps them.
PER_EVSE = {"meter": "meters", "lock": "locks", "contactor": "contactors", "pilot": "pilots"}
#: Parts the station has once. Protection and thermal are one part each, but what is wrong may be at a single EVSE.
STATION_WIDE = ("reader", "flash", "rtc", "modem", "supply", "frame", "network", "controller")


class ActiveFault(msgspec.Struct, frozen=True):
    """A fault at work. ``fault`` is the first of ``instances``: (EVSE, fault, part), one for each part it sits on."""

    fault_id: str
    name: str
    evse_id: int
    fault: Fault
    since: int
    instances: tuple[tuple[int, Fault, Part[Any]], ...]


_NONE_ACTIVE: Mapping[str, ActiveFault] = MappingProxyType({})


class Board:
    """The parts of one station; lists of parts are indexed by ``evse_id - 1``.

    ``rng`` gives the seed only: nothing here draws from its counters. ``epoch_us`` is the true wall time at ``now``.
    ``register_wh`` is where the meters stand: one value for all, or one for each EVSE.
    """

    __slots__ = (
        "_active",
        "_cache",
        "_cache_version",
        "_moved_us",
        "_pulse",
        "contactors",
        "controller",
        "flash",
        "frame",
        "locks",
        "meters",
        "modem",
        "network",
        "pilots",
        "powered",
        "protection",
        "reader",
        "rtc",
        "seed",
        "supply",
        "thermal",
    )

    def __init__(
        self, model: Model, rng: Rng, epoch_us: int, now: int, register_wh: float | Sequence[float] = 0.0
    ) -> None:
        evses, hardware = model.evses, model.hardware
        registers = (register_wh,) * len(evses) if isinstance(register_wh, int | float) else tuple(register_wh)
        assert len(registers) == len(evses), "one register for each EVSE"
        pulse = self._pulse = Pulse()
        seed = self.seed = rng.seed
        self.meters = tuple(
            Meter.build(hardware.meter, pulse, seed, evse.evse_id, float(wh), now)
            for evse, wh in zip(evses, registers, strict=True)
        )
        self.locks = tuple(Lock(pulse, fitted=not evse.tethered) for evse in evses)
        self.contactors = tuple(Contactor(pulse) for _ in evses)
        self.pilots = tuple(Pilot(pulse) for _ in evses)
        self.reader = Reader(pulse)
        self.flash = Flash(pulse, spec=hardware.flash)
        self.rtc = Rtc.build(hardware.rtc, pulse, seed, epoch_us, now)
        self.modem = Modem(pulse, spec=hardware.modem)
        self.supply = Supply(pulse, phases=max(evse.phases or 3 for evse in evses))
        self.controller = Controller(pulse)
        self.frame = Comms(pulse)
        self.network = Network(pulse)
        self.protection = Protection(pulse)
        self.thermal = Thermal(pulse, spec=hardware.thermal, evses=evses)
        self.powered = True
        self._active: dict[str, ActiveFault] | None = None
        self._cache: dict[int, tuple[Problem, ...]] | None = None
        self._cache_version = 0
        self._moved_us = now

    @property
    def version(self) -> int:
        """Grows with every change of a port or a problem."""
        return self._pulse.version

    @property
    def hampered(self) -> bool:
        """Does anything hold up what passes between station and CSMS?"""
        return bool(self.network.faults or self.modem.faults)

    @property
    def active(self) -> Mapping[str, ActiveFault]:
        """The faults at work by id, oldest first."""
        return self._active if self._active is not None else _NONE_ACTIVE

    def inject(self, fault_id: str, name: str, evse_id: int, params: Mapping[str, Any], now: int) -> Fault:
        """Fault ``name`` begins; ``evse_id`` 0 means the station, or every EVSE that has the part.

        Raises :class:`UnknownName` for an unknown fault and :class:`AuthorError` (with the field) for wrong parameters,
        an EVSE the part does not have, an id that is in use, or more than MAX_ACTIVE faults. Then nothing has changed.
        """
        cls = FAULTS.get(name)
        if fault_id in self.active:
            raise AuthorError(f"fault {fault_id!r} ({self.active[fault_id].name}) is active already", field="fault_id")
        if len(self.active) >= MAX_ACTIVE:
            raise AuthorError(f"a station has at most {MAX_ACTIVE} faults at once", field="fault_id")
        instances: list[tuple[int, Fault, Part[Any]]] = []
        for at, part in self._parts(cls, evse_id):
            fault = cls.from_params(params)
            fault.seed, fault.since, fault.evse_id = seed_of(self.seed, name, fault_id, at), now, at
            instances.append((at, fault, part))
        if self._active is None:
            self._active = {}
        first = instances[0][1]
        self._active[fault_id] = ActiveFault(fault_id, name, evse_id, first, now, tuple(instances))
        for _, fault, part in instances:
            part.attach(fault, now)
        self._interlock(now)
        return first

    def clear(self, fault_id: str, now: int) -> str | None:
        """The fault ends; its name, or None when no such fault is active."""
        found = self._active.pop(fault_id, None) if self._active else None
        if found is None:
            return None
        for _, fault, part in found.instances:
            part.detach(fault, now)
        self._interlock(now)
        if not self._active:
            self._active = None
        return found.name

    def problems(self, evse_id: int) -> tuple[Problem, ...]:
        """What the station knows to be wrong with this EVSE and, with ``evse_id`` 0, with itself as a whole."""
        if self._active is None and not self.thermal.stirred:
            return ()
        if self._cache is None or self._cache_version != self.version:
            self._cache, self._cache_version = {}, self.version
        found = self._cache.get(evse_id)
        if found is None:
            found = self._cache[evse_id] = self._list_problems(evse_id)
        return found

    def next_change(self, now: int) -> int | None:
        """When something here changes by itself, or None. Call :meth:`advance` then.

        A change that was due before ``now`` but has not been advanced to is still given, so none is ever slept through.
        """
        heat = self.thermal.due
        if self._active is None:
            return heat
        dues = [
            due
            for active in self._active.values()
            if active.fault.moves
            for _, fault, _ in active.instances
            if (due := fault.next_change(max(min(self._moved_us, now), active.since))) is not None
        ]
        if heat is not None:
            dues.append(heat)
        return min(dues, default=None)

    def advance(self, now: int) -> None:
        """Bring what moves by itself up to ``now``."""
        self._moved_us = now
        self.thermal.advance(now)
        if self._active is None:
            return
        for active in tuple(self._active.values()):
            if active.fault.moves:
                for _, one, part in active.instances:
                    if one.age(part, now):
                        self._pulse.beat()
                    part.refresh(now)

    def warm(self, now: int) -> None:
        """The flow through the meters has changed: from ``now`` on it heats contacts and housing."""
        amps = [max(meter.currents_a) for meter in self.meters]
        self.thermal.carry(amps, sum(meter.power_w for meter in self.meters), now)

    def limit_share(self, evse_id: int) -> float:
        """What protection, heat and the supply leave of the rated power of an EVSE, 0 to 1."""
        shares = self.protection.limit_share(evse_id), self.thermal.limit_share(evse_id), self.supply.power_share
        return min(shares)

    def live(self, evse_id: int) -> bool:
        """Is there voltage at the plug? A welded contactor alone does not make energy flow."""
        if not self.powered or not self.supply.mains or self.protection.opens(evse_id):
            return False
        return self.contactors[evse_id - 1].closed

    def power_cut(self, now: int) -> tuple[tuple[str, Key], ...]:
        """The station loses power: contactors and locks release, nothing flows, the clock may forget, writes may tear.

        Returns (area, key) of the flash entries that were damaged.
        """
        self.powered = False
        for contactor in self.contactors:
            contactor.release(now)
        self._interlock(now)
        for lock in self.locks:
            lock.release(now)
        for meter in self.meters:
            meter.set_flow(0.0, (0.0, 0.0, 0.0), 0.0, now)
        self.warm(now)
        self.rtc.power_cut(now)
        damaged = self.flash.power_cut(now)
        self._pulse.beat()
        return damaged

    def power_up(self, now: int) -> None:
        """Power is back. Does nothing to a board that had not lost it."""
        if not self.powered:
            self.powered = True
            self.rtc.power_up(now)
            for contactor in self.contactors:
                contactor.release(now)  # a controller starts with its outputs off
            self._interlock(now)
            self._pulse.beat()

    def _parts(self, cls: type[Fault], evse_id: int) -> list[tuple[int, Part[Any]]]:
        """(EVSE, part) for each part the fault sits on."""
        name, count = cls.part, len(self.meters)
        if name in STATION_WIDE:
            if evse_id:
                raise AuthorError(f"{cls.name} concerns the whole station; leave evse_id at 0", field="evse_id")
            return [(0, getattr(self, name))]
        if not 0 <= evse_id <= count:
            raise AuthorError(f"no EVSE {evse_id}; this station has 1 to {count}, and 0 means all", field="evse_id")
        if name in ("protection", "thermal"):
            if evse_id and cls.station_wide:
                raise AuthorError(f"{cls.name} concerns the whole station; leave evse_id at 0", field="evse_id")
            return [(evse_id, self.protection if name == "protection" else self.thermal)]
        parts: tuple[Part[Any], ...] = getattr(self, PER_EVSE[name])
        return [(at, part) for at, part in enumerate(parts, 1) if evse_id in (0, at)]

    def _interlock(self, now: int) -> None:
        """Contactors stay open without power, without mains, and while protection says so."""
        dead = not self.powered or not self.supply.mains or any(f.opens for f in self.supply.faults)
        for evse_id, contactor in enumerate(self.contactors, 1):
            locked_out = dead or self.protection.opens(evse_id)
            if locked_out != contactor.locked_out:
                contactor.lock_out(locked_out, now)

    def _list_problems(self, evse_id: int) -> tuple[Problem, ...]:
        found: list[Problem] = []
        for active in self.active.values():
            for at, fault, part in active.instances:
                if at in (0, evse_id) and fault.code and fault.evident():
                    found.append(Problem(fault.component, at, fault.code, fault.blocking(part), fault.text()))
        if self.thermal.stirred:
            for place in (0, evse_id) if evse_id else (0,):
                found.extend(self.thermal.problems(place))
        return tuple(found)
