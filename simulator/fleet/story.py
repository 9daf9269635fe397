"""The demo's story: what goes wrong, when, and what one sees of it on the wire.

Every line is said after looking: figures come from the stations' facts, the run's metrics and the CSMS's own books,
so the story cannot tell what did not happen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from simulator.csms.process import CsmsProcessError
from simulator.fleet.farm import Farm
from simulator.fleet.live import Seat
from simulator.fleet.run import Run
from simulator.report.truth import Excuse

Say = Callable[[str], None]

VICTIMS = 12
DOWN_S = 5.0


class Story:
    """Tells the story of one run; ``say`` shows a line."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.verdict: list[str] = []

    async def __call__(self, run: Run) -> None:
        """From the first station to the end of the run."""
        farm = run.farm
        assert farm is not None
        vendors = sorted({seat.station.model.identity.vendor for seat in farm.live.seats})
        versions = sorted({seat.station.dialect.name for seat in farm.live.seats})
        self.say(f"{len(farm.live.seats)} stations of {', '.join(vendors)} connect, OCPP {' and '.join(versions)}.")
        await _until(lambda: farm.settled_us is not None, 30)
        self.say(f"{len(farm.booted)} have booted. Drivers plug in, present tokens, charge, and leave again.")
        await asyncio.sleep(10)
        self.say(
            f"{run.metrics.transactions_active} sessions under way, {_calls(run)} calls answered, "
            f"{run.metrics.energy_wh / 1000:.1f} kWh billed so far."
        )
        await self._dead_meter(farm)
        await self._drifting_clock(farm)
        await self._full_flash_and_outage(run, farm)
        run.end("the story is told")

    async def _dead_meter(self, farm: Farm) -> None:
        victims = _charging(farm)[:VICTIMS]
        for seat in victims:
            farm.inject(seat.station.id, "demo-meter", "meter.no_readings", 0, {})
        self.say(f"Dead meter at {len(victims)} stations: no more readings.")
        await asyncio.sleep(7)
        told = sum(_told_of_meter(seat) for seat in victims)
        going = sum(any(evse.tx is not None for evse in seat.station.evses) for seat in victims)
        self.say(
            f"  {told} of them told the CSMS about it; {going} go on charging without readings, the others stopped."
        )
        _clear(farm, victims, "demo-meter")

    async def _drifting_clock(self, farm: Farm) -> None:
        victims = [seat for seat in farm.live.seats if seat.phase in ("available", "charging")][-VICTIMS:]
        for seat in victims:
            farm.inject(seat.station.id, "demo-sync", "rtc.never_syncs", 0, {})
            farm.inject(seat.station.id, "demo-clock", "rtc.drift", 0, {"ppm": 100_000.0})
        self.say(f"Drifting clock at {len(victims)} stations: six seconds a minute too fast, and no synchronisation.")
        await asyncio.sleep(8)
        now = farm.clock.now()
        errors = [abs(s.station.board.rtc.wall(now) - (farm.clock.epoch_us + now)) / 1e6 for s in victims]
        self.say(f"  their time stamps are up to {max(errors, default=0):.1f} s off, which the CSMS cannot see yet.")
        _clear(farm, victims, "demo-clock")
        _clear(farm, victims, "demo-sync")

    async def _full_flash_and_outage(self, run: Run, farm: Farm) -> None:
        victims = _charging(farm)[:VICTIMS]
        for seat in victims:
            farm.inject(seat.station.id, "demo-flash", "flash.full", 0, {"free_bytes": 600})
        self.say(f"Full flash at {len(victims)} stations: little room left to remember anything.")
        await asyncio.sleep(3)
        assert run.csms is not None
        loop = asyncio.get_running_loop()
        before = run.metrics.transactions_active
        await loop.run_in_executor(None, run.csms.down, DOWN_S)
        why, at_us = "the story stopped the CSMS", farm.clock.now()
        for check in ("all_calls_answered", "no_callerrors"):
            run.excuses.append(Excuse(check, why, from_us=at_us - 1_000_000, until_us=at_us + 40_000_000))
        self.say(f"The CSMS is stopped for {DOWN_S:.0f} seconds. {before} sessions are under way.")
        await asyncio.sleep(DOWN_S - 0.5)
        waiting = sum(seat.station.outbox.waiting() for seat in farm.live.seats)
        offline = sum(not seat.station.link.is_up for seat in farm.live.seats)
        self.say(f"  {offline} stations are offline; {waiting} messages wait on their flash.")
        await asyncio.sleep(1)
        self.say("The CSMS is back. Stations come back one by one, after a random wait each.")
        back = await _until(lambda: all(seat.station.link.is_up for seat in farm.live.seats), 40)
        empty = await _until(lambda: not any(seat.station.outbox.durable_waits() for seat in farm.live.seats), 20)
        self.say(
            f"  {'All' if back else 'Not all'} stations are back, "
            + ("every queue is empty." if empty else "queues remain.")
        )
        _clear(farm, victims, "demo-flash")
        await asyncio.sleep(4)
        self.say("The drivers finish, the stations deliver what is left, and the books are compared.")


async def _until(found: Callable[[], bool], seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not found():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


def _charging(farm: Farm) -> list[Seat]:
    return [seat for seat in farm.live.seats if any(evse.flowing for evse in seat.station.evses)]


def _told_of_meter(seat: Seat) -> bool:
    """By the error code of a status, or by an event of the component."""
    station = seat.station
    by_status = any(evse.told_error == "meter_failure" for evse in station.evses)
    return by_status or bool(station.data.get("problems_told"))


def _clear(farm: Farm, seats: list[Seat], fault_id: str) -> None:
    for seat in seats:
        farm.clear(seat.station.id, fault_id)


def _calls(run: Run) -> int:
    return sum(row.count for row in run.metrics.by_action().values())


def compare_with_csms(run: Run) -> list[str]:
    """Hold the CSMS's own books against what the stations said; one sentence per finding."""
    assert run.csms is not None and run.farm is not None
    theirs: dict[tuple[str, str], dict[str, Any]] = {}
    after: Any = None
    try:
        for _ in range(1_000):
            page = run.csms.request("GET", "/api/transactions?limit=1000" + (f"&after={after}" if after else ""))
            for row in page["transactions"]:
                theirs[(row["station"], str(row["transaction_id"]))] = row
            after = page.get("next")
            if not after:
                break
        violations = run.csms.request("GET", "/api/violations")
    except CsmsProcessError as error:
        return [f"The CSMS's books could not be read: {error}"]
    rows = run.farm.ledger.query(
        "SELECT station_id, key, csms_id, told_begin_wh, told_end_wh FROM transactions"
        " WHERE told_end_wall_us IS NOT NULL"
    )
    missing = different = 0
    for station_id, key, csms_id, begin_wh, end_wh in rows:
        found = theirs.get((station_id, str(csms_id or key))) or theirs.get((station_id, key))
        if found is None:
            missing += 1
        elif None not in (begin_wh, end_wh) and abs((found["energy_wh"] or 0) - (end_wh - begin_wh)) > 1.0:
            different += 1
    result = [
        f"The CSMS's own books: {len(rows) - missing} of {len(rows)} finished transactions are there, "
        f"{different} with another energy than the station said."
    ]
    count = violations.get("count", len(violations.get("violations", [])))
    if count:
        kinds = sorted({f"{row['action']} {row['rule']}" for row in violations["violations"]})[:5]
        result.append(f"The CSMS saw {count} violations by stations: {'; '.join(kinds)}.")
    else:
        result.append("The CSMS saw no violation of the protocol by any station.")
    return result
