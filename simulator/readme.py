"""The sections of the README that are made from the code, so that they cannot go out of date.

A section stands between two comments, ``<!-- made: NAME -->`` and ``<!-- end: NAME -->``; what is between them belongs
to this module and everything else to the README's authors. ``python -m simulator.readme`` writes the sections anew,
``--check`` only says whether they are fresh. Each section is a function that turns a registry, a table or a docstring
into markdown; nothing here knows more than its source does.

This is a tool for developers: it needs a checkout, because an installed package has no README beside it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import simulator.core.station  # noqa: F401 - settings of the outbox and of the link come with the station
from simulator.blocks.device_model import coarse_status
from simulator.blocks.inventory.archetypes import ARCHETYPES, HARD_WIRED
from simulator.core.connector import LEGAL_MOVES, STATUSES
from simulator.core.settings import WRITE_ONLY, Setting, all_settings
from simulator.csms import api
from simulator.dialects import DIALECTS
from simulator.errors import CpfarmError
from simulator.hardware.fault import FAULTS
from simulator.metrics import CallCount, RunMetrics
from simulator.profile.load import load_profile, profile_paths
from simulator.quirks import CATEGORIES, QUIRKS, category
from simulator.report.exposition import families
from simulator.report.histogram import Histogram
from simulator.resources import scenarios_dir
from simulator.scenario.language import steps_table
from simulator.scenario.schema import load_scenario, scenario_files
from simulator.world.driver import HABITS

README = Path(__file__).resolve().parent.parent / "README.md"
_SECTION = re.compile(r"(<!-- made: (?P<name>[a-z-]+) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL)
_MARK = re.compile(r"<!-- (?:made|end): ([a-z-]+) -->")
_ROLE = re.compile(r":[a-z]+:`~?(?:[\w.]+\.)?(\w+)`")


class ReadmeError(CpfarmError):
    """The README is not there, or its markers are not what this module can work with."""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _code(text: object) -> str:
    return f"`{text}`"


def _codes(texts: Iterable[object]) -> str:
    return ", ".join(_code(text) for text in texts)


# --- the sections ----------------------------------------------------------------------------------------------------


def profiles() -> str:
    """Every profile that ships: who it behaves like, what it speaks, and what it rests on."""
    rows = []
    for name in sorted(profile_paths()):
        profile = load_profile(name).profile
        product = f"{profile.identity.vendor} {profile.identity.model}"
        quirks = str(len(profile.quirks) or "")
        rows.append((_code(name), product, ", ".join(profile.versions), quirks, profile.evidence))
    return _table(("Profile", "Says it is", "OCPP", "Quirks", "What it rests on"), rows)


def faults() -> str:
    """Every fault with its parameters, what it looks like from the CSMS, and what a sound one does about it."""
    rows = []
    for name in FAULTS:
        about = FAULTS.get(name).describe()
        takes = _codes(f"{param['name']}={param['default']}" for param in about["params"])
        rows.append((_code(name), about["summary"], takes, about["wire16"], about["wire2x"], about["sound_csms"]))
    return _table(("Fault", "What it is", "Parameters", "Seen in 1.6", "Seen in 2.x", "What a sound CSMS does"), rows)


def quirks() -> str:
    """Every documented behaviour, by category."""
    categories = [category(module.__name__) for module in CATEGORIES]
    found = [QUIRKS.get(name) for name in QUIRKS]
    found.sort(key=lambda cls: categories.index(category(cls.__module__)))
    rows = [(_code(cls.name), category(cls.__module__), cls.summary, ", ".join(cls.vendors)) for cls in found]
    return _table(("Quirk", "About", "What the station does", "Seen at"), rows)


def settings() -> str:
    """Every setting under the names of both generations."""
    rows = []
    for setting in sorted(all_settings(), key=lambda s: (s.name is None, s.name or s.key16)):
        names = (_code(setting.name) if setting.name else "", _code(setting.key16) if setting.key16 else "")
        rows.append((*names, _default(setting), setting.unit, _access(setting), setting.description))
    return _table(("OCPP 2.x", "OCPP 1.6", "Default", "Unit", "Access", "Meaning"), rows)


def _default(setting: Setting) -> str:
    text = "" if setting.mutability == WRITE_ONLY else setting.format(setting.default)
    return _codes(text.split(",")) if text else ""


def _access(setting: Setting) -> str:
    if setting.name and setting.key16 and setting.mutability != setting.mutability16:
        return f"{setting.mutability}, in 1.6 {setting.mutability16}"
    return setting.mutability if setting.name else setting.mutability16


def requests() -> str:
    """Which requests of the CSMS each version serves."""
    rows = [(dialect.name, _codes(sorted(dialect.routes))) for dialect in DIALECTS.values()]
    return _table(("OCPP", "Requests of the CSMS that are served"), rows)


def statuses() -> str:
    """The table of legal moves of a connector, and the coarser word of 2.x beside each status."""
    rows = []
    for old in STATUSES:
        moves = ["" if new == old else "yes" if new in LEGAL_MOVES[old] else "-" for new in STATUSES]
        words = dict.fromkeys(coarse_status(old, plugged) for plugged in (False, True))
        rows.append((f"**{old}**", *moves, " or ".join(words)))
    return _table(("from \\ to", *STATUSES, "in 2.x"), rows)


def habits() -> str:
    """What drivers a fleet can have."""
    return _table(("Habit", "The driver"), [(_code(name), HABITS.get(name).summary) for name in HABITS])


def archetypes() -> str:
    """What an operator wants of each kind of station: components, monitors, and a severity for each common event."""
    kinds = list(ARCHETYPES.values())
    heads = tuple(_code(kind.name) for kind in kinds)

    def marks(one: object, part: str) -> list[str]:
        return ["yes" if one in getattr(kind, part) else "" for kind in kinds]

    components = dict.fromkeys(name for kind in kinds for name in kind.components)
    watched = {name: dict.fromkeys(v for kind in kinds for c, v in kind.monitored if c == name) for name in components}
    rows = [(_code(name), _codes(watched[name]), *marks(name, "components")) for name in components]
    parts = [_table(("Component", "Variables that can be monitored", *heads), rows)]
    monitors = dict.fromkeys(one for kind in kinds for one in kind.monitors)
    rows = [
        (
            _code(f"{one.component}.{one.variable}"),
            f"{one.kind} {one.value:g}",
            str(one.severity),
            "hard-wired" if one.standing == HARD_WIRED else "preconfigured",
            *marks(one, "monitors"),
        )
        for one in monitors
    ]
    parts.append(_table(("Monitor of", "Kind", "Severity", "Standing", *heads), rows))
    events = dict.fromkeys(one for kind in kinds for one in kind.severities)
    rows = [
        (
            one.event,
            _code(f"{one.component}.{one.variable}"),
            str(one.severity),
            *marks(one, "severities"),
        )
        for one in events
    ]
    parts.append(_table(("Event", "Shows as", "Severity", *heads), rows))
    return "\n\n".join(parts)


def scenario_steps() -> str:
    """Every step of a scenario."""
    return _table(("Step", "What it does"), [(_code(name), _markdown(text)) for name, text in steps_table()])


def scenarios() -> str:
    """Every scenario that ships, by folder; those about single quirks, which bear its name, in one row."""
    top = scenarios_dir()
    found = [load_scenario(path) for path in scenario_files([top])]
    quirks = [one for one in found if one.name in QUIRKS]
    rows = [
        (_code(one.path.parent.relative_to(top)), _code(one.name), one.fields.title, ", ".join(one.fields.case))
        for one in found
        if one.name not in QUIRKS
    ]
    rows.append(
        (_code("quirks"), _codes(one.name for one in quirks), f"{len(quirks)} quirks, and what survives them", "")
    )
    return _table(("Folder", "Scenario", "What happens", "Cases"), rows)


def metrics() -> str:
    """Every exported metric with its labels, read off a page on which each has at least one value."""
    rows = []
    for family in families(_one_of_each(), {"version": "", "python": ""}, {"fleet": "", "seed": ""}):
        pairs = (pair for group in family.groups for _, own, _ in group for pair in own)
        labels = dict.fromkeys(label for label, _ in pairs if label != "le")
        rows.append((_code(family.name), family.kind, _codes(labels), family.help))
    return _table(("Metric", "Kind", "Labels", "What it counts"), rows)


def _one_of_each() -> RunMetrics:
    full = RunMetrics()
    full.durations["", "", "ok"] = full.lateness[""] = Histogram()
    full.calls["", "", "", "ok"] = CallCount(Histogram())
    full.csms_calls["", "", ""] = full.errors["", ""] = 1
    for by_label in (full.connect_failures, full.faults_active, full.violations):
        by_label[""] = 1
    return full


def csms_api() -> str:
    """The HTTP side of the reference CSMS, from the table in its module's text."""
    lines = iter((api.__doc__ or "").splitlines())
    rule = next(line for line in lines if line.startswith("==="))
    cut = rule.index(" ")
    rows: list[list[str]] = []
    for line in lines:
        if line.startswith("==="):
            break
        left, right = line[:cut].strip(), line[cut:].strip()
        if left:
            rows.append([left, right])
        else:
            rows[-1][1] += f" {right}"
    return _table(("Request", "What it does"), [[_markdown(cell) for cell in row] for row in rows])


def _markdown(text: str) -> str:
    return _ROLE.sub(r"`\1`", text).replace("``", "`")


SECTIONS: dict[str, Callable[[], str]] = {
    "profiles": profiles,
    "faults": faults,
    "quirks": quirks,
    "archetypes": archetypes,
    "settings": settings,
    "requests": requests,
    "statuses": statuses,
    "scenario-steps": scenario_steps,
    "scenarios": scenarios,
    "habits": habits,
    "metrics": metrics,
    "csms-api": csms_api,
}


# --- the file --------------------------------------------------------------------------------------------------------


def render(text: str) -> str:
    """``text`` with every section made anew.

    Raises :class:`ReadmeError` for a marker without its partner, a section nobody makes, and one that is missing.
    """
    found = [match["name"] for match in _SECTION.finditer(text)]
    marks = _MARK.findall(text)
    if marks != [name for name in found for _ in range(2)]:
        raise ReadmeError(f"markers without a partner, or one section within another: {', '.join(marks)}")
    for name in [*found, *SECTIONS]:
        if name not in SECTIONS:
            raise ReadmeError(f"nobody makes the section {name!r}; there are {', '.join(SECTIONS)}")
        if found.count(name) != 1:
            raise ReadmeError(f"the section {name!r} stands {found.count(name)} times in the README, not once")
    return _SECTION.sub(lambda match: f"{match[1]}{SECTIONS[match['name']]()}\n{match[3]}", text)


def stale(text: str) -> Iterator[str]:
    """The names of the sections that are not as :func:`render` would make them."""
    fresh = {match["name"]: match[0] for match in _SECTION.finditer(render(text))}
    return (match["name"] for match in _SECTION.finditer(text) if fresh[match["name"]] != match[0])


def main(arguments: Sequence[str] | None = None, path: Path = README) -> int:
    """Write the sections, or with ``--check`` say which are stale: 0 fine, 1 stale, 2 when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m simulator.readme", description="Renew the README's made sections.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if a section is stale")
    given: Any = parser.parse_args(arguments)
    try:
        if not path.is_file():
            raise ReadmeError(f"there is no {path}; this needs a checkout")
        text = path.read_text(encoding="utf-8")
        old = list(stale(text))
        if old and not given.check:
            path.write_text(render(text), encoding="utf-8")
    except (OSError, ReadmeError) as error:
        print(f"readme: {error}", file=sys.stderr)
        return 2
    said = "stale" if given.check else "renewed"
    print(f"{said}: {', '.join(old)}" if old else "every section is fresh")
    return 1 if old and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
