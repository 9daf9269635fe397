"""The HTTP side of the reference CSMS: look at what it knows, send operations, set faults.

===========================================  ========================================================================
``GET /healthz``                             alive, listening or away, how many are connected
``GET /api/stations``                        ``?connected=1&after=ID&limit=1000``
``GET /api/stations/{id}``                   one station with connectors, reports, events, counts
``POST /api/stations/{id}/{Action}``         send that CALL; the body is its payload as on the wire; ``?timeout=30``;
                                             checked against the schema unless ``?raw=1``
``GET /api/transactions``                    ``?station=ID&state=open|closed&after=ROW&limit=1000``
``GET /api/violations``                      ``?station=ID&rule=NAME&limit=1000``; ``DELETE`` forgets them
``GET``, ``PUT /api/faults``                 see :class:`simulator.csms.faults.FaultPlan`; ``{}`` clears
``GET /api/files``                           addresses, login, root and files of the file server; starts it
``PUT /api/files/firmware/{name}``           publish the body as firmware
``GET``, ``PUT /api/files/faults``           see :class:`simulator.csms.files.FileFaults`; ``{}`` clears
``GET``, ``PUT /api/boot``                   ``{"status": "accepted|pending|rejected", "interval": seconds}``
===========================================  ========================================================================

In a payload, ``{files}`` stands for the address of the firmware, ``{uploads}`` for that of the logs with its login;
``{files:https}`` picks another scheme than http.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator import __version__
from simulator.csms import validation
from simulator.csms.faults import FaultPlan
from simulator.csms.files import FIRMWARE, FileFaults, FileServer, NotKept, has_placeholder
from simulator.csms.options import BootWord
from simulator.csms.session import Session, TooManyWaiting
from simulator.csms.stations import Station
from simulator.httpd import HttpError, Request, Response, Route, json_response
from simulator.registry import nearest

if TYPE_CHECKING:
    from simulator.csms.app import ReferenceCsms

PAGE_DEFAULT, PAGE_MAX = 1000, 10_000
TIMEOUT_MAX_S = 300

M = TypeVar("M", bound=BaseModel)


class BootAnswer(BaseModel):
    """What BootNotification is answered from now on; without ``interval`` the option's value holds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    status: BootWord
    interval: Annotated[int, Field(ge=0, le=10_000_000)] | None = None


class Api:
    """The handlers; ``routes`` is what an HttpServer wants."""

    def __init__(self, csms: ReferenceCsms) -> None:
        self._csms = csms
        self.routes = (
            Route("GET", "/healthz", self.health),
            Route("GET", "/api/stations", self.stations),
            Route("GET", "/api/stations/{id}", self.station),
            Route("POST", "/api/stations/{id}/{action}", self.operate),
            Route("GET", "/api/transactions", self.transactions),
            Route("GET", "/api/violations", self.violations),
            Route("DELETE", "/api/violations", self.forget_violations),
            Route("GET", "/api/faults", self.faults),
            Route("PUT", "/api/faults", self.set_faults),
            Route("GET", "/api/files", self.files),
            Route("PUT", "/api/files/firmware/{name}", self.publish),
            Route("GET", "/api/files/faults", self.file_faults),
            Route("PUT", "/api/files/faults", self.set_file_faults),
            Route("GET", "/api/boot", self.boot),
            Route("PUT", "/api/boot", self.set_boot),
        )

    def health(self, request: Request) -> Response:
        """503 when the database does not take what is written."""
        csms = self._csms
        shown = {
            "status": "ok" if not csms.write_errors else "degraded",
            "role": "reference CSMS, a test target",
            "version": __version__,
            "listening": csms.listening,
            "url": csms.url,
            "connected": len(csms.sessions),
            "stations": len(csms.stations),
            "calls": csms.calls,
            "transactions_open": csms.transactions.open_count(),
            "transactions_forgotten": csms.transactions.forgotten,
            "violations": csms.violations.count,
            "write_errors": csms.write_errors,
        }
        return json_response(shown, 503 if csms.write_errors else 200)

    def stations(self, request: Request) -> Response:
        """A page of stations in order of id; ``next`` is the ``after`` of the page that follows."""
        limit = _limit(request)
        connected = request.flag("connected") if "connected" in request.query else None
        page = self._csms.stations.page(request.query.get("after", ""), limit, connected)
        return json_response(
            {
                "stations": [station.summary() for station in page],
                "next": page[-1].id if len(page) == limit else None,
            }
        )

    def station(self, request: Request) -> Response:
        """All about one station."""
        station = self._station(request)
        return json_response(
            {
                **station.detail(),
                "reports": self._csms.stations.reports(station),
                "transactions_open": self._csms.transactions.open_count(station.id),
                "violations": self._csms.violations.of_station(station.id),
            }
        )

    async def operate(self, request: Request) -> Response:
        """Send a CALL and tell what became of it."""
        station, action, payload = self._station(request), request.params["action"], request.json()
        session = self._csms.sessions.get(station.id)
        if session is None:
            raise HttpError(404, f"station {station.id!r} is not connected")
        if has_placeholder(request.body):
            payload = (await self._files()).fill(payload)
        timeout_s = request.number("timeout", self._csms.options.call_timeout_s, 0.1, TIMEOUT_MAX_S)
        if not request.flag("raw"):
            await _check_operation(session, action, payload)
        try:
            outcome = await session.call_station(action, payload, timeout_s)
        except TooManyWaiting as e:
            raise HttpError(429, str(e)) from None
        return json_response(outcome.as_json())

    def transactions(self, request: Request) -> Response:
        """A page of transactions in order of booking; ``next`` is the ``after`` of the page that follows."""
        limit, state = _limit(request), request.query.get("state")
        if state not in (None, "open", "closed"):
            raise HttpError(400, f"state={state!r} is neither open nor closed")
        after = int(request.number("after", 0, 0, 2**53))
        page = self._csms.transactions.page(request.query.get("station"), state, after, limit)
        return json_response({"transactions": page, "next": page[-1]["row"] if len(page) == limit else None})

    def violations(self, request: Request) -> Response:
        """The newest violations that match, and the counts of all."""
        log = self._csms.violations
        found = log.select(request.query.get("station"), request.query.get("rule"), _limit(request))
        return json_response({"count": log.count, "by_rule": dict(log.by_rule), "violations": found})

    def forget_violations(self, request: Request) -> Response:
        """Start counting anew."""
        self._csms.violations.clear()
        return json_response({"count": 0})

    def faults(self, request: Request) -> Response:
        """The plan in force."""
        return json_response(self._csms.faults.model_dump())

    def set_faults(self, request: Request) -> Response:
        """Replace the plan; with ``down_for_s`` the CSMS goes away at once."""
        plan = _parsed(FaultPlan, request)
        self._csms.set_faults(plan)
        return json_response(plan.model_dump())

    async def files(self, request: Request) -> Response:
        """What the file server has and where."""
        return json_response((await self._files()).describe())

    async def publish(self, request: Request) -> Response:
        """Serve the body under this name."""
        files = await self._files()
        try:
            files.store.publish(request.params["name"], request.body)
        except NotKept as no:
            raise HttpError(413 if no.full else 400, str(no)) from None
        shown = next(one for one in files.describe()[FIRMWARE] if one["name"] == request.params["name"])
        return json_response(shown, 201)

    async def file_faults(self, request: Request) -> Response:
        """How the file server fails now."""
        return json_response((await self._files()).store.faults.model_dump())

    async def set_file_faults(self, request: Request) -> Response:
        """Replace it; transfers under way go on as they began."""
        (await self._files()).store.faults = _parsed(FileFaults, request)
        return await self.file_faults(request)

    async def _files(self) -> FileServer:
        try:
            return await self._csms.files()
        except OSError as error:
            raise HttpError(503, f"the file server cannot start: {error}") from None

    def boot(self, request: Request) -> Response:
        """What BootNotification is answered now."""
        return json_response({"status": self._csms.boot_word, "interval": self._csms.boot_interval_s})

    def set_boot(self, request: Request) -> Response:
        """Change it; stations learn it at their next BootNotification."""
        wanted = _parsed(BootAnswer, request)
        self._csms.set_boot(wanted.status, wanted.interval)
        return self.boot(request)

    def _station(self, request: Request) -> Station:
        station_id = request.params["id"]
        station = self._csms.stations.get(station_id)
        if station is None:
            raise HttpError(404, f"no station {station_id!r} was ever here")
        return station


async def _check_operation(session: Session, action: str, payload: Any) -> None:
    """Raise HttpError 400 unless a CSMS may send ``payload`` as ``action`` in the version the station speaks."""
    known = validation.actions(session.version)
    if action not in known:
        near = nearest(action, sorted(known))
        hint = f"; did you mean {near!r}?" if near else ""
        raise HttpError(400, f"OCPP {session.version} has no {action!r}{hint}")
    if action in session.incoming and action != "DataTransfer":
        raise HttpError(400, f"{action} is sent by stations, not to them; ?raw=1 sends it anyway")
    complaint = await validation.check_call(session.version, action, payload)
    if complaint is not None:
        raise HttpError(400, f"{action} {complaint.rule}: {complaint.detail}")


def _limit(request: Request) -> int:
    return int(request.number("limit", PAGE_DEFAULT, 1, PAGE_MAX))


def _parsed(model: type[M], request: Request) -> M:
    request.json()  # says where JSON is broken better than pydantic does
    try:
        return model.model_validate_json(request.body or b"{}")
    except ValidationError as e:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}" for problem in e.errors()
        )
        raise HttpError(400, problems) from None
