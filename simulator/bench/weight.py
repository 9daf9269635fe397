"""How heavy things are: memory of the process, of one object with all that it owns, and work for the collector."""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Resident memory of this process, after free memory was given back where the C library can do that."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        pass  # another C library: what it keeps is counted as used
    if not STATM.exists():
        raise OSError("memory is measured by /proc/self/statm, which this system does not have")
    return int(STATM.read_text().split()[1]) * _page_size()


def _page_size() -> int:
    import resource

    return resource.getpagesize()


def owned_bytes(root: object, shared: Iterable[object]) -> int:
    """Bytes of ``root`` and everything reached from it, but not of ``shared`` things nor of what they reach.

    Exact for one interpreter: ``sys.getsizeof`` of each object once. Small integers, types, modules and functions are
    nobody's own. Texts are, unless ``shared`` leads to the same object: give another of its kind, and words of the code
    are left out.
    """
    seen: set[int] = set()
    for one in shared:
        _walk(one, seen)
    return _walk(root, seen)


def _walk(root: object, seen: set[int]) -> int:
    total = 0
    todo: deque[object] = deque((root,))
    while todo:
        one = todo.popleft()
        if id(one) in seen or _is_nobodys(one):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        todo.extend(_parts(one))
    return total


def _parts(one: Any) -> Iterable[object]:
    if isinstance(one, dict):
        return (*one.keys(), *one.values())
    if isinstance(one, (list, tuple, set, frozenset, deque)):
        return tuple(one)
    fields = getattr(type(one), "__struct_fields__", None)
    if fields is not None:
        return tuple(getattr(one, name) for name in fields if hasattr(one, name))
    found = [
        getattr(one, name)
        for kind in type(one).__mro__
        for name in _slots(kind)
        if name != "__weakref__" and hasattr(one, name)
    ]
    if hasattr(one, "__dict__"):
        found.append(vars(one))
    return found


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _is_nobodys(one: object) -> bool:
    if one is None or isinstance(one, (bool, type, type(sys), type(_walk), type(len))):
        return True
    return type(one) is int and -5 <= one <= 256


def tracked(make: Callable[[], object]) -> int:
    """How many more objects a full collection has to look at because of what ``make`` made and gave back."""
    gc.collect()
    before = len(gc.get_objects())
    kept = make()
    gc.collect()
    after = len(gc.get_objects())
    del kept
    return after - before


def full_pass_ms() -> float:
    """How long a full collection takes now."""
    gc.collect()
    begin = time.perf_counter()
    gc.collect()
    return (time.perf_counter() - begin) * 1e3
