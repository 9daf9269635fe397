"""CustomerInformation (N09, N10). Tests with an id in their name are cases of part 6."""

from __future__ import annotations

from typing import Any

from simulator.blocks import customer, token_cache
from simulator.core import inputs as i
from simulator.lab.csms import CallError
from simulator.ocpp2x.customer import CLEARED, PAGE_CHARS
from tests.bench import Lab, bench, each_2x


def ask(lab: Lab, token: str | None = "TAG", *, report: bool = True, clear: bool = False, **who: Any) -> str:
    payload: dict[str, Any] = {"requestId": 7, "report": report, "clear": clear} | who
    if token is not None:
        payload["idToken"] = {"idToken": token, "type": "ISO14443"}
    answer = lab.ask("CustomerInformation", **payload)
    lab.run(5)
    return str(answer["status"])


def told(lab: Lab) -> str:
    """The text of the last report; every part has come, in order."""
    pages = lab.csms.sent("NotifyCustomerInformation")
    lab.forget()
    assert [page["seqNo"] for page in pages] == list(range(len(pages)))
    assert [page.get("tbc", False) for page in pages] == [True] * (len(pages) - 1) + [False]
    assert {page["requestId"] for page in pages} == {7}
    return "".join(page["data"] for page in pages)


@each_2x
def test_tc_n_27_and_28_what_is_known(version: str) -> None:
    lab = bench(version).charge(token="TAG").present().run(5).unplug().run(5)
    rows = [{"idToken": {"idToken": "tag", "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}]
    lab.ask("SendLocalList", versionNumber=1, updateType="Full", localAuthorizationList=rows)
    assert ask(lab, "Tag") == "Accepted", "tokens compare without case"
    found = told(lab).splitlines()
    assert found[0].startswith("authorization cache: TAG Accepted") and found[1].startswith("local authorization list")
    assert len(found) == 2
    assert ask(lab, "OTHER") == "Accepted" and told(lab) == customer.known(lab.station, "OTHER") == ""


@each_2x
def test_tc_n_30_and_31_clear_and_report(version: str) -> None:
    lab = bench(version).charge().present().run(5).unplug().run(5)
    assert ask(lab, clear=True) == "Accepted" and "authorization cache" in told(lab)
    assert token_cache.lookup(lab.station, "TAG") is None
    assert ask(lab) == "Accepted" and told(lab) == ""
    assert ask(lab, clear=True) == "Accepted" and told(lab) == ""


@each_2x
def test_tc_n_32_clear_and_no_report(version: str) -> None:
    lab = bench(version).charge().present().run(5).unplug().run(5)
    assert ask(lab, report=False, clear=True) == "Accepted" and told(lab) == CLEARED
    assert token_cache.lookup(lab.station, "TAG") is None


@each_2x
def test_the_local_list_stays(version: str) -> None:
    """N10.FR.02-03: only the CSMS changes it."""
    lab = bench(version)
    rows = [{"idToken": {"idToken": "TAG", "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}]
    lab.ask("SendLocalList", versionNumber=1, updateType="Full", localAuthorizationList=rows)
    assert ask(lab, clear=True) == "Accepted" and told(lab).startswith("local authorization list: TAG Accepted")
    assert ask(lab) == "Accepted" and told(lab).startswith("local authorization list")


@each_2x
def test_transactions_that_run_and_messages_that_wait(version: str) -> None:
    lab = bench(version).charge()
    key = lab.session().begin["transactionInfo"]["transactionId"]
    assert ask(lab) == "Accepted" and f"transaction {key} at EVSE 1: TAG, running" in told(lab)
    lab.csms.script["TransactionEvent"] = lambda csms, payload: CallError("InternalError")
    lab.present().run(1)
    assert ask(lab, clear=True) == "Accepted"
    text = told(lab)
    assert f"transaction {key}: TAG in 1 message not delivered yet" in text
    assert any(getattr(report, "key", "") == key for _, report in lab.station.board.flash.items("queue")), "still owed"


@each_2x
def test_tc_n_29_and_33_who_and_what_must_be_said(version: str) -> None:
    """N09.FR.07, FR.09."""
    lab = bench(version)
    digest = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}
    assert ask(lab, None) == "Invalid"
    assert ask(lab, "TAG", customerIdentifier="me") == "Invalid"
    assert ask(lab, report=False) == "Rejected"
    assert not lab.csms.sent("NotifyCustomerInformation")
    assert ask(lab, None, customerIdentifier="me") == "Accepted" and told(lab) == "", (
        "TC_N_62_CS: nothing is kept by it"
    )
    assert ask(lab, None, customerCertificate=digest, clear=True) == "Accepted" and told(lab) == "", "TC_N_63_CS"


@each_2x
def test_a_long_report_goes_in_parts(version: str) -> None:
    lab = bench(version, evses=8)
    for number in range(1, 9):
        lab.charge(number)
    assert ask(lab) == "Accepted"
    pages = lab.csms.sent("NotifyCustomerInformation")
    assert len(pages) >= 2 and all(0 < len(page["data"]) <= PAGE_CHARS for page in pages)
    assert told(lab).count("running") == 8


@each_2x
def test_a_memory_that_refuses(version: str) -> None:
    lab = bench(version).charge().present().run(5).inject("flash.read_only")
    assert ask(lab, clear=True) == "Rejected"
    lab.clear().feed(i.Tick())
    assert ask(lab) == "Accepted" and "authorization cache" in told(lab)
