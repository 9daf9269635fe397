"""Which event loop a run stands on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


def run_loop(main: Any) -> dict[str, Any]:
    """On uvloop where the platform has it."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        result: dict[str, Any] = runner.run(main)
        return result


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # a platform without it
        return None
    return uvloop.new_event_loop
