"""What a profile file may say.

A profile describes one product: who it says it is, which versions of the protocol it speaks, its hardware, its factory
settings, and by name the habits in which it differs from the specification. It "behaves like" the product and is never
presented as the vendor's own. Everything is data; the only code a profile reaches are quirks, by name.

Each value has a *standing*: `sourced` when `sources:` links it (or a part it belongs to) to where it was seen, else
`assumed`. `evidence:` says in one line what the profile as a whole rests on.

Units stand at the end of names as in the code: `resolution_wh`, `drift_ppm`, `max_current_a`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from simulator.errors import UnknownName
from simulator.yamlfile import Closed
from simulator.yamltypes import SizeBytes, Texts

#: words of ConnectorEnumType: all of 2.0.1, and those that 2.1 adds (part 2 appendices, connectorenumtype)
ConnectorType = Literal[
    "cCCS1", "cCCS2", "cG105", "cTesla", "cType1", "cType2", "s309-1P-16A", "s309-1P-32A", "s309-3P-16A", "s309-3P-32A",
    "sBS1361", "sCEE-7-7", "sType1", "sType2", "sType3", "Other1PhMax16A", "Other1PhOver16A", "Other3Ph", "Pan",
    "wInductive", "wResonant", "Undetermined", "Unknown", "cChaoJi", "cGBT-DC", "cLECCS", "cMCS", "cNACS", "cNACS-CCS1",
    "cCCS1-NACS", "cUltraChaoJi",
]  # fmt: skip

#: what a station's meter can be asked for; the words are the same in all versions
Measurand = Literal[
    "Current.Export", "Current.Import", "Current.Offered", "Energy.Active.Export.Interval",
    "Energy.Active.Export.Register", "Energy.Active.Import.Interval", "Energy.Active.Import.Register",
    "Energy.Reactive.Export.Interval", "Energy.Reactive.Export.Register", "Energy.Reactive.Import.Interval",
    "Energy.Reactive.Import.Register", "Frequency", "Power.Active.Export", "Power.Active.Import", "Power.Factor",
    "Power.Offered", "Power.Reactive.Export", "Power.Reactive.Import", "RPM", "SoC", "Temperature", "Voltage",
]  # fmt: skip


#: how a meter signs (2.1 part 2 appendices, signingmethod), as far as the simulated one can
SigningMethod = Literal[
    "ECDSA-secp256r1-SHA256", "ECDSA-secp256k1-SHA256", "ECDSA-secp384r1-SHA256", "ECDSA-brainpool256r1-SHA256",
    "ECDSA-brainpool384r1-SHA256",
]  # fmt: skip


def _version(value: Any) -> Any:
    # 1.6 without quotes is a number to YAML; nobody means 1.6000001, so its text is unambiguous.
    from simulator.dialects import normalise_version

    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return normalise_version(str(value))
        except UnknownName as exc:
            raise ValueError(str(exc)) from None
    raise ValueError("must be a protocol version: 1.6, 2.0.1 or 2.1")


#: a protocol version, written 1.6, 1.6J, ocpp1.6, 2.0.1 or 2.1
Version = Annotated[str, BeforeValidator(_version)]


class IdentityFields(Closed):
    """What BootNotification says. ``{n}`` (``{n:04d}``) is the station's number, ``{id}`` its id.

    An empty text is sent as it is; null leaves the field out. Lengths are those of the widest version.
    """

    vendor: str = Field(max_length=50)
    model: str = Field(max_length=20)
    firmware: str | None = Field(default=None, max_length=50)
    serial: str | None = Field(default="{id}", max_length=60)
    box_serial: str | None = Field(default=None, max_length=60)
    meter_type: str | None = Field(default=None, max_length=25)
    meter_serial: str | None = Field(default=None, max_length=60)
    iccid: str | None = Field(default=None, max_length=60)
    imsi: str | None = Field(default=None, max_length=60)


class EvseFields(Closed):
    """One EVSE with one connector. ``phases: 0`` is direct current. ``cable`` overrides ``hardware.cable``.

    EVSEs with the same ``power_group`` share one power module: only one of them delivers energy at a time.
    ``pilot: false`` is a household socket (IEC 61851-1 Mode 1 or 2), where a car is felt only by the current it draws.
    """

    connector_type: ConnectorType = "sType2"
    phases: Literal[0, 1, 2, 3] = 3
    max_current_a: float = Field(default=32.0, gt=0, le=3_000)
    max_power_w: float = Field(default=22_000.0, gt=0, le=10_000_000)
    voltage_v: float = Field(default=230.0, gt=0, le=2_000)
    cable: Literal["tethered", "socket"] | None = None
    bay_sensor: bool = False
    pilot: bool = True
    power_group: str = Field(default="", max_length=20)


class SigningFields(Closed):
    """A meter that signs its register, in the format OCMF. ``method`` in words of SigningMethodEnumStringType (2.1 part
    2 appendices). ``answer_s``: seconds until it has given the signed value that a session may begin with."""

    method: SigningMethod = "ECDSA-secp256r1-SHA256"
    answer_s: float = Field(default=1.0, ge=0, le=600)


class MeterFields(Closed):
    """``resolution_wh`` rounds the register; ``measurands`` is all the meter can measure.

    ``stop_when_dead``: does a station without readings refuse to charge? ``accuracy_permille`` is the largest fixed
    error of a meter, drawn for each station. Without ``signing`` it cannot sign what it has measured.
    """

    resolution_wh: float = Field(default=1.0, gt=0, le=100_000)
    measurands: tuple[Measurand, ...] = (
        "Energy.Active.Import.Register",
        "Power.Active.Import",
        "Current.Import",
        "Voltage",
    )
    stop_when_dead: bool = True
    accuracy_permille: int = Field(default=0, ge=0, le=1_000)
    signing: SigningFields | None = None


class FlashFields(Closed):
    """``capacity`` is shared by the queue, cache, lists, logs, settings and transaction records; ``cache_tokens`` is
    the most tokens that the authorisation cache keeps."""

    capacity_bytes: SizeBytes = Field(default=262_144, alias="capacity", ge=4_096, le=1 << 30)
    cache_tokens: int = Field(default=1_000, ge=1, le=100_000)


class RtcFields(Closed):
    """``drift_ppm`` is drawn for each station within plus and minus; ``battery``: time survives a power cut.

    ``unset_year`` is what a clock without battery shows after a power cut.
    """

    drift_ppm: float = Field(default=20.0, ge=0, le=100_000)
    battery: bool = True
    unset_year: int = Field(default=1970, ge=1970, le=2100)


class ModemFields(Closed):
    """``rtt_ms``: range of the round trip that the virtual network draws from. ``bandwidth_kb_s``: thousand bytes a
    second, either way; without it the network has no limit. ``signal_dbm``: received signal strength of a radio link.

    A certification lab measures with at least 5 kB/s, at most 1000 ms and at least -81 dBm (procedure, 9.2.2).
    """

    kind: Literal["ethernet", "wifi", "lte"] = "ethernet"
    rtt_ms: tuple[int, int] = (2, 20)
    bandwidth_kb_s: float | None = Field(default=None, gt=0, le=10_000_000)
    signal_dbm: int | None = Field(default=None, ge=-140, le=-30)

    @model_validator(mode="after")
    def _range(self) -> ModemFields:
        low, high = self.rtt_ms
        if not 0 <= low <= high <= 60_000:
            raise ValueError(f"rtt_ms must be [lowest, highest] within 0 and 60000, not [{low}, {high}]")
        if self.kind == "ethernet" and self.signal_dbm is not None:
            raise ValueError("signal_dbm belongs to a radio link; a cable has no signal strength")
        return self


class FirmwareFields(Closed):
    """How the product updates itself. ``install_s``: seconds an installation takes. ``restart``: ``after`` it, into the
    new firmware, ``before`` it, into an installer that cannot be told apart otherwise, or ``none``.
    ``fetch_while_charging``: can it download during a transaction? ``install_while_charging``: can it install, too?
    ``cancels``: does a new request end an update under way? ``max_size``: largest image there is room for.
    """

    install_s: float = Field(default=10.0, ge=0, le=7_200)
    restart: Literal["after", "before", "none"] = "after"
    fetch_while_charging: bool = True
    install_while_charging: bool = False
    cancels: bool = True
    max_bytes: SizeBytes = Field(default=16_777_216, alias="max_size", ge=1_024, le=1 << 30)

    @model_validator(mode="after")
    def _sessions_survive(self) -> FirmwareFields:
        if self.install_while_charging and (self.restart != "none" or not self.fetch_while_charging):
            raise ValueError("install_while_charging needs restart: none and fetch_while_charging")
        return self


class ThermalFields(Closed):
    """Heat and the protection against it, in degrees Celsius.

    The contacts of a healthy connector settle ``contact_rise_k`` above the air (``ambient_c``) at the rated current,
    with the time constant ``contact_tau_s``; the housing likewise at the rated power. Over ``derate_c`` only the share
    ``derate_to`` of the power is offered until the contacts are down at ``normal_c``; over ``cut_out_c`` none.
    """

    ambient_c: float = Field(default=25.0, ge=-40, le=70)
    contact_mohm: float = Field(default=0.4, gt=0, le=1_000)
    contact_rise_k: float = Field(default=30.0, ge=0, le=200)
    contact_tau_s: float = Field(default=600.0, ge=1, le=86_400)
    cabinet_rise_k: float = Field(default=15.0, ge=0, le=200)
    cabinet_tau_s: float = Field(default=2_400.0, ge=1, le=86_400)
    normal_c: float = Field(default=75.0, ge=0, le=300)
    derate_c: float = Field(default=90.0, ge=0, le=300)
    cut_out_c: float = Field(default=105.0, ge=0, le=300)
    derate_to: float = Field(default=0.5, ge=0, le=1)
    cabinet_normal_c: float = Field(default=55.0, ge=0, le=300)
    cabinet_derate_c: float = Field(default=65.0, ge=0, le=300)

    @model_validator(mode="after")
    def _order(self) -> ThermalFields:
        if not self.normal_c < self.derate_c < self.cut_out_c:
            raise ValueError("normal_c, derate_c and cut_out_c must rise in this order")
        if not self.cabinet_normal_c < self.cabinet_derate_c:
            raise ValueError("cabinet_normal_c must be below cabinet_derate_c")
        return self


class SupplyFields(Closed):
    """``holdup_s``: how long the electronics live on when mains power fails."""

    holdup_s: float = Field(default=0.0, ge=0, le=3_600)


class BootFields(Closed):
    """Seconds until the station dials after a soft reset, a hard reset, and after power returns."""

    soft_s: float = Field(default=5.0, ge=0, le=3_600)
    hard_s: float = Field(default=15.0, ge=0, le=3_600)
    power_s: float = Field(default=20.0, ge=0, le=3_600)


class HardwareFields(Closed):
    """The parts. ``power_loss``: what becomes of a running transaction when mains power fails.

    ``stop_before`` (the hold-up is used to end it and say so), ``stop_after`` (ended when power is back), ``resume``
    (goes on). ``cable``: ``tethered`` (fixed to the station) or ``socket``.
    """

    meter: MeterFields = MeterFields()
    flash: FlashFields = FlashFields()
    rtc: RtcFields = RtcFields()
    modem: ModemFields = ModemFields()
    firmware: FirmwareFields = FirmwareFields()
    thermal: ThermalFields = ThermalFields()
    supply: SupplyFields = SupplyFields()
    boot: BootFields = BootFields()
    power_loss: Literal["stop_before", "stop_after", "resume"] = "stop_after"
    cable: Literal["tethered", "socket"] = "socket"


class VendorKey(Closed):
    """A key of this product that means nothing to the simulated station: read, and written if ``writable``."""

    value: str = Field(default="", max_length=500)
    writable: bool = False


class QuirkUse(Closed):
    """A quirk by name, with its parameters beside the name: ``{name: boot-delayed-after-connect, delay_s: 5}``."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)


def _quirk_use(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return {"name": value["name"], "params": {key: item for key, item in value.items() if key != "name"}}
    if isinstance(value, QuirkUse):
        return value
    raise ValueError("must be the name of a quirk, or {name: ..., and its parameters}")


def _vendor_key(value: Any) -> Any:
    return {"value": value} if isinstance(value, str) else value


Quirks = tuple[Annotated[QuirkUse, BeforeValidator(_quirk_use)], ...]


class Profile(Closed):
    """A whole profile, after ``extends`` has been followed."""

    extends: str | None = None
    evidence: str = Field(default="", max_length=300)
    identity: IdentityFields
    versions: tuple[Version, ...] = Field(min_length=1, max_length=3)
    evses: tuple[EvseFields, ...] = Field(default=(EvseFields(),), min_length=1, max_length=64)
    hardware: HardwareFields = HardwareFields()
    settings: dict[str, Any] = Field(default_factory=dict, max_length=500)
    read_only: Texts = ()
    absent: Texts = ()
    vendor_keys: dict[str, Annotated[VendorKey, BeforeValidator(_vendor_key)]] = Field(
        default_factory=dict, max_length=200
    )
    not_offered: Texts = ()
    quirks: Quirks = Field(default=(), max_length=64)
    free_vend: bool = False
    free_vend_token: str = Field(default="FREEVEND", min_length=1, max_length=20)
    availability_by_event: bool = False
    #: can one EVSE be reset while the others go on (2.x, B11 and B12 with evseId)?
    resets_evse: bool = False
    #: a local controller publishes firmware for other stations (2.x, L03)
    local_controller: bool = False
    #: what its display can tell the driver of what the CSMS says of prices (2.x, block I), and whether it lets whoever
    #: has a master pass choose among the sessions (2.x, C16)
    shows: tuple[Literal["tariff", "cost", "sessions"], ...] = ()
    lenient: bool = False
    initial_register_wh: float | None = Field(default=None, ge=0, le=1e12)
    #: what kind of station it is to an operator; without it, that follows from the hardware
    archetype: Literal["ac-single", "ac-dual", "dc-fast", "dc-hpc", "dc-liquid-cooled"] | None = None
    sources: dict[str, str] = Field(default_factory=dict, max_length=500)

    def standing(self, path: str) -> str:
        """``sourced`` or ``assumed``, of a field path (``hardware.meter.resolution_wh``) or the name of a quirk."""
        return "assumed" if self.source(path) is None else "sourced"

    def source(self, path: str) -> str | None:
        """The link behind a value: its own, or that of the part it belongs to."""
        while path:
            if path in self.sources:
                return self.sources[path]
            cut = max(path.rfind("."), path.rfind("["))
            path = path[:cut] if cut > 0 else ""
        return None


def schema_json() -> dict[str, Any]:
    """The JSON schema of a profile file, for editors."""
    schema = Profile.model_json_schema(by_alias=True)
    quirk = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    schema["$defs"]["QuirkUse"] = {"anyOf": [{"type": "string"}, quirk], "description": QuirkUse.__doc__}
    key = schema["$defs"]["VendorKey"]
    schema["$defs"]["VendorKey"] = {"anyOf": [{"type": "string"}, key]}
    schema["properties"]["evses"] = {"anyOf": [{"type": "integer", "minimum": 1}, schema["properties"]["evses"]]}
    schema["title"] = "cpfarm profile"
    # What a profile does not say comes from the one it extends, so nothing is required of the file itself.
    schema.pop("required", None)
    schema["$defs"]["IdentityFields"].pop("required", None)
    return schema
