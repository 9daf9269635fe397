"""Every fact of an EVSE is written by the module that owns it, and by no other (``core/connector.OWNERS``)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.core.connector import OWNERS, Evse
from simulator.core.model import EvseSpec

ROOT = Path(__file__).resolve().parents[2] / "simulator"
#: names under which code holds an Evse
NAMES = {"evse", "other", "own"}


def targets(node: ast.AST) -> Iterator[ast.expr]:
    """What a statement assigns to, tuples and stars taken apart."""
    found: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        found = list(node.targets)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For | ast.NamedExpr):
        found = [node.target]
    elif isinstance(node, ast.With):
        found = [item.optional_vars for item in node.items if item.optional_vars is not None]
    while found:
        target = found.pop()
        if isinstance(target, ast.Tuple | ast.List):
            found += target.elts
        elif isinstance(target, ast.Starred):
            found.append(target.value)
        else:
            yield target


def writes(source: str) -> Iterator[tuple[int, str]]:
    """(line, fact) of every assignment to a fact of an Evse, whatever expression gives the Evse."""
    for node in ast.walk(ast.parse(source)):
        for target in targets(node):
            if isinstance(target, ast.Attribute) and target.attr in OWNERS and _is_evse(target.value):
                yield node.lineno, target.attr
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr" and _is_evse(node.args[0]):
            yield node.lineno, "setattr"


def _is_evse(value: ast.expr) -> bool:
    if isinstance(value, ast.Name):
        return value.id in NAMES or value.id.startswith("evse")
    return isinstance(value, ast.Subscript | ast.Call) and "evse" in ast.unparse(value)


def offences(path: str, source: str) -> list[str]:
    """Writes in this module (``core/world``) that are another's."""
    return [
        f"{path}:{line} writes {fact}, which belongs to {OWNERS.get(fact, 'nobody')}"
        for line, fact in writes(source)
        if path not in OWNERS.get(fact, "").split()
    ]


@pytest.mark.parametrize(
    "module",
    sorted(
        path.relative_to(ROOT).with_suffix("").as_posix()
        for folder in ("core", "blocks", "ocpp16", "ocpp2x", "hardware", "quirks", "fleet")
        for path in (ROOT / folder).glob("*.py")
        if not path.name.startswith("messages")
    ),
)
def test_only_the_owner_writes_a_fact(module: str) -> None:
    assert offences(module, (ROOT / f"{module}.py").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "planted",
    [
        "evse.tx = None",
        "a, evse.tx = 1, 2",
        "[evse.tx, *evse.points] = 1, 2",
        "st.evses[0].tx = None",
        "st.evse(1).tx = None",
        "evse.points |= 4",
        "for evse.tx in ():\n    pass",
        "setattr(evse, 'tx', None)",
    ],
)
def test_an_offence_is_found(planted: str) -> None:
    assert offences("core/world", planted)


def test_every_fact_has_an_owner_and_every_owner_a_module() -> None:
    facts = set(Evse.__slots__) - {"spec", "evse_id"}
    assert facts == set(OWNERS)
    for owners in OWNERS.values():
        for owner in owners.split():
            assert (ROOT / f"{owner}.py").exists(), owner


def test_a_reboot_forgets_what_is_not_of_the_world() -> None:
    evse = Evse(EvseSpec(1))
    evse.connected = evse.plugged = evse.bay = True
    evse.points, evse.flowing, evse.status = 7, True, "Charging"
    evse.reset()
    assert evse.connected and evse.plugged and evse.bay
    assert (evse.points, evse.flowing, evse.status) == (0, False, "Available")
