"""N09, N10: what a station knows of a customer: told, forgotten, not there."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.rules import OMITTED, Rule, one_of, such_that
from simulator.certify.states201 import authorized_with, cached, energy_started, parking_bay_unoccupied, valid_listed
from simulator.certify.tester import Step
from simulator.certify.tester201 import Tester201

REQUEST_ID = 27
#: an answer has at most so many parts
MAX_PARTS = 100
LOCAL = {
    "LocalAuthListCtrlr.Enabled": True,
    "AuthCtrlr.LocalPreAuthorize": True,
    "AuthCacheCtrlr.Enabled": True,
}
#: what a driver may be known under beside a token; nothing is stored here by it
CUSTOMER = "Customer 0815"
SOMETHING = such_that("not empty", lambda text: bool(str(text).strip()))
LAST = one_of(False, OMITTED)


def kept(t: Tester201) -> None:
    """A memory state: the valid token is in cache and list, as far as there are such, and has just been used."""
    if t.read("AuthCacheCtrlr.Enabled", "cache") == "true":
        cached(t)
    valid_listed(t)
    authorized_with(t, t.valid, known=True)
    energy_started(t)
    parking_bay_unoccupied(t)
    t.drop()


def forgotten(t: Tester201) -> None:
    """A memory state: the tool had the station forget the valid token."""
    with t.within("Forgotten"):
        ask(t, 0, clear=True)
        parts(t, 0)


def ask(t: Tester201, step: Step, *, report: bool = False, clear: bool = False, **who: Any) -> None:
    """The tool asks; ``who``: the valid token unless it says something else."""
    whom = who or {"idToken": t.token()}
    payload = {"requestId": REQUEST_ID, "report": report, "clear": clear, **whom}
    t.call(step, "CustomerInformation", payload, status="Accepted")


def parts(t: Tester201, step: Step, data: Rule | None = None, *, tbc: Rule | None = None) -> str:
    """The parts of what is told, numbered from 0; ``data``: what holds of each. The whole text."""
    text = ""
    for number in range(MAX_PARTS):
        fields: dict[str, Any] = {"requestId": REQUEST_ID, "seqNo": number}
        if data is not None:
            fields["data"] = data
        if tbc is not None:
            fields["tbc"] = tbc
        part = t.expect(step, "NotifyCustomerInformation", fields).payload
        text += part["data"]
        if not part.get("tbc", False):
            return text
    raise t.inconclusive(f"the answer has more than {MAX_PARTS} parts")


def without(token: str) -> Rule:
    """A text that does not name a token."""
    return such_that(f"nothing of {token}", lambda text: token.lower() not in str(text).lower())


@case_201("TC_N_27", settings=LOCAL, if_implemented=list(LOCAL), memory=[kept])
def told(t: Tester201) -> None:
    """Get Customer Information: accepted + data."""
    ask(t, 2, report=True)
    parts(t, 3, SOMETHING)


@case_201("TC_N_28", memory=[forgotten])
def unknown(t: Tester201) -> None:
    """Get Customer Information: accepted + no data (N09.FR.06)."""
    ask(t, 2, report=True)
    parts(t, 3, without(t.valid), tbc=LAST)


@case_201("TC_N_30", settings=LOCAL, if_implemented=list(LOCAL), memory=[kept])
def told_and_forgotten(t: Tester201) -> None:
    """Clear Customer Information: clear and report + data. The local list is the tool's, and stays (N10.FR.02)."""
    ask(t, 2, report=True, clear=True)
    before = parts(t, 3, SOMETHING)
    ask(t, 6, report=True)
    after = parts(t, 7, tbc=LAST)
    t.check(7, "less is known than before", len(after) < len(before), after)


@case_201("TC_N_31")
def nothing_to_forget(t: Tester201) -> None:
    """Clear Customer Information: clear and report + no data (N10.FR.04)."""
    ask(t, 2, report=True, clear=True)
    parts(t, 3, without(t.valid), tbc=LAST)


@case_201("TC_N_32")
def forgotten_untold(t: Tester201) -> None:
    """Clear Customer Information: clear and no report (N10.FR.06)."""
    ask(t, 2, clear=True)
    parts(t, 3, without(t.valid), tbc=LAST)


@case_201("TC_N_62")
def by_identifier(t: Tester201) -> None:
    """Clear Customer Information: clear and report, customerIdentifier. It is stored by hand before."""
    ask(t, 2, report=True, clear=True, customerIdentifier=CUSTOMER)
    parts(t, 3, SOMETHING)
    ask(t, 6, report=True, customerIdentifier=CUSTOMER)
    parts(t, 7, such_that("empty", lambda text: not str(text).strip()))
