"""A folder of profiles of one's own, and a small table of quirks that does not depend on the real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import simulator.quirks
import simulator.quirks.seams
from simulator.quirks import Quirk, quirk
from simulator.registry import Registry

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a profile ``vendor/model`` below the temporary folder."""

    def make(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return make


@pytest.fixture
def quirks(monkeypatch: pytest.MonkeyPatch) -> Registry[type[Quirk]]:
    """The table of quirks holds just two: ``slow-boot`` (delay_s) and ``fast-heart`` (only sets a setting)."""
    table: Registry[type[Quirk]] = Registry("quirk")
    monkeypatch.setattr(simulator.quirks, "QUIRKS", table)
    monkeypatch.setattr(simulator.quirks.seams, "QUIRKS", table)

    @quirk("slow-boot")
    class SlowBoot(Quirk):
        """Waits before it says hello."""

        sources = ("https://example.invalid/slow",)
        params = {"delay_s": (5.0, 0.0, 600.0)}  # noqa: RUF012 - as every quirk declares them
        delay_s: float

        def boot(self, st: object, payload: object) -> object:
            return payload

    @quirk("fast-heart")
    class FastHeart(Quirk):
        """Beats fast."""

        sources = ("https://example.invalid/heart",)
        settings = {"HeartbeatInterval": "7"}  # noqa: RUF012 - as every quirk declares them

    assert SlowBoot.name and FastHeart.name
    return table
