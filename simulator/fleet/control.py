"""The run's own HTTP port: /metrics, /healthz, /readyz, and what a person may do to a station while it runs.

Loopback by default (``httpd`` demands a token elsewhere). Everything done here is an input of the station, exactly as a
driver or the timetable would do it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from simulator.core import inputs as i
from simulator.core.records import Remark
from simulator.errors import AuthorError, UnknownName
from simulator.fleet.farm import Farm
from simulator.fleet.live import Observer, Seat
from simulator.hardware.fault import FAULTS
from simulator.httpd import HttpError, Request, Response, Route, json_response, text_response
from simulator.registry import nearest
from simulator.report.exposition import MetricsText
from simulator.world.ev import Ev
from simulator.yamlfile import Closed, Document, validate

MAX_LISTED = 1_000


def routes(farm: Farm, page: MetricsText) -> list[Route]:
    """The routes of a running farm."""

    def metrics(request: Request) -> Response:
        return text_response((page.text or page.render()).decode(), content_type=page.content_type)

    def health(request: Request) -> Response:
        return json_response({"status": "ok"})

    def ready(request: Request) -> Response:
        waiting = len(farm.live.seats) - len(farm.booted)
        if farm.settled_us is None:
            return json_response({"ready": False, "not_booted": waiting}, 503)
        return json_response({"ready": True, "not_booted": waiting})

    def stations(request: Request) -> Response:
        limit = int(request.number("limit", 100, 1, MAX_LISTED))
        after = int(request.number("after", 0, 0, 10**7))
        seats = farm.live.seats[after : after + limit]
        return json_response({"stations": [_line(seat) for seat in seats], "total": len(farm.live.seats)})

    def station(request: Request) -> Response:
        return json_response(_state(_seat(farm, request)))

    def act(request: Request) -> Response:
        seat = _seat(farm, request)
        what = request.params["what"]
        act = ACTS.get(what)
        if act is None:
            near = nearest(what, list(ACTS))
            raise HttpError(404, f"unknown action {what!r}" + (f"; did you mean {near!r}?" if near else ""))
        event = act.event(request.json(), len(seat.station.evses))
        remarks = _feed(farm, seat, event)
        if remarks:
            raise HttpError(409, "; ".join(remarks))
        return json_response(_state(seat))

    return [
        Route("GET", "/metrics", metrics),
        Route("GET", "/healthz", health),
        Route("GET", "/readyz", ready),
        Route("GET", "/api/stations", stations),
        Route("GET", "/api/stations/{id}", station),
        Route("POST", "/api/stations/{id}/{what}", act),
    ]


def _seat(farm: Farm, request: Request) -> Seat:
    station_id = request.params["id"]
    seat = farm.by_id.get(station_id)
    if seat is None:
        near = nearest(station_id, list(farm.by_id)[:5000])
        raise HttpError(404, f"no station {station_id!r}" + (f"; did you mean {near!r}?" if near else ""))
    return seat


def _line(seat: Seat) -> dict[str, Any]:
    station = seat.station
    return {
        "id": station.id,
        "profile": station.model.name,
        "ocpp": station.dialect.name,
        "phase": seat.phase,
        "status": [evse.status for evse in station.evses],
        "faults": sorted(active.name for active in station.board.active.values()),
        "queued": station.outbox.waiting(),
    }


def _state(seat: Seat) -> dict[str, Any]:
    station = seat.station
    flash = station.board.flash
    return {
        **_line(seat),
        "registration": station.gate,
        "connected": station.link.is_up,
        "boot_reason": station.boot_reason,
        "flash": {"used_bytes": flash.used_bytes, "capacity_bytes": flash.capacity_bytes},
        "faults": {
            fault_id: {"fault": active.name, "evse_id": active.evse_id, "params": active.fault.params()}
            for fault_id, active in station.board.active.items()
        },
        "evses": [
            {
                "evse_id": evse.evse_id,
                "status": evse.status,
                "plugged": evse.plugged,
                "id_token": evse.grant.id_token if evse.grant is not None else None,
                "transaction": evse.tx.key if evse.tx is not None else None,
                "charging_state": evse.charging_state,
                "power_w": round(evse.power_w, 1),
                "operative": evse.operative,
            }
            for evse in station.evses
        ],
    }


# -- what can be done --------------------------------------------------------------------------------------------------


class _Body(Closed):
    """The body of an action: a JSON object with these keys and no others."""


class _Evse(_Body):
    evse_id: int = Field(default=1, ge=1, le=64)


class _Car(Closed):
    battery_wh: float = i.EvSpec().battery_wh
    soc: float = i.EvSpec().soc
    max_ac_w: float = i.EvSpec().max_ac_w
    max_dc_w: float = i.EvSpec().max_dc_w
    phases: int = i.EvSpec().phases
    target_soc: float = i.EvSpec().target_soc
    curve: str = i.EvSpec().curve


class _Plug(_Evse):
    ev: _Car = _Car()


class _Unplug(_Evse):
    side: Literal["ev", "station", "both"] = "both"


class _Present(_Body):
    id_token: str = Field(min_length=1, max_length=255)
    evse_id: int = Field(default=0, ge=0, le=64)


class _Boot(_Body):
    kind: Literal["soft", "hard"] = "soft"


class _Power(_Body):
    on: bool = True


class _Press(_Body):
    button: Literal["emergency_stop", "emergency_release", "stop"]
    evse_id: int = Field(default=0, ge=0, le=64)


class _Inject(_Body):
    fault: str
    id: str | None = Field(default=None, min_length=1, max_length=100)
    evse_id: int = Field(default=0, ge=0, le=64)
    params: dict[str, Any] = Field(default_factory=dict, max_length=50)


class _Clear(_Body):
    id: str


B = TypeVar("B", bound=_Body)


class _Act(Generic[B]):
    """An action: how its body looks, and which input it is."""

    def __init__(self, model: type[B], make: Callable[[B], i.Input]) -> None:
        self.model, self.make = model, make

    def event(self, body: Any, evses: int) -> i.Input:
        """The input that ``body`` asks for, at a station of so many EVSEs. Raises HttpError 400 that says what is
        wrong."""
        if not isinstance(body, dict):
            raise HttpError(400, "the body is a JSON object")
        try:
            wanted = validate(Document(body, "", {}), self.model)
            evse_id = getattr(wanted, "evse_id", 0)
            if evse_id > evses:
                raise AuthorError(f"no EVSE {evse_id}; this station has 1 to {evses}", field="evse_id")
            return self.make(wanted)
        except (AuthorError, UnknownName) as error:
            raise HttpError(400, "; ".join(line.removeprefix(": ") for line in str(error).splitlines())) from None


def _car(body: _Plug) -> i.Input:
    spec = i.EvSpec(**body.ev.model_dump())
    Ev(spec)  # says what is wrong before anything happens
    return i.Plug(body.evse_id, spec)


def _fault(body: _Inject) -> i.Input:
    FAULTS.get(body.fault).from_params(body.params)
    return i.Inject(body.id or body.fault, body.fault, body.evse_id, body.params)


ACTS: dict[str, _Act[Any]] = {
    "plug": _Act(_Plug, _car),
    "unplug": _Act(_Unplug, lambda body: i.Unplug(body.evse_id, body.side)),
    "present": _Act(_Present, lambda body: i.Present(body.id_token, body.evse_id)),
    "suspend": _Act(_Evse, lambda body: i.EvReady(body.evse_id, False)),
    "resume": _Act(_Evse, lambda body: i.EvReady(body.evse_id, True)),
    "boot": _Act(_Boot, lambda body: i.Perform("reboot", {"reason": "Triggered", "kind": body.kind})),
    "power": _Act(_Power, lambda body: i.PowerOn() if body.on else i.PowerOff()),
    "press": _Act(_Press, lambda body: i.Press(body.button, body.evse_id)),
    "inject": _Act(_Inject, _fault),
    "clear": _Act(_Clear, lambda body: i.Clear(body.id)),
}


class _Ear:
    """Hears what a station remarks on one input; everything passes on to who listens anyway."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.remarks: list[str] = []

    def record(self, seat: Seat, what: Any, now: int) -> None:
        if isinstance(what, Remark):
            self.remarks.append(what.text)
        self._observer.record(seat, what, now)

    def frame(self, seat: Seat, data: bytes, to_csms: bool, now: int) -> None:
        self._observer.frame(seat, data, to_csms, now)


def _feed(farm: Farm, seat: Seat, event: i.Input) -> list[str]:
    """Feed the input; what the station remarked on it, which is why nothing happened."""
    observer = farm.live.observer
    assert observer is not None
    farm.live.observer = ear = _Ear(observer)
    try:
        farm.live.feed(seat, event)
    finally:
        farm.live.observer = observer
    return ear.remarks
