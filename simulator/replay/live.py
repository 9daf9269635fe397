"""A replay on a socket: the player, one connection, and the CSMS under test."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.core.link_policy import CERTIFICATE_PROFILE, PASSWORD_PROFILES
from simulator.core.model import Model
from simulator.dialects import dialect_for
from simulator.fleet.clock import LiveClock
from simulator.fleet.connection import Connection, DialSpec, DownCause
from simulator.fleet.credentials import read_credentials
from simulator.fleet.operations import Operations
from simulator.fleet.plan import StationPlan
from simulator.fleet.run import USER_AGENT
from simulator.fleet.target import Target
from simulator.fleet.tls import Contexts
from simulator.fleet.trace import FrameTrace
from simulator.fleet.transport import Transport
from simulator.pki.keystore import Keystore
from simulator.replay.player import Player
from simulator.report.reasons import dial_reason, what_helps

#: dials in a row that lead to nothing, and the seconds between them: doubled each time
MAX_DIALS, BACK_OFF_S = 5, 0.5
CLOSE_S = 6.0
#: seconds between two words about how far it is
SAY_S = 10.0


@dataclass
class Ended:
    """How the connection was. ``why`` says what kept the replay from its end, "" when nothing did."""

    dials: int = 0
    opened: int = 0
    why: str = ""
    interrupted: bool = False
    took_us: int = 0


class LiveReplay:
    """Plays once against ``dial``; ``trace`` gets every frame."""

    def __init__(
        self,
        player: Player,
        dial: DialSpec,
        *,
        station_id: str,
        trace: FrameTrace | None = None,
        say: Callable[[str], None] = lambda line: None,
        operations: Operations | None = None,
    ) -> None:
        self.player, self.dial, self.station_id, self.trace, self._say = player, dial, station_id, trace, say
        self._operations = operations
        self.refused: list[str] = []
        """What the operator of the CSMS did not do, and why."""
        self._asked: set[asyncio.Task[None]] = set()
        self._said_us = 0
        self.ended = Ended()
        self._clock = LiveClock()
        self._news = asyncio.Event()
        self._conn: Connection | None = None
        self._up = self._begun = False
        self._failed = 0
        self._redial_us: int | None = 0
        self._over = False

    async def play(self) -> Ended:
        """From the first dial to the last Close."""
        player, clock = self.player, self._clock
        transport = Transport(asyncio.get_running_loop(), user_agent=USER_AGENT)
        try:
            while not self.ended.why and not (self._begun and player.done):
                now = clock.now()
                if self._redial_us is not None and now >= self._redial_us:
                    self._redial_us = None
                    self.ended.dials += 1
                    self._conn = transport.open(self.dial, self)
                elif self._up:
                    for frame in player.turn(now):
                        self._send(frame)
                    for action, payload in player.prompts(now):
                        self._ask(action, payload)
                    if player.away and self._conn is not None:
                        self._conn.close()
                await self._wait(self._redial_us if not self._up else None if player.away else player.due)
        finally:
            self._over = True
            for task in self._asked:
                task.cancel()
            self.ended.took_us = clock.now()
            if self._conn is not None and self._up:
                self._conn.close()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_S):
                        while self._up:
                            self._news.clear()
                            await self._news.wait()
            transport.abort_all()
        return self.ended

    def stop(self) -> None:
        """Somebody has seen enough: what is left is not played."""
        self.ended.interrupted, self.ended.why = True, "it was interrupted"
        self._news.set()

    def _progress(self) -> None:
        now = self._clock.now()
        if now - self._said_us >= SAY_S * 1e6:
            self._said_us = now
            played, left = len(self.player.calls), len(self.player.not_played)
            due = self.player.due
            ahead = f", the next in {self._clock.seconds_until(due):.0f} s" if due is not None and left else ""
            self._say(f"{now / 1e6:8.0f} s  {played} messages played, {left} to come{ahead}")

    async def _wait(self, until_us: int | None) -> None:
        """Until something passes or the moment has come."""
        if self.player.done and self._begun:
            return
        self._progress()
        seconds = SAY_S if until_us is None else min(SAY_S, self._clock.seconds_until(until_us))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()

    def _ask(self, action: str, payload: Any) -> None:
        async def ask() -> None:
            assert self._operations is not None
            why = await self._operations.ask(self.station_id, action, payload)
            if why:
                self.refused.append(f"the operator did not take {action}: {why}")
            self._news.set()

        task = asyncio.get_running_loop().create_task(ask())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    def _send(self, frame: bytes) -> None:
        if self._conn is not None and self._conn.send(frame):
            self._write(frame, True)

    def _write(self, frame: bytes, to_csms: bool) -> None:
        if self.trace is not None:
            now_us = time.time_ns() // 1_000
            version = self.player.capture.version
            self.trace.frame(self.station_id, frame, ocpp=version, utc_us=now_us, to_csms=to_csms)

    # -- what the connection tells

    def on_open(self, conn: Connection, subprotocol: str | None) -> None:
        """Messages may be sent."""
        self._up = True
        self.ended.opened += 1
        self.player.back()
        if not self._begun:
            self._begun = True
            self.player.begin(self._clock.now())
        self._news.set()

    def on_text(self, conn: Connection, data: bytes) -> None:
        """A frame of the CSMS."""
        self._failed = 0
        self._write(data, False)
        for frame in self.player.receive(data, self._clock.now()):
            self._send(frame)
        self._news.set()

    def on_pong(self, conn: Connection) -> None:
        """No pings are sent."""

    def on_down(self, conn: Connection, cause: DownCause, code: int, detail: str, retry_after_s: int | None) -> None:
        """The link is gone: dial again, unless that has led to nothing several times."""
        was_up, self._up = self._up, False
        self._news.set()
        if self._over:
            return
        self.player.lost()
        if self.player.away:
            self._redial_us = self.player.due
            return
        self._failed += 1
        if not was_up and not self._begun:
            reason = dial_reason(cause, code)
            self.ended.why = ". ".join(filter(None, (f"no connection, {reason}", detail, what_helps(reason))))
        elif self._failed >= MAX_DIALS:
            self.ended.why = f"the CSMS hung up {self._failed} times in a row ({cause} {code})"
        else:
            wait_s = retry_after_s or BACK_OFF_S * 2 ** (self._failed - 1)
            self._redial_us = self._clock.now() + int(wait_s * 1e6)


def dial_of(target: Target, station_id: str, version: str, profile: str, model: Model) -> DialSpec:
    """How to reach ``target`` as this station; raises TargetError for files that cannot be used."""
    level, fields = target.security_profile, target.fields
    plan = StationPlan(station_id, 0, 0, "", profile, version, model, None)
    credentials = read_credentials(target, (plan,), Keystore())
    credential = credentials.credential(station_id) if level == CERTIFICATE_PROFILE else None
    context = None
    if target.is_tls:
        context = Contexts(fields.tls.versions, fields.tls.suites).context(credentials.trust, credential)
    password = target.basic_password() if level in PASSWORD_PROFILES else None
    return DialSpec(
        url=target.station_url(station_id),
        subprotocols=(dialect_for(version).subprotocol, *fields.subprotocols),
        headers=tuple((name, value.get_secret_value()) for name, value in fields.headers.items()),
        basic_auth=(station_id, password) if password is not None else None,
        ssl_context=context,
        identity=credential,
        server_name=fields.tls.server_name,
        proxy=target.proxy,
        source_address=fields.source_addresses[0] if fields.source_addresses else None,
        timeout_s=fields.connect_timeout_us / 1e6,
        require_subprotocol=True,
    )
