"""The in-memory driver: the same every time, on a CSMS that keeps its word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.core.link_policy import SECURITY_PROFILE
from simulator.errors import ScenarioError
from simulator.fleet.trace import FrameTrace
from simulator.ledger import Ledger
from simulator.report.redact import Redactor
from simulator.scenario.cells import Cell, places_of
from simulator.scenario.counterpart import TOKENS, Counterpart
from simulator.scenario.expecting import STATES, Pattern, argument_problem, arguments_of, arguments_payload, is_order
from simulator.scenario.memory import FILES, IMAGE, play_in_memory
from simulator.scenario.seat import Seat
from simulator.scenario.steps import do
from tests.scenario.play import actions, play, scenario

SESSION = "steps:\n  - plug\n  - present: valid\n  - wait: 1h\n  - present: valid\n  - unplug\n"


def test_the_same_frames_every_time(tmp_path: Path) -> None:
    texts = []
    for number in range(2):
        one = scenario("stations: 3\n" + SESSION)
        trace = FrameTrace(tmp_path / f"{number}.jsonl", Redactor())
        places = places_of(Cell(one, "generic/dc-fast", "2.0.1"))
        with Ledger() as ledger:
            play_in_memory(one, places, seed=7, version="2.0.1", ledger=ledger, trace=trace)
        trace.close()
        texts.append((tmp_path / f"{number}.jsonl").read_text())
    assert texts[0] == texts[1]
    assert {json.loads(line)["chargePointId"] for line in texts[0].splitlines()} == {place.id for place in places}


def test_what_is_queued_at_the_end_is_in_the_ledger() -> None:
    result = play(
        SESSION.replace("wait: 1h", "wait: 1h\n  - network: off")
        + "ledger: {transactions: 1, queued: 1, undelivered: 1, open: 0}\n"
    )
    assert (result.verdict, result.reason) == ("PASS", "")
    assert any("excused" in check.sentence for check in result.checks)


def test_stations_may_begin_switched_off() -> None:
    result = play(
        "begin: off\nsteps:\n  - power: {on: true, how: switch}\n  - expect: {message: boot, answer: Accepted}\n"
    )
    assert (result.verdict, result.reason) == ("PASS", "")
    assert actions(result)[0] == "BootNotification"


def test_operator_and_answer() -> None:
    result = play(
        """
        steps:
          - operator: {do: remote start, with: {token: valid, evse: 1}, answer: Accepted}
          - plug
          - expect: {message: transaction started, where: {token: $token.valid}}
          - operator: {do: configure, with: {name: HeartbeatInterval, value: 60}, answer: Accepted}
          - operator:
              do: GetConfiguration
              payload: {key: [HeartbeatInterval]}
              answer: {'configurationKey[0].value': 60}
          - operator: {do: change availability, with: {to: Inoperative}, answer: Accepted}
        """
    )
    assert (result.verdict, result.reason) == (
        "FAIL",
        "the answer to ChangeAvailability has status Scheduled, not Accepted",
    )
    assert actions(result, of_csms=True) == [
        "RemoteStartTransaction", "ChangeConfiguration", "GetConfiguration", "ChangeAvailability",
    ]  # fmt: skip


def test_an_operation_that_arrives_otherwise_is_the_csms_s_failure() -> None:
    class Confused(Counterpart):
        def call(self, action: str, payload: dict[str, Any]) -> tuple[str, bytes]:
            return super().call(action, payload | {"idTag": "ANOTHER"})

    steps = "steps:\n  - operator: {do: remote start, with: {token: valid}}\n"
    result = play(steps, csms=Confused)
    assert result.reason == "the CSMS sent RemoteStartTransaction, but its token is ANOTHER, not VALID-1"


def test_an_operation_that_never_arrives() -> None:
    class Idle(Counterpart):
        def call(self, action: str, payload: dict[str, Any]) -> tuple[str, bytes]:
            return super().call("ClearCache", {})

    result = play("steps:\n  - operator: {do: reset, within: 10s}\n", csms=Idle)
    assert result.reason == "the CSMS was asked for Reset and sent none within 10s"


def test_the_csms_in_memory_judges_tokens_by_role() -> None:
    csms = Counterpart("ocpp1.6")
    wanted = {"valid": "Accepted", "blocked": "Blocked", "expired": "Expired", "invalid": "Invalid"}
    for role, status in wanted.items():
        token = TOKENS[role][0]
        assert csms.sound("Authorize", {"idTag": token}) == {"idTagInfo": {"status": status}}
        answer = csms.sound("Authorize", {"idToken": {"idToken": token, "type": "ISO14443"}})
        assert answer == {"idTokenInfo": {"status": status}}
    one, two = (
        csms.sound("Authorize", {"idTag": token})["idTagInfo"]["parentIdTag"] for token in TOKENS["group_member"]
    )
    assert one == two
    concurrent = {"connectorId": 1, "idTag": TOKENS["concurrent"][0], "meterStart": 0, "timestamp": "t"}
    assert csms.sound("StartTransaction", concurrent)["idTagInfo"]["status"] == "ConcurrentTx"
    assert csms.sound("StopTransaction", {"transactionId": 1}) == {}


def test_patterns_know_who_says_what() -> None:
    assert is_order("Reset")
    assert not is_order("Heartbeat")
    assert Pattern(("Reset",), "1.6", {}, None, "").forms[0][1] is False
    assert Pattern(("DataTransfer",), "1.6", {}, "station", "").forms[0][1] is True
    assert Pattern(("transaction updated",), "1.6", {}, None, "").forms == []


def test_arguments_of_operations() -> None:
    assert arguments_of("configure", {"name": "HeartbeatInterval", "value": 60}, "2.1") == {
        "component": "OCPPCommCtrlr", "name": "HeartbeatInterval", "value": "60",
    }  # fmt: skip
    assert arguments_of("remote start", {"token": "A"}, "1.6") == {"token": "A"}
    assert arguments_payload("Reset", {"type": "Hard"}, "1.6") == {"type": "Hard"}
    assert argument_problem("trigger", {}) == "trigger needs message"
    assert argument_problem("Reset", {"anything": 1}) is None


def test_frames_that_cannot_be_read_are_kept() -> None:
    result = play("steps:\n  - plug\n  - wait: 1s\n")
    assert result.played is not None
    seat: Seat = result.played.seats[0]
    heard = seat.hear(b"[2, 'x'", True, 5)
    assert (heard.kind, heard.payload) == (0, "[2, 'x'")
    assert STATES["online"](seat)
    assert not STATES["in a transaction"](seat)
    assert do.__name__ == "do"


def test_drivers_come_and_go_by_a_habit() -> None:
    result = play(
        "settings: {WebSocketPingInterval: 0}\nsteps:\n  - drivers: {habit: dc_hub, for: 12 hours}\n"
        "ledger: {transactions: '>= 2', open: 0, energy: equal}\n",
        profile="generic/dc-fast",
    )
    assert (result.verdict, result.reason) == ("PASS", "")
    assert result.simulated_s > 12 * 3600
    assert result.played is not None
    assert all(not evse.connected for evse in result.played.seats[0].station.evses)


def test_waiting_for_a_message_leaves_it_to_an_expectation() -> None:
    result = play(
        "steps:\n  - plug\n  - wait for: {message: status}\n  - expect: status\n"
        "  - expect: {message: status, within: 1s}\n"
    )
    assert result.failure is not None
    assert result.failure.line == 6


def test_secrets_are_never_shown() -> None:
    secret = "0123456789ABCDEF0123456789ABCDEF"
    result = play(
        f"""
        steps:
          - operator: {{do: ChangeConfiguration, payload: {{key: AuthorizationKey, value: "{secret}"}}}}
          - expect: {{message: ChangeConfiguration, where: {{value: another}}, within: 1s}}
          - operator: {{do: ChangeConfiguration, payload: {{key: AuthorizationKey, value: "{secret}"}}, answer: none}}
        """
    )
    assert result.failure is not None
    told = "\n".join([result.reason, *result.failure.frames])
    assert "<secret:1>" in told
    assert secret not in told


def test_the_virtual_file_server_has_firmware_and_takes_logs() -> None:
    one = scenario(
        "variables: {firmware: http://files.example/none.bin}\n"
        "steps:\n  - expect: {message: boot, where: {model: $uploads}}\n"
    )
    assert one.places == ("uploads",)
    assert FILES["firmware"].startswith("http://files.example/")
    assert IMAGE.startswith(b"CPFARM-FIRMWARE 2.0.0\n")


def test_the_csms_lets_a_station_wait_and_accepts_it() -> None:
    steps = """
        begin: off
        registration: Pending
        steps:
          - power: {on: true, how: switch}
          - expect: {message: boot, answer: [Pending, Rejected]}
          - registration: Accepted
          - expect: {message: boot, answer: Accepted, within: 10 minutes}
          - wait for: online
        """
    result = play(steps)
    assert (result.verdict, result.reason) == ("PASS", "")
    assert result.booted == 1
    text = "begin: off\nregistration: Rejected\nsteps:\n  - power: {on: true, how: switch}\n"
    rejected = play(text + "  - expect: {message: boot, answer: Rejected}\n")
    assert (rejected.verdict, rejected.booted) == ("PASS", 0)


def test_a_station_that_is_not_accepted_has_not_booted() -> None:
    with pytest.raises(ScenarioError, match=r"registration: needs `begin: off`"):
        scenario("registration: Pending\nsteps: [plug]\n")


@pytest.mark.parametrize("profile", [1, 2, 3])
def test_stations_get_in_by_every_security_profile(profile: int) -> None:
    steps = "steps:\n  - power: {on: true, how: switch}\n  - expect: {message: boot, answer: Accepted}\n"
    result = play(f"begin: off\nsecurity: {{profile: {profile}}}\n{steps}", version="2.0.1")
    assert (result.verdict, result.reason) == ("PASS", "")
    assert result.played is not None
    assert result.played.seats[0].station.settings[SECURITY_PROFILE] == profile


def test_a_wrong_password_is_kept_out() -> None:
    text = """
        begin: off
        security: {profile: 1, password: wrong}
        steps:
          - power: {on: true, how: switch}
          - wait for: {state: refused, within: 1 minute}
          - wait for: {state: online, within: 5 minutes}
        """
    result = play(text)
    assert (result.verdict, result.failure and result.failure.line) == ("INCONCLUSIVE", 8)
    assert result.played is not None
    assert result.played.seats[0].refused == "http_status 401"
    assert play(text.replace("wrong", "right").replace("refused", "online")).verdict == "PASS"


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("begin: off\nsecurity: {profile: 3, password: wrong}", "security.password: belongs to the profiles 1 and 2"),
        ("security: {profile: 1, password: wrong}", "security.password: needs `begin: off`"),
    ],
)
def test_what_a_wrong_password_needs(header: str, problem: str) -> None:
    with pytest.raises(ScenarioError, match=problem):
        scenario(f"{header}\nsteps: [plug]\n")


@pytest.mark.parametrize("how", ["outage", "half_open"])
def test_an_answer_that_does_not_reach_the_station_was_not_given(how: str) -> None:
    result = play(
        f"""
        steps:
          - plug
          - present: valid
          - wait for: {{status: Charging}}
          - wait for: delivered
          - inject: {{fault: modem.slow, params: {{rtt_ms: 4000}}}}
          - present: valid
          - wait: 3s
          - network: {{on: false, how: {how}}}
          - expect: {{message: transaction ended, answer: none}}
        checks: none
        """
    )
    assert (result.verdict, result.reason) == ("PASS", "")


def test_a_token_in_a_variable_is_no_role() -> None:
    one = "  - operator: {do: remote start, with: {token: TOKEN}}\n"
    result = play("steps:\n" + one.replace("TOKEN", "$token.blocked") + one.replace("TOKEN", "valid2"))
    assert result.verdict == "PASS"
    assert result.played is not None
    sent = [heard.payload["idTag"] for heard in result.played.seats[0].frames if heard.kind == 2 and not heard.to_csms]
    assert sent == [TOKENS["blocked"][0], TOKENS["valid2"][0]]
