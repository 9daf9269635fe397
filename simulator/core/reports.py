"""Version-neutral statements of a station. The outbox queues these; a dialect renders one when the slot frees.

A report freezes its facts when it is published. Filled late are only the message id, the transaction id of the CSMS,
and the time stamp of an event from before the first clock synchronisation (see :class:`Stamp`).

Class attributes say how the outbox treats a report:

``durable``    kept on flash until answered; the others live in RAM and are dropped when the link is down
``retry``      failed delivery is tried again as the version's attempts and interval settings say
``urgent``     goes before everything else that waits (somebody stands at the station)
``drop_rank``  0 never dropped; higher ranks are thinned first when flash is full
"""

from __future__ import annotations

from typing import ClassVar, dataclass_transform

import msgspec


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """A moment: monotonic ``mono_us`` of the run, the clock's own opinion ``wall_us`` (microseconds since 1970),
    whether that clock was synchronised then, and the number of the boot it belongs to."""

    mono_us: int
    wall_us: int
    synced: bool
    boot: int


class Sampled(msgspec.Struct, frozen=True, gc=False):
    """One value of a reading, in OCPP words; ``value`` in ``unit`` (Wh, W, A, V, Percent, Hertz, Celsius). ``signed``:
    the same as the meter has signed it (OCMF), empty without a signature."""

    value: float
    measurand: str
    unit: str
    phase: str | None = None
    location: str | None = None
    signed: str = ""


class MeterReading(msgspec.Struct, frozen=True, gc=False):
    """All values of one EVSE at one moment. ``context``: Transaction.Begin, Sample.Periodic, Sample.Clock, ..."""

    at: Stamp
    context: str
    values: tuple[Sampled, ...]


def reading_bytes(reading: MeterReading) -> int:
    """What a reading takes on flash: a small binary record; a signed value is kept as it was signed."""
    return 16 + sum(12 + len(value.signed) for value in reading.values)


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Report(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Base of all reports."""

    durable: ClassVar[bool] = False
    retry: ClassVar[bool] = False
    urgent: ClassVar[bool] = False
    drop_rank: ClassVar[int] = 0


class BootAsked(Report):
    """BootNotification. ``reason`` in BootReasonEnumType words."""

    urgent: ClassVar[bool] = True
    reason: str


class HeartbeatDue(Report):
    """Heartbeat."""


class StatusChanged(Report):
    """The status of an EVSE (0: the whole station), in the nine-value alphabet of ``core/connector.py``.

    ``error`` is a neutral problem code or empty; ``plugged`` lets a coarser dialect tell occupied from reserved-by-use.
    """

    evse_id: int
    connector_id: int
    status: str
    plugged: bool
    error: str
    info: str
    at: Stamp
    vendor_error: str = ""


class AuthorizeAsked(Report):
    """Authorize; the answer goes to the authorization block."""

    urgent: ClassVar[bool] = True
    evse_id: int
    id_token: str
    token_type: str


class TransactionReport(Report):
    """What all transaction reports share. ``key`` is the station's own id of the transaction; ``seq_no`` counts them.

    ``id_token`` is set when this report is the first to name it; ``told_evse`` likewise for the EVSE. ``stop_token`` is
    a token that ended the authorisation.
    """

    durable: ClassVar[bool] = True
    retry: ClassVar[bool] = True
    key: str
    evse_id: int
    connector_id: int
    seq_no: int
    trigger: str
    at: Stamp
    offline: bool = False
    charging_state: str | None = None
    id_token: str | None = None
    token_type: str = ""
    tell_evse: bool = False
    remote_start_id: int | None = None
    reservation_id: int | None = None
    phases_used: int | None = None
    readings: tuple[MeterReading, ...] = ()
    #: which of the signed values carry the meter's public key: none (empty), the first, every
    key_with: str = ""


class TransactionStarted(TransactionReport):
    """A transaction began. ``register_wh`` is the reported register at that moment, None with a dead meter."""

    register_wh: float | None = None
    #: the token that authorises it, also when an earlier report... (1.6 needs it in the start message)
    start_token: str = ""


class TransactionUpdated(TransactionReport):
    """Something worth telling happened in a transaction."""


class SampleTaken(TransactionReport):
    """Periodic or clock-aligned values within a transaction."""

    drop_rank: ClassVar[int] = 2


class TransactionEnded(TransactionReport):
    """A transaction ended. ``reason`` in ReasonEnumType words; ``stop_token`` when a token ended it.

    ``samples`` are the values configured for the end message, begin and end included.
    """

    reason: str = "Local"
    register_wh: float | None = None
    stop_token: str | None = None
    stop_token_type: str = ""
    begun_wh: float | None = None


class MeterSampled(Report):
    """Values outside a transaction (clock-aligned or triggered). ``key`` of a running transaction, if triggered in
    one."""

    evse_id: int
    reading: MeterReading
    key: str | None = None
    key_with: str = ""


class ClockSampled(MeterSampled):
    """Clock-aligned values outside a transaction, in a version that counts them among the messages that are kept and
    offered again (1.6 3.7)."""

    durable: ClassVar[bool] = True
    retry: ClassVar[bool] = True
    drop_rank: ClassVar[int] = 2


class ComponentEvent(Report):
    """A component's variable changed or raised an alarm. ``cleared`` ends an earlier one.

    ``trigger``: Alerting, Delta, Periodic. ``durable`` ones are decided by the block that publishes them.
    """

    event_id: int
    component: str
    evse_id: int
    connector_id: int
    variable: str
    value: str
    trigger: str
    at: Stamp
    severity: int = 5
    cleared: bool | None = None
    tech_code: str = ""
    tech_info: str = ""
    key: str | None = None
    notification_type: str = "HardWiredNotification"
    #: the monitor that was triggered, and the event that caused this one
    monitor_id: int | None = None
    cause: int | None = None
    instance: str = ""
    component_instance: str = ""


class MonitorEvents(Report):
    """What monitors found at one moment, in parts of a few events each. Volatile: only told while online."""

    events: tuple[ComponentEvent, ...]
    seq_no: int = 0
    more: bool = False


class KeptEvent(Report):
    """An event of a time without connection, of a severity that is worth keeping (N07.FR.04, N08.FR.03)."""

    durable: ClassVar[bool] = True
    drop_rank: ClassVar[int] = 1
    event: ComponentEvent


class MonitoringPage(Report):
    """One page of a report of monitors; ``rows`` are (variable, its monitors) pairs of the block that answers."""

    request_id: int
    seq_no: int
    more: bool
    rows: tuple[object, ...]
    at: Stamp


class CustomerPage(Report):
    """One page of what is kept about a customer; ``text`` is part of the whole."""

    request_id: int
    seq_no: int
    more: bool
    text: str
    at: Stamp


class ReportPage(Report):
    """One page of an inventory report; ``rows`` are dialect-ready dictionaries made by the block that answers."""

    request_id: int
    seq_no: int
    more: bool
    rows: tuple[object, ...]
    at: Stamp


class SecurityEvent(Report):
    """A security event; critical ones are durable (A04.FR.02), so all are kept."""

    durable: ClassVar[bool] = True
    retry: ClassVar[bool] = True
    kind: str
    at: Stamp
    info: str = ""


class SecurityNote(SecurityEvent):
    """A security event that is not told, only kept in the security log."""


class SigningAsked(Report):
    """SignCertificate: a request (PEM) for a certificate of the station; the answer goes to the certificates block.
    ``number`` tells requests apart."""

    csr: str
    number: int = 0


class FirmwareProgress(Report):
    """FirmwareStatusNotification. ``status`` in FirmwareStatusEnumType words; ``request_id`` when it has one.

    ``plain``: the update is without signature, which picks the older message where a version has two.
    """

    status: str
    request_id: int | None = None
    plain: bool = False


class FirmwareStep(FirmwareProgress):
    """A state that an update has entered: kept until it is told (L01.FR.01)."""

    durable: ClassVar[bool] = True


class LogProgress(Report):
    """Status of a log or diagnostics upload, in UploadLogStatusEnumType words; ``diagnostics`` picks the older message
    where a version has two."""

    status: str
    request_id: int | None = None
    diagnostics: bool = False


class LogStep(LogProgress):
    """A state that an upload has entered: kept until it is told (N01.FR.07-10)."""

    durable: ClassVar[bool] = True


class PublishProgress(Report):
    """Status of firmware that a local controller publishes, in PublishFirmwareStatusEnumType words; ``places`` are the
    addresses at which it is served."""

    status: str
    request_id: int | None = None
    places: tuple[str, ...] = ()


class PublishStep(PublishProgress):
    """A state that a publication has entered: kept until it is told (L03.FR.01)."""

    durable: ClassVar[bool] = True


class LimitImposed(Report):
    """Somebody beside the CSMS limits charging since ``since_us`` (wall time), at an EVSE or (0) the whole station:
    ``limit`` in 0.1 of ``unit`` (A a phase, W in all). ``source`` in ChargingLimitSourceEnumType words."""

    durable: ClassVar[bool] = True
    source: str
    evse_id: int
    unit: str
    limit: int
    since_us: int
    duration_s: int | None = None
    grid_critical: bool | None = None


class LimitReleased(Report):
    """That limit is gone."""

    durable: ClassVar[bool] = True
    source: str
    evse_id: int


class ProfilesPage(Report):
    """Charging profiles of one source at one EVSE that were asked for; ``rows`` are those of the profiles block."""

    request_id: int
    source: str
    evse_id: int
    rows: tuple[object, ...]
    more: bool


class ReservationOver(Report):
    """A reservation has ended without a transaction: ``status`` in ReservationUpdateStatusEnumType words. Kept until
    it is told."""

    durable: ClassVar[bool] = True
    reservation_id: int
    status: str


class DataSent(Report):
    """A vendor message of the station."""

    vendor_id: str
    message_id: str | None
    data: object


AnyReport = (
    BootAsked
    | HeartbeatDue
    | StatusChanged
    | AuthorizeAsked
    | TransactionStarted
    | TransactionUpdated
    | SampleTaken
    | TransactionEnded
    | MeterSampled
    | ClockSampled
    | ComponentEvent
    | MonitorEvents
    | KeptEvent
    | MonitoringPage
    | CustomerPage
    | ReportPage
    | SecurityEvent
    | SecurityNote
    | SigningAsked
    | FirmwareProgress
    | FirmwareStep
    | LogProgress
    | LogStep
    | PublishProgress
    | PublishStep
    | LimitImposed
    | LimitReleased
    | ProfilesPage
    | ReservationOver
    | DataSent
)
