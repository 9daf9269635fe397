"""Flash: what survives a power cut, and how that can go wrong.

Areas (settings, queue, transactions ...) hold records by key, each with the size it would take, and share one capacity.
Records are kept by reference: whoever writes one never changes it afterwards. A write either happens as a whole or not
at all, and ``why`` says what was wrong with the last one that failed: ``full``, ``read_only`` or ``broken``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from simulator.core.model import FlashSpec
from simulator.errors import AuthorError
from simulator.hardware.fault import Fault, Part, fault

Key = str | int
Entry = tuple[Any, int]  # value, bytes

STATE_SCHEMA = 1


class FlashFault(Fault):
    """Base of faults of the flash memory."""

    component = "Controller"

    def refuse(self) -> str:
        """Why this write fails, or nothing."""
        return ""

    def capacity(self, capacity_bytes: int) -> int:
        """How much fits."""
        return capacity_bytes

    def wrote(self, area: str, key: Key, before: Entry | None) -> None:
        """A write or deletion has happened; ``before`` is what was there."""

    def torn(self, now: int) -> tuple[str, Key, Entry | None] | None:
        """At a power cut: the entry that is damaged, and what is found in its place."""
        return None

    def image(self, intact: bool) -> bool:
        """Does a firmware image read back as it was written?"""
        return intact


class Flash(Part[FlashFault], gc=False, eq=False):
    """The non-volatile memory of one station. Sizes in bytes."""

    spec: FlashSpec = FlashSpec()
    areas: dict[str, dict[Key, Entry]] = msgspec.field(default_factory=dict)
    used_bytes: int = 0
    why: str = ""

    @property
    def capacity_bytes(self) -> int:
        """How much fits, faults included."""
        capacity = self.spec.capacity_bytes
        for one in self.faults:
            capacity = one.capacity(capacity)
        return capacity

    @property
    def free_bytes(self) -> int:
        """What is left, never below 0."""
        return max(self.capacity_bytes - self.used_bytes, 0)

    def write(self, area: str, key: Key, value: Any, size: int) -> bool:
        """Store ``value`` in place of what was there; False (and ``why``) when that fails and all stays as it was."""
        assert size >= 0
        if self.faults and self._refused():
            return False
        entries = self.areas.get(area)
        before = None if entries is None else entries.get(key)
        grows = size - (before[1] if before else 0)
        if grows > 0 and self.used_bytes + grows > self.capacity_bytes:
            self.why = "full"
            for one in self.faults:
                if one.code and one.capacity(self.spec.capacity_bytes) < self.spec.capacity_bytes:
                    self.notice(one)
            return False
        if entries is None:
            entries = self.areas[area] = {}
        entries[key] = (value, size)
        self.used_bytes += grows
        for one in self.faults:
            one.wrote(area, key, before)
        return True

    def delete(self, area: str, key: Key) -> bool:
        """Remove an entry; True also when there is none. False (and ``why``) when the memory cannot be written."""
        entries = self.areas.get(area)
        before = None if entries is None else entries.get(key)
        if entries is None or before is None:
            return True
        if self.faults and self._refused():
            return False
        del entries[key]
        if not entries:
            del self.areas[area]
        self.used_bytes -= before[1]
        for one in self.faults:
            one.wrote(area, key, before)
        return True

    def get(self, area: str, key: Key) -> Any:
        """The record, or None."""
        entry = self._entry(area, key)
        return None if entry is None else entry[0]

    def items(self, area: str) -> list[tuple[Any, Any]]:
        """Keys (as written) and records of an area, oldest key first; a copy, so the area may be changed meanwhile."""
        return [(key, entry[0]) for key, entry in self.areas.get(area, {}).items()]

    def clear(self, area: str) -> bool:
        """Remove a whole area; False (and ``why``) when the memory cannot be written, and then all of it stays."""
        if not self.areas.get(area):
            return True
        if self._refused():
            return False
        self.used_bytes -= sum(size for _, size in self.areas.pop(area).values())
        return True

    def image_intact(self) -> bool:
        """Does a firmware image that was fetched read back as it was written? It lies in a room of its own."""
        intact = True
        for one in self.faults:
            intact = one.image(intact)
        return intact

    def power_cut(self, now: int) -> tuple[tuple[str, Key], ...]:
        """The power fails: (area, key) of the entries that are damaged by that."""
        damaged: list[tuple[str, Key]] = []
        for one in self.faults:
            found = one.torn(now)
            if found:
                area, key, entry = found
                self._put(area, key, entry)
                damaged.append((area, key))
        return tuple(damaged)

    def dump(self) -> dict[str, Any]:
        """All entries as plain data around the caller's records."""
        entries = [[a, key, value, size] for a, area in self.areas.items() for key, (value, size) in area.items()]
        return {"schema": STATE_SCHEMA, "entries": entries}

    def load(self, state: Mapping[str, Any]) -> None:
        """Replace the contents by what :meth:`dump` gave.

        Raises :class:`AuthorError` when ``state`` has another schema or shape. More than the capacity is taken over
        as it is; nothing can be added then.
        """
        if state.get("schema") != STATE_SCHEMA:
            raise AuthorError(f"state of schema {state.get('schema')!r}, not {STATE_SCHEMA}", field="schema")
        try:
            entries = msgspec.convert(
                state.get("entries"), list[tuple[str, str | int, Any, Annotated[int, Meta(ge=0)]]]
            )
        except msgspec.ValidationError as error:
            raise AuthorError(str(error), field="entries") from None
        self.areas, self.used_bytes, self.why = {}, 0, ""
        for area, key, value, size in entries:
            self._put(area, key, (value, size))

    def _refused(self) -> bool:
        for one in self.faults:
            why = one.refuse()
            if why:
                self.why = why
                if one.code:
                    self.notice(one)
                return True
        return False

    def _entry(self, area: str, key: Key) -> Entry | None:
        entries = self.areas.get(area)
        return None if entries is None else entries.get(key)

    def _put(self, area: str, key: Key, entry: Entry | None) -> None:
        before = self._entry(area, key)
        if before is not None:
            self.used_bytes -= before[1]
        if entry is not None:
            self.areas.setdefault(area, {})[key] = entry
            self.used_bytes += entry[1]
        elif before is not None:
            del self.areas[area][key]
            if not self.areas[area]:
                del self.areas[area]


@fault("flash.full")
class Full(FlashFault):
    """Something else has filled the memory; deleting gives room again."""

    code, info = "internal_error", "memory full"
    wire16 = "messages are missing after an offline period; configuration changes are refused; MemoryExhaustion"
    wire2x = "TransactionEvents are missing after an offline period; settings are refused; MemoryExhaustion"

    free_bytes: Annotated[int, Meta(ge=0, le=1_000_000_000, description="what is left when it begins")] = 0
    limit_bytes: int = 0

    def begin(self, part: Any, now: int) -> None:
        """Only so much is left."""
        self.limit_bytes = part.used_bytes + self.free_bytes

    def capacity(self, capacity_bytes: int) -> int:
        """At most what was left."""
        return min(capacity_bytes, self.limit_bytes)

    def evident(self) -> bool:
        """Once a write has failed."""
        return self.noticed


@fault("flash.small")
class Small(FlashFault):
    """The memory is smaller than the product says; nobody notices until messages are missing."""

    wire16 = "the oldest or newest messages are missing after a shorter offline period than expected"
    wire2x = "the oldest or newest messages are missing after a shorter offline period than expected"

    capacity_bytes: Annotated[int, Meta(ge=0, le=1_000_000_000, description="how much fits at all")] = 8_192

    def capacity(self, capacity_bytes: int) -> int:
        """At most this."""
        return min(capacity_bytes, self.capacity_bytes)


@fault("flash.read_only")
class ReadOnly(FlashFault):
    """The memory has gone read-only: what is there stays, nothing new is kept, nothing can be deleted."""

    code, info = "internal_error", "memory is read-only"
    wire16 = "configuration changes are refused or lost at the next restart; old messages are sent again after it"
    wire2x = "settings are refused or lost at the next restart; old messages are sent again after it"

    def refuse(self) -> str:
        """Always."""
        return "read_only"

    def evident(self) -> bool:
        """Once a write has failed."""
        return self.noticed


@fault("flash.torn_write")
class TornWrite(FlashFault):
    """The last write before a power cut does not survive it."""

    wire16 = "after a power cut the last message or setting is missing, or an older state is back"
    wire2x = "after a power cut the last message or setting is missing, or an older state is back"

    probability: Annotated[float, Meta(ge=0.0, le=1.0, description="how likely a power cut damages it")] = 1.0
    outcome: Annotated[
        Literal["lost", "corrupted"], Meta(description="lost: the state before is back; corrupted: neither is left")
    ] = "lost"
    last: tuple[str, Key, Entry | None] | None = None

    def wrote(self, area: str, key: Key, before: Entry | None) -> None:
        """Remember it."""
        self.last = (area, key, before)

    def torn(self, now: int) -> tuple[str, Key, Entry | None] | None:
        """By lot."""
        last, self.last = self.last, None
        if last is None or self.lot("torn", now) >= self.probability:
            return None
        return last if self.outcome == "lost" else (last[0], last[1], None)


@fault("flash.worn")
class Worn(FlashFault):
    """Worn-out memory: a share of the writes fails; noticed at the first failure."""

    code, info = "internal_error", "memory write failed"
    wire16 = "single messages are missing after a restart; configuration changes are refused at times"
    wire2x = "single messages are missing after a restart; settings are refused at times"

    share: Annotated[float, Meta(ge=0.0, le=1.0, description="share of the writes that fail")] = 0.1
    writes: int = 0

    def refuse(self) -> str:
        """By lot, one for each write."""
        self.writes += 1
        return "broken" if self.lot("write", self.writes) < self.share else ""

    def evident(self) -> bool:
        """Once a write has failed."""
        return self.noticed


@fault("flash.bad_image")
class BadImage(FlashFault):
    """The room of the firmware image is damaged: what was fetched does not read back, and is not installed."""

    wire16 = "FirmwareStatusNotification with InstallationFailed after Downloaded; signed: InstallVerificationFailed"
    wire2x = "FirmwareStatusNotification with InstallVerificationFailed after Downloaded"

    def image(self, intact: bool) -> bool:
        """Never."""
        return False
