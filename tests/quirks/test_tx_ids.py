"""Quirks of transaction ids and tokens, on the wire, with and without."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.lab.csms import SILENT, CallError
from simulator.quirks import tx_ids
from tests.quirks.rig import Bench, build, compare

ONCE = {"TransactionMessageAttempts": 1}


def refused_start(b: Bench) -> list[Any]:
    """A session whose start the CSMS answers by an error; the id in its stop."""
    b.csms.script["StartTransaction"] = lambda csms, payload: CallError("InternalError")
    b.boot().session(20)
    return [p["transactionId"] for p in b.sent("StopTransaction")]


@pytest.mark.parametrize(("name", "told"), [("tx-stop-null-transaction-id", None), ("tx-stop-transaction-id-zero", 0)])
def test_stop_without_an_id(name: str, told: Any) -> None:
    compare(name, refused_start, settings=ONCE, without=[-1], with_=[told])


def offline_session(b: Bench) -> list[Any]:
    """A session that begins offline and ends online; the id in its stop."""
    b.boot().plug()
    b.disturbed = True
    b.fleet.cut(b.station)
    b.run(5).token("TAG", 30)
    b.fleet.mend(b.station)
    b.run(60).token("TAG", 5).unplug()
    assert len(b.csms.transactions) == 1
    return [p["transactionId"] for p in b.sent("StopTransaction")]


def test_minus_one_for_what_began_offline() -> None:
    settings = {"AllowOfflineTxForUnknownId": True}
    b = compare("tx-stop-transaction-id-minus-one", offline_session, settings=settings, without=[1], with_=[-1])
    b.session(20)
    assert b.sent("StopTransaction")[-1]["transactionId"] == 2


def two_sessions(b: Bench) -> tuple[list[Any], list[Any]]:
    """Ids in the values and in the stops of two sessions."""
    b.boot().session(70).session(130)
    return [p["transactionId"] for p in b.sent("MeterValues")], [p["transactionId"] for p in b.sent("StopTransaction")]


def test_the_id_before() -> None:
    compare("txid-older-than-last-issued", two_sessions, without=([1, 2, 2], [1, 2]), with_=([1, 1, 1], [1, 2]))


def test_numbers_of_its_own() -> None:
    own = [100_001, 100_002, 100_002], [100_001, 100_002]
    b = compare("txid-self-assigned", two_sessions, without=([1, 2, 2], [1, 2]), with_=own)
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    b.session(10)
    assert b.sent("StopTransaction")[-1]["transactionId"] == 100_003


def test_signed_numbers() -> None:
    large = (1 << 31) + 5

    def scenario(b: Bench) -> tuple[int, str]:
        b.csms.next_transaction = large
        b.boot().plug().token("TAG", 70)
        answer = b.ask("RemoteStopTransaction", transactionId=large)["status"]
        b.run(2)
        return b.sent("MeterValues")[0]["transactionId"], answer

    with_ = (large - (1 << 32), "Rejected")
    compare("txid-signed-int32-only", scenario, without=(large, "Accepted"), with_=with_)


def test_small_numbers_stay() -> None:
    b = Bench(build("txid-signed-int32-only")).boot().session(70)
    assert b.sent("MeterValues")[0]["transactionId"] == 1 and b.csms.transactions[1]["stop"]


def tokens(b: Bench) -> list[str]:
    """Tokens told of two sessions at the reader and one of the CSMS."""
    b.boot().session(10, "deadBEEF01").session(10, "abc")
    b.plug().remote_start("remoteTAG")
    b.run(10)
    return [p["idTag"] for p in b.sent("StartTransaction")]


def test_spoilt_tokens() -> None:
    def scenario(b: Bench) -> tuple[list[str], int]:
        told = tokens(b)
        rows = b.ask("GetConfiguration", key=["SupportedFeatureProfiles"])["configurationKey"]
        return told, min(len(rows[0]["value"]), 21)

    fine = ["deadBEEF01", "abc", "remoteTAG"]
    with_ = (["dead000000", "abc", "remoteTAG"], 20)
    compare("idtag-corrupted", scenario, without=(fine, 21), with_=with_)


def test_case_of_tokens() -> None:
    with_ = ["DEADBEEF01", "ABC", "remoteTAG"]
    name = "idtag-letter-case-setting"
    compare(name, tokens, without=["deadBEEF01", "abc", "remoteTAG"], with_=with_)
    for word, told in (("LowerCase", "deadbeef01"), ("AsRead", "deadBEEF01")):
        b = Bench(build(name)).boot()
        assert b.ask("ChangeConfiguration", key="idTagLetterCase", value=word) == {"status": "Accepted"}
        b.session(10, "deadBEEF01")
        assert b.sent("StartTransaction")[0]["idTag"] == told


def test_tokens_of_the_newer_versions() -> None:
    b = Bench(build("idtag-letter-case-setting", version="2.0.1")).boot().session(10, "abc")
    b.plug()
    wish = {"idToken": "remote", "type": "ISO14443"}
    b.ask("RequestStartTransaction", evseId=1, remoteStartId=1, idToken=wish)
    told = [p["idToken"]["idToken"] for p in b.run(10).sent("Authorize", "TransactionEvent") if "idToken" in p]
    assert set(told) == {"ABC", "remote"} and len(b.csms.transactions) == 2


@pytest.mark.parametrize("name", ["idtag-letter-case-setting", "idtag-corrupted", "idtag-colon-separated"])
def test_a_token_is_told_again_as_it_was(name: str) -> None:
    for remote in (True, False):
        b = Bench(build(name)).boot().plug()
        b.csms.script["StartTransaction"] = lambda csms, payload: SILENT
        if remote:
            b.remote_start("5b985b44")
            b.run(10)
        else:
            b.token("5b985b44", 10)
        b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
        told = [p["idTag"] for p in b.sent("StartTransaction")]
        assert len(told) >= 2 and len(set(told)) == 1 and (told[0] == "5b985b44") == remote


def test_a_change_of_tokens_says_which() -> None:
    with pytest.raises(NotImplementedError):
        tx_ids.TokenChange().told(Bench(build()).station, "TAG")
