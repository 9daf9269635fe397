"""A fixed piece of work to hold others against: attribute and dictionary access, calls, small objects, a bit of JSON.

That is what a station's code consists of. A cost in *units* (one pass) moves far less with the machine, and with what
else runs on it, than one in microseconds does.
"""

from __future__ import annotations

import msgspec

_encode = msgspec.json.Encoder().encode


class _Cell:
    __slots__ = ("count", "name", "next")

    def __init__(self, name: str) -> None:
        self.name, self.count = name, 0
        self.next: _Cell | None = None

    def touch(self, table: dict[str, int], by: int) -> int:
        found = table.get(self.name)
        table[self.name] = by if found is None else found + by & 0xFFFF
        self.count += by
        return self.count


def unit(passes: int) -> int:
    """``passes`` times what this sort of code is made of; the result is of no use."""
    cells = [_Cell(f"cell-{number}") for number in range(16)]
    table: dict[str, int] = {}
    total = 0
    for number in range(passes):
        made: list[tuple[str, int]] = []
        for cell in cells:
            if cell.count & 1 and cell.next is None:
                cell.next = cells[number & 15]
            total += cell.touch(table, number)
            made.append((cell.name, total & 0xFF))
        total += len(_encode((2, "id", made)))
    return total
