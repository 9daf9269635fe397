"""What is said differently in a replay, and what is not."""

import pytest

from simulator.core.wall import parse_wall
from simulator.replay.mapping import Exchange, moved

DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("2024-02-28T23:59:59Z", "2024-02-29T23:59:59Z"),
        ("2024-02-28T23:59:59.25Z", "2024-02-29T23:59:59.25Z"),
        ("2024-02-28T23:59:59.123456z", "2024-02-29T23:59:59.123456z"),
        ("2024-02-28T23:59:59", "2024-02-29T23:59:59"),
        ("2024-02-28 23:59:59.000", "2024-02-29 23:59:59.000"),
        ("2024-02-28T23:59:59+02:00", "2024-02-29T23:59:59+02:00"),
        ("2024-02-28T23:59:59.5-0530", "2024-02-29T23:59:59.5-0530"),
        ("1970-01-01T00:00:07Z", "1970-01-01T00:00:07Z"),
        ("2024-02-30T00:00:00Z", "2024-02-30T00:00:00Z"),
        ("1234567890123456789", "1234567890123456789"),
        ("2024", "2024"),
    ],
)
def test_a_time_moves_and_is_written_as_it_was(text: str, later: str) -> None:
    assert moved(text, DAY) == later
    assert moved(later, -DAY) == text


def test_a_moved_time_is_the_moment_it_should_be() -> None:
    text, shift = "2024-02-28T23:59:59.250+02:00", 3_725_125_000
    before, after = parse_wall(text), parse_wall(moved(text, shift))
    assert before is not None and after == before + shift


def test_ids_tokens_and_times_are_exchanged_and_nothing_else() -> None:
    exchange = Exchange(DAY, tokens={"OLD": "NEW"}, nonce="n")
    exchange.transactions[17] = 4
    said = {
        "transactionId": 17,
        "idTag": "OLD",
        "meterStop": 17,
        "timestamp": "2024-02-28T00:00:00Z",
        "reason": "OLD",
        "transactionData": [{"timestamp": "2024-02-28T00:00:01Z", "sampledValue": [{"value": "17"}]}],
    }
    assert exchange.payload(said) == {
        **said,
        "transactionId": 4,
        "idTag": "NEW",
        "timestamp": "2024-02-29T00:00:00Z",
        "transactionData": [{"timestamp": "2024-02-29T00:00:01Z", "sampledValue": [{"value": "17"}]}],
    }
    assert exchange.payload({"transactionId": 99}) == {"transactionId": 99}
    assert exchange.payload({"transactionId": -1}) == {"transactionId": -1}


def test_what_belongs_to_the_vendor_is_not_touched() -> None:
    said = {"vendorId": "x", "data": "2024-02-28T00:00:00Z", "customData": {"vendorId": "y", "idTag": "OLD"}}
    assert Exchange(DAY, tokens={"OLD": "NEW"}).payload(said) == said


def test_a_station_that_names_its_transactions_gets_new_names() -> None:
    event = {"seqNo": 3, "transactionInfo": {"transactionId": "T-1", "remoteStartId": 5}, "offline": False}
    one, other = Exchange(0, nonce="a"), Exchange(0, nonce="b", seq_shift={"T-1": -2})
    name = one.payload(event)["transactionInfo"]["transactionId"]
    assert name != "T-1" and len(name) == 36
    assert one.payload(event)["transactionInfo"] == {"transactionId": name}  # nobody asked for a remote start
    assert other.payload(event)["transactionInfo"]["transactionId"] != name
    assert (one.payload(event)["seqNo"], other.payload(event)["seqNo"]) == (3, 1)
    one.requests["remoteStartId", 5] = 77
    assert one.payload(event)["transactionInfo"] == {"transactionId": name, "remoteStartId": 77}
