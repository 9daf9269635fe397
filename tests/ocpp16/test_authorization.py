"""Tokens and the cache of 1.6.

Tests with an id in their name are cases of the certification tool, edition 2024-04.
"""

from __future__ import annotations

from simulator.blocks.authorization import AUTHORIZE_REMOTE, CONNECTION_TIMEOUT, LOCAL_PRE_AUTHORIZE
from simulator.blocks.availability import MINIMUM_STATUS_DURATION
from simulator.ocpp16 import authorization
from simulator.ocpp16 import messages as m
from tests.bench import Lab, bench, told


def test_tc_004_2_cs_connection_timeout(lab: Lab) -> None:
    lab.configure(CONNECTION_TIMEOUT, 20)
    lab.forget().present().run(19.9)
    assert told(lab) == ["Authorize", "StatusNotification Preparing"]
    lab.run(0.1)
    assert told(lab)[2:] == ["StatusNotification Available"]
    lab.plug().run(5)
    assert not lab.sessions()


def test_tc_068_cs_stopped_by_the_same_token_only(lab: Lab) -> None:
    lab.charge().forget().present("OTHER").run(2)
    assert told(lab) == []
    lab.present("TAG")
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().stop_token == "TAG"


def test_tc_069_cs_stopped_by_a_token_of_the_group(lab: Lab) -> None:
    lab.csms.groups = {"TAG": "FAMILY", "SISTER": "FAMILY", "STRANGER": "OTHERS"}
    lab.charge().forget().present("STRANGER").run(2)
    assert told(lab) == ["Authorize"]
    lab.forget().present("SISTER").run(1)
    assert told(lab) == ["Authorize", "StopTransaction", "StatusNotification Finishing"]
    assert lab.session().stop_token == "SISTER"


def test_tc_007_cs_remote_start_of_a_cached_token() -> None:
    lab = bench(settings={AUTHORIZE_REMOTE: True, LOCAL_PRE_AUTHORIZE: True})
    lab.present().run(1)
    lab.present().run(1)  # known now, and let go again
    lab.forget().plug()
    assert lab.remote_start() == "Accepted"
    lab.run(4)
    assert told(lab) == ["StatusNotification Preparing", "StartTransaction", "StatusNotification Charging"]


def test_tc_061_cs_clear_cache() -> None:
    lab = bench(settings={LOCAL_PRE_AUTHORIZE: True}).forget()
    lab.present().run(1)
    lab.present().run(1)
    assert told(lab) == ["Authorize", "StatusNotification Preparing", "StatusNotification Available"]
    lab.forget().present().present().run(1)
    assert "Authorize" not in told(lab)
    assert lab.ask("ClearCache") == {"status": "Accepted"}
    lab.forget().present().run(1)
    assert told(lab)[0] == "Authorize"


def test_tc_023_cs_authorize_invalid() -> None:
    lab = bench(settings={MINIMUM_STATUS_DURATION: 10, LOCAL_PRE_AUTHORIZE: True}).forget()
    lab.csms.verdicts["TAG"] = "Invalid"
    lab.plug().run(15)
    assert told(lab) == ["StatusNotification Preparing"]
    lab.present().run(30)
    assert told(lab)[1:] == ["Authorize"] and not lab.sessions()


def test_a_long_token_is_cut_to_what_the_message_takes(lab: Lab) -> None:
    """7.28: 20 characters."""
    lab.plug().present("0123456789ABCDEF0123456789").run(4)
    assert lab.csms.sent("Authorize") == [{"idTag": "0123456789ABCDEF0123"}]
    assert lab.session().begin["idTag"] == "0123456789ABCDEF0123"


def test_tag_info_as_the_blocks_know_it() -> None:
    info = m.IdTagInfo(status="Expired", parent_id_tag="P", expiry_date="2026-03-01T00:00:00Z")
    known = authorization.token_info(info)
    assert (known.status, known.group, known.expiry_us) == ("Expired", "P", 1_772_323_200_000_000)
    bare = authorization.token_info(m.IdTagInfo(status="Accepted"))
    assert (bare.group, bare.expiry_us, bare.evse_ids) == (None, None, ())


def test_an_expiry_date_is_kept(lab: Lab) -> None:
    """7.27: after it the token is not accepted locally."""
    lab.csms.script["Authorize"] = lambda csms, p: {
        "idTagInfo": {"status": "Accepted", "expiryDate": "2026-03-01T00:01:00Z"}
    }
    lab.present().run(1).present().run(90)
    lab.fleet.cut(lab.station)
    lab.plug().present().run(5)
    assert not lab.evse().flowing and "Expired" in lab.remarks()[-1]


def test_clear_cache_is_served_when_accepted_only(lab: Lab) -> None:
    assert lab.ask("ClearCache") == {"status": "Accepted"}
