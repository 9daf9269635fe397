"""Quirks of the connection: how it is lost, given up, and opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from simulator.quirks.connect_open import manner
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.effects import Dial
    from simulator.core.station import Station

_REDIALS = (
    "Replace the old socket on redial, keep transactions over gaps of many minutes, debounce offline alarms, back off"
    " triggers."
)
_SILENCE = "Raise an alarm on silence longer than the heartbeat interval; only somebody at the site can help."
_PINGS = (
    "Make pings of the server and the setting of its interval optional per station; fall back on TCP and heartbeat."
)
_SECOND_US = 1_000_000


@quirk(
    "ws-no-reconnect",
    vendors=("Teison",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md",),
    breaks=("gets_in",),
    survive=_SILENCE,
)
class NoReconnect(Quirk):
    """Once it has lost a connection it never dials again, until it is restarted."""

    def redial(self, st: Station, wait_us: int, was_up: bool) -> int | None:
        """Dials that fail are repeated; what was up and is lost is not."""
        return None if was_up else wait_us


@quirk(
    "ws-slow-reconnect",
    vendors=("Mennekes", "FoxESS"),
    sources=(
        "evcc-io/evcc:templates/definition/charger/ocpp-mennekes-4you.yaml",
        "evcc-io/evcc#30650",
        "lbbrhzn/ocpp:docs/supported-devices.md",
        "lbbrhzn/ocpp#2008",
    ),
    breaks=("gets_in",),
    survive=_REDIALS,
    params={"least_s": (360.0, 0.0, 7_200.0), "most_s": (1_140.0, 0.0, 7_200.0), "refused_s": (10.0, 1.0, 3_600.0)},
)
class SlowReconnect(Quirk):
    """After a lost connection it is silent for many minutes; a dial that was refused is repeated soon.

    ``least_s`` and ``most_s``: bounds of the silence. ``refused_s``: after a dial that failed.
    """

    least_s: float
    most_s: float
    refused_s: float

    def redial(self, st: Station, wait_us: int, was_up: bool) -> int | None:
        """Long, or always the same."""
        if not was_up:
            return int(self.refused_s * _SECOND_US)
        spread_us = max(0, int((self.most_s - self.least_s) * _SECOND_US))
        return int(self.least_s * _SECOND_US) + st.rng.below("quirk.redial", spread_us + 1)


@quirk(
    "reconnect-exponential-vendor-keys",
    vendors=("Tritium",),
    sources=("public: list of configuration keys of the product",),
    survive="Read the keys by which a product sets its own waits before you call a station lost.",
    vendor_keys={
        "InitialConnectionWaitInterval": ("0", True),
        "ReconnectInterval": ("10", True),
        "ReconnectExpBackOffMax": ("300", True),
        "ReconnectRandomRange": ("10", True),
        "WebsocketPingsPendingLimit": ("3", True),
    },
)
class ReconnectKeys(Quirk):
    """Configuration keys of its own set how it dials again: an interval that doubles, its limit, a random part."""

    def redial(self, st: Station, wait_us: int, was_up: bool) -> int | None:
        """What the keys say, in seconds; a text that is no number counts as 0."""

        def seconds(key: str) -> int:
            text = QuirkPort(st, self).vendor_key(key)
            return min(int(text), 86_400) if text.isascii() and text.isdigit() and len(text) <= 9 else 0

        doubled = seconds("ReconnectInterval") << min(max(0, st.link.attempts - 1), 16)
        wait_s = max(1, min(doubled, seconds("ReconnectExpBackOffMax")))
        spread_us = seconds("ReconnectRandomRange") * _SECOND_US
        return wait_s * _SECOND_US + (st.rng.below("quirk.redial", spread_us) if spread_us else 0)


@quirk(
    "ws-reconnect-loop-after-csms-restart",
    vendors=("StarCharge",),
    sources=("lbbrhzn/ocpp#1096",),
    breaks=("gets_in", "stays_connected"),
    survive=_REDIALS,
    params={"hold_s": (1.0, 0.1, 600.0), "redial_s": (2.0, 0.0, 600.0)},
)
class ReconnectLoop(Quirk):
    """When the server has ended a connection, the station opens the next ones only to close them again.

    Only a restart of the station ends that. ``hold_s``: how long a connection lasts. ``redial_s``: until the next.
    """

    hold_s: float
    redial_s: float

    def moment(self, st: Station, name: str, now: int) -> None:
        """A connection that was not given up by the station itself is what does it."""
        port = QuirkPort(st, self)
        if name == "link_down":
            port.sleep()
            if st.link.trouble is not None:
                port.memory["stuck"] = True
        elif name == "link_up" and port.memory.get("stuck"):
            port.wake_in(self.hold_s)

    def timer(self, st: Station, now: int) -> None:
        """And down again."""
        if st.link.is_up:
            QuirkPort(st, self).hang_up("close", redial_s=self.redial_s)


@quirk(
    "ws-drop-after-setup",
    vendors=("Grizzl-E",),
    sources=("lbbrhzn/ocpp#899",),
    breaks=("stays_connected",),
    survive="Send no CALL until a BootNotification was answered or a grace period ran out, then pace set-up calls.",
    params={"after_s": (10.0, 0.1, 3_600.0)},
)
class DropAfterSetup(Quirk):
    """Seconds after a ChangeAvailability the connection ends without a Close.

    ``after_s``: how many.
    """

    after_s: float

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """The time runs from the answer."""
        if action == "ChangeAvailability":
            QuirkPort(st, self).wake_in(self.after_s)
        return reply

    def timer(self, st: Station, now: int) -> None:
        """Gone."""
        QuirkPort(st, self).hang_up("reset")


@quirk(
    "ws-dies-under-trigger-load",
    vendors=("Mennekes",),
    sources=("evcc-io/evcc#32236",),
    breaks=("stays_connected",),
    survive=_REDIALS,
    params={"triggers": (17_280, 1, 1_000_000)},
)
class DiesUnderTriggers(Quirk):
    """So many triggered MeterValues, and the connection is lost.

    ``triggers``: how many; by default those of two days, one every ten seconds.
    """

    triggers: int

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Count them."""
        if action == "TriggerMessage" and req.requested_message == "MeterValues":
            port = QuirkPort(st, self)
            port.memory["count"] = port.memory.get("count", 0) + 1
            if port.memory["count"] >= self.triggers:
                port.memory["count"] = 0
                port.wake_in(1.0)
        return None

    def timer(self, st: Station, now: int) -> None:
        """That was one too many."""
        QuirkPort(st, self).hang_up("reset")


@quirk(
    "ws-server-ping-kills-link",
    vendors=("EN+",),
    sources=("lbbrhzn/ocpp#211",),
    breaks=("stays_connected",),
    survive=_PINGS,
)
class PingKills(Quirk):
    """A WebSocket ping of the server ends the connection."""

    def dial(self, st: Station, dial: Dial) -> Dial:
        """The driver is told."""
        return manner(dial, ping_kills=True)


@quirk(
    "ws-dead-peer-undetected",
    vendors=("ATESS",),
    sources=("sap-labs-france/ev-server@ab7d86ef4",),
    breaks=("says_goodbye",),
    survive="Ping stations yourself, and take a silent connection for a dead one; no Close will come.",
    settings={"WebSocketPingInterval": "0"},
)
class NoGoodbye(Quirk):
    """It sends no pings, and when it gives up a connection the server hears nothing of it."""

    def farewell(self, st: Station, how: str) -> str:
        """Half-open, whatever was meant."""
        return "vanish"


@quirk(
    "boot-retry-gives-up",
    vendors=("KEBA",),
    sources=("steve-community/steve#116",),
    breaks=("gets_in",),
    survive=_SILENCE,
    fixed_in="1.9",
    params={"days": (7.0, 0.001, 365.0)},
)
class GivesUp(Quirk):
    """After a week without its server it tries no more, until it is restarted.

    ``days``: how long it tries.
    """

    days: float

    def redial(self, st: Station, wait_us: int, was_up: bool) -> int | None:
        """Counted from the loss of the last connection, or from the start."""
        since_us = max(st.link.down_since_us or st.now, st.started_us)
        return None if st.now - since_us >= self.days * 86_400 * _SECOND_US else wait_us


@quirk(
    "boot-conf-time-needs-fraction",
    vendors=("Webasto NEXT",),
    sources=("evcc-io/evcc#31158",),
    breaks=("stays_connected",),
    survive="Write times with Z and with fractions of a second.",
)
class NeedsFraction(Quirk):
    """A boot answer whose time has no fraction of a second is not understood: the connection drops at once."""

    def heard(self, st: Station, action: str, reply: Any) -> Any:
        """The clock is not set, and the time until the end is short."""
        if action != "BootNotification" or "." in reply.current_time:
            return reply
        QuirkPort(st, self).wake_in(0.2)
        return structs.replace(reply, current_time="")

    def timer(self, st: Station, now: int) -> None:
        """It has crashed."""
        QuirkPort(st, self).hang_up("reset")
