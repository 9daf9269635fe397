"""The logical components: what they tell beside the settings of the blocks.

Every setting with a name is a variable by itself (``tree``), and wins over a row of the same name. These rows are what
is no setting: whether a function is there at all, how much room it has, what is in use now (part 2 appendices, 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks import charging_profiles, local_list, network_profiles, tariff, token_cache
from simulator.blocks.inventory.rows import CLOCK, STATION, Read, Row, When, truth
from simulator.blocks.setting_values import is_offered

if TYPE_CHECKING:
    from simulator.core.model import EvseSpec, Model
    from simulator.core.station import Station

#: longest value that can be set, and longest that is told (ConfigurationValueSize, ReportingValueSize)
MAX_SET_CHARS, MAX_VALUE_CHARS = 1_000, 2_500
#: capability of a dialect: SupportedIdTokenTypes is wanted (2.1 part 2 2.3.9)
TOKENS_TOLD = "token_types_told"
TOKEN_TYPES = ("Central", "ISO14443", "NoAuthorization")


def _feature(name: str) -> When:
    def when(model: Model, spec: EvseSpec | None) -> bool:
        return is_offered(model, name)

    return when


_LIST, _CHARGING, _RESERVATION = _feature("LocalAuthListManagement"), _feature("SmartCharging"), _feature("Reservation")


def _there(component: str, when: When | None = None) -> Row:
    """Available: the product has the function."""
    return Row(STATION, component, "Available", "boolean", "true", constant=True, when=when)


def _cache(model: Model, spec: EvseSpec | None) -> bool:
    return token_cache.in_product(model)


def _prices(model: Model, spec: EvseSpec | None) -> bool:
    return tariff.shows_any(model)


def _room(model: Model, spec: EvseSpec | None) -> float:
    return float(model.hardware.flash.capacity_bytes)


def _used(area: str) -> Read:
    """Bytes of the flash that an area takes."""

    def read(st: Station) -> str:
        return str(sum(size for _, size in st.board.flash.areas.get(area, {}).values()))

    return read


def _listed(st: Station) -> str:
    found: local_list.LocalList | None = st.board.flash.get(local_list.LIST_AREA, local_list.LIST_KEY)
    return "0" if found is None else str(found.length)


def _list_room(model: Model, spec: EvseSpec | None) -> float:
    return float(model.defaults[local_list.LIST_MAX.index])


def _profile_room(model: Model, spec: EvseSpec | None) -> float:
    return float(model.defaults[charging_profiles.MAX_PROFILES.index])


def _tokens_told(model: Model, spec: EvseSpec | None) -> bool:
    return TOKENS_TOLD in model.dialect.capabilities


def _tokens(st: Station) -> str:
    """The types of tokens a session of this station can have: remote, read from a card, given to everybody."""
    return ",".join(TOKEN_TYPES if st.model.free_vend else TOKEN_TYPES[:-1])


def _units(st: Station) -> str:
    return ",".join(charging_profiles.units(st))


ROWS: tuple[Row, ...] = (
    _there("AlignedDataCtrlr"),
    _there("SampledDataCtrlr"),
    Row(STATION, "AuthCtrlr", "Enabled", "boolean", "true", constant=True),
    Row(
        STATION, "AuthCtrlr", "SupportedIdTokenTypes", "MemberList", _tokens, values=TOKEN_TYPES, constant=True,
        when=_tokens_told,
    ),
    _there("MonitoringCtrlr"),
    _there("AuthCacheCtrlr", _cache),
    Row(
        STATION, "AuthCacheCtrlr", "Storage", "integer", _used(token_cache.CACHE_AREA),
        unit="B", maximum=_room, monitored=True, when=_cache,
    ),
    Row(STATION, "ClockCtrlr", "DateTime", "dateTime", CLOCK),
    Row(STATION, "OCPPCommCtrlr", "ActiveNetworkProfile", "integer", lambda st: str(network_profiles.active_slot(st))),
    Row(
        STATION, "DeviceDataCtrlr", "ConfigurationValueSize", "integer", str(MAX_SET_CHARS),
        maximum=MAX_SET_CHARS, constant=True,
    ),
    Row(
        STATION, "DeviceDataCtrlr", "ReportingValueSize", "integer", str(MAX_VALUE_CHARS),
        maximum=MAX_VALUE_CHARS, constant=True,
    ),
    Row(STATION, "SecurityCtrlr", "Identity", "string", lambda st: st.id, maximum=48, constant=True),
    _there("LocalAuthListCtrlr", _LIST),
    Row(STATION, "LocalAuthListCtrlr", "Entries", "integer", _listed, maximum=_list_room, monitored=True, when=_LIST),
    Row(
        STATION, "LocalAuthListCtrlr", "Storage", "integer", _used(local_list.LIST_AREA),
        unit="B", maximum=_room, monitored=True, when=_LIST,
    ),
    # cacheExpiryDateTime of a listed token counts (C13.FR.05-06, C14.FR.04-05)
    Row(STATION, "LocalAuthListCtrlr", "SupportsExpiryDateTime", "boolean", "true", constant=True, when=_LIST),
    Row(
        STATION, "TariffCostCtrlr", "Available", "boolean", lambda st: truth(tariff.shows_tariff(st.model)),
        instance="Tariff", constant=True, when=_prices,
    ),
    Row(
        STATION, "TariffCostCtrlr", "Available", "boolean", lambda st: truth(tariff.shows_cost(st.model)),
        instance="Cost", constant=True, when=_prices,
    ),
    _there("ReservationCtrlr", _RESERVATION),
    _there("SmartChargingCtrlr", _CHARGING),
    Row(STATION, "SmartChargingCtrlr", "ACPhaseSwitchingSupported", "boolean", "false", constant=True, when=_CHARGING),
    Row(
        STATION, "SmartChargingCtrlr", "RateUnit", "MemberList", _units, values=("A", "W"), constant=True,
        when=_CHARGING,
    ),
    Row(
        STATION, "SmartChargingCtrlr", "Entries", "integer",
        lambda st: str(len(charging_profiles.installed(st))),
        instance="ChargingProfiles", maximum=_profile_room, monitored=True, when=_CHARGING,
    ),
)  # fmt: skip
