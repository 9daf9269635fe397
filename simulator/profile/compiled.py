"""Profile to model: everything that thousands of stations of one product can share, worked out once.

A profile says things in words (settings by either name, quirks by name, a version as text); a model holds what those
words mean (a tuple of defaults by index, bound hooks by seam, a dialect). Compiling the same profile in the same
version with the same extras gives the same object, so that stations share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.core.model import (
    EvseSpec,
    FirmwareSpec,
    FlashSpec,
    HardwareSpec,
    Identity,
    MeterSpec,
    Model,
    ModemSpec,
    RtcSpec,
    ThermalSpec,
)
from simulator.core.settings import defaults
from simulator.errors import AuthorError, ProfileError, UnknownName
from simulator.pki.meter_key import MeterKeys
from simulator.profile.checks import find_setting, setting_value
from simulator.profile.load import LoadedProfile, load_profile
from simulator.profile.schema import HardwareFields, MeterFields, Profile

if TYPE_CHECKING:
    from simulator.core.settings import Setting

#: a quirk by name with its parameters
QuirkPair = tuple[str, Mapping[str, Any]]

_MAX_CACHED = 1_024
_cache: dict[tuple[Any, ...], tuple[LoadedProfile, Model]] = {}


def compile_profile(
    profile: LoadedProfile | str,
    version: str,
    extra_quirks: Iterable[QuirkPair | str] = (),
    *,
    settings: Mapping[str, Any] | None = None,
    free_vend: bool | None = None,
) -> Model:
    """The model of ``profile`` in ``version`` (any way of writing it), shared between equal calls.

    ``extra_quirks`` come after the profile's own; ``settings`` (1.6 key or 2.x name) and ``free_vend`` override it.
    A setting is the profile's, else the default; a quirk's own settings replace it, and ``settings`` replace those.
    Raises ProfileError when the product does not speak the version or an extra is wrong.
    """
    from simulator.dialects import normalise_version

    loaded = load_profile(profile) if isinstance(profile, str) else profile
    version = normalise_version(version)
    extras = tuple((use, {}) if isinstance(use, str) else (use[0], dict(use[1])) for use in extra_quirks)
    own = dict(settings or {})
    key = (id(loaded), version, msgspec.json.encode([extras, list(own.items())]), free_vend)
    found = _cache.get(key)
    # The loaded profile is kept in the value, so its id cannot come to mean another one.
    if found is None:
        if len(_cache) >= _MAX_CACHED:
            _cache.clear()
        found = _cache[key] = (loaded, _compile(loaded, version, extras, own, free_vend))
    return found[1]


def _compile(
    loaded: LoadedProfile,
    version: str,
    extras: tuple[tuple[str, dict[str, Any]], ...],
    settings: dict[str, Any],
    free_vend: bool | None,
) -> Model:
    from simulator.dialects import dialect_for
    from simulator.quirks import compile_quirks

    profile = loaded.profile
    if version not in profile.versions:
        spoken = ", ".join(profile.versions)
        raise ProfileError(f"{loaded.name} does not speak {version}, only {spoken}", file=str(loaded.path))
    dialect = dialect_for(version)
    try:
        uses = [(use.name, dict(use.params)) for use in profile.quirks]
        seams, quirks = compile_quirks([*uses, *extras])
        absent = frozenset(find_setting(name) for name in profile.absent)
        return Model(
            name=loaded.name,
            dialect=dialect,
            identity=Identity(**profile.identity.model_dump()),
            evses=_evses(profile),
            hardware=_hardware(profile.hardware),
            defaults=_defaults(profile.settings, _quirk_settings(quirks), settings),
            absent=absent,
            read_only=frozenset(find_setting(name) for name in profile.read_only),
            # what a profile says of a key goes before what comes with a quirk
            vendor_keys={key: value for quirk in quirks for key, value in quirk.vendor_keys.items()}
            | {name: (key.value, key.writable) for name, key in profile.vendor_keys.items()},
            not_offered=frozenset(profile.not_offered),
            seams=seams,
            quirks=quirks,
            free_vend=profile.free_vend if free_vend is None else free_vend,
            free_vend_token=profile.free_vend_token,
            availability_by_event=profile.availability_by_event,
            resets_evse=profile.resets_evse,
            local_controller=profile.local_controller,
            shows=frozenset(profile.shows),
            lenient=profile.lenient,
            initial_register_wh=profile.initial_register_wh,
            archetype=profile.archetype or "",
        )
    except (AuthorError, UnknownName, ValueError) as exc:
        raise ProfileError(f"{loaded.name}: {exc}") from None


def _defaults(*layers: Mapping[str, Any]) -> tuple[Any, ...]:
    values = defaults()
    for layer in layers:
        for name, value in layer.items():
            setting: Setting = find_setting(name)
            try:
                values[setting.index] = setting_value(name, value)
            except ValueError as exc:
                raise ValueError(f"settings.{name}: {exc}") from None
    return tuple(values)


def _quirk_settings(quirks: Iterable[Any]) -> dict[str, Any]:
    """What the quirks put in the place of the profile's settings; they give texts, as on the wire."""
    texts = {name: text for quirk in quirks for name, text in quirk.settings.items()}
    return {name: find_setting(name).parse(text) for name, text in texts.items()}


def _evses(profile: Profile) -> tuple[EvseSpec, ...]:
    return tuple(
        EvseSpec(
            evse_id=number,
            connector_type=evse.connector_type,
            phases=evse.phases,
            max_current_a=evse.max_current_a,
            max_power_w=evse.max_power_w,
            voltage_v=evse.voltage_v,
            tethered=(evse.cable or profile.hardware.cable) == "tethered",
            bay_sensor=evse.bay_sensor,
            pilot=evse.pilot,
            power_group=evse.power_group,
        )
        for number, evse in enumerate(profile.evses, 1)
    )


def _hardware(parts: HardwareFields) -> HardwareSpec:
    return HardwareSpec(
        meter=_meter(parts.meter),
        flash=FlashSpec(capacity_bytes=parts.flash.capacity_bytes, cache_tokens=parts.flash.cache_tokens),
        rtc=RtcSpec(
            drift_ppm=parts.rtc.drift_ppm,
            battery=parts.rtc.battery,
            unset_wall_us=_year_us(parts.rtc.unset_year),
        ),
        modem=ModemSpec(**parts.modem.model_dump()),
        firmware=FirmwareSpec(**parts.firmware.model_dump()),
        thermal=ThermalSpec(**parts.thermal.model_dump()),
        holdup_s=parts.supply.holdup_s,
        boot_soft_s=parts.boot.soft_s,
        boot_hard_s=parts.boot.hard_s,
        boot_power_s=parts.boot.power_s,
        power_loss=parts.power_loss,
    )


def _meter(fields: MeterFields) -> MeterSpec:
    plain = fields.model_dump(exclude={"signing"})
    if fields.signing is None:
        return MeterSpec(**plain)
    return MeterSpec(**plain, signer=MeterKeys(fields.signing.method), sign_s=fields.signing.answer_s)


def _year_us(year: int) -> int:
    """Microseconds from 1970 to the first instant of ``year``."""
    before = year - 1
    days = 365 * year + before // 4 - before // 100 + before // 400
    days_1970 = 365 * 1970 + 1969 // 4 - 1969 // 100 + 1969 // 400
    return (days - days_1970) * 86_400_000_000
