"""What a scenario file may say, and reading one with file, line, field and the nearest valid name in every error.

The header describes the situation (stations, settings, what is needed), ``steps`` what happens, ``ledger`` and
``checks`` what must be true in the end. Everything that can be judged without running is judged when the file is read:
names of steps, messages and their fields, operations, faults, settings and quirks, matchers, and variables nobody sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic import create_model as make_model

from simulator.errors import AuthorError, ScenarioError, UnknownName
from simulator.fleet.target_file import Tokens
from simulator.profile.checks import check_quirks, check_settings, csms_actions
from simulator.profile.schema import Quirks
from simulator.quirks import BREAKS, QUIRKS
from simulator.report.checks import ANSWERED, BOOTED, DELIVERED, NO_ERRORS, SCHEMA
from simulator.scenario.expecting import argument_problem
from simulator.scenario.fields import field_problem
from simulator.scenario.match import matcher_problem
from simulator.scenario.step import Item, Versions, bare_step, item_model, references, shared, step_names, walk
from simulator.scenario.words import MESSAGES, VERBS, unknown
from simulator.yamlfile import Closed, Document, Loc, hint, load, load_text, validate
from simulator.yamltypes import Texts

ROLES = tuple(Tokens.model_fields)
CHECKS = (BOOTED, ANSWERED, NO_ERRORS, SCHEMA, DELIVERED)
#: variables that are always there; ``now`` is the stations' time as a text, ``${now + 1h}`` a later one, ``real`` that
#: of the CSMS; ``firmware`` the address of an image, ``uploads`` where logs go
BUILT_IN = ("station", "token", "transaction", "now", "real", "firmware", "uploads")
#: those that a target has to say, because only it knows where its files are
FROM_TARGET = ("firmware", "uploads")
MAX_STATIONS = 200
_SUFFIXES = (".yaml", ".yml")


class Group(Closed):
    """Stations of the same kind; ``profile`` only where it is not that of the run."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z][\w -]*$")
    count: int = Field(default=1, ge=1, le=MAX_STATIONS)
    profile: str | None = None


class Needs(Closed):
    """What a profile must have for the scenario to mean anything; without it the cell is NOT_APPLICABLE.

    Roles of tokens and operations are not listed: they follow from the steps, and a target without them is SKIPPED.
    """

    evses: int = Field(default=1, ge=1, le=64, description="so many EVSEs at least")
    cable: Literal["socket", "tethered"] | None = None
    current: Literal["ac", "dc"] | None = None
    actions: Texts = Field(default=(), description="requests of the CSMS that the product serves")
    settings: Texts = Field(default=(), description="settings that the product has")
    bay_sensor: bool = False
    power_loss: Texts = Field(default=(), description="what it does with a session at a power cut: one of these")
    vendor: Texts = Field(default=(), description="whose product it is: one of these, however it writes its name")
    without: Texts = Field(default=(), description="quirks that the product does not have")
    keeps: Texts = Field(default=(), description="what no quirk of its own may break, as `breaks` of quirks")


class SecurityFields(Closed):
    """How stations get in. A target of another security profile is SKIPPED. ``wrong``: not the password it knows."""

    profile: Literal[0, 1, 2, 3] = Field(default=0, description="0 none, 1 password, 2 and TLS, 3 certificates")
    password: Literal["right", "wrong"] = "right"


class LedgerExpectation(Closed):
    """What the ledger must say in the end; a number, or a comparison such as ``>= 2``.

    ``energy: equal``: for every transaction that ended, the energy told is the energy the car took, within the meter's
    accuracy and resolution. ``undelivered``: transactions of which some message never got an answer.
    """

    transactions: Any = None
    stopped: Any = None
    open: Any = None
    undelivered: Any = None
    queued: Any = None
    energy: Literal["equal", "different"] | None = None
    energy_wh: Any = None
    faults: Any = None
    alerts: Any = None


def _checks(value: Any) -> Any:
    return {"default": list(CHECKS), "none": []}.get(value, value) if isinstance(value, str) else value


class Header(Closed):
    """A scenario file without its steps."""

    name: str | None = Field(default=None, max_length=100, pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str = Field(min_length=1, max_length=120, description="what happens, in a few words")
    because: str = Field(default="", max_length=4_000, description="why it matters")
    tags: Texts = Field(default=(), max_length=30)
    case: Texts = Field(default=(), max_length=20, description="ids of conformance cases it stands for")
    source: Texts = Field(default=(), max_length=20, description="where it comes from: links")
    ocpp: Versions = ()
    profile: Texts = Field(default=("generic/ac-single",), description="profiles it is run on without --profile")
    needs: Needs = Needs()
    groups: tuple[Group, ...] = Field(default=(), max_length=50)
    stations: int = Field(default=1, ge=1, le=MAX_STATIONS, description="so many stations, without groups")
    settings: dict[str, Any] = Field(default_factory=dict, max_length=200)
    quirks: Quirks = Field(default=(), max_length=32)
    seed: int = Field(default=1, ge=0, lt=1 << 63)
    begin: Literal["booted", "off"] = Field(default="booted", description="how stations are when the steps begin")
    registration: Literal["Accepted", "Pending", "Rejected"] = Field(
        default="Accepted", description="how the CSMS answers the first BootNotification"
    )
    security: SecurityFields | None = Field(default=None, description="without it whatever the target has")
    variables: dict[str, Any] = Field(default_factory=dict, max_length=100)
    ledger: LedgerExpectation = LedgerExpectation()
    checks: Annotated[tuple[Literal[CHECKS], ...], BeforeValidator(_checks)] = CHECKS  # type: ignore[valid-type]


@cache
def scenario_model() -> type[Header]:
    """The model of a whole file."""
    item: Any = Annotated[item_model(), BeforeValidator(bare_step)]
    steps = (tuple[item, ...], Field(min_length=1, max_length=1_000, description="what happens, in order"))
    return make_model("Scenario", __base__=Header, steps=steps)


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """A valid scenario. ``name`` is the file's without its ending, unless the file gives one."""

    name: str
    path: Path
    fields: Header
    document: Document

    @property
    def steps(self) -> tuple[Item, ...]:
        """Its steps."""
        found: tuple[Item, ...] = getattr(self.fields, "steps")  # noqa: B009 - the field is made with the steps
        return found

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of tokens that its steps name."""
        found: dict[str, None] = {}
        for item, _ in walk(self.steps, ()):
            if item.name == "present":
                found[str(getattr(item.body, "token", "valid"))] = None
            elif item.name == "operator":
                token = getattr(item.body, "given", {}).get("token")
                if isinstance(token, str):
                    found[token] = None
            for name in references(item.body):
                if name.startswith("token."):
                    found[name.removeprefix("token.")] = None
        return tuple(role for role in found if not role.startswith("$"))

    @property
    def places(self) -> tuple[str, ...]:
        """Addresses of files that its steps name and its own variables do not say."""
        named = {name for item, _ in walk(self.steps, ()) for name in references(item.body)}
        return tuple(name for name in FROM_TARGET if name in named and name not in self.fields.variables)

    @property
    def kept_out(self) -> bool:
        """Are the stations not to be let in?"""
        return self.fields.security is not None and self.fields.security.password == "wrong"

    @property
    def registers(self) -> bool:
        """Must the CSMS be told how to answer BootNotifications?"""
        steps = any(item.name == "registration" for item, _ in walk(self.steps, ()))
        return steps or self.fields.registration != "Accepted"

    def operations(self, version: str) -> tuple[str, ...]:
        """Actions that its steps have the operator ask for in a version."""
        from simulator.scenario.words import verb_action

        found: dict[str, None] = {}
        for item, _ in walk(self.steps, ()):
            if item.name == "operator" and (not item.ocpp or version in item.ocpp):
                action = verb_action(str(getattr(item.body, "do", "")), version)
                if action is not None:
                    found[action] = None
        return tuple(found)


def load_scenario(path: Path | str) -> Scenario:
    """The scenario in a file; raises ScenarioError, one line for each problem."""
    return _scenario(_read(load, path), Path(path))


def scenario_of(text: str, path: str = "scenario.yaml") -> Scenario:
    """The scenario in a text; ``path`` is what errors call it."""
    return _scenario(_read(load_text, text, path), Path(path))


def _read(reader: Callable[..., Document], *what: Any) -> Document:
    """The most natural mistake gets a hint: ``- plug`` with ``because:`` on the next line lacks a colon."""
    try:
        return reader(*what, error=ScenarioError)
    except ScenarioError as error:
        if "mapping values are not allowed here" not in str(error):
            raise
        hinted = "mapping values are not allowed here; a step with more lines below it needs a colon, as in '- plug:'"
        raise ScenarioError(hinted, file=error.file, line=error.line) from None


def _scenario(document: Document, path: Path) -> Scenario:
    if "steps" not in document.data and "title" not in document.data:  # twenty unknown keys would say less
        kind = "; it looks like a fleet, which `cpfarm run` takes" if "groups" in document.data else ""
        raise ScenarioError(f"is no scenario: it has no title and no steps{kind}", file=str(path))
    fields = validate(document, scenario_model(), ScenarioError, check_scenario)
    return Scenario(fields.name or path.stem, path, fields, document)


def scenario_files(places: Iterable[Path | str]) -> list[Path]:
    """Every scenario file among files and folders, sorted within a folder. A YAML file that is something else (a fleet,
    a target) has no ``steps`` and is passed over in a folder; raises ScenarioError for a place that is not there."""
    found: dict[Path, None] = {}
    for place in map(Path, places):
        if place.is_dir():
            inside = sorted(path for suffix in _SUFFIXES for path in place.rglob(f"*{suffix}"))
            found.update(dict.fromkeys(path for path in inside if _is_scenario(path)))
        elif place.is_file():
            found[place] = None
        else:
            raise ScenarioError("there is no such file or folder", file=str(place))
    return list(found)


def _is_scenario(path: Path) -> bool:
    try:
        return "steps" in load(path, ScenarioError).data
    except ScenarioError:
        return True  # loading it will say what is wrong


# --- what pydantic cannot see ----------------------------------------------------------------------------------------


def check_scenario(fields: Any) -> Iterator[tuple[Loc, str]]:
    """Names that live in registries, and rules across fields; location and reason of each problem."""
    yield from check_settings(fields.settings, ("settings",))
    yield from check_quirks(fields.quirks, ("quirks",))
    groups = [group.name for group in fields.groups]
    for index, name in enumerate(groups):
        if name in groups[:index] or name in ("all",) or name.isdigit():
            yield ("groups", index, "name"), f"{name} cannot be the name of this group"
    if fields.registration != "Accepted" and fields.begin != "off":
        yield ("registration",), "needs `begin: off`: a station that is not accepted has not booted"
    if fields.security is not None and fields.security.password == "wrong":
        if fields.security.profile not in (1, 2):
            yield ("security", "password"), "belongs to the profiles 1 and 2"
        elif fields.begin != "off":
            yield ("security", "password"), "needs `begin: off`: a station that is not let in has not booted"
    if fields.groups and "stations" in fields.model_fields_set:
        yield ("stations",), "groups and stations exclude each other"
    count = sum(group.count for group in fields.groups) if fields.groups else fields.stations
    if count > MAX_STATIONS:
        yield ("groups",), f"{count} stations are more than {MAX_STATIONS}"
    actions = csms_actions()
    for index, action in enumerate(fields.needs.actions):
        if action not in actions:
            yield ("needs", "actions", index), f"unknown action {action!r}{hint(action, actions)}"
    for index, name in enumerate(fields.needs.without):
        if name not in QUIRKS:
            yield ("needs", "without", index), unknown(name, list(QUIRKS), "quirk")
    for index, name in enumerate(fields.needs.keeps):
        if name not in BREAKS:
            yield ("needs", "keeps", index), unknown(name, BREAKS, "rule")
    for name, wanted in fields.ledger:
        if reason := matcher_problem(wanted):
            yield ("ledger", name), reason
    names = {*BUILT_IN, *fields.variables, *_names_made(fields.steps)}
    for item, loc in walk(fields.steps, ("steps",)):
        yield from _check_item(item, loc, groups, count, names, actions)


def _names_made(steps: Any) -> Iterator[str]:
    """Names of variables that steps make."""
    for item, _ in walk(steps, ()):
        if len(step_names(item)) != 1:
            continue
        yield from getattr(item.body, "save", {})
        for name in ("name", "counter"):
            if item.name in ("repeat", "each") and hasattr(item.body, name):
                yield getattr(item.body, name)


def _check_item(
    item: Item, loc: Loc, groups: list[str], count: int, names: set[str], actions: list[str]
) -> Iterator[tuple[Loc, str]]:
    found = step_names(item)
    if len(found) != 1:
        yield loc, f"must be exactly one step, not {' and '.join(found) or 'none'}"
        return
    if item.at is not None and not item.at.startswith("$"):
        try:
            group = shared(item.at)[1]
        except ValueError as error:
            yield (*loc, "at"), str(error)
        else:
            known = ["all", *groups, *(str(number + 1) for number in range(count))]
            if group not in known:
                yield (*loc, "at"), unknown(group, known[: len(groups) + 1], "group")
    where, body = (*loc, item.name), item.body
    for name in references(body):
        head = name.split(".")[0].split(" ")[0].split("+")[0].split("-")[0]
        if head not in names:
            yield where, f"nothing sets ${name}{hint(head, names)}"
    yield from ((where if not key else (*where, *key), reason) for key, reason in _check_body(item.name, body, actions))


def _check_body(name: str, body: Any, actions: list[str]) -> Iterator[tuple[Loc, str]]:
    if name in ("expect", "wait for"):
        yield from _check_message(body, actions)
    if name == "expect":
        if bool(body.message) == bool(body.never):
            yield (), "needs a message, or with `no` one that must not come"
        if body.never and (body.answer is not None or body.save or body.times > 1):
            yield ("no",), "excludes answer, save and times"
    elif name == "wait for":
        if not (body.state or body.status or body.message):
            yield (), "needs a state, a status or a message"
    elif name == "operator":
        if body.do not in VERBS and body.do not in actions and "$" not in body.do:
            yield ("do",), unknown(body.do, [*actions, *VERBS], "operation")
        elif body.payload is not None and body.given:
            yield ("payload",), "excludes with"
        elif body.payload is None and (reason := argument_problem(body.do, body.given)):
            yield ("with",), reason
        elif body.do == "configure" and "$" not in str(body.given.get("name")):
            yield from check_settings_named(body.given, ("with",))
        yield from _check_role(body.given.get("token"), ("with", "token"))
    elif name == "present":
        yield from _check_role(body.token, ("token",))
    elif name == "inject":
        yield from _check_fault(body)
    elif name == "set":
        yield from check_settings({key: v for key, v in body.settings.items() if "$" not in str(v)}, ())


def check_settings_named(given: dict[str, Any], loc: Loc) -> Iterator[tuple[Loc, str]]:
    """A setting by name and value, as ``configure`` takes it; a text is taken as it is, and may be wrong on purpose."""
    value = given.get("value")
    if isinstance(value, str):
        from simulator.profile.checks import setting_problem

        if reason := setting_problem(str(given.get("name"))):
            yield (*loc, "name"), reason
        return
    for _, reason in check_settings({str(given.get("name")): value}, ()):
        yield (*loc, "name"), reason


def _check_message(body: Any, actions: list[str]) -> Iterator[tuple[Loc, str]]:
    known = [*actions, *MESSAGES]
    for key, names in (("message", body.message), ("no", getattr(body, "never", ()))):
        for name in names:
            if name not in known:
                yield (key,), unknown(name, known, "message")
    meant = [*body.message, *getattr(body, "never", ())]
    for key, matcher in body.where.items():
        if reason := matcher_problem(matcher) or field_problem(meant, key):
            yield ("where", key), reason
    answer = getattr(body, "answer", None)
    for key in answer if isinstance(answer, dict) else ():
        if reason := field_problem(meant, key, answer=True):
            yield ("answer", key), reason
    for variable, path in getattr(body, "save", {}).items():
        head, _, rest = path.partition(".")
        theirs = head == "answer"
        if reason := field_problem(meant, rest if theirs else path, answer=theirs):
            yield ("save", variable), reason


def _check_role(role: Any, loc: Loc) -> Iterator[tuple[Loc, str]]:
    if not isinstance(role, str) or role.startswith("$"):
        return
    if role not in ROLES and role.rstrip("0123456789") not in ROLES:
        yield loc, f"{unknown(role, list(ROLES), 'role of a token')}; scenarios name roles, targets name tokens"


def _check_fault(body: Any) -> Iterator[tuple[Loc, str]]:
    from simulator.fleet.fault_params import check_fault

    if any(True for _ in references(body.params)) or "$" in body.fault:
        return
    try:
        check_fault(body.fault, body.params)
    except UnknownName as exc:
        yield ("fault",), str(exc)
    except AuthorError as exc:
        yield ("params", str(exc.field)), str(exc).removeprefix(f"{exc.field}: ")
