"""Steps against stations: time, order, addresses, variables, and how a failure is told."""

from __future__ import annotations

import pytest

from simulator.scenario.play import Play
from simulator.scenario.player import FAIL, INCONCLUSIVE, Player, StepFailed
from simulator.scenario.seat import MAX_FRAMES
from tests.bench import VERSIONS
from tests.scenario.play import play, scenario

each_version = pytest.mark.parametrize("version", VERSIONS)


@each_version
def test_a_session_in_every_version(version: str) -> None:
    result = play(
        """
        steps:
          - plug
          - present: valid
          - expect: {message: transaction started, answer: Accepted}
            ocpp: 1.6
          - wait for: {status: Charging}
          - wait: 10 minutes
          - present: valid
          - expect: {message: transaction ended, where: {reason: Local}, answer: any}
          - unplug
        ledger: {transactions: 1, stopped: 1, open: 0, undelivered: 0, energy: equal, energy_wh: "> 1000"}
        """,
        version=version,
    )
    assert (result.verdict, result.reason) == ("PASS", "")
    assert result.simulated_s >= 600
    assert result.figures["transactions"] == 1
    assert result.figures["energy_wh"] == pytest.approx(result.figures["physical_energy_wh"], rel=0.01)


def test_what_does_not_come_fails_with_its_figure_and_the_frames() -> None:
    result = play("steps:\n  - plug\n  - expect: {message: transaction started, within: 20s}\n    because: it must\n")
    assert result.verdict == FAIL
    assert result.reason == "no transaction started of the station came within 20s; what came: StatusNotification"
    failure = result.failure
    assert failure is not None
    assert (failure.step, failure.line, failure.because) == ("steps[1].expect", 4, "it must")
    assert failure.station == "one.ac-single.1"
    assert any("Preparing" in frame for frame in failure.frames)
    assert result.simulated_s == pytest.approx(20.001)


def test_what_comes_otherwise_marks_the_frame() -> None:
    result = play("steps:\n  - plug\n  - expect: {message: status, where: {status: Faulted}, within: 5s}\n")
    assert result.reason == "status came, but its status is Preparing, not Faulted"
    assert result.failure is not None
    marked = [frame for frame in result.failure.frames if frame.startswith("> ")]
    assert len(marked) == 1
    assert '"Preparing"' in marked[0]


def test_a_message_serves_one_expectation_and_order_within_a_window_is_free() -> None:
    result = play(
        """
        steps:
          - plug
          - present: valid
          - wait: 5s
          - expect: transaction started
          - expect: authorize
          - expect: {message: status, where: {status: Preparing}}
          - expect: {message: authorize, within: 5s}
        """
    )
    assert (result.verdict, result.failure and result.failure.line) == (FAIL, 10)


def test_what_was_before_an_act_is_not_its_consequence() -> None:
    result = play(
        """
        steps:
          - plug
          - expect: {message: status, where: {status: Preparing}}
          - unplug
          - expect: {message: status, where: {status: Available}}
          - press: emergency_stop
          - expect: {message: status, where: {status: Available}, within: 5s}
        """
    )
    assert result.failure is not None
    assert result.failure.line == 9


def test_a_message_that_must_not_come() -> None:
    fine = play("steps:\n  - plug\n  - expect: {no: transaction started, within: 1 minute}\n")
    assert (fine.verdict, round(fine.simulated_s)) == ("PASS", 60)
    bad = play("steps:\n  - plug\n  - present: valid\n  - expect: {no: transaction started, within: 1 minute}\n")
    assert (bad.verdict, bad.reason) == (FAIL, "transaction started came, which it should not")
    assert bad.simulated_s < 1.0


def test_a_wait_that_is_never_over_is_inconclusive() -> None:
    result = play("steps:\n  - wait for: {status: Charging, within: 30s}\n")
    assert result.verdict == INCONCLUSIVE
    assert result.reason == "it was not status Charging within 30s: EVSE 1 Available"


@each_version
def test_the_answer_is_judged_too(version: str) -> None:
    steps = "steps:\n  - plug\n  - present: blocked\n  - expect: {message: authorize, answer: Accepted}\n"
    result = play(steps, version=version)
    assert result.reason == "the answer to Authorize has status Blocked, not Accepted"
    assert play(steps.replace("Accepted", "Blocked"), version=version).verdict == "PASS"


def test_variables_are_kept_for_each_station() -> None:
    result = play(
        """
        stations: 2
        variables: {minutes: 2, reason: Remote}
        steps:
          - plug
          - present: valid
          - expect: {message: transaction started, save: {tx: answer.transaction, start: register}}
          - wait: $minutes minutes
          - operator: {do: remote stop, with: {transaction: $tx}, answer: Accepted}
          - expect:
              message: transaction ended
              where: {transaction: $tx, reason: $reason, register: ">= $start"}
          - unplug
        ledger: {transactions: 2, energy: equal}
        """
    )
    assert (result.verdict, result.reason) == ("PASS", "")


def test_a_variable_without_a_value_yet() -> None:
    result = play("steps:\n  - expect: {message: boot, where: {serial: $transaction}, within: 1s}\n")
    assert (result.verdict, result.reason) == (INCONCLUSIVE, "$transaction has no value yet")


def test_a_variable_that_does_not_fit() -> None:
    result = play("variables: {n: many}\nsteps:\n  - plug: {evse: $n}\n")
    assert result.verdict == INCONCLUSIVE
    assert result.reason.startswith("a variable has a value that does not fit: evse")
    result = play("variables: {n: 5}\nsteps:\n  - wait: $n\n")
    assert result.reason == "a variable has a value that does not fit: time: 5 has no unit; write 5s for seconds"


def test_stations_are_addressed_by_group_number_and_share() -> None:
    result = play(
        """
        groups: [{name: homes, count: 4}, {name: kerb, count: 2, profile: generic/ac-dual}]
        steps:
          - plug:
            at: homes
          - plug: {evse: 2}
            at: "6"
          - unplug:
            at: 50% of homes
          - wait: 10s
        """
    )
    assert result.played is not None
    plugged = [[evse.connected for evse in seat.station.evses] for seat in result.played.seats]
    assert sum(one[0] for one in plugged[:4]) == 2
    assert plugged[4:] == [[False, False], [False, True]]


def test_repeat_each_parallel_together() -> None:
    result = play(
        """
        steps:
          - repeat:
              times: 3
              every: 1h
              as: round
              steps:
                - plug
                - expect: {message: status, where: {status: Preparing}}
                - unplug
                - expect: {message: status, where: {status: Available}}
          - each: {of: [outage, half_open], as: how, steps: [{network: {on: false, how: $how}}, {network: on}]}
          - parallel:
              - wait: 10s
              - together: [{wait: 20s}, plug]
        """
    )
    assert (result.verdict, result.reason) == ("PASS", "")
    assert result.simulated_s == pytest.approx(7220.0, abs=1.0)
    assert result.played is not None
    assert [told.step for told in result.played.story].count("plug") == 4


def test_the_first_failure_of_parallel_steps_ends_the_scenario() -> None:
    result = play(
        "steps:\n  - parallel:\n      - expect: {message: heartbeat, within: 10s}\n      - wait: 1h\n  - plug\n"
    )
    assert result.simulated_s == pytest.approx(10.0, abs=0.001)
    assert result.failure is not None
    assert result.failure.step == "steps[0].parallel.steps[0].expect"


def test_a_step_for_other_versions_is_left_out() -> None:
    result = play("steps:\n  - plug:\n    ocpp: 2.x\n  - wait: 5s\n")
    assert result.played is not None
    assert not result.played.seats[0].station.evses[0].connected


def test_a_fault_ends_by_itself() -> None:
    result = play(
        """
        steps:
          - inject: {fault: modem.outage, name: gone, for: 5 minutes}
          - wait for: offline
          - wait for: {state: online, within: 10 minutes}
          - clear: gone
        """
    )
    assert (result.verdict, result.reason) == (INCONCLUSIVE, "no fault 'gone' is active")
    assert result.simulated_s >= 300


def test_the_installer_sets_something() -> None:
    result = play("steps:\n  - set: {HeartbeatInterval: 60}\n  - expect: {message: heartbeat, times: 3, within: 70s}\n")
    assert (result.verdict, result.reason) == ("PASS", "")
    assert result.simulated_s == pytest.approx(180.0, abs=1.0)


def test_what_cannot_be_done_is_inconclusive() -> None:
    result = play("steps:\n  - network: on\n")
    assert (result.verdict, result.reason) == (INCONCLUSIVE, "it cannot be done: the network is on already")


def test_a_station_is_remembered_within_bounds() -> None:
    result = play("steps:\n  - plug\n  - wait: 1s\n")
    assert result.played is not None
    assert result.played.seats[0].frames.maxlen == MAX_FRAMES
    assert Play.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert str(StepFailed(FAIL, "a sentence")) == "a sentence"


def test_the_time_of_the_stations_and_that_of_the_csms() -> None:
    document = scenario("steps: [plug]\n").document
    player = Player(document, [], seed=1, epoch_us=0, tokens={}, variables={}, version="1.6", speed=60.0)
    player.now = 7_200_000_000
    here = Play(player, ())
    assert [here.value(name, None) for name in ("now", "now - 1h", "real", "real + 1 minute")] == [
        "1970-01-01T02:00:00.000Z", "1970-01-01T01:00:00.000Z", "1970-01-01T00:02:00.000Z", "1970-01-01T00:03:00.000Z",
    ]  # fmt: skip
