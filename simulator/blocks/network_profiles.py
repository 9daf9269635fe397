"""B09, B10 Network profiles: where a station may connect, in which order it tries, and the way back.

A slot holds the address of a CSMS and how to connect to it. Slot 1 is the one the station was delivered with; unless
the CSMS has overwritten it, it is whatever target the driver has. Slots and their order count from the next boot on:
then the first entry of NetworkConfigurationPriority is dialled, each entry as often as NetworkProfileConnectionAttempts
says, and the next at once (B10.FR.03-04). When all have failed, the station goes back to the profile that worked last
(B10.FR.07), and if that fails too it starts over with the list (B10.FR.08). On another profile than before it registers
anew (B10.FR.10).

A profile with a higher security is confirmed by the registration: then SecurityProfile says so and what is less secure
is forgotten (A05.FR.06); as long as it is not, the old profile is still there. A station that was never told of other
slots holds nothing for all this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from simulator.blocks.product_settings import NETWORK_PRIORITY
from simulator.blocks.security_profile import has_password
from simulator.core import certificate_store as store
from simulator.core.link_policy import (
    CERTIFICATE_PROFILE,
    NETWORK_ATTEMPTS,
    PASSWORD,
    PASSWORD_PROFILES,
    ROUTES,
    SECURITY_PROFILE,
    TLS_PROFILES,
    Route,
)
from simulator.core.outbox import MESSAGE_TIMEOUT
from simulator.core.records import FlashTrouble, Remark
from simulator.core.wiring import at, before_write, drain

if TYPE_CHECKING:
    from simulator.core.model import Model
    from simulator.core.station import Station

AREA, NAME = "network", "network_profiles"
#: the slot a station is delivered with
FACTORY_SLOT = 1
SLOTS = tuple(int(name) for name in NETWORK_PRIORITY.values)
#: key beside the slots: the one that worked last
GOOD_KEY = "good"


class NetworkProfile(msgspec.Struct, frozen=True):
    """A slot as it lies on flash. ``url`` without the station's id. ``password`` is the station's own if None.

    ``removed``: it was forgotten because another is more secure. ``interface``: the one it names; ``apn``: it names an
    access point (a station of ours does without).
    """

    url: str = ""
    security_profile: int = 0
    timeout_s: int = 0
    password: str | None = None
    removed: bool = False
    interface: str = ""
    apn: bool = False


class Network:
    """What the station goes by since its boot: the order, the profiles as they were then, where it stands."""

    __slots__ = ("active", "failures", "good", "judged", "left", "order", "profiles", "slot", "up_number")

    def __init__(self, order: tuple[int, ...], profiles: dict[int, NetworkProfile], good: int) -> None:
        self.order, self.profiles, self.good = order, profiles, good
        self.slot = order[0]
        #: entries still to be tried in this round
        self.left = list(order[1:])
        #: the slot of the last link that was up, None before the first
        self.active: int | None = None
        self.failures = 0
        #: number of the last dial that was counted, and of the last link that was up
        self.judged = self.up_number = 0


def own_interface(model: Model) -> str:
    """The network interface of a product: each has one (OCPPInterfaceEnumType)."""
    return "Wired0" if model.hardware.modem.kind == "ethernet" else "Wireless0"


def profile_of(st: Station, slot: int) -> NetworkProfile | None:
    """What is stored in a slot, None when nothing is; a slot of the factory has no address of its own."""
    found = st.board.flash.get(AREA, slot)
    return found if isinstance(found, NetworkProfile) else None


def configured(st: Station, slot: int) -> bool:
    """Can the station connect by this slot?"""
    found = profile_of(st, slot)
    return slot == FACTORY_SLOT if found is None else not found.removed


def active_slot(st: Station) -> int:
    """The slot in use (ActiveNetworkProfile)."""
    own: Network | None = st.data.get(NAME)
    return FACTORY_SLOT if own is None else own.slot


def keep(st: Station, slot: int, profile: NetworkProfile) -> str:
    """Store a profile that fits the product: Accepted, NoSecurityDowngrade, InvalidConfSlot, InvalidNetworkConf (the
    slot is one that is dialled, and what that would need is missing, A05.FR.02-03), or Failed (B09.FR.01, FR.03-05). It
    counts from the next boot on."""
    if slot not in SLOTS:
        return "InvalidConfSlot"
    if profile.security_profile < st.settings[SECURITY_PROFILE]:
        return "NoSecurityDowngrade"
    if str(slot) in st.settings[NETWORK_PRIORITY] and not ready(st, profile):
        return "InvalidNetworkConf"
    if not st.board.flash.write(AREA, slot, profile, 48 + len(profile.url)):
        st.record(FlashTrouble(AREA, st.board.flash.why, f"network profile {slot}"))
        return "Failed"
    return "Accepted"


def forget(st: Station) -> None:
    """Drop every slot but the factory's; counts from the next boot on."""
    st.board.flash.clear(AREA)


def ready(st: Station, profile: NetworkProfile) -> bool:
    """Has the station what a connection of this security needs (A05.FR.02-03)? What the present one needs came with the
    product, even if the store does not show it."""
    if profile.security_profile <= st.settings[SECURITY_PROFILE]:
        return True
    if profile.security_profile in PASSWORD_PROFILES and profile.password is None and not has_password(st):
        return False
    if profile.security_profile in TLS_PROFILES and not store.has_root(st):
        return False
    return profile.security_profile != CERTIFICATE_PROFILE or store.station_certificate(st) is not None


@before_write(NETWORK_PRIORITY.key)
def may_order(st: Station, wanted: tuple[str, ...]) -> bool:
    """B10.FR.01-02, A05.FR.02-04: every entry once, configured, not less secure than now, and everything is there."""
    slots = [int(name) for name in wanted]
    if not slots or len(set(slots)) < len(slots):
        return False
    for slot in slots:
        if not configured(st, slot):
            return False
        profile = profile_of(st, slot)
        if profile is None:
            continue  # the factory's: what the station is connected with, or could be
        if profile.security_profile < st.settings[SECURITY_PROFILE]:
            return False
        if not ready(st, profile):
            return False
    return True


@at("start")
def start(st: Station, now: int) -> None:
    """From flash; nothing at all for a station that knows the factory's slot only."""
    order = tuple(int(name) for name in st.settings[NETWORK_PRIORITY])
    kept = st.board.flash.items(AREA)
    if not kept and order == (FACTORY_SLOT,):
        return
    profiles = {key: found for key, found in kept if isinstance(found, NetworkProfile)}
    usable = tuple(slot for slot in order if configured(st, slot)) or (FACTORY_SLOT,)
    good = st.board.flash.get(AREA, GOOD_KEY)
    own = Network(usable, profiles, good if isinstance(good, int) else FACTORY_SLOT)
    st.data[NAME] = own
    _apply_timeout(st, own)


def route(st: Station) -> Route | None:
    """Where to dial now; None leaves it to the driver."""
    own: Network | None = st.data.get(NAME)
    found = own.profiles.get(own.slot) if own is not None else None
    if own is None or found is None or found.removed:
        return None
    return Route(own.slot, found.url, found.security_profile, found.password)


ROUTES.append(route)


@drain(14)
def judge(st: Station, now: int) -> None:
    """A dial has failed: is it time for the next profile?"""
    own: Network | None = st.data.get(NAME)
    trouble = st.link.trouble
    if own is None or trouble is None or trouble[0] <= own.judged:
        return
    own.judged = trouble[0]
    if trouble[0] == own.up_number:  # an open link was lost: its own profile comes first
        own.left = [slot for slot in own.order if slot != own.slot]
        own.failures = 0
        return
    own.failures += 1
    if own.failures < st.settings[NETWORK_ATTEMPTS]:
        return
    own.failures = 0
    if own.left:
        _switch(st, own, own.left.pop(0), trouble[1])
        st.link.attempts = 0
        if st.link.state == "down" and not st.link.held:
            st.timers.set("dial", now)
        return
    # all have failed: the one that worked last, in its own time, then the list again
    own.left = [slot for slot in own.order if slot != own.good]
    st.link.attempts = 0
    _switch(st, own, own.good if own.good in own.profiles or own.good == FACTORY_SLOT else own.order[0], trouble[1])


def _switch(st: Station, own: Network, slot: int, cause: str) -> None:
    if slot == own.slot:
        return
    st.record(Remark(f"network profile {own.slot} failed ({cause}), trying {slot}"))
    own.slot = slot
    st.gate = "unknown"  # B10.FR.10: whoever answers there has to take the station first
    _apply_timeout(st, own)


def _apply_timeout(st: Station, own: Network) -> None:
    """How long answers are waited for belongs to the profile."""
    found = own.profiles.get(own.slot)
    if found is not None and found.timeout_s:
        st.settings.overlay[MESSAGE_TIMEOUT.key] = found.timeout_s
    else:
        st.settings.overlay.pop(MESSAGE_TIMEOUT.key, None)


@at("link_up")
def connected(st: Station, now: int) -> None:
    """Dials that failed before count no longer."""
    own: Network | None = st.data.get(NAME)
    if own is not None:
        own.up_number, own.failures, own.active = st.link.number, 0, own.slot


@at("settings")
def password_set(st: Station, now: int) -> None:
    """Another password for the station: the one of the slot in use, which would go before it, is forgotten (2.1 errata
    B09.FR.27)."""
    own: Network | None = st.data.get(NAME)
    found = own.profiles.get(own.slot) if own is not None and PASSWORD.key in st.changed_settings else None
    if own is None or found is None or found.password in (None, st.settings[PASSWORD]):
        return
    own.profiles[own.slot] = msgspec.structs.replace(found, password=None)
    stored = profile_of(st, own.slot)
    if stored is not None and stored.password == found.password:  # else it is one for after the next boot
        st.board.flash.write(AREA, own.slot, msgspec.structs.replace(stored, password=None), 48 + len(stored.url))


@at("accepted")
def registered(st: Station, now: int) -> None:
    """The profile works: remember it, and with a higher security forget what is less secure (A05.FR.06)."""
    own: Network | None = st.data.get(NAME)
    if own is None:
        return
    if own.good != own.slot:
        own.good = own.slot
        if not st.board.flash.write(AREA, GOOD_KEY, own.slot, 16):
            st.record(FlashTrouble(AREA, st.board.flash.why, "which network profile works"))
    found = own.profiles.get(own.slot)
    if found is not None and found.password not in (None, st.settings[PASSWORD]):  # 2.1 errata B09.FR.28
        st.write_setting(PASSWORD, found.password)
    before = st.settings[SECURITY_PROFILE]
    if found is None or found.security_profile <= before:
        return
    if not st.write_setting(SECURITY_PROFILE, found.security_profile):
        return
    for slot in SLOTS:
        known = profile_of(st, slot)
        secure = before if known is None else known.security_profile
        if configured(st, slot) and secure < found.security_profile:
            st.board.flash.write(AREA, slot, NetworkProfile(removed=True), 24)
    left = tuple(name for name in st.settings[NETWORK_PRIORITY] if configured(st, int(name)))
    st.write_setting(NETWORK_PRIORITY, left)
    own.order = tuple(int(name) for name in left)
    own.left = [slot for slot in own.order if slot != own.slot]
