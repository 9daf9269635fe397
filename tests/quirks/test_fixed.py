"""A habit that is bound to a firmware: gone after an update to a fixed one, and all else stays.

Module under test, with ``core/release.py``: simulator.quirks.port and the firmware block.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.blocks import firmware_record
from simulator.core import inputs as i
from simulator.core.model import Seams
from simulator.core.release import AFTER, has_fix
from simulator.core.station import Station
from simulator.quirks import QUIRKS
from simulator.quirks.payload import put
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import SEAMS, Quirk, seams_of
from tests.bench import VERSIONS, each_2x
from tests.ocpp2x.field import Field as Field2x
from tests.ocpp16.transfers import URL, Field, field, product, told, update
from tests.quirks.rig import Bench, build

OLD = "http://files.example/images/old.bin"


class Shy(Quirk):
    """Hides its status text, and counts its seconds."""

    name = "shy"
    fixed_in = "2.0"

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """No reset is ever accepted."""
        return put(reply, status="Rejected") if action == "ClearCache" else reply

    def moment(self, st: Station, name: str, now: int) -> None:
        """Begin to count."""
        if name in ("start", "link_up"):
            QuirkPort(st, self).wake_in(1.0)

    def timer(self, st: Station, now: int) -> None:
        """One more."""
        port = QuirkPort(st, self)
        port.memory["count"] = port.memory.get("count", 0) + 1
        port.wake_in(1.0)


class Loud(Shy):
    """The same, never fixed."""

    name = "loud"
    fixed_in = ""


def quirks(*made: Quirk) -> dict[str, Any]:
    seams = {seam: tuple(q for q in made if seam in seams_of(type(q))) for seam in SEAMS}
    return {"seams": Seams(**seams), "quirks": made}


def clears(lab: Any) -> str:
    return str(lab.ask("ClearCache")["status"])


def counts(lab: Any, name: str = "shy") -> int:
    return int(lab.station.data.get(("quirk", name), {}).get("count", 0))


@pytest.mark.parametrize("restart", ["after", "before", "none"])
def test_gone_after_the_update_and_back_with_the_old_firmware(restart: str) -> None:
    shy = Shy()
    lab = field(hardware=product(restart=restart), **quirks(shy))
    model = lab.station.model
    lab.run(5)
    assert clears(lab) == "Rejected" and counts(lab) > 0
    update(lab)
    lab.run(60)
    assert told(lab)[-1] == "Firmware Installed"
    counted = counts(lab)
    lab.run(10)
    assert clears(lab) == "Accepted" and counts(lab) == counted, "the seam and the timer are gone"
    now = lab.station.model
    assert (now.outgrown, now.identity, now.defaults) == (frozenset({"shy"}), model.identity, model.defaults)
    lab.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert clears(lab) == "Accepted" and counts(lab) == 0
    lab.files.serve(OLD, b"CPFARM-FIRMWARE 1.5\n" + bytes(100))
    update(lab, OLD)
    lab.run(120)
    assert clears(lab) == "Rejected" and lab.station.model is model


@each_2x
def test_the_same_in_the_newer_versions(version: str) -> None:
    lab = Field2x(version, **quirks(Shy()))
    assert clears(lab) == "Rejected"
    image = {"location": URL, "retrieveDateTime": lab.at(-3600)}
    assert lab.ask("UpdateFirmware", requestId=11, firmware=image)["status"] == "Accepted"
    lab.run(300)
    assert lab.said()[-1] == "Installed 11" and clears(lab) == "Accepted"


def test_stations_with_the_same_firmware_share_one_model() -> None:
    shy, loud = Shy(), Loud()
    lab = field(**quirks(shy, loud))
    base = lab.station.model
    other = Station("CP2", base, seed=1)
    update(lab)
    lab.run(60)
    newer = lab.station.model
    assert clears(lab) == "Rejected" and counts(lab, "loud") > 0, "what has no known fix stays"
    assert newer is not base and other.model is base
    assert newer is base.outgrow(frozenset({"shy"})) and newer.outgrow(frozenset()) is base
    assert newer.seams.answer == (loud,) and newer.quirks == base.quirks == (shy, loud)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_station_as_it_was_made_keeps_its_habits(version: str) -> None:
    lab = Field() if version == "1.6" else Field2x(version)
    base = lab.station.model
    lab.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert lab.station.model is base and base.outgrown == frozenset()


@pytest.mark.parametrize("name", [name for name in QUIRKS if QUIRKS.get(name).fixed_in])
def test_an_update_to_the_version_of_the_fix_ends_it(name: str) -> None:
    """Every quirk whose fix is known, by the version that has it."""
    fix = QUIRKS.get(name).fixed_in
    product = build(name)
    lab = Bench(replace(product, identity=replace(product.identity, firmware="0.1")))
    assert fixed_seams(lab) and lab.station.model.outgrown == frozenset()
    version = f"{fix[1:]}.1" if fix.startswith(AFTER) else fix
    there = {"version": version, "sha256": "", "size": 1}
    lab.station.board.flash.write(firmware_record.AREA, firmware_record.INSTALLED_KEY, there, 10)
    lab.boot()
    assert not fixed_seams(lab) and lab.station.model.outgrown == {name}


@pytest.mark.parametrize(
    "name, factory, running",
    [
        ("txid-int64-max", "5.8", "6.5.0-4217"),  # its maker: gone with 6.0
        ("idtag-colon-separated", "", "TAC1Z9120406710257::V1.6.7"),  # seen with plain hexadecimal tokens
        ("measurand-key-unknown", "", "TAC3Z9119006710273::V1.8.21"),  # seen with the key
        ("smart-limit-clamped-to-minimum", "", "P0424B0424v0.220706_W6.0.0-050"),  # limits work since early 2022
    ],
)
def test_a_firmware_that_was_seen_without_it_ends_it(name: str, factory: str, running: str) -> None:
    assert has_fix(running, factory, QUIRKS.get(name).fixed_in)


def fixed_seams(lab: Bench) -> bool:
    """Is there anything left that the quirk hooks into?"""
    model = lab.station.model
    listens = [q for q in model.quirks if q.name not in model.outgrown]
    return bool(listens) or any(getattr(model.seams, seam) for seam in SEAMS)
