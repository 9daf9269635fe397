"""How long a scenario takes at least: what each step adds, and what is skipped in real time because of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.fleet.target import make_target
from simulator.scenario.cells import choose
from simulator.scenario.length import least_us, open_ended, too_long
from simulator.scenario.live import Live
from simulator.scenario.run import Options, ScenarioRun
from tests.scenario.play import scenario

MINUTE_US = 60_000_000


@pytest.mark.parametrize(
    ("steps", "minutes"),
    [
        ("[plug, {wait: 3 minutes}, {wait: 2 minutes}]", 5),
        ("[{wait: 3 minutes, ocpp: 2.x}]", 0),
        ("[{expect: {no: heartbeat, within: 4 minutes}}]", 4),
        ("[{expect: {message: heartbeat, within: 4 minutes}}]", 0),
        ("[{wait for: {status: Charging, within: 9 minutes}}]", 0),
        ("[{drivers: {habit: home, for: 1 day}}]", 1440),
        ("[{parallel: [{wait: 1 minute}, {together: [{wait: 2 minutes}, {wait: 3 minutes}]}]}]", 5),
        ("[{each: {of: [1, 2, 3], steps: [{wait: 2 minutes}]}}]", 6),
        ("[{repeat: {times: 3, steps: [{wait: 2 minutes}]}}]", 6),
        ("[{repeat: {times: 3, every: 10 minutes, steps: [{wait: 2 minutes}]}}]", 22),
        ("[{repeat: {times: 3, until: Faulted, steps: [{wait: 2 minutes}]}}]", 0),
        ("[{wait: $pause}]", 7),
    ],
)
def test_what_each_step_adds(steps: str, minutes: int) -> None:
    one = scenario(f"variables: {{pause: 7 minutes}}\nsteps: {steps}")
    assert least_us(one, "1.6") == minutes * MINUTE_US


def test_a_variable_of_the_command_line_goes_first() -> None:
    one = scenario("variables: {pause: 7 minutes}\nsteps: [{wait: $pause}]")
    assert least_us(one, "1.6", {"pause": "30s"}) == MINUTE_US // 2


def test_what_is_too_long_says_what_helps() -> None:
    one = scenario("steps: [{wait: 7 days}]")
    hour_us = 60 * MINUTE_US
    assert too_long(one, "1.6", 168, hour_us, {}) == ""
    assert too_long(one, "1.6", 60, hour_us, {}) == (
        "it takes at least 7d of the stations' time, 2h48m at speed 60; "
        "add --speed 168, --longest 2h49m, or run it in memory"
    )


def test_on_sockets_it_is_skipped_with_the_reason() -> None:
    """Nothing is dialled: the address leads nowhere."""
    target = make_target({"url": "ws://127.0.0.1:1/"}, {}, base_dir=Path.cwd())
    one = scenario("steps: [plug, {wait: 7 days}]")
    run = ScenarioRun(choose([one], [], ["1.6"]), Options(live=Live(target, speed=60)))
    (result,) = run.execute()
    assert (result.verdict, run.exit_code) == ("SKIPPED", 0)
    assert run.sentence == "0 passed, 0 failed, 1 skipped; nothing was tried"
    assert result.reason.startswith("it takes at least 7d of the stations' time, 2h48m at speed 60; add --speed 168")


def test_one_that_waits_for_something_to_happen_is_rehearsed() -> None:
    until = "steps: [{repeat: {times: 9, until: Faulted, every: 2 days, steps: [{wait: 1 minute}]}}]"
    patient = "steps: [{expect: {message: heartbeat, within: 3 days}}]"
    for text, expected in ((until, True), (patient, True), ("steps: [plug, {wait: 9 days}]", False)):
        assert open_ended(scenario(text), "1.6", 3_600e6) is expected, text
    assert not open_ended(scenario(patient), "1.6", 4 * 86_400e6)
    target = make_target({"url": "ws://127.0.0.1:1/"}, {}, base_dir=Path.cwd())
    run = ScenarioRun(choose([scenario(until)], [], ["1.6"]), Options(live=Live(target, speed=60)))
    assert [(result.verdict, result.reason) for result in run.execute()] == [
        ("SKIPPED", "it takes about 16d of the stations' time, 6h24m at speed 60; "
         "add --speed 385, --longest 6h25m, or run it in memory")
    ]  # fmt: skip
