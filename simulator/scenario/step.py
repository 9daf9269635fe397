"""What a step is: a function whose signature says how it is written in a scenario, and whose docstring says why.

``@step("present")`` over ``def present(play, seat, token: str, evse: int = 0)`` makes ``- present: {token: valid}``
valid YAML: the parameters after ``play`` (and ``seat``) become a pydantic model, the first of them is what a bare value
stands for (``- present: valid``), ``Field(alias="from")`` gives a word that Python keeps for itself. A function with a
parameter ``seat`` is run once for each station the step is addressed to, all at the same time; one without is run once.

A step is a generator. It yields :class:`Wait` when it wants to be asked again later and returns when it is done; what
it does to a station goes through its ``play``. So thousands of lines of "and then" need no thread, no event loop and no
clock, and the same steps are carried out in memory and on sockets.

Any value may hold ``$name``. Such a value is not judged when the file is read but when the step is due, by the same
model.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ForwardRef, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic import create_model as make_model

from simulator.profile.schema import Version
from simulator.registry import Registry
from simulator.yamlfile import Closed, Loc
from simulator.yamltypes import Share

if TYPE_CHECKING:
    pass

#: a reference to a variable: ``$name``, ``$name.part``, or ``${now + 1h}``
REFERENCE = re.compile(r"\$(?:\{(?P<long>[^}]*)\}|(?P<short>[A-Za-z_][\w.]*))")
#: the version of a step that is for some versions only, as in ``ocpp: 2.x``
ANY_2X = "2.x"


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask me again when ``test`` holds, or at ``until_us`` at the latest; both None: as soon as it is my turn."""

    until_us: int | None = None
    test: Callable[[], bool] | None = None


Course = Generator[Wait, None, None]
Function = Callable[..., Course]


class Steps(tuple[Any, ...]):
    """Annotation of a parameter that holds further steps."""

    __slots__ = ()


class Item(Closed):
    """One step of a list: exactly one step by its name, and what any step may have beside it."""

    because: str | None = Field(default=None, max_length=1_000, description="why this step is there")
    at: str | None = Field(
        default=None,
        max_length=100,
        description="who does it: all, the name of a group, a station's number from 1, or a share such as 30% of homes",
    )
    ocpp: tuple[str, ...] = Field(default=(), description="only for these versions; 2.x means 2.0.1 and 2.1")

    @property
    def name(self) -> str:
        """The name of the step."""
        (name,) = step_names(self)
        return name

    @property
    def body(self) -> BaseModel:
        """Its parameters."""
        body: BaseModel = getattr(self, STEPS.get(self.name).field)
        return body


@dataclass(frozen=True, slots=True)
class Step:
    """A registered step."""

    name: str
    function: Function
    parameters: tuple[inspect.Parameter, ...]
    hints: dict[str, Any]
    per_seat: bool

    @property
    def field(self) -> str:
        """The attribute of an item that holds its body."""
        return "step_" + self.name.replace(" ", "_")

    @property
    def bare(self) -> str:
        """What a bare value stands for; empty when the step takes none."""
        return _key(self.parameters[0], self.hints) if self.parameters else ""

    @property
    def whole(self) -> bool:
        """Is the mapping under the step's name itself the one value it takes, as with ``set: {NAME: VALUE}``?"""
        if len(self.parameters) != 1:
            return False
        hint = self.hints[self.parameters[0].name]
        return get_origin(get_args(hint)[0] if hasattr(hint, "__metadata__") else hint) is dict

    @property
    def doc(self) -> str:
        """What it does, as its docstring says."""
        return inspect.getdoc(self.function) or ""


STEPS: Registry[Step] = Registry("step")


def step(name: str) -> Callable[[Function], Function]:
    """Register a function as the step ``name``; see the module's text."""

    def register(function: Function) -> Function:
        parameters = list(inspect.signature(function).parameters.values())[1:]
        per_seat = bool(parameters) and parameters[0].name == "seat"
        hints = get_type_hints(function, include_extras=True, localns=_names())
        STEPS.add(name, Step(name, function, tuple(parameters[per_seat:]), hints, per_seat))
        return function

    return register


def _names() -> dict[str, Any]:
    """Names that steps use in annotations without importing them at run time."""
    return {"Play": Any, "Seat": Any, "Course": Course}


def _key(parameter: inspect.Parameter, hints: dict[str, Any]) -> str:
    for extra in getattr(hints[parameter.name], "__metadata__", ()):
        alias = getattr(extra, "alias", None)
        if alias:
            return str(alias)
    return parameter.name


_NESTED = Annotated[tuple[ForwardRef("StepItem"), ...], Field(min_length=1, max_length=500)]  # type: ignore[misc, valid-type]

# --- models ----------------------------------------------------------------------------------------------------------


def _later(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """A value with a variable in it is judged when the step is due."""
    if isinstance(value, str) and REFERENCE.search(value):
        return value
    return handler(value)


def _versions(value: Any) -> Any:
    from pydantic import TypeAdapter

    found: list[str] = []
    for one in value if isinstance(value, list | tuple) else [value]:
        if one == ANY_2X:
            found += ["2.0.1", "2.1"]
        else:
            try:
                found.append(TypeAdapter(Version).validate_python(one))
            except ValidationError as error:
                raise ValueError(str(error.errors()[0].get("ctx", {}).get("error", f"no version {one!r}"))) from None
    return tuple(found)


Versions = Annotated[tuple[str, ...], BeforeValidator(_versions)]


def body_model(found: Step, *, strict: bool = False) -> type[BaseModel]:
    """The model of a step's parameters. ``strict``: variables have been filled in, every value is judged."""
    fields: dict[str, Any] = {}
    for parameter in found.parameters:
        hint = found.hints[parameter.name]
        if hint is Steps:
            hint = Any if strict else _NESTED
        elif not strict:
            hint = Annotated[hint, WrapValidator(_later)]
        fields[parameter.name] = (hint, ... if parameter.default is inspect.Parameter.empty else parameter.default)
    name = "".join(word.title() for word in found.name.split())
    return make_model(name, __base__=Closed, __doc__=found.doc, **fields)


@cache
def strict_model(name: str) -> type[BaseModel]:
    """The model that judges a step's parameters when it is due."""
    return body_model(STEPS.get(name), strict=True)


@cache
def item_model() -> type[Item]:
    """The model of one item of a list of steps, of all registered steps. Called once all of them are registered."""
    import simulator.scenario.expecting
    import simulator.scenario.steps  # noqa: F401 - registers the steps

    STEPS.freeze()
    fields: dict[str, Any] = {"ocpp": (Versions, ())}
    bodies = []
    for name in STEPS:
        found = STEPS.get(name)
        body = body_model(found)
        bodies.append(body)
        wrapped = Annotated[body | None, BeforeValidator(_bare(found))]  # type: ignore[valid-type]
        fields[found.field] = (wrapped, Field(default=None, alias=name, description=found.doc.split("\n")[0]))
    model = make_model("StepItem", __base__=Item, **fields)
    names = {"StepItem": Annotated[model, BeforeValidator(bare_step)]}
    for body in bodies:
        body.model_rebuild(force=True, _types_namespace=names)
    model.model_rebuild(force=True, _types_namespace=names)
    return model


def bare_step(value: Any) -> Any:
    """``- plug`` is ``- plug: {}``."""
    return {value: None} if isinstance(value, str) else value


def _bare(found: Step) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if value is None:
            return {}
        if isinstance(value, BaseModel) or not found.bare or (isinstance(value, dict) and not found.whole):
            return value
        return {found.bare: value}

    return read


def step_names(item: BaseModel) -> list[str]:
    """The steps that an item names; right is exactly one."""
    return [name for name in STEPS if STEPS.get(name).field in item.model_fields_set]


def walk(items: Any, loc: Loc) -> Iterator[tuple[Item, Loc]]:
    """Every step of a list with its place, nested ones after the one that holds them."""
    for index, item in enumerate(items):
        here = (*loc, index)
        yield item, here
        if len(step_names(item)) != 1:
            continue
        for name, info in type(item.body).model_fields.items():
            inner = getattr(item.body, name)
            if isinstance(inner, tuple) and inner and all(isinstance(one, Item) for one in inner):
                yield from walk(inner, (*here, item.name, info.alias or name))


def references(value: Any) -> Iterator[str]:
    """The names of variables in a value, however deep."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            inner = getattr(value, name)
            if not (isinstance(inner, tuple) and inner and isinstance(inner[0], Item)):
                yield from references(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from references(inner)
    elif isinstance(value, str):
        for found in REFERENCE.finditer(value):
            yield found["long"] if found["long"] is not None else found["short"]


def shared(text: str) -> tuple[float | None, str]:
    """``30% of homes`` as (0.3, ``homes``); ``homes`` as (None, ``homes``). Raises ValueError for a wrong share."""
    share, of, group = text.partition(" of ")
    if not of:
        if text.endswith("%"):
            share, group = text, "all"
        else:
            return None, text
    from pydantic import TypeAdapter

    try:
        return TypeAdapter(Share).validate_python(share.strip()), group.strip()
    except ValidationError as error:
        raise ValueError(str(error.errors()[0]["msg"])) from None
