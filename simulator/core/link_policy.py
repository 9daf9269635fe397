"""When to dial, how long to wait, and when a silent link counts as dead. No sockets.

Back-off (2.x RetryBackOff variables; other versions use the same rule because their specification only asks for one):
``wait minimum x 2^n + random range``, with ``n`` bounded by the repeat times. A Retry-After of the server is obeyed.

Every dial has a number; what carries another number than the current one is ignored. Giving up a link ourselves makes
it a past one at once, so nothing that still arrives on it can do harm.

New credentials and profiles are tried, confirmed or taken back in one place (``core/trial.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.core.effects import Dial, Hangup, Ping
from simulator.core.records import Connected, ConnectFailed, Disconnected
from simulator.core.settings import READ_ONLY, READ_WRITE, WRITE_ONLY, setting

if TYPE_CHECKING:
    from simulator.core.inputs import LinkDown, LinkUp
    from simulator.core.station import Station

BACKOFF_MINIMUM = setting(
    "OCPPCommCtrlr.RetryBackOffWaitMinimum", "int", 5, minimum=0, maximum=3600, unit="s", description="first wait"
)
BACKOFF_RANDOM = setting(
    "OCPPCommCtrlr.RetryBackOffRandomRange", "int", 5, minimum=0, maximum=3600, unit="s", description="random part"
)
BACKOFF_REPEAT = setting(
    "OCPPCommCtrlr.RetryBackOffRepeatTimes", "int", 5, minimum=0, maximum=16, description="how often the wait doubles"
)
PING_INTERVAL = setting(
    "OCPPCommCtrlr.WebSocketPingInterval",
    "int",
    60,
    key16="WebSocketPingInterval",
    minimum=0,
    maximum=86_400,
    unit="s",
    description="seconds between pings; 0 switches them off",
)
CONNECT_TIMEOUT_S = 30
PONG_TIMEOUT_S = 20
#: a new connection that is wanted waits this long for answers that are due on the present one
RENEW_PATIENCE_S = 10
SECURITY_PROFILE = setting(
    "SecurityCtrlr.SecurityProfile",
    "int",
    0,
    key16="SecurityProfile",
    mutability=READ_ONLY,
    mutability16=READ_WRITE,
    minimum=0,
    maximum=3,
    required=True,
    description="security profile in use",
)
PASSWORD = setting(
    "SecurityCtrlr.BasicAuthPassword",
    "str",
    "",
    key16="AuthorizationKey",
    mutability=WRITE_ONLY,
    max_len=64,
    description="password of HTTP basic authentication",
)
NETWORK_ATTEMPTS = setting(
    "OCPPCommCtrlr.NetworkProfileConnectionAttempts",
    "int",
    3,
    minimum=1,
    maximum=1000,
    required=True,
    description="dials of one network profile, or with new credentials, before the next or the previous",
)
WILDCARDS = setting(
    "SecurityCtrlr.AllowCSMSTLSWildcards",
    "bool",
    True,
    description="take a CSMS whose certificate names a whole domain; many do, a strict station does not",
)
#: security profiles whose connection is TLS, and those that authenticate by password (white paper table 2)
TLS_PROFILES, PASSWORD_PROFILES, CERTIFICATE_PROFILE = frozenset({2, 3}), frozenset({1, 2}), 3
#: set by the certificates block: what the station has for TLS in its store, as ``Dial.refs``
TLS_REFS: list[Callable[[Station, int], dict[str, str]]] = []


@dataclass(frozen=True, slots=True)
class Route:
    """Where a station dials by itself. ``url`` is without its id; ``password`` None is the one in its settings."""

    slot: int
    url: str
    security_profile: int
    password: str | None = None


#: set by the network profiles block: the route in use, None when the driver's target is
ROUTES: list[Callable[[Station], Route | None]] = []


class LinkPolicy:
    """The link of one station. ``number`` and ``attempts`` belong to the world, so that numbers are never reused."""

    __slots__ = (
        "attempts",
        "dialed_us",
        "down_since_us",
        "ever_up",
        "failures",
        "given_up",
        "held",
        "is_up",
        "lost_cause",
        "number",
        "offered",
        "renew_by",
        "state",
        "tried_from",
        "trouble",
        "waiting_pong",
    )

    def __init__(self) -> None:
        self.number = 0
        #: down, dialing, up
        self.state = "down"
        self.is_up = False
        self.attempts = 0
        self.dialed_us = 0
        self.down_since_us: int | None = None
        self.ever_up = False
        #: do not dial until released (switched off, or the run is ending)
        self.held = True
        #: a product that never dials again by itself: only a restart helps
        self.given_up = False
        #: a dial is under way of which the network has decided that it ends with this cause
        self.lost_cause = ""
        #: subprotocols of the last dial
        self.offered: tuple[str, ...] = ()
        self.waiting_pong = False
        #: why the link or dial of that number ended, as (number, cause, code, detail); None while a link is up
        self.trouble: tuple[int, str, int, str] | None = None
        #: dials of a trial that failed for a reason that speaks against what is tried
        self.failures = 0
        #: number of the link on which a trial began: only a later one can confirm it
        self.tried_from = 0
        #: a new connection is wanted, at the latest at this moment; None when none is
        self.renew_by: int | None = None

    def start(self, st: Station, now: int) -> None:
        """The station is running: dial as soon as the modem allows."""
        self.held = self.given_up = False
        self.attempts = self.failures = 0
        self.renew_by = None
        st.timers.set("dial", now)

    def dial(self, st: Station, now: int) -> None:
        """The dial timer fired."""
        if self.held or self.state != "down":
            return
        if not st.board.modem.up(now):
            return  # the rule below dials when it is back
        self.number += 1
        self.state = "dialing"
        self.trouble = None
        self.dialed_us = now
        timeout_us = CONNECT_TIMEOUT_S * 1_000_000 * st.speed
        route = ROUTES[0](st) if ROUTES else None
        profile = st.settings[SECURITY_PROFILE] if route is None else route.security_profile
        dial = Dial(
            link=self.number,
            slot=0 if route is None else route.slot,
            url="" if route is None else route.url,
            subprotocols=(st.dialect.subprotocol,),
            security_profile=profile,
            password=(route and route.password) or st.settings[PASSWORD] or None,
            refs=TLS_REFS[0](st, profile) if profile in TLS_PROFILES and TLS_REFS else {},
            timeout_us=timeout_us,
            wildcards=st.settings[WILDCARDS],
        )
        for quirk in st.model.seams.link:
            dial = quirk.dial(st, dial)
        self.offered = dial.subprotocols
        st.phase("connecting")
        lost = st.board.network.dial()
        self.lost_cause = "" if lost is None else lost[0]
        if lost is not None:
            st.timers.set("dial_lost", now + min(lost[1] * st.speed, timeout_us))
            return
        st.do(dial)
        # the driver reports a time-out; this is the bound if it does not
        st.timers.set("dial_bound", now + 2 * timeout_us)

    def up(self, st: Station, event: LinkUp, now: int) -> bool:
        """The link is open. False when the server picked a protocol that was not offered: the station refuses to
        talk."""
        st.timers.cancel("dial_bound")
        # who has offered nothing takes what there is
        if event.subprotocol not in (self.offered or (None, st.dialect.subprotocol)):
            self.trouble = (self.number, "subprotocol", 0, "")
            st.record(ConnectFailed("subprotocol", 0, f"server picked {event.subprotocol!r}"))
            self.drop(st, now, "close", on_record=False)
            return False
        self.state, self.is_up = "up", True
        st.record(Connected(now - self.dialed_us, self.ever_up))
        self.ever_up = True
        self.attempts = 0
        self.trouble = self.renew_by = None
        self.waiting_pong = False
        self._arm_ping(st, now)
        return True

    def down(self, st: Station, event: LinkDown, now: int) -> None:
        """The current link ended or never came about."""
        st.timers.cancel("dial_bound")
        if self.state == "up":
            st.record(Disconnected(event.cause, event.code))
        else:
            st.record(ConnectFailed(event.cause, event.code, event.detail))
        self.trouble = (self.number, event.cause, event.code, event.detail)
        self._lost(st, now, event.retry_after_s)

    def drop(self, st: Station, now: int, how: str, *, on_record: bool = True, redial: bool = True) -> None:
        """Give the link up ourselves."""
        if self.state == "down":
            return
        for quirk in st.model.seams.link:
            how = quirk.farewell(st, how)
        st.do(Hangup(self.number, how))
        if self.state == "dialing" and self.trouble is None:
            self.trouble = (self.number, "timeout", 0, "")
        if on_record and self.state == "up":
            st.record(Disconnected("local_" + how, 1000 if how == "close" else 0))
        st.timers.cancel("dial_bound")
        self._lost(st, now, None, redial=redial)

    def renew(self, st: Station, now: int) -> None:
        """Connect anew as soon as what is queued has been answered, within :data:`RENEW_PATIENCE_S`."""
        self.renew_by = now + RENEW_PATIENCE_S * 1_000_000
        st.waits_for_outbox = True
        st.timers.set("renew", self.renew_by)

    def renew_now(self, st: Station, now: int) -> None:
        """Hang up and dial at once."""
        self.renew_by = None
        st.timers.cancel("renew")
        self.drop(st, now, "close", redial=False)
        self.attempts = 0
        if not self.held:
            st.phase("offline")
            st.timers.set("dial", now)

    def _lost(self, st: Station, now: int, retry_after_s: int | None, *, redial: bool = True) -> None:
        was_up = self.is_up
        self.state, self.is_up = "down", False
        st.timers.cancel("ping")
        st.timers.cancel("pong")
        if self.down_since_us is None or was_up:
            self.down_since_us = now
        if was_up:
            st.link_lost(now)
        if not self.held and redial:
            st.phase("offline" if self.ever_up else "connecting")
            wait_us: int | None = self._wait_us(st, retry_after_s)
            for quirk in st.model.seams.link:
                wait_us = None if wait_us is None else quirk.redial(st, wait_us, was_up)
            self.given_up = wait_us is None
            if wait_us is not None:
                st.timers.set("dial", now + wait_us)

    def _wait_us(self, st: Station, retry_after_s: int | None) -> int:
        doubled = st.settings[BACKOFF_MINIMUM] << min(self.attempts, st.settings[BACKOFF_REPEAT])
        self.attempts += 1
        spread_us = st.settings[BACKOFF_RANDOM] * 1_000_000
        wait_us = int(doubled * 1_000_000) + (st.rng.below("backoff", spread_us) if spread_us else 0)
        if retry_after_s is not None:
            wait_us = max(wait_us, min(retry_after_s, 86_400) * 1_000_000 * st.speed)  # the server's seconds are real
        return wait_us

    def modem_changed(self, st: Station, now: int) -> bool:
        """A rule: follow the modem. True when something changed."""
        modem_up = st.board.modem.up(now)
        if not modem_up and self.state != "down":
            self.drop(st, now, "vanish")
            return True
        idle = self.state == "down" and not self.held and not self.given_up and st.timers.get("dial") is None
        if modem_up and idle:
            st.timers.set("dial", now)
            return True
        return False

    def _arm_ping(self, st: Station, now: int) -> None:
        interval_s = st.settings[PING_INTERVAL]
        if interval_s:
            st.timers.set("ping", now + interval_s * 1_000_000)
        else:
            st.timers.cancel("ping")

    def ping(self, st: Station, now: int) -> None:
        """The ping timer fired."""
        if self.is_up:
            if st.board.modem.passes(now):
                st.do(Ping(self.number))
            self.waiting_pong = True
            st.timers.set("pong", now + PONG_TIMEOUT_S * 1_000_000 * st.speed)

    def pong(self, st: Station, now: int) -> None:
        """The peer is alive."""
        self.waiting_pong = False
        st.timers.cancel("pong")
        self._arm_ping(st, now)

    def pong_missing(self, st: Station, now: int) -> None:
        """A ping was not answered: the link is dead although nobody said so."""
        if self.is_up and self.waiting_pong:
            self.drop(st, now, "reset")

    def settings_changed(self, st: Station, now: int) -> None:
        """The ping interval may be another one."""
        if self.is_up and not self.waiting_pong:
            self._arm_ping(st, now)
