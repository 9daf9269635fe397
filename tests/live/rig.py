"""A fleet on real sockets against the reference CSMS in its own process, and a script that plays with both.

A play is a coroutine that gets the ``Stage``; when it is over the run ends as its fleet says. What both sides have on
their books afterwards is in ``Played``. A play waits for what it wants to see, never for a time to pass.
"""

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.core import inputs as i
from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from simulator.fleet.farm import Farm
from simulator.fleet.live import Seat
from simulator.fleet.plan import FleetPlan, resolve
from simulator.fleet.run import Run, RunOptions
from simulator.fleet.schema import load_fleet
from simulator.fleet.target import Target

VERSIONS = ("1.6", "2.0.1", "2.1")
PATIENCE_S = 15.0
#: what a station of these plays does at once instead of after a polite while
BRISK = {
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": 0,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 1,
    "MeterValueSampleInterval": 1,
}
PROFILE = """\
extends: generic/ac-single
identity: {vendor: Generic, model: AC-Brisk, firmware: 1.0.0}
hardware: {boot: {soft_s: 0.2, hard_s: 0.3, power_s: 0.4}}
"""


def groups(count: int, **more: Any) -> list[dict[str, Any]]:
    """As many stations of each version; ids begin with the version."""
    settings = {**BRISK, **more.pop("settings", {})}
    return [
        {
            "name": version,
            "profile": "brisk.yaml",
            "version": version,
            "count": count,
            "id": version + "-{n:03d}",
            "settings": settings,
            **more,
        }
        for version in VERSIONS
    ]


def plan_of(folder: Path, groups: list[dict[str, Any]], *, target: Target | None = None, **fleet: Any) -> FleetPlan:
    """The plan of a fleet file written for the purpose (JSON is YAML too)."""
    (folder / "brisk.yaml").write_text(PROFILE, encoding="utf-8")
    file = folder / "fleet.yaml"
    file.write_text(json.dumps({"ramp": {"rate": 500}, "groups": groups, **fleet}), encoding="utf-8")
    return resolve(load_fleet(file, {}, environ={}), hostname="test", target=target)


@dataclass
class Played:
    """What is left of a play."""

    run: Run
    summary: dict[str, Any] = field(default_factory=dict)
    booked: list[dict[str, Any]] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def verdicts(self) -> dict[str, str]:
        """Each check's verdict."""
        return {check["name"]: check["verdict"] for check in self.summary["checks"]}

    def energies(self) -> dict[tuple[str, str], tuple[float, float]]:
        """Energy in Wh of each finished transaction, as the stations said and as the CSMS has it."""
        theirs = {(row["station"], row["transaction_id"]): row["energy_wh"] for row in self.booked}
        return {(station, str(key)): (wh, theirs.get((station, str(key)), -1.0)) for station, key, wh in self.rows}


class Stage:
    """What a play can do."""

    def __init__(self, run: Run, csms: CsmsProcess) -> None:
        assert run.farm is not None
        self.run, self.csms = run, csms
        self.farm: Farm = run.farm
        self.seats: list[Seat] = self.farm.live.seats
        self.begun_wh: list[float] = []

    async def api(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the CSMS's API, beside the loop."""
        return await asyncio.get_running_loop().run_in_executor(
            None, functools.partial(self.csms.request, method, path, body)
        )

    async def operate(self, station_id: str, action: str, payload: Any) -> dict[str, Any]:
        """The CSMS sends a CALL; the payload of the station's answer."""
        outcome: dict[str, Any] = await self.api("POST", f"/api/stations/{station_id}/{action}?timeout=10", payload)
        assert outcome["status"] == "result", (station_id, action, outcome)
        result: dict[str, Any] = outcome["payload"]
        return result

    async def until(self, what: Callable[[], Any], why: str, seconds: float = PATIENCE_S) -> None:
        """Wait until it is so; fails with ``why``."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not what():
            assert asyncio.get_running_loop().time() < deadline, f"not within {seconds:g} s: {why}"
            await asyncio.sleep(0.02)

    async def booted(self) -> None:
        """Wait for every station."""
        await self.until(lambda: len(self.farm.booted) == len(self.seats), "all have booted")

    def each(self, make: Callable[[Seat], i.Input], seats: list[Seat] | None = None) -> None:
        """Feed every station."""
        for seat in self.seats if seats is None else seats:
            self.farm.live.feed(seat, make(seat))

    def plug_in(self, seats: list[Seat] | None = None) -> None:
        """Drivers come, plug in and present a token, one of his own at each station."""
        now = self.farm.clock.now()
        self.begun_wh = [seat.station.board.meters[0].physical_wh(now) for seat in self.seats]
        self.each(lambda seat: i.Plug(1, i.EvSpec()), seats)
        self.each(lambda seat: i.Present(f"VALID{seat.index:04d}", 1), seats)

    async def charging(self) -> None:
        """Sessions begin and energy flows everywhere."""
        self.plug_in()
        await self.until(lambda: all(seat.station.evses[0].flowing for seat in self.seats), "energy flows")

    async def charged(self, energy_wh: float = 4.0) -> None:
        """Wait until every car has taken so much since it was plugged in."""

        def enough() -> bool:
            now = self.farm.clock.now()
            meters = [seat.station.board.meters[0] for seat in self.seats]
            return all(
                meter.physical_wh(now) - begin > energy_wh for meter, begin in zip(meters, self.begun_wh, strict=True)
            )

        await self.until(enough, f"every car has taken {energy_wh:g} Wh")

    async def done(self) -> None:
        """The drivers leave and every queue runs empty."""
        self.each(lambda seat: i.Unplug(1, "both"))
        await self.quiet()

    async def quiet(self) -> None:
        """Nobody has a transaction or anything left to say."""
        await self.until(
            lambda: all(
                seat.station.evses[0].tx is None and not seat.station.outbox.waiting() and seat.station.link.is_up
                for seat in self.seats
            ),
            "nothing is left to say",
        )


Play = Callable[[Stage], Awaitable[None]]


def perform(
    plan: FleetPlan, play: Play, *, csms: CsmsProcess | None = None, options: CsmsOptions | None = None, **more: Any
) -> Played:
    """Run a plan with a play on top. Without ``csms`` the run starts one with ``options`` itself."""
    more.setdefault("drain_s", 10.0)
    run_options = RunOptions(
        command="cpfarm run",
        http_port=more.pop("http_port", None),
        csms=options or CsmsOptions(port=0, http_port=0),
        **more,
    )

    async def story(run: Run) -> None:
        theirs = csms or run.csms
        assert theirs is not None
        await play(Stage(run, theirs))

    run = Run(plan, run_options, None, story)
    played = Played(run)

    def look(ended: Run) -> None:
        theirs = csms or ended.csms
        assert theirs is not None and ended.farm is not None
        played.booked = theirs.request("GET", "/api/transactions")["transactions"]
        played.violations = theirs.request("GET", "/api/violations")["violations"]
        played.rows = ended.farm.ledger.query(
            "SELECT station_id, coalesce(csms_id, key), told_end_wh - told_begin_wh FROM transactions"
            " WHERE told_end_wall_us IS NOT NULL"
        )

    run.afterwards = look
    played.summary = run.execute()
    return played
