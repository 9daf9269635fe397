"""A board to break."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from simulator.core.model import EvseSpec, HardwareSpec, Identity, MeterSpec, Model
from simulator.core.rng import Rng
from simulator.hardware.board import Board

EPOCH_US = 1_700_000_000_000_000  # true wall time at now = 0


@pytest.fixture
def make_board() -> Callable[..., Board]:
    """make_board(evses=2, seed=7, register_wh=..., tethered=False, **parts of HardwareSpec)."""

    def make(
        evses: int = 2, seed: int = 7, register_wh: Any = 12_345.6, tethered: bool = False, **hardware: Any
    ) -> Board:
        hardware.setdefault("meter", MeterSpec(resolution_wh=1.0))
        model = Model(
            name="test",
            dialect=cast(Any, None),
            identity=Identity("Maker", "Model"),
            evses=tuple(EvseSpec(n, tethered=tethered) for n in range(1, evses + 1)),
            hardware=HardwareSpec(**hardware),
            defaults=(),
        )
        return Board(model, Rng(seed), EPOCH_US, 0, register_wh)

    return make


@pytest.fixture
def board(make_board: Callable[..., Board]) -> Board:
    return make_board()
