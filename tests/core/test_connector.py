"""Statuses from facts: the pure function, and the table of legal moves against the specification's own."""

from __future__ import annotations

from itertools import product
from typing import Any, cast

import pytest

from simulator.core import connector as c
from simulator.core.connector import LEGAL_MOVES, POINTS, STATUSES, Evse, derive_status, points_of
from simulator.core.model import EvseSpec


class Tx:
    """As much of a transaction as a status looks at."""

    def __init__(self, id_token: str = "TAG") -> None:
        self.id_token = id_token


def evse(**facts: Any) -> Evse:
    """An EVSE with these facts."""
    made = Evse(EvseSpec(1))
    for name, value in facts.items():
        assert name in Evse.__slots__
        setattr(made, name, value)
    return made


GRANT = cast(Any, object())
CASES: list[tuple[str, dict[str, Any]]] = [
    ("Available", {}),
    ("Preparing", {"plugged": True}),
    ("Preparing", {"grant": GRANT}),
    ("Preparing", {"bay": True}),
    ("Preparing", {"plugged": True, "grant": GRANT, "tx": Tx(), "used": True, "charging_state": "EVConnected"}),
    ("Preparing", {"plugged": True, "tx": Tx(""), "used": True}),
    ("Charging", {"plugged": True, "grant": GRANT, "tx": Tx(), "used": True, "flowing": True}),
    ("SuspendedEV", {"plugged": True, "grant": GRANT, "tx": Tx(), "used": True, "charging_state": "SuspendedEV"}),
    ("SuspendedEVSE", {"plugged": True, "grant": GRANT, "tx": Tx(), "used": True, "charging_state": "SuspendedEVSE"}),
    ("SuspendedEV", {"ev_gone": True, "grant": GRANT, "tx": Tx(), "used": True}),
    ("SuspendedEV", {"grant": GRANT, "tx": Tx(), "used": True, "status": "Charging"}),
    ("Finishing", {"plugged": True, "used": True}),
    ("Finishing", {"ev_gone": True, "used": True}),
    ("Finishing", {"bay": True, "used": True}),
    ("Finishing", {"plugged": True, "tx": Tx(), "used": True, "status": "Charging"}),
    ("Preparing", {"plugged": True, "tx": Tx(), "used": True}),
    ("Available", {"used": True}),
    ("Reserved", {"reserved": True}),
    ("Reserved", {"reserved": True, "plugged": True}),
    ("Reserved", {"reserved": True, "plugged": True, "tx": Tx(""), "used": True}),
    ("Reserved", {"reserved": True, "plugged": True, "used": True}),
    ("Preparing", {"reserved": True, "grant": GRANT}),
    ("Preparing", {"reserved": True, "plugged": True, "grant": GRANT, "tx": Tx(""), "used": True}),
    ("Unavailable", {"operative": False}),
    ("Unavailable", {"operative": False, "plugged": True}),
    ("Charging", {"operative": False, "plugged": True, "grant": GRANT, "tx": Tx(), "flowing": True}),
    ("Faulted", {"lock_failed": True, "plugged": True}),
]


@pytest.mark.parametrize("status, facts", CASES)
def test_a_status_follows_from_the_facts(status: str, facts: dict[str, Any]) -> None:
    assert derive_status(evse(**facts), blocked=False) == status


@pytest.mark.parametrize("status, facts", CASES)
def test_a_fault_goes_before_everything(status: str, facts: dict[str, Any]) -> None:
    assert derive_status(evse(**facts), blocked=True) == "Faulted"


def test_any_facts_give_one_of_the_nine() -> None:
    flags = ("plugged", "ev_gone", "bay", "used", "operative", "reserved", "lock_failed", "flowing")
    seen = set()
    for values in product((False, True), repeat=len(flags)):
        for grant, tx, state in product((None, GRANT), (None, Tx()), ("Idle", "SuspendedEV", "SuspendedEVSE")):
            facts = dict(zip(flags, values, strict=True)) | {"grant": grant, "tx": tx, "charging_state": state}
            seen.add(derive_status(evse(**facts), blocked=False))
    assert seen == set(STATUSES)


def test_the_table_of_legal_moves() -> None:
    """1.6 4.9: the letters of the table, row by row; what the module adds is named there."""
    assert set(LEGAL_MOVES) == set(STATUSES)
    table = {
        "Available": "Preparing Charging SuspendedEV SuspendedEVSE Reserved Unavailable Faulted",
        "Preparing": "Available Charging SuspendedEV SuspendedEVSE Finishing Faulted",
        "Charging": "Available SuspendedEV SuspendedEVSE Finishing Unavailable Faulted",
        "SuspendedEV": "Available Charging SuspendedEVSE Finishing Unavailable Faulted",
        "SuspendedEVSE": "Available Charging SuspendedEV Finishing Unavailable Faulted",
        "Finishing": "Available Preparing Unavailable Faulted",
        "Reserved": "Available Preparing Unavailable Faulted",
        "Unavailable": "Available Preparing Charging SuspendedEV SuspendedEVSE Faulted",
        "Faulted": "Available Preparing Charging SuspendedEV SuspendedEVSE Finishing Reserved Unavailable",
    }
    added = {
        "Preparing": {"Unavailable"},
        "Reserved": {"Charging", "SuspendedEV", "SuspendedEVSE"},
        "Finishing": {"Charging", "SuspendedEV", "SuspendedEVSE"},
        "Unavailable": {"Finishing"},
    }
    for status, moves in table.items():
        assert LEGAL_MOVES[status] == set(moves.split()) | added.get(status, set()), status
        assert status not in LEGAL_MOVES[status]


def test_points_are_bits() -> None:
    assert points_of(("EVConnected", "Authorized")) == c.EV_CONNECTED | c.AUTHORIZED
    assert points_of(()) == 0
    assert sorted(POINTS.values()) == [1, 2, 4, 8, 16, 32]
    with pytest.raises(KeyError):
        points_of(("Parked",))
