"""What a station puts on record. Metrics, ledger and summary are all made of these and of nothing else.

Times ending in ``_us`` without further word are the monotonic ``now`` of the run; ``wall_us`` is the station's own
clock (microseconds since 1970), which may be wrong on purpose.
"""

from __future__ import annotations

from typing import Any, dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class RecordItem(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Base of all records."""


STATION_STOPPED = "station_stopped"


class CallFinished(RecordItem):
    """A CALL of the station has ended.

    ``outcome``: ok, callerror, timeout, lost (the link went down first). ``took_us`` sent to answered in station time;
    a live driver replaces it by its own real-time measurement. ``late_us`` due to sent. ``code`` of a CALLERROR, or
    :data:`STATION_STOPPED` when the link went down because the station's own software did (power cut, reboot).
    """

    action: str
    outcome: str
    took_us: int
    late_us: int
    code: str = ""


class CsmsCallHandled(RecordItem):
    """A CALL of the CSMS was dealt with. ``outcome``: ok, callerror, silent. ``code`` of a CALLERROR."""

    action: str
    outcome: str
    code: str = ""


class ViolationSeen(RecordItem):
    """The CSMS sent something its schema or the protocol forbids."""

    action: str
    path: str
    rule: str
    value: str = ""


class StrayAnswer(RecordItem):
    """An answer that matches no CALL in flight. ``kind``: late, twice, unknown_id."""

    kind: str
    message_id: str


class PhaseChanged(RecordItem):
    """The station's phase: off, connecting, pending, available, charging, faulted, offline."""

    phase: str


class Booted(RecordItem):
    """BootNotification was accepted ``took_us`` after the link came up. ``reason`` is the boot reason."""

    took_us: int
    reason: str


class BootRefused(RecordItem):
    """BootNotification was answered Pending or Rejected."""

    status: str


class Connected(RecordItem):
    """The link came up; ``took_us`` since the dial. ``again`` when it is not the first of this run."""

    took_us: int
    again: bool


class Disconnected(RecordItem):
    """An open link went down."""

    cause: str
    code: int


class ConnectFailed(RecordItem):
    """A dial failed; cause and code as in LinkDown."""

    cause: str
    code: int
    detail: str = ""


class TransactionOpened(RecordItem):
    """A transaction began at the station. ``key`` is the station's own id of it, never reused by this station.

    ``register_wh`` is what the station reports as begin, ``physical_wh`` what the true register says.
    """

    key: str
    evse_id: int
    id_token: str
    wall_us: int
    register_wh: float
    physical_wh: float
    offline: bool
    remote_start_id: int | None = None


class TransactionNamed(RecordItem):
    """The CSMS gave the transaction ``key`` its id."""

    key: str
    csms_id: str


class TransactionClosed(RecordItem):
    """A transaction ended at the station. Energies in Wh: reported on the wire, and taken by the EV."""

    key: str
    evse_id: int
    reason: str
    wall_us: int
    register_wh: float
    physical_wh: float
    reported_energy_wh: float
    physical_energy_wh: float


class TransactionTold(RecordItem):
    """A begin or end message of a transaction was sent: what it said, after every quirk. ``moment``: begin, end.

    This is the *reported* truth; ``register_wh`` is None when the message carried no reading.
    """

    key: str
    moment: str
    register_wh: float | None
    wall_us: int


class MessageFate(RecordItem):
    """The end of a durable message; ``action`` is its kind of report (TransactionStarted, ...).

    ``fate``: answered, answered_with_error, sent_unanswered, dropped_by_station. ``key`` names the transaction it
    belongs to, or is empty; ``why`` is given when the message was dropped.
    """

    action: str
    fate: str
    key: str = ""
    why: str = ""


class FaultBegan(RecordItem):
    """Ground truth: a fault took hold. ``params`` are all it runs with, ``cause`` is what whoever began it says."""

    fault_id: str
    fault: str
    evse_id: int
    params: dict[str, Any]
    cause: str = ""


class FaultEnded(RecordItem):
    """Ground truth: a fault ended."""

    fault_id: str
    fault: str


class HeatChanged(RecordItem):
    """Ground truth: the protection against heat acted on an EVSE (0: on the whole station, by its housing).

    ``state``: normal, derated, cut_out, or failed (a contact has burnt). ``temperature_c`` of the contacts or inside,
    ``contact_mohm`` their resistance.
    """

    evse_id: int
    state: str
    temperature_c: float
    contact_mohm: float | None = None


class Alerted(RecordItem):
    """A monitor's threshold was passed, or (``cleared``) the value is back within it; told now or when it can be."""

    monitor_id: int
    component: str
    evse_id: int
    variable: str
    value: str
    cleared: bool = False


class DriverShown(RecordItem):
    """The display of an EVSE told the driver something: ``kind`` tariff, tariff_fallback, running_cost, total_cost,
    total_cost_fallback. ``key`` names the transaction it is about, or is empty."""

    evse_id: int
    kind: str
    text: str
    key: str = ""


class QueueDepth(RecordItem):
    """Messages waiting in the outbox, whenever the number changes between feeds."""

    waiting: int


class FlashTrouble(RecordItem):
    """A write to flash failed (``full``, ``read_only``, ``torn``) and what was lost by it."""

    area: str
    why: str
    lost: str


class Remark(RecordItem):
    """A bounded, plain sentence about something the other records do not cover."""

    text: str


AnyRecord = (
    CallFinished
    | CsmsCallHandled
    | ViolationSeen
    | StrayAnswer
    | PhaseChanged
    | Booted
    | BootRefused
    | Connected
    | Disconnected
    | ConnectFailed
    | TransactionOpened
    | TransactionNamed
    | TransactionClosed
    | TransactionTold
    | MessageFate
    | FaultBegan
    | FaultEnded
    | HeatChanged
    | Alerted
    | DriverShown
    | QueueDepth
    | FlashTrouble
    | Remark
)
