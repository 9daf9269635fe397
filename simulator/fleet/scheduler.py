"""One heap of deadlines for many stations.

Each station has at most one live entry; an entry carries a generation and is stale when the station's has moved on. The
heap is rebuilt when stale entries outnumber the stations, so it stays proportional to the fleet.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush


class Scheduler:
    """Deadlines (microseconds) by station number. Equal deadlines come in order of their being set."""

    __slots__ = ("_due", "_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int]] = []
        self._due: dict[int, tuple[int, int]] = {}
        self._sequence = 0

    def set(self, number: int, deadline_us: int | None) -> None:
        """The next deadline of a station; None when it has none."""
        current = self._due.get(number)
        if deadline_us is None:
            self._due.pop(number, None)
            return
        if current is not None and current[0] == deadline_us:
            return
        self._sequence += 1
        self._due[number] = (deadline_us, self._sequence)
        heappush(self._heap, (deadline_us, self._sequence, number))
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [(at, seq, num) for num, (at, seq) in self._due.items()]
            heapify(self._heap)

    def next_deadline(self) -> int | None:
        """The earliest deadline of all, or None."""
        heap = self._heap
        while heap:
            at, sequence, number = heap[0]
            if self._due.get(number) == (at, sequence):
                return at
            heappop(heap)
        return None

    def pop_due(self, now: int, limit: int = 1_000_000) -> list[int]:
        """The stations whose deadline has come, earliest first; they have no deadline until it is set again."""
        heap = self._heap
        due: list[int] = []
        while heap and heap[0][0] <= now and len(due) < limit:
            at, sequence, number = heappop(heap)
            if self._due.get(number) == (at, sequence):
                del self._due[number]
                due.append(number)
        return due

    def __len__(self) -> int:
        return len(self._due)
