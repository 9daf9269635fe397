"""What a step function gets into its hands: stations to act on, time to wait, variables, further steps to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from simulator.core import inputs as i
from simulator.core.wall import format_wall
from simulator.scenario.match import find
from simulator.scenario.player import INCONCLUSIVE, Feed, Judged, Player, StepFailed, Told
from simulator.scenario.seat import Heard, Seat
from simulator.scenario.step import REFERENCE, STEPS, Course, Item, Wait, shared, strict_model
from simulator.yamlfile import Loc
from simulator.yamltypes import parse_duration


@dataclass(frozen=True, slots=True)
class Play:
    """What a step function gets: the player, the stations it is for, and the variables of loops around it."""

    player: Player
    seats: tuple[Seat, ...]
    local: tuple[tuple[str, Any], ...] = ()
    #: where the present step stands in the file
    loc: Loc = ()

    @property
    def now(self) -> int:
        """Microseconds since the stations were switched on."""
        return self.player.now

    # -- doing

    def feed(self, seat: Seat, *events: i.Input) -> Course:
        """Feed inputs to a station; goes on when they have been carried out."""
        seat.remarks.clear()
        for event in events:
            self.player.want(Feed(seat, event))
        yield Wait()

    def patient(self, within_us: int) -> int:
        """How long to wait for what must come: stations that live faster than real time have a CSMS that does not."""
        return within_us + self.player.slack_us

    def until(self, test: Callable[[], bool], within_us: int) -> Course:
        """Wait until something holds, at most so long; ask it again to know."""
        if not test():
            yield Wait(self.now + within_us, test)

    def steps(self, items: Sequence[Item], loc: Loc) -> Course:
        """One after the other."""
        for index, item in enumerate(items):
            yield from self.one(item, (*loc, index))

    def inner(self, items: Sequence[Item]) -> Course:
        """The steps that the present step holds under ``steps``."""
        yield from self.steps(items, (*self.loc, "steps"))

    def one(self, item: Item, loc: Loc) -> Course:
        """One step, at each station it is for."""
        player, found = self.player, STEPS.get(item.name)
        if item.ocpp and player.version not in item.ocpp:
            return
        try:
            seats = self.addressed(item.at) if item.at is not None else self.seats
            here = Play(player, seats, self.local, (*loc, item.name))
            if not found.per_seat:
                here.note(item, None)
                yield from found.function(here, **here.arguments(item, None))
                return
            if len(here.seats) == 1:
                yield from here.alone(item, here.seats[0])
                return
            fibres = [player.spawn(here.alone(item, seat)) for seat in here.seats]
            yield Wait(test=lambda: all(fibre.done for fibre in fibres))
        except StepFailed as failed:
            player.fail(failed, item, (*loc, item.name))

    def alone(self, item: Item, seat: Seat) -> Course:
        """A step at one station."""
        here = Play(self.player, (seat,), self.local, self.loc)
        here.note(item, seat)
        try:
            yield from STEPS.get(item.name).function(here, seat, **here.arguments(item, seat))
        except StepFailed as failed:
            self.player.fail(failed, item, self.loc)

    def note(self, item: Item, seat: Seat | None) -> None:
        """The step is begun: into the story."""
        place = self.player.document.line_of(self.loc)
        station = seat.id if seat is not None else ""
        self.player.tell(Told(self.now, item.name, place, station, item.because or ""))

    def judged(self, seat: Seat, heard: Heard, wanted: Any, paths: Mapping[str, str | tuple[str, ...]]) -> None:
        """The present step has found the message it is about."""
        self.player.note_judged(Judged(self.player.document.line_of(self.loc), seat, heard, wanted, paths))

    def addressed(self, at: str) -> tuple[Seat, ...]:
        """The stations that ``at`` names, among all of the scenario."""
        player = self.player
        share, group = shared(str(self.fill(at, None)))
        found = [seat for seat in player.seats if group in ("all", seat.group, str(seat.index + 1), seat.id)]
        if not found:
            raise StepFailed(INCONCLUSIVE, f"there is no station {group!r}")
        if share is not None:
            drawn = sorted(found, key=lambda seat: (player.draw(), seat.index))
            found = sorted(drawn[: max(1, round(share * len(found)))], key=lambda seat: seat.index)
        return tuple(found)

    def bound(self, name: str, value: Any) -> Play:
        """The same with one more variable."""
        return Play(self.player, self.seats, (*self.local, (name, value)), self.loc)

    # -- variables

    def arguments(self, item: Item, seat: Seat | None) -> dict[str, Any]:
        """The parameters of a step with its variables filled in, judged again if there were any."""
        body = item.body
        given = {name: getattr(body, name) for name in type(body).model_fields}
        late = {
            name: self.fill(value, seat)
            for name, value in given.items()
            if isinstance(value, str) and REFERENCE.search(value)
        }
        if late:
            keys = {name: info.alias or name for name, info in type(body).model_fields.items()}
            try:
                judged = strict_model(item.name).model_validate(
                    {keys[name]: v for name, v in late.items()}
                    | {keys[name]: given[name] for name in given if name not in late and _required(body, name)}
                )
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                place = ".".join(str(part) for part in first["loc"])
                text = f"{place}: {first['msg'].removeprefix('Value error, ')}"
                raise StepFailed(INCONCLUSIVE, f"a variable has a value that does not fit: {text}", seat) from None
            given |= {name: getattr(judged, name) for name in late}
        return given

    def fill(self, value: Any, seat: Seat | None) -> Any:
        """A value with every ``$name`` in it replaced. Raises StepFailed for one that has no value yet."""
        if isinstance(value, Mapping):
            return {key: self.fill(inner, seat) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(inner, seat) for inner in value]
        if not isinstance(value, str):
            return value
        whole = REFERENCE.fullmatch(value)
        if whole is not None:
            return self.value(_name(whole), seat)
        return REFERENCE.sub(lambda found: str(self.value(_name(found), seat)), value)

    def value(self, name: str, seat: Seat | None) -> Any:
        """The value of a variable."""
        player = self.player
        head, _, rest = name.partition(".")
        for known, value in reversed(self.local):
            if known == head:
                return _inside(value, rest, name)
        for owner in (seat.index if seat is not None else None, None):
            if (owner, head) in player.variables:
                return _inside(player.variables[owner, head], rest, name)
        for clock, passed_us in (("now", self.now), ("real", int(self.now / player.speed))):
            if name.replace(" ", "").startswith(clock):
                return format_wall(player.epoch_us + passed_us + _offset(name, clock))
        if seat is not None:
            if head == "station":
                return seat.id
            if head == "token":
                return player.token(rest or "valid", seat)
            if head == "transaction":
                given = seat.names.get(seat.last_key, "")
                return int(given) if given.isdigit() else given or seat.last_key or _unset(name, seat)
        return _unset(name, seat)

    def save(self, name: str, value: Any, seat: Seat | None) -> None:
        """Remember a value, for this station."""
        self.player.variables[seat.index if seat is not None else None, name] = value


def _required(body: Any, name: str) -> bool:
    return bool(type(body).model_fields[name].is_required())


def _name(found: Any) -> str:
    return str(found["long"] if found["long"] is not None else found["short"]).strip()


def _inside(value: Any, rest: str, name: str) -> Any:
    if not rest:
        return value
    found = find(value, rest)
    return found[0] if found else _unset(name, None)


def _unset(name: str, seat: Seat | None) -> Any:
    raise StepFailed(INCONCLUSIVE, f"${name} has no value yet", seat)


def _offset(name: str, clock: str) -> int:
    text = name.replace(" ", "").removeprefix(clock)
    if not text:
        return 0
    if text[0] not in "+-":
        raise StepFailed(INCONCLUSIVE, f"${{{name}}} is not {clock} + a duration")
    try:
        return parse_duration(text[1:]) * (1 if text[0] == "+" else -1)
    except ValueError as error:
        raise StepFailed(INCONCLUSIVE, f"${{{name}}}: {error}") from None
