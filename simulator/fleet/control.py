"""The run's own HTTP port: /metrics, /healthz, /readyz, what a person may do to a station while it runs, and the page.

Loopback by default (``httpd`` demands a token elsewhere). Everything done here is an input of the station, exactly as a
driver or the timetable would do it. An action answers with what changed, or with 409 and the station's own remark on
why nothing did.

:func:`operations` is the one table: routes are made from it, and so is ``/openapi.json``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

import simulator
from simulator.core import inputs as i
from simulator.core.link_policy import PASSWORD
from simulator.core.records import Remark
from simulator.events import EventStream
from simulator.fleet import station_view as view
from simulator.fleet.acts import ACTS, Act, act_of
from simulator.fleet.farm import Farm
from simulator.fleet.frames import Taps, last_frames
from simulator.fleet.live import Observer, Seat
from simulator.fleet.openapi import document
from simulator.fleet.station_view import FullState, Line, State
from simulator.hardware.fault import FAULTS
from simulator.httpd import HttpError, Request, Response, Route, text_response
from simulator.registry import nearest
from simulator.report.exposition import MetricsText
from simulator.web import PAGE_HEADERS, page

MAX_LISTED = 1_000
MAX_FRAMES = 1_000
#: tokens that are named to whoever asks for some to present
TOKENS_SHOWN = 8

__all__ = ["ACTS", "Operation", "operations", "routes"]


class Health(msgspec.Struct):
    """The run is there."""

    status: str


class Ready(msgspec.Struct):
    """Whether every station has booted or has had its time to."""

    ready: bool
    not_booted: int


class RunView(msgspec.Struct):
    """The run. ``phases`` counts stations, ``tokens`` are some that the CSMS is said to accept."""

    version: str
    fleet: str
    target: str
    speed: float
    seconds: float
    ending: bool
    stations: int
    phases: dict[str, int]
    transactions: int
    tokens: list[str]


class Stations(msgspec.Struct):
    """Stations in the order of the fleet; ``total`` is how many match."""

    stations: list[Line]
    total: int


class Acted(msgspec.Struct):
    """What an action changed at once, what the station remarked, and its state after it."""

    changed: list[str]
    remarks: list[str]
    state: State


class Frames(msgspec.Struct):
    """Frames in the exchange format of traces, oldest first."""

    frames: list[dict[str, Any]]


class FaultKind(msgspec.Struct):
    """A fault that can be injected, as ``cpfarm faults list --json`` says it."""

    name: str
    part: str
    summary: str
    component: str
    code: str | None
    blocks: bool
    params: list[dict[str, Any]]
    wire16: str
    wire2x: str
    sound_csms: str


class Faults(msgspec.Struct):
    """Every fault that can be injected."""

    faults: list[FaultKind]


@dataclass(frozen=True)
class Query:
    """A query parameter: its name, its JSON schema, what it means."""

    name: str
    schema: dict[str, Any]
    text: str


@dataclass(frozen=True)
class Operation:
    """One row of the table: a route, and what is said of it in the OpenAPI document.

    ``answer`` is the type of a 200 answer in JSON, or the media type of another one; ``act`` gives the body's model.
    ``refusals`` are the further statuses with their meaning. A ``hidden`` one is not in the document.
    """

    method: str
    path: str
    handler: Callable[[Request], Response | EventStream]
    name: str = ""
    summary: str = ""
    answer: type | str = "text/plain"
    act: Act[Any] | None = None
    query: tuple[Query, ...] = ()
    refusals: dict[int, str] = field(default_factory=dict)
    public: bool = False
    hidden: bool = False


_LAST = Query("last", {"type": "integer", "minimum": 0, "maximum": MAX_FRAMES}, "so many frames that have passed")
_ACTION = Query("action", {"type": "string"}, "only these actions, separated by commas")
_NO_STATION = {404: "no such station; the error names the nearest one"}


class Desk:
    """What the handlers share: the farm, its metrics page, and who is watching frames."""

    def __init__(self, farm: Farm, metrics: MetricsText) -> None:
        self.farm, self._metrics, self._taps = farm, metrics, Taps(farm)

    # -- the run

    def metrics(self, request: Request) -> Response:
        """Prometheus' text."""
        page = self._metrics
        return text_response((page.text or page.render()).decode(), content_type=page.content_type)

    def health(self, request: Request) -> Response:
        """The run is there."""
        return _json(Health("ok"))

    def ready(self, request: Request) -> Response:
        """503 until the fleet has settled."""
        farm = self.farm
        waiting = len(farm.live.seats) - len(farm.booted)
        settled = farm.settled_us is not None
        return _json(Ready(settled, waiting), 200 if settled else 503)

    def run(self, request: Request) -> Response:
        """The run as a whole."""
        farm = self.farm
        return _json(
            RunView(
                version=simulator.__version__,
                fleet=farm.plan.name,
                target=farm.redactor.clean_text(farm.target.fields.url),
                speed=farm.plan.speed,
                seconds=round(farm.clock.real_us() / 1e6, 1),
                ending=farm.ending,
                stations=len(farm.live.seats),
                phases=dict(farm.metrics.stations),
                transactions=farm.metrics.transactions_active,
                tokens=list(farm.tokens[:TOKENS_SHOWN]),
            )
        )

    def faults(self, request: Request) -> Response:
        """What can be injected."""
        return _json({"faults": [FAULTS.get(name).describe() for name in FAULTS]})

    # -- stations

    def stations(self, request: Request) -> Response:
        """A part of the list."""
        limit = int(request.number("limit", 100, 1, MAX_LISTED))
        after = int(request.number("after", 0, 0, 10**7))
        search, phase = request.query.get("search", "").lower(), request.query.get("phase", "")
        farm = self.farm
        if phase and phase not in farm.metrics.stations:
            near = nearest(phase, list(farm.metrics.stations))
            hint = f"did you mean {near!r}?" if near else f"there are {', '.join(farm.metrics.stations)}"
            raise HttpError(400, f"no phase {phase!r}; {hint}")
        seats = farm.live.seats
        if search or phase:
            seats = [
                seat
                for seat in seats
                if (not phase or seat.phase == phase)
                and (search in seat.station.id.lower() or search in seat.station.model.name.lower())
            ]
        epoch_us = farm.clock.epoch_us
        lines = [view.line(seat, farm.rings, epoch_us) for seat in seats[after : after + limit]]
        return _json(Stations(lines, len(seats)))

    def station(self, request: Request) -> Response:
        """One station: everything, or with ``brief`` what moves."""
        seat, farm = self._seat(request), self.farm
        show = view.state if request.flag("brief") else view.full
        return self._private(seat, show(seat, farm.rings, farm.clock.epoch_us, farm.clock.now()))

    def frames(self, request: Request) -> Response:
        """The last frames."""
        seat, actions = self._seat(request), self._actions(request)
        last = int(request.number("last", 50, 0, MAX_FRAMES))
        return _json(Frames(last_frames(self.farm, seat, last, actions)))

    def stream(self, request: Request) -> EventStream:
        """Frames as they pass."""
        seat, actions = self._seat(request), self._actions(request)
        last = int(request.number("last", 0, 0, MAX_FRAMES))
        stream = self._taps.open(seat, last=last, actions=actions)
        if stream is None:
            raise HttpError(503, "too many are watching already")
        return stream

    def act(self, request: Request, what: str) -> Response:
        """Do something to a station."""
        seat, farm = self._seat(request), self.farm
        act = act_of(what)
        wanted = act.read(request.json(), len(seat.station.evses))
        before = self._facts(seat)
        remarks: list[str] = []
        for event in act.inputs(wanted, seat.station):
            remarks += _feed(farm, seat, event)
        changed = view.changes(before, self._facts(seat))
        if not changed:
            active = sorted(active.name for active in seat.station.board.active.values())
            why = f"active faults: {', '.join(active)}" if active else "it is so already"
            raise HttpError(409, "; ".join(remarks) or f"nothing changed ({why})")
        shown = view.state(seat, farm.rings, farm.clock.epoch_us, farm.clock.now())
        return self._private(seat, Acted(changed, remarks, shown))

    def unknown(self, request: Request) -> Response:
        """An action that does not exist."""
        self._seat(request)
        act_of(request.params["what"])
        raise AssertionError("every known action has a route of its own")

    def _facts(self, seat: Seat) -> dict[str, Any]:
        farm = self.farm
        return view.facts(view.state(seat, farm.rings, farm.clock.epoch_us, farm.clock.now()))

    def _private(self, seat: Seat, value: Any) -> Response:
        """An answer about a station, with known secrets replaced, its present password among them."""
        self.farm.redactor.learn(seat.station.settings[PASSWORD], seat.station.id)
        body = self.farm.redactor.clean(msgspec.json.encode(value), seat.station.id)
        return Response(body + b"\n")

    def _seat(self, request: Request) -> Seat:
        station_id = request.params["id"]
        seat = self.farm.by_id.get(station_id)
        if seat is None:
            near = nearest(station_id, list(self.farm.by_id)[:5000])
            raise HttpError(404, f"no station {station_id!r}" + (f"; did you mean {near!r}?" if near else ""))
        return seat

    def _actions(self, request: Request) -> frozenset[str]:
        """The actions asked for; HttpError 400 for one that this station's version does not have."""
        names = [name for name in request.query.get("action", "").split(",") if name]
        codec = self._seat(request).station.dialect.codec
        for name in names:
            if not codec.knows(name):
                near = nearest(name, list(codec.messages.REQUESTS))
                hint = f"; did you mean {near!r}?" if near else ""
                raise HttpError(400, f"no action {name!r} in this version of OCPP{hint}")
        return frozenset(names)


def operations(farm: Farm, metrics: MetricsText) -> list[Operation]:
    """What the port of a running farm offers."""
    desk = Desk(farm, metrics)
    one = "/api/stations/{id}"
    limit = Query("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LISTED}, "so many at most")
    after = Query("after", {"type": "integer", "minimum": 0}, "leave out the first so many")
    search = Query("search", {"type": "string"}, "only ids and profiles that contain this")
    phase = Query("phase", {"type": "string"}, "only stations in this phase")
    brief = Query("brief", {"type": "boolean"}, "without settings, blocks and flash")
    wrong = {400: "wrong input; the error says what, and the nearest right name"}
    rows = [
        Operation("GET", "/metrics", desk.metrics, "metrics", "Prometheus metrics"),
        Operation("GET", "/healthz", desk.health, "health", "The run is there", Health),
        Operation(
            "GET", "/readyz", desk.ready, "ready", "Every station has booted", Ready, refusals={503: "not yet"}
        ),
        Operation("GET", "/api/run", desk.run, "run", "The run as a whole", RunView),
        Operation("GET", "/api/faults", desk.faults, "faults", "Every fault that can be injected", Faults),
        Operation(
            "GET", "/api/stations", desk.stations, "stations", "Stations with state and last message", Stations,
            query=(limit, after, search, phase), refusals=wrong,
        ),
        Operation(
            "GET", one, desk.station, "station", "The state of a station", FullState, query=(brief,),
            refusals=_NO_STATION,
        ),
        Operation(
            "GET", one + "/frames", desk.frames, "frames", "The last frames of a station", Frames,
            query=(_LAST, _ACTION), refusals=wrong | _NO_STATION,
        ),
        Operation(
            "GET", one + "/stream", desk.stream, "stream",
            "Frames of a station as they pass: events frame, lost (a slow reader lost so many), end",
            "text/event-stream", query=(_LAST, _ACTION),
            refusals=wrong | _NO_STATION | {503: "too many are watching already"},
        ),
    ]  # fmt: skip
    refusals = wrong | _NO_STATION | {409: "nothing changed; the error is the station's own remark"}
    for name, act in ACTS.items():
        handler = _acting(desk, name)
        rows.append(Operation("POST", f"{one}/{name}", handler, name, act.summary, Acted, act, refusals=refusals))
    rows.append(Operation("POST", one + "/{what}", desk.unknown, hidden=True))
    rows.append(Operation("GET", "/", lambda request: _page(), "page", "The page", "text/html", public=True))
    described = document(rows)
    rows.append(Operation("GET", "/openapi.json", lambda request: _json(described), hidden=True))
    return rows


def routes(farm: Farm, metrics: MetricsText) -> list[Route]:
    """The routes of a running farm."""
    return [Route(row.method, row.path, row.handler, row.public) for row in operations(farm, metrics)]


def _acting(desk: Desk, name: str) -> Callable[[Request], Response]:
    return lambda request: desk.act(request, name)


def _page() -> Response:
    return Response(page(), content_type="text/html; charset=utf-8", headers=PAGE_HEADERS)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value) + b"\n", status)


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
    """Feed the input; what the station remarked on it."""
    observer = farm.live.observer
    assert observer is not None
    farm.live.observer = ear = _Ear(observer)
    try:
        farm.live.feed(seat, event)
    finally:
        farm.live.observer = observer
    return ear.remarks
