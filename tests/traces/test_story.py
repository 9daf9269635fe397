"""What signs are told of a station: pairs, sessions, samples, settings, true time."""

from __future__ import annotations

from simulator.traces.read import read_trace
from simulator.traces.signs import values
from simulator.traces.signs.story import OPEN_MAX, Story

START = '"StartTransaction",{{"connectorId":{c},"idTag":"A","meterStart":{m},"timestamp":"2024-01-01T00:00:00Z"}}'


def call(number: int, rest: str, *, up: bool = True) -> str:
    return f'{"CP -> CSMS" if up else "CSMS -> CP"} [2,"{number}",{rest}]'


def result(number: int, payload: str, *, up: bool = False) -> str:
    return f'{"CP -> CSMS" if up else "CSMS -> CP"} [3,"{number}",{payload}]'


def sample(number: int, connector: int, value: int, transaction: str = "") -> str:
    body = f'"meterValue":[{{"timestamp":"2024-01-01T00:01:00Z","sampledValue":[{{"value":"{value}"}}]}}]'
    return call(number, f'"MeterValues",{{"connectorId":{connector},{body}{transaction}}}')


def story(*lines: str) -> Story:
    return Story(read_trace("\n".join(lines)), "")


def test_sessions_hold_what_came_while_they_ran() -> None:
    found = story(
        sample(1, 1, 5),
        call(2, START.format(c=1, m=10)),
        result(2, '{"transactionId":7,"idTagInfo":{"status":"Accepted"}}'),
        call(3, START.format(c=2, m=20)),
        result(3, '{"transactionId":8,"idTagInfo":{"status":"Accepted"}}'),
        sample(4, 1, 11),
        sample(5, 2, 21),
        call(6, '"StopTransaction",{"transactionId":7,"meterStop":12,"timestamp":"2024-01-01T00:02:00Z"}'),
        sample(7, 1, 12),
    )
    first, second = found.sessions
    assert (first.id, second.id) == (7, 8) and first.stop is not None and second.stop is None
    assert [s.value for s in first.samples] == ["11"] and [s.value for s in second.samples] == ["21"]
    late = found.told("MeterValues")[-1]
    assert found.running(found.order(late), 1) is None and found.over_before(found.order(late), 1) is first
    assert found.running(found.order(late), 2) is second and found.running(0, 1) is None
    assert 7 in found.given_ids and 9 not in found.given_ids and [] not in found.given_ids
    assert found.ended_by(first.stop) is first
    assert [s.value for s in found.measured(values.ENERGY)] == ["5", "11", "21", "12"]


def test_a_stop_without_a_start_is_a_session_too() -> None:
    found = story(call(1, '"StopTransaction",{"transactionId":7,"meterStop":12}'))
    (session,) = found.sessions
    assert session.start is None and session.id == 7 and 7 not in found.given_ids


def test_sessions_whose_ends_are_missing_do_not_hide_the_latest() -> None:
    lines = [call(n, START.format(c=1, m=n)) for n in range(OPEN_MAX + 3)]
    found = story(*lines, sample(99, 1, 1))
    assert found.running(len(lines), 1) is found.sessions[-1]


def test_answers_settings_and_refusals() -> None:
    found = story(
        call(1, '"GetConfiguration",{}', up=False),
        result(1, '{"configurationKey":[{"key":"A","readonly":true,"value":"1"},7,{"key":3}]}', up=True),
        call(2, '"ChangeConfiguration",{"key":"A","value":"2"}', up=False),
        result(2, '{"status":"Rejected"}', up=True),
        call(3, '"Reset",{"type":"Soft"}', up=False),
        'CP -> CSMS [4,"3","NotSupported","",{}]',
    )
    assert found.setting("A") is not None and found.setting("B") is None and len(found.full_lists) == 1
    assert [(value, status) for _, value, status in found.written("A")] == [("2", "Rejected")]
    (reset,) = found.asked("Reset")
    assert found.refused(reset) == "NotSupported" and found.status_of_answer(reset) == "" and not found.accepted(reset)
    assert found.last_heard is found.frames[-1]


def test_true_time_is_that_of_the_log_or_what_the_csms_told_last() -> None:
    heartbeat = [
        call(1, '"Heartbeat",{}'),
        result(1, '{"currentTime":"2024-01-01T10:00:00Z"}'),
        call(2, '"Heartbeat",{}'),
    ]
    found = story(*heartbeat)
    assert found.known_us(found.frames[0]) is None
    assert found.known_us(found.frames[2]) == 1_704_103_200_000_000
    dated = story("2024-01-01T12:00:00Z " + call(1, '"Heartbeat",{}'))
    assert dated.known_us(dated.frames[0]) == 1_704_110_400_000_000


def test_a_log_without_a_zone_tells_what_passed_since_the_csms_told_the_time() -> None:
    """The log is an hour ahead, by its zone; a heartbeat said what time it was, ten minutes before."""
    told = result(1, '{"currentTime":"2024-01-01T09:00:00Z"}')
    lines = (call(1, '"Heartbeat",{}'), told, sample(2, 1, 5), sample(3, 1, 6))
    times = ("10:00:00", "10:00:00", "10:10:00", "12:10:00")
    found = story(*(f"2024-{day} {time} {line}" for day, time, line in
                    zip(("01-01", "01-01", "01-01", "01-04"), times, lines, strict=True)))  # fmt: skip
    assert found.true_us(found.frames[0]) is None
    told_us = 1_704_099_600_000_000
    assert found.true_us(found.frames[2]) == found.known_us(found.frames[2]) == told_us + 600_000_000
    assert found.true_us(found.frames[3]) is None  # days later it may have been set
    assert found.known_us(found.frames[3]) == told_us
    bare = story(*lines)
    assert (bare.true_us(bare.frames[2]), bare.known_us(bare.frames[2])) == (None, told_us)


def test_lines_and_places() -> None:
    found = story("noise", call(1, '"Heartbeat",{}'), "noise", call(2, '"Heartbeat",{}'))
    first, second = found.frames
    assert found.frame_before(2) is None and found.frame_before(3) is first
    assert found.call_below(2) is second and found.call_below(4) is None
    assert list(found.calls_after(0)) == [second] and found.after(first) == [second]


def test_an_identity_of_the_newer_version_has_the_words_of_the_older() -> None:
    station = '{"vendorName":"V","model":"M","modem":{"iccid":"1"},"firmwareVersion":"2"}'
    found = story(call(1, f'"BootNotification",{{"reason":"PowerUp","chargingStation":{station}}}'))
    assert (found.reported("chargePointVendor"), found.reported("iccid"), found.reported("imsi")) == ("V", "1", "")
