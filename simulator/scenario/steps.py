"""The steps of a scenario that do something, and those that hold further steps. Expectations are in ``expecting.py``.

To add one, write a function here: its name in YAML stands in ``@step``, its parameters are the keys, its docstring is
the documentation (``cpfarm scenario schema`` and ``cpfarm scenario steps`` show both), and its first parameter is what
a bare value stands for. See :mod:`simulator.scenario.step` for the rules and :class:`~simulator.scenario.play.Play` for
what it can do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from simulator.core import inputs as i
from simulator.errors import UnknownName
from simulator.fleet.acts import Car, Side, act_of
from simulator.httpd import HttpError
from simulator.profile.checks import setting_value
from simulator.scenario.player import INCONCLUSIVE, Register, StepFailed
from simulator.scenario.step import Course, Steps, Wait, step
from simulator.world.driver import HABITS, DriverPlan
from simulator.yamltypes import DurationUs

if TYPE_CHECKING:
    from simulator.scenario.play import Play
    from simulator.scenario.seat import Seat

#: an EVSE, from 1
EvseId = Annotated[int, Field(ge=1, le=64, description="the EVSE, from 1")]
#: an EVSE, or 0 for the station as a whole
AnyEvse = Annotated[int, Field(ge=0, le=64, description="the EVSE; 0 is the station, or whichever is meant")]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Role = Annotated[str, Field(min_length=1, max_length=60, description="role of a token: valid, valid2, blocked, ...")]
MAX_TIMES = 10_000
#: a status of an EVSE, in the words of 1.6 (4.9)
Status = Literal[
    "Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved", "Unavailable",
    "Faulted",
]  # fmt: skip
#: what drivers do; see :mod:`simulator.world.driver`
Habits = Literal["home", "workplace", "public_ac", "dc_hub", "steady"]
ANY_CAR = Car()
#: no fields, arguments or parameters
NOTHING: dict[str, Any] = {}


def _on(value: Any) -> Any:
    """``on`` and ``off`` as words, as people write them."""
    return {"on": True, "off": False}.get(value, value) if isinstance(value, str) else value


OnOff = Annotated[
    bool, BeforeValidator(_on), WithJsonSchema({"enum": [True, False, "on", "off"]}), Field(description="on or off")
]


def do(play: Play, seat: Seat, name: str, **body: Any) -> Course:
    """Carry out an action of :mod:`simulator.fleet.acts`."""
    act = act_of(name)
    try:
        events = act.inputs(act.read(body, len(seat.station.evses)), seat.station)
    except HttpError as error:
        raise StepFailed(INCONCLUSIVE, f"it cannot be done: {error.message}", seat) from None
    yield from play.feed(seat, *events)


# --- what people do --------------------------------------------------------------------------------------------------


@step("plug")
def plug(play: Play, seat: Seat, evse: EvseId = 1, side: Side = "both", car: Car = ANY_CAR) -> Course:
    """Plug a car in: both ends of the cable, or first the station's and then the car's."""
    yield from do(play, seat, "plug", evse_id=evse, side=side, ev=car.model_dump())


@step("unplug")
def unplug(play: Play, seat: Seat, evse: EvseId = 1, side: Side = "both") -> Course:
    """Pull the cable: at both ends as a driver who leaves does, or at one of them."""
    yield from do(play, seat, "unplug", evse_id=evse, side=side)


@step("present")
def present(play: Play, seat: Seat, token: Role = "valid", evse: AnyEvse = 0) -> Course:
    """Hold a token to the reader, named by its role in the target."""
    yield from do(play, seat, "present", id_token=play.player.token(token, seat), evse_id=evse)


@step("suspend")
def suspend(play: Play, seat: Seat, side: Literal["ev", "evse"] = "ev", evse: EvseId = 1) -> Course:
    """The car, or the station, stops the flow of energy for a while."""
    yield from do(play, seat, "suspend", side=side, evse_id=evse)


@step("resume")
def resume(play: Play, seat: Seat, side: Literal["ev", "evse"] = "ev", evse: EvseId = 1) -> Course:
    """The car, or the station, lets energy flow again."""
    yield from do(play, seat, "resume", side=side, evse_id=evse)


@step("press")
def press(
    play: Play,
    seat: Seat,
    button: Literal["stop", "emergency_stop", "emergency_release"],
    evse: AnyEvse = 0,
) -> Course:
    """Press a button of the station."""
    yield from do(play, seat, "press", button=button, evse_id=evse)


@step("park")
def park(play: Play, seat: Seat, present: bool = True, evse: EvseId = 1) -> Course:
    """A vehicle enters the bay, or leaves it; only a station with a bay sensor sees that."""
    yield from do(play, seat, "park", evse_id=evse, present=present)


@step("drivers")
def drivers(
    play: Play,
    seat: Seat,
    habit: Annotated[Habits, Field(description="who comes: home, workplace, public_ac, dc_hub, steady")],
    lasting: Annotated[DurationUs, Field(alias="for", description="nobody new comes after so long")],
) -> Course:
    """Drivers come and go at every EVSE by a habit; goes on when the last one has left."""
    end_us = play.now + lasting
    tokens = tuple(play.player.tokens.get("valid", ()))
    if not tokens:
        raise StepFailed(INCONCLUSIVE, "the target has no token for the role 'valid'", seat)
    plans = [
        DriverPlan(seat.station.rng, HABITS.get(habit), evse.evse_id, tokens, dc=evse.is_dc)
        for evse in seat.station.model.evses
    ]
    fibres = [play.player.spawn(_visits(play, seat, plan, end_us)) for plan in plans]
    yield Wait(test=lambda: all(fibre.done for fibre in fibres))


def _visits(play: Play, seat: Seat, plan: DriverPlan, end_us: int) -> Course:
    start_us = play.now
    while start_us < end_us:
        acts, over_us = plan.next(start_us, play.player.epoch_us + start_us)
        if acts and acts[0][0] >= end_us:
            return
        for at_us, event in acts:
            if at_us > play.now:
                yield Wait(at_us)
            yield from play.feed(seat, i.Unplug(event.evse_id, "both") if isinstance(event, i.Unplug) else event)
        start_us = max(over_us, play.now)


# --- what happens to the station -------------------------------------------------------------------------------------


@step("network")
def network(play: Play, seat: Seat, on: OnOff = True, how: Literal["outage", "half_open"] = "outage") -> Course:
    """Switch the station's network off or on. half_open: the link looks alive and nothing passes."""
    yield from do(play, seat, "network", on=on, how=how)


@step("power")
def power(play: Play, seat: Seat, on: OnOff = True, how: Literal["mains", "switch"] = "mains") -> Course:
    """Switch the mains power off or on; switch: at once, as by a fuse, without the hold-up time."""
    yield from do(play, seat, "power", on=on, how=how)


@step("boot")
def boot(play: Play, seat: Seat, kind: Literal["soft", "hard", "cold"] = "soft") -> Course:
    """Restart the station: its software, or (cold) by taking the power away and giving it back."""
    yield from do(play, seat, "boot", kind=kind)


@step("inject")
def inject(
    play: Play,
    seat: Seat,
    fault: Name,
    name: Annotated[Name | None, Field(description="by which to clear it; else the fault's own")] = None,
    evse: AnyEvse = 0,
    params: Annotated[dict[str, Any], Field(max_length=50)] = NOTHING,
    lasting: Annotated[DurationUs | None, Field(alias="for", description="it ends by itself after so long")] = None,
) -> Course:
    """Begin a fault; ``cpfarm faults list`` names them. It lasts until it is cleared, or ``for`` a time."""
    fault_id = name or fault
    yield from do(play, seat, "inject", fault=fault, id=fault_id, evse_id=evse, params=play.fill(params, seat))
    if lasting is not None:
        play.player.spawn(_clear_later(play, seat, fault_id, lasting))


def _clear_later(play: Play, seat: Seat, fault_id: str, after_us: int) -> Course:
    yield Wait(play.now + after_us)
    if fault_id in seat.station.board.active:
        yield from do(play, seat, "clear", id=fault_id)


@step("clear")
def clear(play: Play, seat: Seat, fault: Name) -> Course:
    """End a fault, by the name it was begun with."""
    if fault not in seat.station.board.active:
        raise StepFailed(INCONCLUSIVE, f"no fault {fault!r} is active", seat)
    yield from do(play, seat, "clear", id=fault)


@step("set")
def set_(play: Play, seat: Seat, settings: Annotated[dict[str, Any], Field(min_length=1, max_length=100)]) -> Course:
    """The installer changes settings at the station itself, by either name: ``set: {HeartbeatInterval: 60}``."""
    for name, value in play.fill(settings, seat).items():
        try:
            stored = setting_value(name, value)
        except (UnknownName, ValueError) as error:
            raise StepFailed(INCONCLUSIVE, f"it cannot be set: {name}: {error}", seat) from None
        yield from play.feed(seat, i.Perform("set", {"name": name, "value": stored}))
        if seat.remarks:
            raise StepFailed(INCONCLUSIVE, "; ".join(seat.remarks), seat)


@step("data transfer")
def data_transfer(
    play: Play,
    seat: Seat,
    vendor: Annotated[str, Field(min_length=1, max_length=255, description="whose message it is")],
    message: Annotated[str | None, Field(max_length=50, description="which one of the vendor's")] = None,
    data: Annotated[str | None, Field(max_length=4_000)] = None,
) -> Course:
    """The station sends a message of a vendor: ``data transfer: {vendor: org.example, message: hello, data: text}``."""
    args = {"vendor_id": play.fill(vendor, seat), "message_id": message, "data": data}
    yield from play.feed(seat, i.Perform("data_transfer", args))


@step("registration")
def registration(play: Play, seat: Seat, status: Literal["Accepted", "Pending", "Rejected"]) -> Course:
    """The CSMS's operator accepts the station, lets it wait, or rejects it, from its next BootNotification on."""
    play.player.want(Register(seat, status))
    yield Wait()


# --- time and order --------------------------------------------------------------------------------------------------


@step("wait")
def wait(play: Play, time: DurationUs) -> Course:
    """Let time pass."""
    yield Wait(play.now + time)


@step("repeat")
def repeat(
    play: Play,
    times: Annotated[int, Field(ge=1, le=MAX_TIMES)],
    steps: Steps,
    every: Annotated[DurationUs | None, Field(description="from one beginning to the next")] = None,
    until: Annotated[Status | None, Field(description="not again once an EVSE has this status")] = None,
    counter: Annotated[Name, Field(alias="as", description="a variable that counts from 1")] = "n",
) -> Course:
    """Do the same steps several times, one after the other."""
    for number in range(1, times + 1):
        if until is not None and any(evse.status == until for seat in play.seats for evse in seat.station.evses):
            return
        began_us = play.now
        yield from play.bound(counter, number).inner(steps)
        if every is not None and play.now < began_us + every and number < times:
            yield Wait(began_us + every)


@step("each")
def each(
    play: Play,
    values: Annotated[list[Any], Field(alias="of", min_length=1, max_length=1_000)],
    steps: Steps,
    name: Annotated[Name, Field(alias="as", description="the variable that holds the value")] = "each",
) -> Course:
    """Do the same steps for each of some values, one after the other."""
    for value in play.fill(values, None):
        yield from play.bound(name, value).inner(steps)


@step("parallel")
def parallel(play: Play, steps: Steps) -> Course:
    """Do all of these steps at the same time; goes on when all of them are done. ``together`` makes one of several."""
    fibres = [play.player.spawn(play.one(item, (*play.loc, "steps", n))) for n, item in enumerate(steps)]
    yield Wait(test=lambda: all(fibre.done for fibre in fibres))


@step("together")
def together(play: Play, steps: Steps) -> Course:
    """Steps that belong together, one after the other; ``at``, ``ocpp`` and ``because`` count for all of them."""
    yield from play.inner(steps)
