"""K Smart charging: which charging profiles are installed, and which may be.

Profiles lie on flash and survive a reboot (1.6 errata 3.37, K01.FR.27); those of a transaction go with it. A new one
takes the place of the one with its id. Where another one of its purpose has its stack level at the same place, it takes
the place of that too, or is refused (:data:`UNIQUE_LEVELS`). What limit follows from them is the business of
``blocks/smart_charging``; those that do not come from the CSMS, of ``blocks/external_limit``.

Sources: 1.6 3.13, 5.5, 5.16, 9.4, errata 3.25, 3.26, 3.37 to 3.42; part 2 K01, K10.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from simulator.blocks import charging_schedule as cs
from simulator.blocks import product_settings
from simulator.core.records import FlashTrouble
from simulator.core.settings import READ_ONLY, setting
from simulator.core.wiring import at

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

FEATURE = "SmartCharging"

ENABLED = setting(
    "SmartChargingCtrlr.Enabled",
    "bool",
    True,
    feature=FEATURE,
    description="is smart charging switched on",
)
MAX_STACK_LEVEL = setting(
    "SmartChargingCtrlr.ProfileStackLevel",
    "int",
    10,
    key16="ChargeProfileMaxStackLevel",
    mutability=READ_ONLY,
    minimum=0,
    maximum=1_000,
    required=True,
    required16=True,
    feature=FEATURE,
    description="highest stack level of a charging profile",
)
#: words of the key -> units
RATE_UNITS = {"Current": cs.AMPERE, "Power": cs.WATT}
RATE_UNIT = setting(
    None,
    "list",
    ("Current", "Power"),
    key16="ChargingScheduleAllowedChargingRateUnit",
    mutability=READ_ONLY,
    values=tuple(RATE_UNITS),
    max_items=2,
    required16=True,
    check=lambda value: None if value else "at least one of Current, Power",
    feature=FEATURE,
    description="quantities a schedule may limit: Current in A, Power in W",
)
MAX_PERIODS = setting(
    "SmartChargingCtrlr.PeriodsPerSchedule",
    "int",
    24,
    key16="ChargingScheduleMaxPeriods",
    mutability=READ_ONLY,
    minimum=1,
    maximum=1_024,
    required=True,
    required16=True,
    feature=FEATURE,
    description="most periods of one schedule",
)
SWITCH_PHASES = setting(
    "SmartChargingCtrlr.Phases3to1",
    "bool",
    False,
    key16="ConnectorSwitch3to1PhaseSupported",
    mutability=READ_ONLY,
    feature=FEATURE,
    description="can the number of phases change while a session runs",
)
MAX_PROFILES = setting(
    None,
    "int",
    20,
    key16="MaxChargingProfilesInstalled",
    mutability=READ_ONLY,
    minimum=1,
    maximum=1_000,
    required16=True,
    feature=FEATURE,
    description="most charging profiles installed at a time",
)

PROFILE_AREA = "charging_profiles"
#: data of the block, there only while profiles are installed or expected
NAME = "smart_charging"


#: capability of a dialect: a second profile of a purpose and level is refused unless their times differ (K01.FR.06)
UNIQUE_LEVELS = "charging_profile_levels_unique"
#: capability of a dialect: a profile is refused where it asks for fewer phases than can be made sure of (K01.FR.43)
SURE_PHASES = "fewer_phases_made_sure"
#: who sets limits: the CSMS, and those beside it (ChargingLimitSourceEnumType)
CSMS, SOURCES = "CSO", ("EMS", "SO", "Other")


class Installed(msgspec.Struct, frozen=True, gc=False):
    """A profile as it lies on flash. ``evse_id`` 0: the station, or every EVSE. ``at_us``: wall time of its arrival.
    ``source``: who wants it."""

    evse_id: int
    profile: cs.ChargingProfile
    at_us: int
    source: str = CSMS


class Store:
    """What the blocks of smart charging know of a station.

    ``profiles`` by id; ``expected``: EVSE id -> (token, profile) of accepted remote starts; ``phases``: EVSE id -> how
    many a running session began with. ``seen`` and ``offset_us`` (wall time less ``now``): what the present limits
    follow from; ``next_us``: when they change by themselves (monotonic). ``external``: a limit that is not of the CSMS
    has come or gone since.
    """

    __slots__ = ("expected", "external", "next_us", "offset_us", "phases", "profiles", "seen")

    def __init__(self) -> None:
        self.profiles: dict[int, Installed] = {}
        self.expected: dict[int, tuple[str, cs.ChargingProfile]] = {}
        self.phases: dict[int, int] = {}
        self.seen: tuple[object, ...] | None = None
        self.external = False
        self.next_us = self.offset_us = 0


@at("start")
def start(st: Station, now: int) -> None:
    """What flash holds is in force again; profiles of transactions that did not survive go when the rule first runs."""
    stored = st.board.flash.items(PROFILE_AREA)
    if stored:
        store_of(st).profiles.update(stored)


def store_of(st: Station) -> Store:
    """The block's data, made when it is first needed."""
    found: Store | None = st.data.get(NAME)
    if found is None:
        found = st.data[NAME] = Store()
    return found


def offered(st: Station) -> bool:
    """Does this product do smart charging, and is it switched on (K05.FR.04: Enabled says whether it is supported)?"""
    return FEATURE in product_settings.features(st.model) and bool(st.settings[ENABLED])


def in_force(st: Station) -> tuple[Installed, ...]:
    """What counts of that which is installed: with smart charging switched off it lies idle, and some does when the
    station is offline for too long."""
    if not st.settings[ENABLED]:
        return ()
    there = installed(st)
    if st.link.is_up:
        return there
    return tuple(one for one in there if (over_us := lapses_us(st, one.profile)) is None or over_us > st.now)


def lapses_us(st: Station, profile: cs.ChargingProfile) -> int | None:
    """When a profile ceases to count because the station is offline (K01.FR.101); None: never, or there is a
    connection."""
    if profile.max_offline_s is None or st.link.is_up:
        return None
    since_us = st.link.down_since_us
    return (st.started_us if since_us is None else since_us) + profile.max_offline_s * cs.SECOND_US


@at("settings")
def switched(st: Station, now: int) -> None:
    """Smart charging was switched on or off: the limits are worked out anew, in an input of its own."""
    if ENABLED.key in st.changed_settings and NAME in st.data:
        store_of(st).seen = None
        st.timers.set("schedule", now)


def units(st: Station) -> tuple[str, ...]:
    """The units its schedules may be in."""
    return tuple(RATE_UNITS[word] for word in st.settings[RATE_UNIT])


# -- setting -----------------------------------------------------------------------------------------------------------


def problem(st: Station, evse_id: int, profile: cs.ChargingProfile) -> str:
    """Why this profile cannot be used at this EVSE, whatever runs there; empty when it can.

    UnknownEvse, WrongEvse (its purpose), StackLevel, Schedule (malformed), Unit, Periods, External (the id is that of a
    limit that is not of the CSMS), Phases (they would have to change while a session runs), Duplicate, TooMany.
    """
    if evse_id != 0 and st.evse(evse_id) is None:
        return "UnknownEvse"
    station_wide = profile.purpose == cs.STATION_MAX
    if (station_wide and evse_id != 0) or (profile.purpose == cs.TX and evse_id == 0):
        return "WrongEvse"  # 1.6 3.13.1
    if not 0 <= profile.stack_level <= st.settings[MAX_STACK_LEVEL]:
        return "StackLevel"
    if not profile.schedules or (profile.kind == cs.RECURRING and profile.recurrency is None):
        return "Schedule"
    for schedule in profile.schedules:
        if schedule.unit not in units(st):
            return "Unit"
        if len(schedule.periods) > st.settings[MAX_PERIODS]:
            return "Periods"
        if not _in_order(schedule):
            return "Schedule"
    if not _keeps_phases(st, evse_id, profile):
        return "Phases"
    if NAME in st.data:
        there = st.data[NAME].profiles.get(profile.id)
        if there is not None and there.profile.purpose == cs.EXTERNAL:
            return "External"  # K01.FR.05
        if UNIQUE_LEVELS in st.dialect.capabilities and _duplicate(st, evse_id, profile):
            return "Duplicate"
    rest = len(st.data[NAME].profiles) - len(_replaced(st, evse_id, profile)) if NAME in st.data else 0
    if rest >= st.settings[MAX_PROFILES]:
        return "TooMany"
    return ""


def _named(evse: Evse, profile: cs.ChargingProfile) -> list[int]:
    """How many phases of an EVSE the periods of a profile may use."""
    most = evse.spec.phases
    return [min(most, p.phases or cs.DEFAULT_PHASES) for schedule in profile.schedules for p in schedule.periods]


def _reached(st: Station, evse_id: int) -> tuple[Evse, ...]:
    """The EVSEs with phases for which a profile counts; none where a product switches them or a version lets it be."""
    if st.settings[SWITCH_PHASES] or SURE_PHASES not in st.dialect.capabilities:
        return ()
    return tuple(evse for evse in st.evses if evse_id in (0, evse.evse_id) and not evse.spec.is_dc)


def _keeps_phases(st: Station, evse_id: int, profile: cs.ChargingProfile) -> bool:
    """Does a profile name the same number of phases throughout (K01.FR.43)?"""
    return all(len(set(_named(evse, profile))) == 1 for evse in _reached(st, evse_id))


def _fits_running(st: Station, evse_id: int, profile: cs.ChargingProfile) -> bool:
    """Does no session already charge on more phases than a profile allows it (K01.FR.43)?"""
    return all(phases_kept(st, evse) <= min(_named(evse, profile)) for evse in _reached(st, evse_id))


def phases_kept(st: Station, evse: Evse) -> int:
    """On how many phases a session has begun to charge, which it keeps, as the meter shows; 0: it has not, or there is
    none."""
    store: Store | None = st.data.get(NAME)
    kept = 0 if store is None else store.phases.get(evse.evse_id, 0)
    if not kept:
        kept = evse.phases if evse.flowing else 0 if evse.tx is None else evse.tx.told_phases
    return kept if evse.ev is None else min(kept, evse.ev.spec.phases)


def _in_order(schedule: cs.Schedule) -> bool:
    """1.6 5.16.4: the first period begins at 0; K01.FR.35: the others follow in order."""
    periods = schedule.periods
    if not periods or periods[0].start_s != 0 or (schedule.duration_s or 0) < 0:
        return False
    if any(later.start_s <= sooner.start_s for sooner, later in pairwise(periods)):
        return False
    return all(p.limit >= 0 and p.phases in (None, 1, 2, 3) for p in periods)


def _replaced(st: Station, evse_id: int, profile: cs.ChargingProfile) -> list[int]:
    """Ids of the profiles a new one takes the place of: the same id, or the same purpose and level at the same place
    (1.6 5.16.3)."""
    by_level = UNIQUE_LEVELS not in st.dialect.capabilities
    return [
        number
        for number, there in store_of(st).profiles.items()
        if number == profile.id
        or (
            by_level
            and there.evse_id == evse_id
            and there.profile.purpose == profile.purpose
            and there.profile.stack_level == profile.stack_level
        )
    ]


def _duplicate(st: Station, evse_id: int, profile: cs.ChargingProfile) -> bool:
    """Is there another one of its purpose and level that it could be mistaken for (K01.FR.06, FR.39, FR.52-53)?"""
    for number, there in store_of(st).profiles.items():
        other = there.profile
        if number == profile.id or (other.purpose, other.stack_level) != (profile.purpose, profile.stack_level):
            continue
        if profile.purpose == cs.TX:
            if other.transaction_key == profile.transaction_key:
                return True
        elif there.evse_id == evse_id:
            if _overlap(other, profile, st.board.rtc.wall(st.now)):
                return True
        elif 0 in (there.evse_id, evse_id):  # one of all EVSEs and one of this very EVSE
            return True
    return False


def _overlap(one: cs.ChargingProfile, other: cs.ChargingProfile, now_us: int) -> bool:
    """Are there moments at which both are valid? Those that are past count no more: without validFrom a profile is
    valid as soon as it is received (2.10)."""
    begin = max(now_us, one.valid_from_us or now_us, other.valid_from_us or now_us)
    end = min(
        cs.NEVER_US if one.valid_to_us is None else one.valid_to_us,
        cs.NEVER_US if other.valid_to_us is None else other.valid_to_us,
    )
    return begin < end


def install(st: Station, evse_id: int, profile: cs.ChargingProfile) -> str:
    """Take over a profile; why not, or empty when it is in force.

    Beside the reasons of :func:`problem`: NoTransaction, OtherTransaction (1.6 3.13.1, 5.16.4), Flash.
    """
    why = problem(st, evse_id, profile)
    if why or not _fits_running(st, evse_id, profile):
        return why or "Phases"
    if profile.purpose == cs.TX:
        tx = st.evses[evse_id - 1].tx
        if tx is None:
            return "NoTransaction"
        if profile.transaction_key not in (None, tx.key):
            return "OtherTransaction"
        profile = msgspec.structs.replace(profile, transaction_key=tx.key)
    return "" if keep(st, evse_id, profile, CSMS) else "Flash"


def keep(st: Station, evse_id: int, profile: cs.ChargingProfile, source: str) -> bool:
    """Put a profile on flash and in force, in place of those it replaces; False when flash refuses."""
    new = Installed(evse_id, profile, st.board.rtc.wall(st.now), source)
    size = 64 + 12 * sum(len(schedule.periods) for schedule in profile.schedules)
    replaced = _replaced(st, evse_id, profile)
    if not st.board.flash.write(PROFILE_AREA, profile.id, new, size):
        st.record(FlashTrouble(PROFILE_AREA, st.board.flash.why, f"charging profile {profile.id}"))
        return False
    remove(st, [number for number in replaced if number != profile.id])
    store = store_of(st)
    store.profiles[profile.id] = new
    store.seen = None
    return True


def expect(st: Station, evse_id: int, id_token: str, profile: cs.ChargingProfile) -> None:
    """A remote start with this profile was accepted: the transaction it leads to is to have it (1.6 5.16.2)."""
    store_of(st).expected[evse_id] = (id_token, profile)


def clear(
    st: Station,
    *,
    profile_id: int | None = None,
    evse_id: int | None = None,
    purpose: str | None = None,
    stack_level: int | None = None,
) -> bool:
    """Remove every profile that fits all that is given; with an id nothing else counts (1.6 errata 3.25, 3.26). Those
    that are not of the CSMS stay (K10.FR.03-09).

    False when there was none.
    """
    store: Store | None = st.data.get(NAME)
    if store is None:
        return False
    found = [
        number
        for number, there in store.profiles.items()
        if there.source == CSMS
        and (
            number == profile_id
            if profile_id is not None
            else evse_id in (None, there.evse_id)
            and purpose in (None, there.profile.purpose)
            and stack_level in (None, there.profile.stack_level)
        )
    ]
    remove(st, found)
    return bool(found)


def remove(st: Station, numbers: Sequence[int]) -> None:
    """Profiles are gone, from flash too if it lets them."""
    store = store_of(st)
    for number in numbers:
        del store.profiles[number]
        if not st.board.flash.delete(PROFILE_AREA, number):
            st.record(FlashTrouble(PROFILE_AREA, st.board.flash.why, f"charging profile {number} stays on flash"))
    if numbers:
        store.seen = None


def installed(st: Station) -> tuple[Installed, ...]:
    """Everything that is installed, oldest first."""
    store: Store | None = st.data.get(NAME)
    return () if store is None else tuple(store.profiles.values())
