"""Cells of the matrix: which scenario is run on which profile in which version, and which cells mean nothing.

NOT_APPLICABLE is about the product: it does not speak the version, has one EVSE where two are needed, does not serve a
request. SKIPPED is about the target: no token for a role, no way to ask for an operation. Both always say why.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from simulator.blocks.setting_values import exists_in
from simulator.core.model import Model
from simulator.core.wiring import FEATURES
from simulator.errors import ProfileError, ScenarioError
from simulator.fleet.operations import Operations
from simulator.fleet.target import Target
from simulator.profile.checks import find_setting
from simulator.profile.compiled import compile_profile
from simulator.profile.load import find_profile, load_profile, profile_paths
from simulator.scenario.counterpart import TOKENS
from simulator.scenario.memory import Place
from simulator.scenario.schema import Scenario
from simulator.scenario.step import walk
from simulator.yamlfile import hint

MAX_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class Cell:
    """A scenario, a profile, a version; ``not_applicable`` says why it means nothing, if so."""

    scenario: Scenario
    profile: str
    version: str
    not_applicable: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What the cell is known by in a report."""
        return self.scenario.name, self.profile, self.version


def choose(scenarios: Sequence[Scenario], profiles: Sequence[str] = (), versions: Sequence[str] = ()) -> list[Cell]:
    """The cells of some scenarios; without ``profiles`` (names, files or globs) each on those its file names.

    One profile is run in every version that it and the scenario share, of ``versions`` if any are named. Raises
    ProfileError for a profile that is none, ScenarioError for two scenarios of one name.
    """
    names: dict[str, Path] = {}
    for scenario in scenarios:
        if scenario.name in names:
            raise ScenarioError(f"{scenario.name} is the name of {names[scenario.name]} too", file=str(scenario.path))
        names[scenario.name] = scenario.path
    cells: list[Cell] = []
    for scenario in scenarios:
        for profile in expand(profiles or scenario.fields.profile):
            spoken = load_profile(profile).profile.versions
            wanted = [v for v in (scenario.fields.ocpp or versions or spoken) if not versions or v in versions]
            possible = [version for version in wanted if version in spoken]
            if wanted and not possible:
                why = f"it is for OCPP {', '.join(wanted)}; {profile} speaks {', '.join(spoken)}"
                cells.append(Cell(scenario, profile, wanted[0], why))
            cells += [Cell(scenario, profile, v, unfit(scenario, profile, v)) for v in possible]
    if len(cells) > MAX_CELLS:
        raise ScenarioError(f"these are {len(cells)} cells, more than {MAX_CELLS}; name fewer profiles or scenarios")
    return cells


def expand(patterns: Iterable[str]) -> list[str]:
    """Profiles by name, file, or glob such as ``alfen/*``; each once, in order. Raises ProfileError."""
    known = list(profile_paths())
    found: dict[str, None] = {}
    for pattern in patterns:
        if any(sign in pattern for sign in "*?["):
            hits = [name for name in known if fnmatchcase(name, pattern)]
            if not hits:
                raise ProfileError(f"no profile matches {pattern!r}{hint(pattern.replace('*', ''), known)}")
            found.update(dict.fromkeys(hits))
        else:
            find_profile(pattern)
            found[pattern] = None
    return list(found)


def model_of(scenario: Scenario, profile: str, version: str) -> Model:
    """The compiled profile with the scenario's settings and quirks."""
    quirks = [(use.name, dict(use.params)) for use in scenario.fields.quirks]
    return compile_profile(load_profile(profile), version, quirks, settings=scenario.fields.settings)


def places_of(cell: Cell, prefix: str = "") -> list[Place]:
    """The stations of a cell. Ids are made of scenario and product unless a ``prefix`` is given, short enough for every
    version (48 characters, OCPP-J part 4, 3.1)."""
    fields = cell.scenario.fields
    stem = prefix or f"{cell.scenario.name[:24]}.{Path(cell.profile).name.removesuffix('.yaml')[:18]}."
    places: list[Place] = []
    for group in fields.groups or ():
        profile = group.profile or cell.profile
        model = model_of(cell.scenario, profile, cell.version)
        for _ in range(group.count):
            places.append(Place(f"{stem}{len(places) + 1}", model, group.name, profile))
    if not fields.groups:
        model = model_of(cell.scenario, cell.profile, cell.version)
        places = [Place(f"{stem}{number + 1}", model, "", cell.profile) for number in range(fields.stations)]
    return places


# --- why not ---------------------------------------------------------------------------------------------------------


def unfit(scenario: Scenario, profile: str, version: str) -> str:
    """Why a scenario means nothing for a profile in a version; empty when it does."""
    needs = scenario.fields.needs
    try:
        model = model_of(scenario, profile, version)
    except ProfileError as error:
        return f"its settings and quirks do not fit {profile}: {error}"
    if needs.vendor and not any(_plain(one) in _plain(model.identity.vendor) for one in needs.vendor):
        return f"it is about products of {' or '.join(needs.vendor)}; {profile} is one of {model.identity.vendor}"
    evses = max([needs.evses, *_evses_named(scenario, version)])
    own = [load_profile(group.profile).profile for group in scenario.fields.groups if group.profile is not None]
    if max([len(model.evses), *(len(other.evses) for other in own)]) < evses:
        return f"it needs {evses} EVSEs; {profile} has {len(model.evses)}"
    for other in own:
        if version not in other.versions:
            return f"its stations of another profile do not speak OCPP {version}"
    if needs.cable is not None and all(evse.tethered for evse in model.evses) != (needs.cable == "tethered"):
        return f"it needs a cable that is {needs.cable}; that of {profile} is not"
    if needs.current is not None and not any(evse.is_dc == (needs.current == "dc") for evse in model.evses):
        return f"it needs {needs.current.upper()}; {profile} has none"
    if needs.bay_sensor and not any(evse.bay_sensor for evse in model.evses):
        return f"it needs a sensor in the bay; {profile} has none"
    if needs.power_loss and model.hardware.power_loss not in needs.power_loss:
        return f"it needs power_loss {' or '.join(needs.power_loss)}; {profile} has {model.hardware.power_loss}"
    named = {use.name for use in scenario.fields.quirks}
    for quirk in model.quirks:
        if quirk.name in needs.without:
            return f"{profile} has the quirk {quirk.name}"
        if quirk.name not in named and (broken := set(quirk.breaks) & set(needs.keeps)):
            return f"{profile} has the quirk {quirk.name}, which breaks {', '.join(sorted(broken))}"
    for action in (*needs.actions, *scenario.operations(version)):
        if action in model.not_offered:
            return f"{profile} does not offer {action}"
        route = model.dialect.routes.get(action)
        if route is None:
            return f"OCPP {version} has no {action} for a station"
        if route.feature and route.feature not in FEATURES[0](model):
            return f"{profile} has no {route.feature}, and so no {action}"
    for name in needs.settings:
        if not exists_in(model, find_setting(name)):
            return f"{profile} has no setting {name}"
    for item, _ in walk(scenario.steps, ()):
        do = getattr(item.body, "do", None)
        if item.name == "operator" and (not item.ocpp or version in item.ocpp) and _action(do, version) is None:
            return f"OCPP {version} has no {do}"
    return ""


def _plain(name: str) -> str:
    """A maker's name without capitals, spaces and signs."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _action(do: object, version: str) -> str | None:
    from simulator.scenario.words import verb_action

    return verb_action(str(do), version)


def _evses_named(scenario: Scenario, version: str) -> list[int]:
    """Numbers of EVSEs that steps name."""
    found = []
    for item, _ in walk(scenario.steps, ()):
        if not item.ocpp or version in item.ocpp:
            number = getattr(item.body, "evse", 0)
            given = getattr(item.body, "given", {}).get("evse") if item.name == "operator" else None
            found += [value for value in (number, given) if isinstance(value, int)]
    return found


def lacking(scenario: Scenario, version: str, target: Target | None, given: Container[str] = ()) -> str:
    """What the target lacks for a scenario, as a sentence; empty when it has all. None is the CSMS in memory. ``given``
    are names of variables that were said for this run."""
    if target is None:
        known = {role: len(tokens) for role, tokens in TOKENS.items()}
    else:
        tokens_of = target.fields.tokens
        known = {role: len(getattr(tokens_of, role)) for role in type(tokens_of).model_fields}
    for role in scenario.roles:
        name = role.rstrip("0123456789") if role not in known else role
        number = int(role[len(name) :] or 1)
        if known.get(name, 0) < number:
            return f"the target has no token for the role {role}" + (
                f" ({known[name]} of it)" if known.get(name) else ""
            )
    if target is not None:
        operations = Operations(target.fields.operations)
        for action in scenario.operations(version):
            if action not in operations:
                return f"the target has no operation {action}"
        security = scenario.fields.security
        if security is not None and security.profile != target.security_profile:
            return f"the target has security profile {target.security_profile}, not {security.profile}"
        if scenario.registers and "registration" not in given:
            return "the target cannot be told how to answer a BootNotification"
        for name in scenario.places:
            if name not in given:
                return f"nobody has said where {name} is; add --set {name}=URL"
    return ""
