"""The tables blocks plug into: complete, ordered, without strangers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import simulator.blocks as blocks
from simulator.core import wiring
from simulator.core.wiring import NUMBER, PRESENTED, PRESSED

ROOT = Path(blocks.__file__).parents[1]


def test_rules_and_drains_run_in_their_order() -> None:
    for table in (wiring.EVSE_RULES, wiring.STATION_RULES, wiring.DRAINS):
        orders = [order for order, _ in table]
        assert orders == sorted(orders) and orders


def test_authority_before_energy_before_transaction_before_status() -> None:
    names = [f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}" for _, rule in wiring.EVSE_RULES]
    wanted = ["power_path.perceive", "authorization.hold", "power_path.drive", "transactions.settle"]
    assert [name for name in names if name in wanted] == wanted
    assert names.index("availability.follow") > names.index("transactions.settle")


def test_every_timer_that_is_set_has_a_handler() -> None:
    set_somewhere = set()
    for folder in ("core", "blocks", "ocpp16", "ocpp2x"):
        for path in (ROOT / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("timers.set"):
                    name = node.args[0]
                    if isinstance(name, ast.Constant):
                        set_somewhere.add(name.value)
    assert set_somewhere <= set(wiring.TIMERS), set_somewhere - set(wiring.TIMERS)
    assert len(set_somewhere) > 10


def test_one_handler_for_a_timer() -> None:
    with pytest.raises(AssertionError, match="two handlers for timer boot"):
        wiring.on_timer("boot")(lambda st, index, now: None)


def test_a_moment_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        wiring.at("midnight")(lambda st, now: None)


def test_one_block_takes_tokens_buttons_and_numbers() -> None:
    assert len(PRESENTED) == len(PRESSED) == len(NUMBER) == 1


def test_blocks_are_listed_and_the_list_is_the_folder() -> None:
    folder = {path.stem for path in (ROOT / "blocks").glob("*.py")} - {"__init__"}
    assert folder <= set(blocks.__all__)
