"""Where a grant came from is written on it; how it ended is on its end."""

from __future__ import annotations

from simulator.blocks.authorization import LOCAL_PRE_AUTHORIZE
from simulator.blocks.grant import NO_LIMIT_W, Asked, Grant, GrantEnd
from simulator.lab.csms import SILENT
from tests.bench import bench


def test_its_source_and_its_token() -> None:
    lab = bench(evses=3, settings={LOCAL_PRE_AUTHORIZE: True})
    lab.csms.groups = {"A": "FAMILY"}
    lab.present("A", 1).run(1).present("A", 2).run(1)
    assert lab.remote_start("B", 3) == "Accepted"
    grants = [evse.grant for evse in lab.station.evses]
    assert all(isinstance(grant, Grant) and grant.energy and grant.limit_w == NO_LIMIT_W for grant in grants)
    assert [(g.id_token, g.source, g.group) for g in grants if g] == [
        ("A", "csms", "FAMILY"),
        ("A", "local", "FAMILY"),
        ("B", "remote", None),
    ]


def test_a_token_that_is_asked_about_and_the_end_of_it() -> None:
    lab = bench()
    lab.csms.script["Authorize"] = lambda csms, payload: SILENT
    lab.present("A", 1)
    asked = lab.evse().asked
    assert isinstance(asked, Asked) and (asked.id_token, asked.remote_start_id) == ("A", None)
    lab.run(60)
    assert lab.evse().asked is None and lab.evse().grant is None, "no answer came"
    lab.csms.script.clear()
    lab.charge(token="B").present("B").run(1)
    end = lab.evse().grant_end
    assert isinstance(end, GrantEnd)
    assert (end.trigger, end.reason, end.stop_token) == ("StopAuthorized", "Local", "B")
