"""What a person, or a certification laboratory, may do to a station: each action, its body, the inputs it is.

An action is a pydantic model of its JSON body and a function from that body to inputs of the station; the HTTP routes,
the OpenAPI document, the command line and the page are all made from :data:`ACTS`. What a body gets wrong is told with
the nearest right name before anything is fed. What the station makes of an input is the station's business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from simulator.core import inputs as i
from simulator.core.station import Station
from simulator.errors import AuthorError, UnknownName
from simulator.fleet.fault_params import check_fault
from simulator.httpd import HttpError
from simulator.registry import nearest
from simulator.world.ev import Ev
from simulator.yamlfile import Closed, Document, validate

#: ids of the faults by which mains and network are switched off by hand
MAINS, NETWORK = "mains", "network"
#: kind of network outage -> fault
OUTAGES = {"outage": "modem.outage", "half_open": "modem.half_open"}

Side = Literal["station", "ev", "both"]


class Body(Closed):
    """The body of an action: a JSON object with these keys and no others."""


class EvseBody(Body):
    """One EVSE and, on it, one connector."""

    evse_id: int = Field(default=1, ge=1, le=64, description="the EVSE, from 1")
    connector_id: int = Field(default=1, ge=1, le=1, description="the connector of the EVSE; each EVSE has one")


class Car(Closed):
    """A car as it arrives; powers at the plug."""

    battery_wh: float = Field(default=i.EvSpec().battery_wh, description="capacity in Wh")
    soc: float = Field(default=i.EvSpec().soc, description="state of charge, 0 to 1")
    max_ac_w: float = Field(default=i.EvSpec().max_ac_w, description="largest AC power in W")
    max_dc_w: float = Field(default=i.EvSpec().max_dc_w, description="largest DC power in W")
    phases: int = Field(default=i.EvSpec().phases, description="phases its on-board charger uses, 1 to 3")
    target_soc: float = Field(default=i.EvSpec().target_soc, description="state of charge at which it stops by itself")
    curve: str = Field(default=i.EvSpec().curve, description="name of a charging curve")


class Plug(EvseBody):
    """Plug in."""

    side: Side = Field(
        default="both", description="both ends of the cable, or one after the other: first station, then ev"
    )
    ev: Car = Field(default=Car(), description="the car")


class Unplug(EvseBody):
    """Pull the cable."""

    side: Side = Field(
        default="both", description="both as a driver who leaves does; ev at the car; station at the socket"
    )


class Present(Body):
    """Hold a token to the reader."""

    id_token: str = Field(min_length=1, max_length=255, description="the token")
    type: str = Field(
        default="ISO14443", min_length=1, max_length=20, description="its type, in the words of IdTokenEnumType"
    )
    evse_id: int = Field(default=0, ge=0, le=64, description="the EVSE; 0 lets the station find out which is meant")


class Deauthorise(Body):
    """Take an authorisation back."""

    evse_id: int = Field(default=0, ge=0, le=64, description="the EVSE; 0 means the only one that is authorised")


class Suspend(EvseBody):
    """Suspend or resume energy."""

    side: Literal["ev", "evse"] = Field(default="ev", description="who suspends: the car or the station")


class Boot(Body):
    """Boot."""

    kind: Literal["soft", "hard", "cold"] = Field(
        default="soft", description="cold takes the power away and gives it back"
    )


class Power(Body):
    """Mains power."""

    on: bool = Field(default=True, description="false switches off")
    how: Literal["mains", "switch"] = Field(
        default="mains", description="mains: an outage, after the hold-up time; switch: at once, as by a fuse"
    )


class Network(Body):
    """The network."""

    on: bool = Field(default=True, description="false switches off")
    how: Literal["outage", "half_open"] = Field(
        default="outage", description="outage: no link; half_open: the link looks alive and nothing passes"
    )


class Press(Body):
    """Press a button."""

    button: Literal["stop", "emergency_stop", "emergency_release"] = Field(description="the button")
    evse_id: int = Field(default=0, ge=0, le=64, description="the EVSE of the stop button; 0 is the first")


class Park(Body):
    """A vehicle in the bay."""

    evse_id: int = Field(default=1, ge=1, le=64, description="the EVSE of the bay")
    present: bool = Field(default=True, description="false: it leaves")


class Inject(Body):
    """Begin a fault."""

    fault: str = Field(description="its name; /api/faults lists them")
    id: str | None = Field(
        default=None, min_length=1, max_length=100, description="by which to clear it; else its name"
    )
    evse_id: int = Field(default=0, ge=0, le=64, description="the EVSE; 0 means the station, or every EVSE")
    params: dict[str, Any] = Field(default_factory=dict, max_length=50, description="its parameters")


class Clear(Body):
    """End a fault."""

    id: str = Field(min_length=1, max_length=100, description="the id it was injected with")


B = TypeVar("B", bound=Body)


class Act(Generic[B]):
    """An action: what it does in a few words, how its body looks, which inputs it is.

    ``positional`` is the body's field that a bare word on the command line stands for, ``loose`` the field that takes
    further ``key=value`` pairs.
    """

    def __init__(
        self,
        summary: str,
        model: type[B],
        make: Callable[[B, Station], tuple[i.Input, ...]],
        *,
        positional: str = "",
        loose: str = "",
    ) -> None:
        self.summary, self.model, self._make = summary, model, make
        self.positional, self.loose = positional, loose

    def read(self, body: Any, evses: int) -> B:
        """``body`` checked, for a station of so many EVSEs. Raises HttpError 400 that says what is wrong."""
        if not isinstance(body, dict):
            raise HttpError(400, "the body is a JSON object")
        try:
            wanted = validate(Document(body, "", {}), self.model)
            evse_id = getattr(wanted, "evse_id", 0)
            if evse_id > evses:
                raise AuthorError(f"no EVSE {evse_id}; this station has 1 to {evses}", field="evse_id")
            if isinstance(wanted, Plug):
                Ev(_car(wanted))
            elif isinstance(wanted, Inject):
                check_fault(wanted.fault, wanted.params)
        except (AuthorError, UnknownName) as error:
            raise HttpError(400, "; ".join(line.removeprefix(": ") for line in str(error).splitlines())) from None
        return wanted

    def inputs(self, wanted: B, station: Station) -> tuple[i.Input, ...]:
        """The inputs that ``wanted`` asks for. Raises HttpError 409 when there is nothing to do it to."""
        return self._make(wanted, station)


def _car(body: Plug) -> i.EvSpec:
    return i.EvSpec(**body.ev.model_dump())


def _deauthorise(body: Deauthorise, station: Station) -> tuple[i.Input, ...]:
    """As its holder does it: the token is held to the reader once more (C01, 1.6 4.10)."""
    held = [evse for evse in station.evses if evse.grant is not None and body.evse_id in (0, evse.evse_id)]
    if not held:
        where = f"EVSE {body.evse_id}" if body.evse_id else "this station"
        raise HttpError(409, f"nobody is authorised at {where}")
    if len(held) > 1:
        raise HttpError(409, f"EVSE {' and '.join(str(evse.evse_id) for evse in held)} are authorised; say which")
    grant = held[0].grant
    assert grant is not None
    return (i.Present(grant.id_token, held[0].evse_id, grant.token_type),)


def _suspend(ready: bool) -> Callable[[Suspend, Station], tuple[i.Input, ...]]:
    def make(body: Suspend, station: Station) -> tuple[i.Input, ...]:
        kind = i.EvReady if body.side == "ev" else i.EvseReady
        return (kind(body.evse_id, ready),)

    return make


def _boot(body: Boot, station: Station) -> tuple[i.Input, ...]:
    if body.kind == "cold":
        if not station.powered:
            raise HttpError(409, "the station has no power; switch it on")
        return i.PowerOff(), i.PowerOn()
    if not station.running:
        raise HttpError(409, "the station's software does not run; it is off or booting")
    return (i.Perform("reboot", {"reason": "Triggered", "kind": body.kind}),)


def _power(body: Power, station: Station) -> tuple[i.Input, ...]:
    out = MAINS in station.board.active
    if body.how == "switch":
        return (i.PowerOn() if body.on else i.PowerOff(),)
    if body.on:  # whichever way it was switched off
        cleared = (i.Clear(MAINS),) if out else ()
        return cleared if station.switched_on else (*cleared, i.PowerOn())
    if out:
        raise HttpError(409, "the mains power is off already")
    return (i.Inject(MAINS, "supply.mains_outage"),)


def _network(body: Network, station: Station) -> tuple[i.Input, ...]:
    out = NETWORK in station.board.active
    if body.on == (not out):
        raise HttpError(409, f"the network is {'on' if body.on else 'off'} already")
    return (i.Clear(NETWORK) if body.on else i.Inject(NETWORK, OUTAGES[body.how]),)


ACTS: dict[str, Act[Any]] = {
    "plug": Act(
        "Plug in at an EVSE: both ends of the cable, or one",
        Plug,
        lambda body, station: (i.Plug(body.evse_id, _car(body), body.connector_id, body.side),),
        positional="side",
        loose="ev",
    ),
    "unplug": Act(
        "Pull the cable: at the car, at the socket, or both",
        Unplug,
        lambda body, station: (i.Unplug(body.evse_id, body.side),),
        positional="side",
    ),
    "present": Act(
        "Hold a token to the reader",
        Present,
        lambda body, station: (i.Present(body.id_token, body.evse_id, body.type),),
        positional="id_token",
    ),
    "deauthorise": Act(
        "End an authorisation as its holder does: with the same token", Deauthorise, _deauthorise, positional="evse_id"
    ),
    "suspend": Act("Suspend energy, by the car or by the station", Suspend, _suspend(False), positional="side"),
    "resume": Act("Let energy flow again, by the car or by the station", Suspend, _suspend(True), positional="side"),
    "boot": Act("Restart: the software, or with a power cycle", Boot, _boot, positional="kind"),
    "power": Act("Switch mains power off and on", Power, _power, positional="on"),
    "network": Act("Switch the network off and on", Network, _network, positional="on"),
    "press": Act(
        "Press a button",
        Press,
        lambda body, station: (i.Press(body.button, body.evse_id),),
        positional="button",
    ),
    "park": Act(
        "A vehicle enters or leaves a bay with a sensor",
        Park,
        lambda body, station: (i.Park(body.evse_id, body.present),),
        positional="present",
    ),
    "inject": Act(
        "Begin a fault",
        Inject,
        lambda body, station: (i.Inject(body.id or body.fault, body.fault, body.evse_id, body.params),),
        positional="fault",
        loose="params",
    ),
    "clear": Act("End a fault", Clear, lambda body, station: (i.Clear(body.id),), positional="id"),
}


def act_of(name: str) -> Act[Any]:
    """The action of that name; HttpError 404 with the nearest one."""
    found = ACTS.get(name)
    if found is None:
        near = nearest(name, list(ACTS))
        raise HttpError(404, f"unknown action {name!r}" + (f"; did you mean {near!r}?" if near else ""))
    return found
