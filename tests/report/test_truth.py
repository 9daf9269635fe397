"""Questions to a ledger: totals of transactions, and what an active fault excuses."""

from simulator.core import records as r
from simulator.ledger import Ledger
from simulator.report import truth

SECOND = 1_000_000


def session(ledger: Ledger, station: str, key: str, *, wh: float = 100.0, close: bool = True) -> None:
    ledger.add(station, r.TransactionOpened(key, 1, "VALID", 0, 0.0, 0.0, False), 10 * SECOND)
    if close:
        ledger.add(station, r.TransactionClosed(key, 1, "Local", 0, wh, wh, wh, wh + 1), 20 * SECOND)


def fate(ledger: Ledger, station: str, action: str, word: str, key: str) -> None:
    ledger.add(station, r.MessageFate(action, word, key, "because"), 21 * SECOND)


def delivered(ledger: Ledger, station: str, key: str) -> None:
    session(ledger, station, key)
    fate(ledger, station, "TransactionStarted", "answered", key)
    fate(ledger, station, "TransactionEnded", "answered", key)


def test_totals_of_transactions_and_their_causes() -> None:
    ledger = Ledger()
    delivered(ledger, "CP1", "1")
    session(ledger, "CP1", "2")  # its stop stays in the queue
    fate(ledger, "CP1", "TransactionStarted", "answered", "2")
    ledger.close_station("CP1", queued=[("TransactionEnded", "2")])
    session(ledger, "CP2", "1", close=False)  # under way at the end
    fate(ledger, "CP2", "TransactionStarted", "answered", "1")
    ledger.close_station("CP2", open=["1"])
    session(ledger, "CP3", "1")  # its stop was given up
    fate(ledger, "CP3", "TransactionStarted", "answered", "1")
    fate(ledger, "CP3", "TransactionEnded", "dropped_by_station", "1")
    ledger.close_station("CP3")
    session(ledger, "CP4", "1")  # its stop was sent and never answered
    fate(ledger, "CP4", "TransactionStarted", "answered_with_error", "1")
    ledger.close_station("CP4", sent=[("TransactionEnded", "1")])
    totals = truth.transactions(ledger)
    assert (totals.started, totals.stopped, totals.open, totals.queued) == (5, 4, 1, 1)
    assert totals.undelivered == 3
    assert totals.causes == {"dropped_by_station": 1, "queued": 1, "sent_unanswered": 1}
    assert totals.reported_wh == 400.0
    assert totals.physical_wh == 404.0
    stops = truth.stops_undelivered(ledger)
    assert (stops.count, stops.excused, stops.by_action) == (
        3,
        0,
        {"dropped_by_station": 1, "queued": 1, "sent_unanswered": 1},
    )
    assert set(stops.examples) == {"CP1", "CP3", "CP4"}


def test_energy_is_what_was_told_on_the_wire() -> None:
    ledger = Ledger()
    session(ledger, "CP1", "1", wh=100.0)
    ledger.add("CP1", r.TransactionTold("1", "begin", 0.0, 0), 11 * SECOND)
    ledger.add("CP1", r.TransactionTold("1", "end", 1100.0, 0), 21 * SECOND)
    assert truth.transactions(ledger).reported_wh == 1100.0
    ledger.add("CP1", r.TransactionTold("1", "end", None, 0), 22 * SECOND)
    assert truth.transactions(ledger).reported_wh == 100.0


def test_an_empty_ledger_answers_everything() -> None:
    ledger = Ledger()
    totals = truth.transactions(ledger)
    assert (totals.started, totals.undelivered, totals.reported_wh) == (0, 0, 0.0)
    assert truth.calls(ledger, ("timeout",)).count == truth.unbooted(ledger, 1).count == 0
    assert truth.violations(ledger) == truth.faults(ledger) == truth.fault_spans(ledger) == []
    assert truth.connect_failures(ledger) == truth.disconnects(ledger) == truth.remarks(ledger) == {}
    assert truth.stations(ledger) == (0, 0)


def test_a_fault_excuses_calls_whose_life_it_touched_at_that_station_only() -> None:
    ledger = Ledger()
    ledger.add("CP1", r.FaultBegan("f", "modem.half_open", 0, {}), 100 * SECOND)
    ledger.add("CP1", r.FaultEnded("f", "modem.half_open"), 110 * SECOND)
    cases = {99: False, 101: True, 130: True, 141: False}  # a time-out after 30 s, by the second it ended in
    for at_s in cases:
        ledger.add("CP1", r.CallFinished("Heartbeat", "timeout", 30 * SECOND, 0), at_s * SECOND)
    ledger.add("CP2", r.CallFinished("Authorize", "timeout", 30 * SECOND, 0), 105 * SECOND)
    found = truth.calls(ledger, ("timeout", "lost"))
    assert (found.count, found.excused, found.left) == (5, sum(cases.values()), 3)
    assert found.why == {"modem.half_open": 2}
    assert found.by_action == {"Heartbeat": 2, "Authorize": 1}
    assert found.examples == ("CP1", "CP2")


def test_what_was_in_flight_when_the_station_stopped_is_excused_and_what_a_lost_link_took_is_not() -> None:
    ledger = Ledger()
    ledger.add("CP1", r.CallFinished("StatusNotification", "lost", 1, 0, r.STATION_STOPPED), SECOND)
    ledger.add("CP2", r.CallFinished("StatusNotification", "lost", 1, 0), SECOND)
    found = truth.calls(ledger, ("timeout", "lost"))
    assert (found.count, found.left, found.examples) == (2, 1, ("CP2",))
    assert found.why == {"the station restarted or lost its power": 1}


def test_a_fault_that_is_still_on_excuses_as_well() -> None:
    ledger = Ledger()
    ledger.add("CP1", r.FaultBegan("f", "flash.full", 0, {}), 0)
    ledger.add("CP1", r.CallFinished("Heartbeat", "lost", 1, 0), SECOND)
    session(ledger, "CP1", "1")
    fate(ledger, "CP1", "TransactionEnded", "dropped_by_station", "1")
    assert truth.calls(ledger, ("lost",)).left == 0
    assert truth.stops_undelivered(ledger).why == {"flash.full": 1}


def test_a_quirk_that_keeps_a_stop_back_is_an_excuse() -> None:
    ledger = Ledger()
    for station, why in (("CP1", "quirk"), ("CP2", "flash full")):
        session(ledger, station, "1")
        ledger.add(station, r.MessageFate("TransactionEnded", "dropped_by_station", "1", why), 21 * SECOND)
        ledger.close_station(station)
    stops = truth.stops_undelivered(ledger)
    assert (stops.count, stops.why, stops.examples) == (2, {"a quirk": 1}, ("CP2",))


def test_stations_that_did_not_boot_say_why() -> None:
    ledger = Ledger()
    for n in range(1, 6):
        ledger.add_station(f"CP{n}", ocpp="1.6", profile="p", at_us=SECOND)
    ledger.add("CP1", r.Booted(1, "PowerUp"), 61 * SECOND)
    ledger.add("CP2", r.Booted(1, "PowerUp"), 62 * SECOND)
    ledger.add("CP3", r.ConnectFailed("refused", 0), 2 * SECOND)
    ledger.add("CP3", r.ConnectFailed("http_status", 401, "no"), 3 * SECOND)
    ledger.add("CP4", r.FaultBegan("f", "modem.outage", 0, {}), 2 * SECOND)
    found = truth.unbooted(ledger, 60 * SECOND)
    assert (found.count, found.excused) == (4, 1)
    assert found.by_action == {"late": 1, "http_401": 1, "no_answer": 1}
    assert truth.stations(ledger) == (5, 2)
    assert truth.connect_failures(ledger)["http_401"] == {
        "count": 1,
        "stations": 1,
        "example": {"station": "CP3", "detail": "no"},
    }


def test_faults_and_links_are_summed_up() -> None:
    ledger = Ledger()
    for station in ("CP1", "CP2"):
        ledger.add(station, r.FaultBegan("f", "modem.outage", 0, {}), 5 * SECOND)
        ledger.add(station, r.Disconnected("closed", 1006), 6 * SECOND)
    ledger.add("CP1", r.FaultEnded("f", "modem.outage"), 8 * SECOND)
    ledger.add("CP1", r.Disconnected("reset", 0), 9 * SECOND)
    (fault,) = truth.faults(ledger)
    assert fault == {
        "fault": "modem.outage",
        "count": 2,
        "stations": 2,
        "first_begin_us": 5 * SECOND,
        "last_end_us": 8 * SECOND,
        "still_active": 1,
    }
    assert truth.fault_spans(ledger) == [("modem.outage", 5 * SECOND, None)]
    assert truth.fault_ids(ledger) == ["f"]
    ledger.add("CP2", r.FaultEnded("f", "modem.outage"), 9 * SECOND)
    assert truth.fault_spans(ledger) == [("modem.outage", 5 * SECOND, 9 * SECOND)]
    assert truth.disconnects(ledger) == {"1006": 2, "reset": 1}
