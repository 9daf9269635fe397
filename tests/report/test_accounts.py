"""Every transaction of a ledger is delivered, open, or has a cause that the ledger knows; what has none is found."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import records as r
from simulator.hardware.fault import FAULTS
from simulator.ledger import Ledger
from simulator.quirks.seams import BREAKS
from simulator.report.accounts import HARMLESS, IN_THE_TEXT, IN_THE_WAY, QUIRKS, accounts

S = 1_000_000


class Books:
    """A ledger with one station that is told what happened to its transactions."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.ledger.begin_run({})
        self.ledger.add_station("CP1", ocpp="1.6", profile="p", at_us=0)

    def transaction(
        self, key: str, begin_s: int, end_s: int | None, start: str | None, stop: str | None, why: str = ""
    ) -> None:
        self.ledger.add("CP1", r.TransactionOpened(key, 1, "TAG", 0, 0.0, 0.0, False), begin_s * S)
        if start:
            self.ledger.add("CP1", r.MessageFate("TransactionStarted", start, key, why), (begin_s + 1) * S)
        if end_s is not None:
            self.ledger.add("CP1", r.TransactionClosed(key, 1, "Local", 0, 1.0, 1.0, 1.0, 1.0), end_s * S)
        if stop:
            self.ledger.add("CP1", r.MessageFate("TransactionEnded", stop, key, why), ((end_s or begin_s) + 1) * S)

    def fault(self, name: str, begin_s: int, end_s: int | None, cause: str = "") -> None:
        self.ledger.add("CP1", r.FaultBegan(name, name, 0, {}, cause), begin_s * S)
        if end_s is not None:
            self.ledger.add("CP1", r.FaultEnded(name, name), end_s * S)

    def close(self, **more: Any) -> Any:
        self.ledger.close_station("CP1", at_us=6_020 * S, **more)
        return accounts(self.ledger)


def test_what_arrived_and_what_is_open() -> None:
    books = Books()
    books.transaction("a", 10, 20, "answered", "answered")
    books.transaction("b", 30, None, "answered", None)
    found = books.close(open=["b"])
    assert (found.delivered, found.open, found.causes, found.missing, found.total) == (1, 1, {}, 0, 2)


@pytest.mark.parametrize(
    ("fault", "begin", "end", "fate", "cause"),
    [
        ("modem.outage", 1_015, 1_040, "sent_unanswered", "modem.outage (the switch)"),
        ("modem.outage", 1_100, None, "sent_unanswered", "modem.outage (the switch)"),
        ("network.tls_failure", 900, 1_010, "queued", "network.tls_failure (the switch)"),
        ("frame.truncated", 1_005, 1_011, "answered_with_error", "frame.truncated (the switch)"),
        ("meter.noise", 1_005, 1_030, "answered_with_error", "meter.noise (the switch)"),
        ("modem.outage", 1_015, 1_040, "answered_with_error", None),
        ("meter.noise", 1_005, 1_030, "sent_unanswered", None),
        ("frame.fragmented", 1_005, 1_030, "sent_unanswered", None),
        ("supply.brown_out", 1_005, 1_030, "sent_unanswered", None),
        ("modem.outage", 1, 9, "sent_unanswered", None),
        ("modem.outage", 2_000, None, "sent_unanswered", None),
    ],
)
def test_a_fault_is_a_cause_when_it_was_there_and_can_be(
    fault: str, begin: int, end: int | None, fate: str, cause: str | None
) -> None:
    books = Books()
    books.transaction("a", 1_010, 1_020, "answered", fate)
    books.transaction("z", 5_000, 6_000, "answered", "answered")
    books.fault(fault, begin, end, "the switch")
    found = books.close()
    assert found.causes == ({} if cause is None else {cause: 1}) and found.missing == (cause is None)
    if cause is None:
        (text,) = found.unaccounted
        assert text == f"CP1: transaction a: begin answered, end {fate}, and nothing says why"


@pytest.mark.parametrize(
    ("breaks", "fate", "named"),
    [
        (("every_fate",), "dropped_by_station", True),
        (("every_fate",), "queued", False),
        (("gets_in",), "queued", True),
        (("schema",), "answered_with_error", True),
        (("limit_used",), "dropped_by_station", False),
    ],
)
def test_a_quirk_is_a_cause_of_what_it_says_it_breaks(breaks: tuple[str, ...], fate: str, named: bool) -> None:
    books = Books()
    books.transaction("a", 10, 20, "answered", fate)
    books.transaction("z", 5_000, 6_000, "answered", "answered")
    books.close()
    found = accounts(books.ledger, quirks={("p", "1.6"): {"odd-habit": breaks}})
    assert (found.causes == {"the quirk odd-habit": 1}) is named and found.missing == (not named)
    assert accounts(books.ledger, quirks={("p", "2.1"): {"odd-habit": breaks}}).missing == 1


def test_the_words_of_quirks_are_words_that_quirks_have() -> None:
    assert frozenset().union(*QUIRKS.values()) <= set(BREAKS)
    assert all(name in FAULTS for name in HARMLESS)
    assert {*IN_THE_WAY, *IN_THE_TEXT} <= {FAULTS.get(name).part for name in FAULTS}


def test_what_the_station_says_itself_is_a_cause() -> None:
    books = Books()
    books.transaction("a", 10, 20, "answered", "dropped_by_station", "flash full")
    books.transaction("b", 30, 40, "answered", "dropped_by_station", "moonshine")
    books.transaction("z", 5_000, 6_000, "answered", "answered")
    found = books.close()
    assert found.causes == {"the station: flash full": 1} and found.missing == 1


def test_what_the_run_did_not_wait_for() -> None:
    books = Books()
    books.transaction("a", 10, 20, "answered", None)
    books.transaction("z", 5_990, 6_000, "answered", None)
    found = books.close(queued=[("TransactionEnded", "a"), ("TransactionEnded", "z")])
    assert found.causes == {"the run ended first": 1} and found.missing == 1 and "a:" in found.unaccounted[0]
