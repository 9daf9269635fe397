"""The player: scenario steps against stations, sans-IO.

Theory. A driver (``memory.py``, ``live.py``) owns time, stations and the network. It tells the player what it saw
(:meth:`Seat.hear`, :meth:`Seat.recorded`), gives it the turn (:meth:`Player.turn`), carries out what the player then
wants (:meth:`Player.take`: inputs for stations, operations for the CSMS), and comes back at :meth:`Player.deadline` or
when something happened. Every list of steps is a *fibre*, a generator that yields what it waits for; ``parallel`` and
steps for many stations are fibres that wait for fibres. There is no clock, socket, thread or random number in here.

What an expectation looks at. The frames of each station are numbered. An act of the scenario (plug, present, operator,
...) opens a *window* unless nothing was expected since the last one: acts in a row share a window. An expectation looks
at the frames of the window that no other expectation has taken, then waits. So the order of messages within a window
does not matter, each message serves one expectation, and nothing from before can be mistaken for the answer to
something done now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.core import inputs as i
from simulator.core.rng import draw, seed_of
from simulator.scenario.seat import Heard, Seat
from simulator.scenario.step import Course, Item, Wait
from simulator.yamlfile import Document, Loc, field_path

FAIL, INCONCLUSIVE = "FAIL", "INCONCLUSIVE"
#: fibres of one scenario, and turns in which nothing happens but turns
MAX_FIBRES, MAX_TURNS = 5_000, 100_000
#: steps that are remembered for the report
MAX_STORY = 20_000


@dataclass(frozen=True, slots=True)
class Feed:
    """The driver is to feed an input to a station."""

    seat: Seat
    event: i.Input


@dataclass(frozen=True, slots=True)
class Operate:
    """The driver is to have the CSMS's operator ask for an action, and to call ``refused`` if the API says no."""

    seat: Seat
    action: str
    payload: Mapping[str, Any]
    refused: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Register:
    """The driver is to have the CSMS answer the BootNotification of a station so from now on."""

    seat: Seat
    status: str


Wanted = Feed | Operate | Register


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a scenario ended early: verdict, one sentence, where it stands in the file, frames around it."""

    verdict: str
    sentence: str
    step: str
    line: int
    because: str = ""
    station: str = ""
    frames: tuple[str, ...] = ()


class StepFailed(Exception):
    """A step does not hold. ``frame`` is the offending one."""

    def __init__(self, verdict: str, sentence: str, seat: Seat | None = None, frame: Heard | None = None) -> None:
        super().__init__(sentence)
        self.verdict, self.sentence, self.seat, self.frame = verdict, sentence, seat, frame


@dataclass(slots=True, eq=False)
class Fibre:
    """A course under way."""

    course: Course
    wait: Wait = field(default_factory=Wait)
    done: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What an expectation of an answer, or an operation, has looked at: where it stands in the file, the message, and
    what its answer was to hold (None: nothing). ``paths``: where the fields of an answer are, by their names."""

    line: int
    seat: Seat
    heard: Heard
    wanted: Any
    paths: Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Told:
    """A step as it went: seconds since the beginning, which one, at which station, what came of it."""

    began_us: int
    step: str
    line: int
    station: str
    because: str
    note: str = ""


class Player:
    """The steps of one scenario over its stations. ``tokens`` by role; ``variables`` of the file; ``slack_us`` is what
    everything awaited may take beyond its time; ``speed`` how much faster than real time the stations live."""

    def __init__(
        self,
        document: Document,
        seats: Sequence[Seat],
        *,
        seed: int,
        epoch_us: int,
        tokens: Mapping[str, Sequence[str]],
        variables: Mapping[str, Any],
        version: str,
        slack_us: int = 0,
        speed: float = 1.0,
    ) -> None:
        self.document, self.seats, self.seed, self.epoch_us = document, list(seats), seed, epoch_us
        self.tokens, self.version, self.slack_us, self.speed = tokens, version, slack_us, speed
        self.variables: dict[tuple[int | None, str], Any] = {(None, name): v for name, v in variables.items()}
        self.now = 0
        self.began_us = 0
        self.failure: Failure | None = None
        self.story: list[Told] = []
        self.judged: list[Judged] = []
        self._wanted: list[Wanted] = []
        self._fibres: list[Fibre] = []
        self._draws = 0

    # -- the driver's side

    def begin(self, items: Sequence[Item], now: int) -> None:
        """Start the steps."""
        self.now = self.began_us = now
        for seat in self.seats:
            seat.opened = seat.count
        from simulator.scenario.play import Play  # it needs to know the player

        self.spawn(Play(self, tuple(self.seats)).steps(items, ("steps",)))

    @property
    def done(self) -> bool:
        """Is everything over, or has something failed?"""
        return self.failure is not None or all(fibre.done for fibre in self._fibres)

    def tell(self, what: Told) -> None:
        """A step has begun."""
        if len(self.story) < MAX_STORY:
            self.story.append(what)

    def note_judged(self, judged: Judged) -> None:
        """An expectation has found what it looks at."""
        if len(self.judged) < MAX_STORY:
            self.judged.append(judged)

    def turn(self, now: int) -> None:
        """Go on as far as possible; ask :meth:`take` afterwards."""
        self.now = now
        for _ in range(MAX_TURNS):
            ready = [fibre for fibre in self._fibres if not fibre.done and self._ready(fibre)]
            if not ready or self.failure is not None:
                return
            for fibre in ready:
                self._resume(fibre)
            self._fibres = [fibre for fibre in self._fibres if not fibre.done]
            if self._wanted:
                return
        raise AssertionError(f"the scenario turned {MAX_TURNS} times without waiting for anything")

    def take(self) -> list[Wanted]:
        """What is to be carried out now; give the turn again afterwards."""
        wanted, self._wanted = self._wanted, []
        return wanted

    @property
    def deadline(self) -> int | None:
        """When the player wants its turn even if nothing happens."""
        if self.done:
            return None
        return min((f.wait.until_us for f in self._fibres if f.wait.until_us is not None), default=None)

    # -- fibres

    def spawn(self, course: Course) -> Fibre:
        """One more course beside the others."""
        assert len(self._fibres) < MAX_FIBRES, f"more than {MAX_FIBRES} things at once"
        fibre = Fibre(course)
        self._fibres.append(fibre)
        return fibre

    def _ready(self, fibre: Fibre) -> bool:
        wait = fibre.wait
        if wait.test is not None and wait.test():
            return True
        if wait.until_us is not None:
            return self.now >= wait.until_us
        return wait.test is None

    def _resume(self, fibre: Fibre) -> None:
        try:
            fibre.wait = next(fibre.course)
        except StopIteration:
            fibre.done = True
        except StepFailed as failed:  # outside of any step
            self.fail(failed, None, ("steps",))
            fibre.done = True

    def fail(self, failed: StepFailed, item: Item | None, loc: Loc) -> None:
        """The first failure ends the scenario."""
        if self.failure is not None:
            return
        seat = failed.seat
        frames = seat.around(failed.frame) if seat is not None else []
        where = field_path(loc) + (f" {item.name}" if item is not None and item.name != loc[-1] else "")
        self.failure = Failure(
            failed.verdict,
            seat.redactor.clean_text(failed.sentence, seat.id) if seat is not None else failed.sentence,
            where,
            self.document.line_of(loc),
            (item.because or "") if item is not None else "",
            seat.id if seat is not None else "",
            tuple(frames),
        )

    # -- what steps need

    def want(self, what: Wanted) -> None:
        """The driver is to carry this out before the player goes on."""
        what.seat.acted()
        self._wanted.append(what)

    def draw(self) -> float:
        """A number from 0 to 1, the next of the scenario's own stream."""
        self._draws += 1
        return draw(seed_of(self.seed, "scenario"), "choice", self._draws) / 2.0**64

    def token(self, role: str, seat: Seat) -> str:
        """The token of a role: of several ``valid`` ones each station has its own; ``valid3`` is the third."""
        name = role.rstrip("0123456789")
        if role in self.tokens:
            found = self.tokens[role]
            return found[seat.index % len(found)] if role == "valid" else found[0]
        number = int(role[len(name) :] or 1)
        found = self.tokens.get(name, ())
        if len(found) < number:
            raise StepFailed(INCONCLUSIVE, f"the target has no token for the role {role!r}", seat)
        return found[number - 1]
