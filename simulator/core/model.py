"""The compiled, frozen description that all stations of one profile and version share.

A model is made once by ``profile/compiled.py`` and only read afterwards: a station adds nothing but its differences.
Quirks sit here as nine tuples of bound hooks, one tuple a seam, so that a station without quirks pays one empty-tuple
test per seam.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from simulator.core.dialect import Dialect
    from simulator.core.settings import Setting, Value


@dataclass(frozen=True, slots=True)
class Identity:
    """What BootNotification says. ``{n}`` in a pattern is the station's number, ``{id}`` its id.

    Empty strings are sent as they are; None means the field is left out.
    """

    vendor: str
    model: str
    firmware: str | None = None
    serial: str | None = "{id}"
    box_serial: str | None = None
    meter_type: str | None = None
    meter_serial: str | None = None
    iccid: str | None = None
    imsi: str | None = None


@dataclass(frozen=True, slots=True)
class EvseSpec:
    """One EVSE with one connector. ``phases`` 0 means DC. ``connector_type`` in the words of ConnectorEnumType."""

    evse_id: int
    connector_type: str = "sType2"
    phases: int = 3
    max_current_a: float = 32.0
    max_power_w: float = 22_000.0
    voltage_v: float = 230.0
    tethered: bool = False
    bay_sensor: bool = False
    #: False is a household socket (IEC 61851-1 Mode 1 or 2): no signalling, a car is felt by the current it draws
    pilot: bool = True
    #: EVSEs with the same group share one power module: only one of them delivers energy at a time ("" = own module).
    power_group: str = ""

    @property
    def is_dc(self) -> bool:
        """Direct current?"""
        return self.phases == 0


class Signer(Protocol):
    """The part of a meter that signs what it has measured. Each meter has a key of its own, known by a handle; nobody
    on this side of the port sees the private one. The same handle and data give the same signature."""

    #: in the words of SigningMethodEnumStringType (2.x part 2 appendices)
    method: str

    def sign(self, handle: str, data: bytes) -> bytes:
        """The signature over ``data``, DER."""

    def public_key(self, handle: str) -> bytes:
        """The public key, DER (SubjectPublicKeyInfo)."""


@dataclass(frozen=True, slots=True)
class MeterSpec:
    """``resolution_wh`` rounds the reported register; ``measurands`` is what the hardware can measure at all.

    ``stop_when_dead``: does a station without readings refuse to charge (and end a running session)?
    ``accuracy_permille``: the size of the fixed error of each meter, drawn per station. ``signer``: a meter that can
    sign its register, ``sign_s`` the seconds that takes it at the beginning of a session.
    """

    resolution_wh: float = 1.0
    measurands: tuple[str, ...] = ()
    stop_when_dead: bool = True
    accuracy_permille: int = 0
    signer: Signer | None = None
    sign_s: float = 1.0


@dataclass(frozen=True, slots=True)
class FlashSpec:
    """``capacity_bytes`` is shared by queue, cache, list, logs, settings and transaction records; ``cache_tokens`` is
    the most tokens the authorisation cache keeps of it."""

    capacity_bytes: int = 262_144
    cache_tokens: int = 1_000


@dataclass(frozen=True, slots=True)
class RtcSpec:
    """``drift_ppm`` is drawn per station in [-drift_ppm, +drift_ppm]; ``battery``: time survives a power cut."""

    drift_ppm: float = 20.0
    battery: bool = True
    #: what a clock without battery shows after a power cut (microseconds since 1970)
    unset_wall_us: int = 0


@dataclass(frozen=True, slots=True)
class ModemSpec:
    """``kind``: ethernet, wifi, lte. ``rtt_ms``: range of the round trip the virtual network draws from.

    ``bandwidth_kb_s``: thousand bytes a second, either way, None without a limit. ``signal_dbm``: received signal
    strength, None with a cable.
    """

    kind: str = "ethernet"
    rtt_ms: tuple[int, int] = (2, 20)
    bandwidth_kb_s: float | None = None
    signal_dbm: int | None = None


@dataclass(frozen=True, slots=True)
class FirmwareSpec:
    """How the product updates itself. ``install_s``: seconds an installation takes. ``restart``: ``after`` it, into the
    new firmware, ``before`` it, into an installer, or ``none``. ``cancels``: a new request ends an update under way.
    ``max_bytes``: largest image there is room for."""

    install_s: float = 10.0
    restart: str = "after"
    fetch_while_charging: bool = True
    install_while_charging: bool = False
    cancels: bool = True
    max_bytes: int = 16_777_216


@dataclass(frozen=True, slots=True)
class ThermalSpec:
    """Heat and the protection against it, in degrees Celsius.

    The contacts of a healthy connector (``contact_mohm`` milliohm) settle ``contact_rise_k`` above the air at the rated
    current, with the time constant ``contact_tau_s``; the housing likewise at the rated power. Over ``derate_c`` only
    ``derate_to`` of the power is offered until the contacts are down at ``normal_c``; over ``cut_out_c`` none.
    """

    ambient_c: float = 25.0
    contact_mohm: float = 0.4
    contact_rise_k: float = 30.0
    contact_tau_s: float = 600.0
    cabinet_rise_k: float = 15.0
    cabinet_tau_s: float = 2_400.0
    normal_c: float = 75.0
    derate_c: float = 90.0
    cut_out_c: float = 105.0
    derate_to: float = 0.5
    cabinet_normal_c: float = 55.0
    cabinet_derate_c: float = 65.0


@dataclass(frozen=True, slots=True)
class HardwareSpec:
    """All parts of a station."""

    meter: MeterSpec = MeterSpec()
    flash: FlashSpec = FlashSpec()
    rtc: RtcSpec = RtcSpec()
    modem: ModemSpec = ModemSpec()
    firmware: FirmwareSpec = FirmwareSpec()
    thermal: ThermalSpec = ThermalSpec()
    holdup_s: float = 0.0
    boot_soft_s: float = 5.0
    boot_hard_s: float = 15.0
    boot_power_s: float = 20.0
    #: what becomes of a running transaction when mains power fails: stop_before (the hold-up is used to say so),
    #: stop_after (ended when the station is back), resume (goes on)
    power_loss: str = "stop_after"


@dataclass(frozen=True, slots=True)
class Seams:
    """The quirks of a model, compiled: each seam is a tuple of callables in the order the profile names them."""

    boot: tuple[Any, ...] = ()
    sample: tuple[Any, ...] = ()
    request: tuple[Any, ...] = ()
    answer: tuple[Any, ...] = ()
    report: tuple[Any, ...] = ()
    send: tuple[Any, ...] = ()
    link: tuple[Any, ...] = ()
    clock: tuple[Any, ...] = ()
    setting: tuple[Any, ...] = ()

    def without(self, names: frozenset[str]) -> Seams:
        """The seams that are left when the quirks of these names are gone."""
        rest = {seam.name: tuple(q for q in getattr(self, seam.name) if q.name not in names) for seam in fields(self)}
        return Seams(**rest)


NO_SEAMS = Seams()


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One profile in one protocol version.

    ``defaults`` is indexed by ``Setting.index``. ``absent`` settings do not exist on this product, ``read_only`` ones
    cannot be written. ``vendor_keys`` are product-specific keys with no meaning to the station: name -> (value,
    writable). ``offered`` limits the CSMS requests the product knows; None means all that the dialect has.
    ``availability_by_event``: 2.x reports AvailabilityState by NotifyEvent instead of StatusNotification.
    ``resets_evse``: one EVSE can be reset while the others go on (2.x, B11.FR.10).

    A station whose firmware was updated to one that has fixes for some of the quirks has the model without them
    (``outgrow``); all else stays.
    """

    name: str
    dialect: Dialect
    identity: Identity
    evses: tuple[EvseSpec, ...]
    hardware: HardwareSpec
    defaults: tuple[Value, ...]
    absent: frozenset[Setting] = frozenset()
    read_only: frozenset[Setting] = frozenset()
    vendor_keys: dict[str, tuple[str, bool]] = field(default_factory=dict)
    not_offered: frozenset[str] = frozenset()
    seams: Seams = NO_SEAMS
    quirks: tuple[Any, ...] = ()
    free_vend: bool = False
    free_vend_token: str = "FREEVEND"
    availability_by_event: bool = False
    resets_evse: bool = False
    lenient: bool = False
    initial_register_wh: float | None = None
    #: does it publish firmware for other stations (L03)?
    local_controller: bool = False
    #: what the display can tell the driver: ``tariff``, ``cost``, and ``sessions`` for a master pass to choose from
    shows: frozenset[str] = frozenset()
    #: the kind of station (``blocks/inventory/archetypes.py``); empty: it follows from the hardware
    archetype: str = ""
    #: quirks whose fix the firmware of an update has brought; ``quirks`` still lists them, the seams do not
    outgrown: frozenset[str] = frozenset()
    #: the model as it leaves the factory, None for that one itself
    base: Model | None = None
    _later: dict[frozenset[str], Model] = field(default_factory=dict, init=False, repr=False)

    def outgrow(self, names: frozenset[str]) -> Model:
        """This product with firmware that has left these quirks behind; stations with the same firmware share it."""
        base = self.base or self
        if not names:
            return base
        found = base._later.get(names)
        if found is None:
            seams = base.seams.without(names)
            found = base._later[names] = replace(base, seams=seams, outgrown=names, base=base)
        return found
