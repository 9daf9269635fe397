"""The steps that look: ``expect``, ``wait for``, ``operator``.

``expect`` judges: what does not hold is a FAIL. ``wait for`` only gets somewhere: what never comes is INCONCLUSIVE,
because then there was nothing to judge. ``operator`` has the CSMS do something and judges by the wire alone whether it
did.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from simulator.core.settings import Setting
from simulator.profile.checks import find_setting, setting_value
from simulator.scenario import words
from simulator.scenario.match import ABSENT, find, holds, shown
from simulator.scenario.player import FAIL, INCONCLUSIVE, Operate, StepFailed
from simulator.scenario.seat import Heard, Seat
from simulator.scenario.step import Course, Wait, step
from simulator.scenario.steps import NOTHING, AnyEvse, Name, Status
from simulator.scenario.words import MESSAGES, VERBS, Form
from simulator.wire.rpc import CALL, ERROR
from simulator.yamlfile import hint
from simulator.yamltypes import DurationUs, Texts, format_duration

if TYPE_CHECKING:
    from simulator.scenario.play import Play

DEFAULT_WITHIN_US = 30_000_000
DEFAULT_WAIT_US = 120_000_000
#: what a station can be waited for to be
STATES: dict[str, Callable[[Seat], bool]] = {
    "online": lambda seat: seat.station.link.is_up and seat.station.gate == "accepted",
    "offline": lambda seat: not seat.station.link.is_up,
    "refused": lambda seat: bool(seat.refused) and not seat.station.link.is_up,
    "off": lambda seat: not seat.station.running,
    "in a transaction": lambda seat: any(evse.tx is not None for evse in seat.station.evses),
    "in no transaction": lambda seat: all(evse.tx is None for evse in seat.station.evses),
    "delivered": lambda seat: seat.station.outbox.waiting() == 0,
}

Within = Annotated[DurationUs, Field(gt=0, description="how long to wait for it")]
Matchers = Annotated[dict[str, Any], Field(max_length=50, description="fields and what they must be")]
Saved = Annotated[dict[Name, str], Field(max_length=50, description="variable: field of the message, or answer.field")]


def _answer(value: Any) -> Any:
    """``answer: Accepted`` is ``answer: {status: Accepted}``, and so is a list of statuses of which one must do."""
    if isinstance(value, list) or (isinstance(value, str) and value not in ("any", "error", "none")):
        return {"status": value}
    return value


Answer = Annotated[
    dict[str, Any] | Literal["any", "error", "none"],
    BeforeValidator(_answer),
    WithJsonSchema(
        {
            "type": ["object", "string", "array"],
            "examples": ["Accepted", "any", "error", "none", {"status": "Accepted"}],
        }
    ),
    Field(description="what the answer to it must hold; any, error, none; a bare word is its status, of several any"),
]


class Pattern:
    """One message that is looked for on the wire of a station, in the words of its version."""

    def __init__(
        self, names: tuple[str, ...], version: str, where: Mapping[str, Any], sender: str | None, what: str
    ) -> None:
        self.forms: list[tuple[Form, bool]] = []
        for name in names:
            message = MESSAGES.get(name)
            if message is None:
                form: Form | None = Form(name)
                to_csms = sender != "csms" if sender is not None else not is_order(name)
            else:
                form, to_csms = message.form(version), (sender or message.sender) == "station"
            if form is not None:
                self.forms.append((form, to_csms))
        self.where, self.what, self.version = where, what, version

    def form_of(self, heard: Heard) -> Form | None:
        """The form by which a frame is this message, whatever its fields say."""
        for form, to_csms in self.forms:
            if heard.kind != CALL or heard.to_csms != to_csms or heard.action != form.action:
                continue
            if all(holds(wanted, find(heard.payload, path)) for path, wanted in form.where.items()):
                return form
        return None

    def differs(self, form: Form, heard: Heard) -> str:
        """In what it is not what was wanted; empty when it is."""
        for name, wanted in self.where.items():
            meant, found = form.wanted(name, wanted), form.get(heard.payload, name)
            if not holds(meant, found):
                return f"{name} is {shown(found)}, not {shown(meant)}"
        return ""


def is_order(action: str) -> bool:
    """Is this an action that a CSMS sends? Taken from what stations of any version serve."""
    return action in _orders()


def _orders() -> frozenset[str]:
    from simulator.dialects import DIALECTS

    return frozenset(action for dialect in DIALECTS.values() for action in dialect.routes)


@step("expect")
def expect(
    play: Play,
    seat: Seat,
    message: Annotated[Texts, Field(description="a message by its meaning or action; of several, any")] = (),
    never: Annotated[Texts, Field(alias="no", description="instead: none of these comes within the time")] = (),
    sender: Annotated[Literal["station", "csms"] | None, Field(alias="from", description="who says it")] = None,
    where: Matchers = NOTHING,
    answer: Answer | None = None,
    within: Within = DEFAULT_WITHIN_US,
    times: Annotated[int, Field(ge=1, le=10_000, description="it comes at least so often")] = 1,
    save: Saved = NOTHING,
) -> Course:
    """A message passes on the wire, in the window since the last act or within a time; else the scenario fails."""
    seat.expected = True
    if never:
        yield from _expect_none(
            play, seat, Pattern(never, play.player.version, play.fill(where, seat), sender, _named(never)), within
        )
        return
    pattern = Pattern(message, play.player.version, play.fill(where, seat), sender, _named(message))
    wanted = play.fill(answer, seat) if answer is not None else None
    for _ in range(times):
        yield from _expect_one(play, seat, pattern, wanted, within, save)


def _named(names: tuple[str, ...]) -> str:
    return " or ".join(names)


def _expect_one(
    play: Play,
    seat: Seat,
    pattern: Pattern,
    wanted: Any,
    within_us: int,
    save: Mapping[str, str],
    *,
    take: bool = True,
) -> Course:
    near: list[tuple[Heard, str]] = []
    found = yield from _first(play, seat, pattern, play.patient(within_us), near)
    if found is None:
        raise _missing(seat, pattern, near, within_us)
    heard, form = found
    heard.taken = take
    if wanted is not None:
        play.judged(seat, heard, wanted, form.answer)
        yield from _answered(play, seat, heard, form, wanted, within_us)
    yield from _save(play, seat, heard, form, save, within_us)


def _first(
    play: Play, seat: Seat, pattern: Pattern, within_us: int, near: list[tuple[Heard, str]]
) -> Generator[Wait, None, tuple[Heard, Form] | None]:
    """The first message of the window that fits and is nobody's yet, at most so long from now; None when there is none.
    What is that message but for its fields goes to ``near``, with the difference."""
    found: list[tuple[Heard, Form]] = []
    cursor = seat.opened

    def look() -> bool:
        nonlocal cursor
        for heard in seat.since(cursor):
            cursor = heard.number + 1
            form = None if heard.taken else pattern.form_of(heard)
            if form is None:
                continue
            why = pattern.differs(form, heard)
            if not why:
                found.append((heard, form))
                return True
            near.append((heard, why))
        return False

    yield from play.until(look, within_us)
    return found[0] if found else None


def _save(play: Play, seat: Seat, heard: Heard, form: Form, save: Mapping[str, str], within_us: int) -> Course:
    """Fields of a message, or of its answer, become variables of the station."""
    for name, path in save.items():
        head, _, rest = path.partition(".")
        if head == "answer":
            yield from play.until(lambda: heard.answer is not None, play.patient(within_us))
            values = form.of_answer(heard.answer.payload, rest) if heard.answer is not None else []
        else:
            values = form.get(heard.payload, path)
        if not values:
            raise StepFailed(FAIL, f"{heard.action} has no {path} to be saved as ${name}", seat, heard)
        play.save(name, values[0], seat)


def _missing(seat: Seat, pattern: Pattern, near: list[tuple[Heard, str]], within_us: int) -> StepFailed:
    if near:
        heard, why = near[-1]
        others = f" ({len(near)} came, none as wanted)" if len(near) > 1 else ""
        return StepFailed(FAIL, f"{pattern.what} came, but its {why}{others}", seat, heard)
    came = [heard.action for heard in seat.since(seat.opened) if heard.kind == CALL]
    listed = ", ".join(dict.fromkeys(came)) or "nothing"
    who = "the station" if not pattern.forms or pattern.forms[0][1] else "the CSMS"
    sentence = f"no {pattern.what} of {who} came within {format_duration(within_us)}; what came: {listed}"
    if not seat.station.link.is_up:
        sentence += "; the station is not connected"
    return StepFailed(FAIL, sentence, seat)


def _answered(play: Play, seat: Seat, heard: Heard, form: Form, wanted: Any, within_us: int) -> Course:
    if wanted == "none":
        yield from play.until(lambda: heard.answer is not None, within_us)
        if heard.answer is not None:
            raise StepFailed(FAIL, f"{heard.action} was answered, which it should not be", seat, heard.answer)
        return
    yield from play.until(lambda: heard.answer is not None, play.patient(within_us))
    answer = heard.answer
    if answer is None:
        sentence = f"{heard.action} was not answered within {format_duration(within_us)}"
        raise StepFailed(FAIL, sentence, seat, heard)
    if wanted == "error" or answer.kind == ERROR:
        if (wanted == "error") != (answer.kind == ERROR):
            what = f"with the error {answer.payload[0]}" if answer.kind == ERROR else "without an error"
            raise StepFailed(FAIL, f"{heard.action} was answered {what}", seat, answer)
        return
    if wanted == "any":
        return
    for name, value in wanted.items():
        got = form.of_answer(answer.payload, name)
        if not holds(value, got):
            sentence = f"the answer to {heard.action} has {name} {shown(got)}, not {shown(value)}"
            raise StepFailed(FAIL, sentence, seat, answer)


def _expect_none(play: Play, seat: Seat, pattern: Pattern, within_us: int) -> Course:
    """None in the window so far, none from now on for the time."""
    found = yield from _first(play, seat, pattern, within_us, [])
    if found is not None:
        raise StepFailed(FAIL, f"{pattern.what} came, which it should not", seat, found[0])


@step("wait for")
def wait_for(
    play: Play,
    seat: Seat,
    state: Annotated[
        Literal["online", "offline", "refused", "off", "in a transaction", "in no transaction", "delivered"] | None,
        Field(description="the station is in this state"),
    ] = None,
    status: Annotated[Status | None, Field(description="an EVSE has this status")] = None,
    evse: AnyEvse = 0,
    message: Annotated[Texts, Field(description="a message passes, as with expect")] = (),
    where: Matchers = NOTHING,
    within: Within = DEFAULT_WAIT_US,
) -> Course:
    """Wait until the station is in a state, an EVSE has a status, or a message passes; else it is inconclusive."""
    if message:
        try:
            pattern = Pattern(message, play.player.version, play.fill(where, seat), None, _named(message))
            yield from _expect_one(play, seat, pattern, None, within, {}, take=False)
        except StepFailed as failed:
            raise StepFailed(INCONCLUSIVE, failed.sentence, seat, failed.frame) from None

    def reached() -> bool:
        evses = [one for one in seat.station.evses if evse in (0, one.evse_id)]
        return (state is None or STATES[state](seat)) and (status is None or any(one.status == status for one in evses))

    yield from play.until(reached, play.patient(within))
    if not reached():
        there = ", ".join(f"EVSE {one.evse_id} {one.status}" for one in seat.station.evses)
        wanted = " and ".join(filter(None, (state, status and f"status {status}")))
        remarks = f"; the station said: {'; '.join(seat.remarks)}" if seat.remarks else ""
        sentence = f"it was not {wanted} within {format_duration(within)}: {there}{remarks}"
        raise StepFailed(INCONCLUSIVE, sentence, seat)


@step("operator")
def operator(
    play: Play,
    seat: Seat,
    do: Annotated[Name, Field(description="an operation by its meaning, or the action to be sent")],
    given: Annotated[dict[str, Any], Field(alias="with", max_length=50, description="its arguments")] = NOTHING,
    payload: Annotated[dict[str, Any] | None, Field(description="the whole payload, instead of arguments")] = None,
    answer: Answer | None = None,
    within: Within = DEFAULT_WITHIN_US,
    save: Saved = NOTHING,
) -> Course:
    """The CSMS's operator does something, by its API; that it was done is judged by what arrives at the station."""
    version = play.player.version
    action = words.verb_action(do, version)
    if action is None:
        raise StepFailed(INCONCLUSIVE, f"{do} does not exist in OCPP {version}", seat)
    arguments = arguments_of(do, play.fill(_with_token(play, seat, given), seat), version)
    asked = play.fill(payload, seat) if payload is not None else arguments_payload(do, arguments, version)
    refused: list[str] = []
    play.player.want(Operate(seat, action, asked, refused.append))
    yield Wait()
    seat.expected = True
    found = yield from _first(play, seat, Pattern((do,), version, {}, "csms", action), play.patient(within), [])
    if found is None:
        why = f"; its API said: {refused[0]}" if refused else ""
        sentence = f"the CSMS was asked for {action} and sent none within {format_duration(within)}{why}"
        raise StepFailed(FAIL, sentence, seat)
    heard, form = found
    heard.taken = True
    play.judged(seat, heard, answer, form.answer)
    for name, wanted in arguments.items():
        if name in form.fields and not holds(wanted, got := form.get(heard.payload, name)):
            sentence = f"the CSMS sent {action}, but its {name} is {shown(got)}, not {shown(wanted)}"
            raise StepFailed(FAIL, sentence, seat, heard)
    if answer is not None:
        yield from _answered(play, seat, heard, form, play.fill(answer, seat), within)
    yield from _save(play, seat, heard, form, save, within)


def _with_token(play: Play, seat: Seat, given: Mapping[str, Any]) -> dict[str, Any]:
    """A token is named by its role; one that stands in a variable is a token already."""
    role = given.get("token")
    if not isinstance(role, str) or "$" in role:
        return dict(given)
    return {**given, "token": play.player.token(role, seat)}


def arguments_of(do: str, given: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The arguments of an operation as the version wants them: a setting gets its name and text."""
    arguments = dict(given)
    if do == "configure":
        setting, value = find_setting(str(arguments["name"])), arguments.get("value")
        if not isinstance(value, str):
            value = setting.format(setting_value(str(arguments["name"]), value))
        arguments = {**_setting_names(setting, version), "value": value}
    return arguments


def _setting_names(setting: Setting, version: str) -> dict[str, Any]:
    if version == "1.6":
        return {"name": setting.key16}
    component, _, variable = setting.key.partition(".")
    return {"component": component, "name": variable}


def arguments_payload(do: str, arguments: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The payload of an operation by its meaning; of an action by its own name the arguments are the payload."""
    if do not in VERBS:
        return dict(arguments)
    payload = VERBS[do].payload(version, arguments)
    assert payload is not None, "a verb whose message the version does not have"
    return payload


def argument_problem(do: str, given: Mapping[str, Any]) -> str | None:
    """What is wrong with the arguments of an operation, None when nothing is."""
    verb = VERBS.get(do)
    if verb is None:
        return None
    takes = verb.arguments()
    for name in given:
        if name not in takes:
            return f"{do} takes no {name!r}{hint(name, takes) or '; it takes ' + ', '.join(sorted(takes))}"
    missing = [name for name in verb.needs if name not in given]
    return f"{do} needs {', '.join(missing)}" if missing else None


__all__ = ["ABSENT", "expect", "operator", "wait_for"]
