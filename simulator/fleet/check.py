"""One station against a target, step by step: which step of getting to work fails, and what usually helps.

The steps are those of a real station: name, connection (TCP, handshake, subprotocol), registration, status, schema.
They are read off the records of the very station that ``run`` would start, so ``check`` cannot pass where ``run``
fails.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.core import records as r
from simulator.fleet.farm import Farm
from simulator.fleet.plan import FleetPlan
from simulator.fleet.run import USER_AGENT, target_port
from simulator.fleet.target import Target, refuse_unsupported
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.report.reasons import boot_reason, dial_reason, what_helps
from simulator.report.redact import Redactor

STEP_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step: did it work, what happened or what usually helps, and how long it took."""

    name: str
    ok: bool
    text: str
    took_ms: float | None = None


class _Watch:
    """Collects what the station's records say about each step."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.changed = asyncio.Event()

    def record(self, seat: Any, what: Any, now: int) -> None:
        self.seen.append(what)
        self.changed.set()

    def frame(self, seat: Any, data: bytes, to_csms: bool, now: int) -> None:
        """Frames do not matter here."""

    async def first(self, found: Callable[[Any], bool], timeout_s: float) -> Any:
        """The first record that fits, or None in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        done = 0
        while True:
            while done < len(self.seen):
                what = self.seen[done]
                done += 1
                if found(what):
                    return what
            left = deadline - loop.time()
            if left <= 0:
                return None
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), left)
            except TimeoutError:
                return None


async def check_station(plan: FleetPlan, target: Target, show: Callable[[Step], None]) -> list[Step]:
    """Run the steps, hand each to ``show`` as it is known, stop at the first that fails."""
    refuse_unsupported(target)
    steps: list[Step] = []

    def done(step: Step) -> bool:
        steps.append(step)
        show(step)
        return step.ok

    loop = asyncio.get_running_loop()
    proxy = target.proxy  # a proxy looks the CSMS's name up itself
    host, port = (target.host, target_port(target)) if proxy is None else (proxy.host, proxy.port)
    try:
        rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        done(Step("name", False, f"{host}: {error.strerror or error}. {what_helps('dns')}"))
        return steps
    addresses = sorted({str(row[4][0]) for row in rows})
    text = ", ".join(addresses) if addresses == [host] else f"{host} is {', '.join(addresses)}"
    done(Step("name", True, text if proxy is None else f"the proxy: {text}"))

    metrics, ledger = RunMetrics(), Ledger(None)
    farm = Farm(
        plan,
        target,
        loop=loop,
        user_agent=USER_AGENT,
        metrics=metrics,
        ledger=ledger,
        redactor=Redactor(target.secrets()),
    )
    watch = _Watch()
    farm.live.observer = watch
    farm.start()
    try:
        await _steps(watch, target, done)
    finally:
        farm.ending = True
        await farm.close()
        ledger.flush()
        await asyncio.sleep(0.05)
    return steps


async def _steps(watch: _Watch, target: Target, done: Callable[[Step], bool]) -> None:
    what = await watch.first(
        lambda rec: isinstance(rec, r.Connected | r.ConnectFailed), target.fields.connect_timeout_us / 1e6 + 2
    )
    if what is None or isinstance(what, r.ConnectFailed):
        reason = "timeout" if what is None else dial_reason(what.cause, what.code)
        detail = "" if what is None else what.detail
        done(
            Step(
                "connection",
                False,
                ". ".join(filter(None, (f"{reason}: {detail}" if detail else reason, what_helps(reason)))),
            )
        )
        return
    done(Step("connection", True, f"open after {what.took_us / 1000:.0f} ms, version agreed", what.took_us / 1000))
    what = await watch.first(
        lambda rec: (
            isinstance(rec, r.Booted | r.BootRefused | r.Disconnected)
            or (isinstance(rec, r.CallFinished) and rec.action == "BootNotification" and rec.outcome != "ok")
        ),
        STEP_TIMEOUT_S * 2 + 2,
    )
    if not isinstance(what, r.Booted):
        if isinstance(what, r.BootRefused):
            reason = boot_reason(what.status)
            text = f"{what.status}. {what_helps(reason)}"
        elif isinstance(what, r.Disconnected):
            text = f"the CSMS hung up ({what.cause} {what.code}). {what_helps('kicked')}"
        elif isinstance(what, r.CallFinished):
            text = f"BootNotification: {what.outcome} {what.code}".rstrip()
        else:
            text = "BootNotification was not answered"
        done(Step("registration", False, text))
        return
    done(Step("registration", True, f"accepted after {what.took_us / 1000:.0f} ms", what.took_us / 1000))
    what = await watch.first(
        lambda rec: isinstance(rec, r.CallFinished) and rec.action in ("StatusNotification", "NotifyEvent"),
        STEP_TIMEOUT_S,
    )
    if what is None or what.outcome != "ok":
        done(Step("status", False, "StatusNotification: " + (f"{what.outcome} {what.code}" if what else "no answer")))
        return
    done(Step("status", True, f"answered after {what.took_us / 1000:.0f} ms", what.took_us / 1000))
    violations = [rec for rec in watch.seen if isinstance(rec, r.ViolationSeen)]
    if violations:
        first = violations[0]
        done(Step("schema", False, f"{first.action}: {first.path}: {first.rule} ({len(violations)} in all)"))
    else:
        done(Step("schema", True, "every answer so far fits its schema"))
