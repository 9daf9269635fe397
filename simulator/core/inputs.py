"""What the world may tell a station. A closed set: the recorder, the replayer and every driver know exactly these.

All are plain msgspec structs, tagged by class name, so that a run's inputs can be written down and fed again.
"""

from __future__ import annotations

from typing import Any, dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Input(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Base of all inputs."""


class Tick(Input):
    """Time has passed: whatever is due at ``now`` is handled."""


class PowerOn(Input):
    """The station is switched on (first start of a run, or by hand)."""


class PowerOff(Input):
    """The station is switched off at once, as by a fuse: no hold-up time, nothing is said."""


class LinkUp(Input):
    """The connection asked for by ``Dial(link=...)`` is open; ``subprotocol`` is what the server picked."""

    link: int
    subprotocol: str | None = None


class LinkDown(Input):
    """The connection is gone, or never came about. Exactly one per Dial.

    ``cause``: dns refused timeout http_status tls_server_cert tls_version tls_cipher tls_client_cert subprotocol closed
    reset local_limit. ``code``: HTTP status or close code. ``retry_after_s``: what a 429 or 503 asked for.
    """

    link: int
    cause: str
    code: int = 0
    detail: str = ""
    retry_after_s: int | None = None


class Frame(Input):
    """One whole text message from the CSMS, as bytes; hostile until decoded."""

    link: int
    data: bytes


class Pong(Input):
    """The peer answered a WebSocket ping."""

    link: int


class JobProgress(Input):
    """A job is under way: ``done`` of ``total`` (units of the job's kind)."""

    job: int
    done: int
    total: int


class JobDone(Input):
    """A job has ended. ``ok`` tells how; ``result`` is kind-specific plain data."""

    job: int
    ok: bool
    result: dict[str, Any]


class EvSpec(msgspec.Struct, frozen=True, gc=False):
    """A car as it arrives. Powers in W at the plug, battery in Wh, state of charge 0..1.

    ``phases`` is what its on-board charger uses; ``curve`` names a charging curve of ``world/ev.py``.
    ``target_soc`` is where the car itself stops taking energy.
    """

    battery_wh: float = 60_000.0
    soc: float = 0.4
    max_ac_w: float = 11_000.0
    max_dc_w: float = 100_000.0
    phases: int = 3
    target_soc: float = 1.0
    curve: str = "li-ion"


class Plug(Input):
    """The cable connects station and car at ``evse_id``.

    ``side``: ``both`` ends, or first the ``station`` end alone (the cable sits in the socket, no car yet), then the
    ``ev`` end of a cable that sits there already.
    """

    evse_id: int
    ev: EvSpec = EvSpec()
    connector_id: int = 1
    side: str = "both"


class Unplug(Input):
    """The cable is pulled. ``side``: ``ev`` (at the car), ``station`` (at the socket; refused by a closed lock),
    ``both`` (at the car, then at the socket as soon as its lock lets go: what a driver who leaves does)."""

    evse_id: int
    side: str = "ev"


class Park(Input):
    """A vehicle enters or leaves the bay of ``evse_id`` (seen only by a station with a bay sensor)."""

    evse_id: int
    present: bool = True


class Present(Input):
    """A token is held to the reader. ``evse_id`` 0: the station's common reader decides which EVSE is meant."""

    id_token: str
    evse_id: int = 0
    token_type: str = "ISO14443"


class EvReady(Input):
    """The car starts (True) or stops (False) asking for energy; False is a suspension by the EV."""

    evse_id: int
    ready: bool


class EvseReady(Input):
    """The station side offers (True) or withholds (False) energy, e.g. a local load manager."""

    evse_id: int
    ready: bool


class Press(Input):
    """A button: ``stop`` (ends the session at ``evse_id``; once a master pass was read, 0 means all of them),
    ``emergency_stop``, ``emergency_release``."""

    button: str
    evse_id: int = 0


class Inject(Input):
    """A fault begins. ``fault`` is a registered name, ``evse_id`` 0 means the station or every EVSE the part has.

    ``cause`` is only put on record.
    """

    fault_id: str
    fault: str
    evse_id: int = 0
    params: dict[str, Any] = {}
    cause: str = ""


class Clear(Input):
    """A fault ends."""

    fault_id: str


class Leave(Input):
    """End of the run: hang up when the outbox is empty or at ``deadline_us``, do not dial again, start nothing new."""

    deadline_us: int


class Perform(Input):
    """The station's maintainer or a scenario asks for something no part does by itself, e.g. ``reboot``."""

    what: str
    args: dict[str, Any] = {}


AnyInput = (
    Tick
    | PowerOn
    | PowerOff
    | LinkUp
    | LinkDown
    | Frame
    | Pong
    | JobProgress
    | JobDone
    | Plug
    | Unplug
    | Park
    | Present
    | EvReady
    | EvseReady
    | Press
    | Inject
    | Clear
    | Leave
    | Perform
)
