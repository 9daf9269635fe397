"""The demo's words come from looking; the steps of check come from records."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from simulator.fleet import check, story


class FakeCsms:
    """Answers the two questions of the comparison."""

    def __init__(self, transactions: list[dict[str, Any]], violations: int = 0) -> None:
        self.transactions, self.violations = transactions, violations

    def request(self, method: str, path: str, body: Any = None) -> Any:
        assert method == "GET"
        if path.startswith("/api/transactions"):
            return {"transactions": self.transactions, "next": None}
        rows = [{"action": "MeterValues", "rule": "enum"}] * self.violations
        return {"count": self.violations, "violations": rows}


def a_run(csms: FakeCsms, rows: list[tuple[Any, ...]]) -> Any:
    return SimpleNamespace(csms=csms, farm=SimpleNamespace(ledger=SimpleNamespace(query=lambda _: rows)))


def booked(station: str, number: str, energy_wh: float) -> dict[str, Any]:
    return {"station": station, "transaction_id": number, "energy_wh": energy_wh}


def test_books_that_agree() -> None:
    rows = [("A", "k1", "7", 100.0, 350.0), ("B", "k2", None, 0.0, 10.0)]
    run = a_run(FakeCsms([booked("A", "7", 250.0), booked("B", "k2", 10.0)]), rows)
    first, second = story.compare_with_csms(run)
    assert first.startswith("The CSMS's own books: 2 of 2 finished transactions are there, 0 with another energy")
    assert "no violation" in second


def test_books_that_differ_are_counted() -> None:
    rows = [("A", "k1", "7", 100.0, 350.0), ("B", "k2", None, 0.0, 10.0), ("C", "k3", "9", None, None)]
    run = a_run(FakeCsms([booked("A", "7", 20.0), booked("C", "9", 0.0)], violations=3), rows)
    first, second = story.compare_with_csms(run)
    assert "2 of 3 finished transactions are there, 1 with another energy" in first
    assert "saw 3 violations" in second and "MeterValues enum" in second


def test_a_step_says_whether_it_worked() -> None:
    step = check.Step("connection", True, "open", 3.5)
    assert (step.name, step.ok, step.text, step.took_ms) == ("connection", True, "open", 3.5)
