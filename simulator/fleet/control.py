"""The run's own HTTP port: /metrics, /healthz, /readyz, and what a person may do to a station while it runs.

Loopback by default (``httpd`` demands a token elsewhere). Everything done here is an input of the station, exactly as a
driver or the timetable would do it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.core import inputs as i
from simulator.errors import AuthorError, UnknownName
from simulator.fleet.farm import Farm
from simulator.fleet.live import Seat
from simulator.hardware.fault import FAULTS
from simulator.httpd import HttpError, Request, Response, Route, json_response, text_response
from simulator.registry import nearest
from simulator.report.exposition import MetricsText

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
        body = request.json() or {}
        if not isinstance(body, dict):
            raise HttpError(400, "the body is a JSON object")
        what = request.params["what"]
        make = ACTS.get(what)
        if make is None:
            near = nearest(what, list(ACTS))
            raise HttpError(404, f"unknown action {what!r}" + (f"; did you mean {near!r}?" if near else ""))
        try:
            event = make(body)
        except (AuthorError, UnknownName) as error:
            raise HttpError(400, str(error)) from None
        except (KeyError, TypeError, ValueError) as error:
            raise HttpError(400, f"wrong or missing value: {error}") from None
        farm.live.feed(seat, event)
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


def _inject(body: dict[str, Any]) -> i.Input:
    name = str(body["fault"])
    params = dict(body.get("params", {}))
    FAULTS.get(name).from_params(params)  # says what is wrong before anything happens
    return i.Inject(str(body.get("id", name)), name, int(body.get("evse_id", 0)), params)


def _plug(body: dict[str, Any]) -> i.Input:
    ev = i.EvSpec(**dict(body.get("ev", {})))
    return i.Plug(int(body.get("evse_id", 1)), ev)


ACTS: dict[str, Callable[[dict[str, Any]], i.Input]] = {
    "plug": _plug,
    "unplug": lambda body: i.Unplug(int(body.get("evse_id", 1)), str(body.get("side", "both"))),
    "present": lambda body: i.Present(str(body["id_token"]), int(body.get("evse_id", 0))),
    "suspend": lambda body: i.EvReady(int(body.get("evse_id", 1)), False),
    "resume": lambda body: i.EvReady(int(body.get("evse_id", 1)), True),
    "boot": lambda body: i.Perform("reboot", {"reason": "Triggered", "kind": str(body.get("kind", "soft"))}),
    "power": lambda body: i.PowerOn() if body.get("on", True) else i.PowerOff(),
    "press": lambda body: i.Press(str(body["button"]), int(body.get("evse_id", 0))),
    "inject": _inject,
    "clear": lambda body: i.Clear(str(body["id"])),
}
