"""Quirks that a trace shows stand in the profile drafted from it, and the station of it shows them, too."""

from pathlib import Path

import pytest

from simulator.profile.load import load_profile
from simulator.replay.capture import capture_of
from simulator.replay.draft import checked
from simulator.replay.learn import learn
from simulator.replay.recognise import recognise
from tests.quirks.rig import Bench, Use, build
from tests.replay.rig import frames_of
from tests.replay.test_learn import loaded, observed, shape


def drafted(bench: Bench) -> tuple[list[str], str, object]:
    """Names of quirks, notes, and the draft."""
    trace = frames_of(bench)
    capture = capture_of(trace)
    draft = learn(capture, source="f")
    recognise(trace, capture, draft, "f")
    profile = checked(draft)
    assert all(profile.standing(use.name) == "sourced" for use in profile.quirks)
    return [use.name for use in profile.quirks], "\n".join(draft.notes), draft


def session(*quirks: Use) -> Bench:
    bench = Bench(build(*quirks)).boot(60)
    bench.fleet.ask(bench.station, "GetConfiguration", {})
    return bench.plug().token("TAG", 200).token("TAG", 5).unplug().run(30)


def test_a_plain_station_shows_none() -> None:
    assert drafted(session())[0] == []


@pytest.mark.parametrize("name", ["status-no-timestamp", "meter-three-decimal-strings"])
def test_a_quirk_is_found_and_shown_again(name: str, tmp_path: Path) -> None:
    bench = session(name)
    names, _, draft = drafted(bench)
    assert names == [name]
    again = observed(loaded(draft, tmp_path), "1.6")  # type: ignore[arg-type]
    mine = [one for one in shape(again) if one[2] in ("StatusNotification", "MeterValues")]
    theirs = [one for one in shape(bench) if one[2] in ("StatusNotification", "MeterValues")]
    assert set(mine) == set(theirs)


def test_a_text_that_was_learnt_is_not_put_in_once_more() -> None:
    """A composite firmware text is the firmware of the draft; the quirk would replace it by the usual one."""
    bench = session("boot-composite-firmware-string")
    names, notes, draft = drafted(bench)
    assert "boot-composite-firmware-string" not in names
    assert (
        "shows the quirk boot-composite-firmware-string (f, line 1); what was said is in the profile already" in notes
    )
    said = bench.csms.sent("BootNotification")[0]["firmwareVersion"]
    assert draft.values["identity"]["firmware"] == said  # type: ignore[attr-defined]


def test_a_products_quirks_are_found_among_its_own() -> None:
    known = {use.name for use in load_profile("alfen/ng910").profile.quirks}
    names, _, _ = drafted(observed("alfen/ng910", "1.6"))
    assert names and set(names) <= known
