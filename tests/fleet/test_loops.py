"""The loop a run stands on."""

import asyncio

import pytest

from simulator.fleet.loops import run_loop


def test_a_run_gets_the_fast_loop_where_there_is_one() -> None:
    uvloop = pytest.importorskip("uvloop", reason="this platform has no uvloop")

    async def main() -> dict[str, object]:
        return {"loop": asyncio.get_running_loop()}

    assert isinstance(run_loop(main())["loop"], uvloop.Loop)
