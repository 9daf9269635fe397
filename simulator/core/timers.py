"""A station's few named deadlines and their minimum.

A timer is data, not a callback: what is due is handed to the handler registered under its name, so timers survive
copying, replay and byte counting. A key is (name, index); index is an EVSE id or 0 for the whole station.
"""

from __future__ import annotations

Key = tuple[str, int]

#: a profile has at most 64 EVSEs, and each of them at most ten timers
MAX_TIMERS = 64 * 10 + 32


class Timers:
    """Deadlines in microseconds of the given monotonic ``now``."""

    __slots__ = ("_due", "_next")

    def __init__(self) -> None:
        self._due: dict[Key, int] = {}
        self._next: int | None = None

    def set(self, name: str, deadline_us: int, index: int = 0) -> None:
        """Start or move a timer."""
        key = (name, index)
        due = self._due
        old = due.get(key)
        due[key] = deadline_us
        assert len(due) <= MAX_TIMERS
        if self._next is None or deadline_us < self._next:
            self._next = deadline_us
        elif old is not None and old == self._next:
            self._next = min(due.values())

    def cancel(self, name: str, index: int = 0) -> None:
        """Stop a timer; fine if it does not run."""
        old = self._due.pop((name, index), None)
        if old is not None and old == self._next:
            self._next = min(self._due.values()) if self._due else None

    def get(self, name: str, index: int = 0) -> int | None:
        """When the timer is due, or None."""
        return self._due.get((name, index))

    def next_deadline(self) -> int | None:
        """The earliest deadline, or None."""
        return self._next

    def pop_due(self, now: int) -> list[Key]:
        """Remove and return every key due at ``now``, earliest first; equal deadlines in order of name and index."""
        if self._next is None or self._next > now:
            return []
        running = self._due
        due: list[tuple[int, Key]] = []
        after: int | None = None
        for key, at in running.items():
            if at <= now:
                due.append((at, key))
            elif after is None or at < after:
                after = at
        self._next = after
        if len(due) == 1:
            key = due[0][1]
            del running[key]
            return [key]
        due.sort()
        for _, key in due:
            del running[key]
        return [key for _, key in due]

    def clear(self) -> None:
        """Forget everything (a reboot)."""
        self._due.clear()
        self._next = None

    def keys(self) -> list[Key]:
        """The running timers, in order of start."""
        return list(self._due)
