"""``cpfarm load``: Locust with the shipped locustfile, and nothing else.

Locust runs in a process of its own, because it patches the interpreter it runs in. Its exit code is this command's.
Ctrl-C goes to the whole group of processes and is Locust's to answer; this one only waits. A password travels in the
environment, where command lines of other users do not show it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

import simulator
from simulator.commands.options import MAY_TEST, PASSWORD, SECURITY_PROFILE, TARGET, option
from simulator.errors import AuthorError
from simulator.resources import loadtests_dir

PASSWORD_VARIABLE = "CPFARM_PASSWORD"


def load(
    users: int | None = option("--users", "Number of stations at the peak.", None, "-u"),
    spawn_rate: float | None = option("--spawn-rate", "Stations a second (default 1).", None, "-r"),
    run_time: str | None = option("--run-time", "How long, e.g. 30s, 5m.", None, "-t"),
    csms: str | None = option(
        "--csms", "URL of the CSMS; the station's id is appended or replaces {id}.", None, "--host"
    ),
    target: Path | None = TARGET,
    processes: int | None = option("--processes", "Workers; -1 is one for each core."),
    web: bool = option("--web", "The web page of Locust instead of a headless run.", False),
    fleet: Path | None = option("--fleet", "Fleet file: the mix of stations, in proportion to the groups' counts."),
    profile: str | None = option("--profile", "Profile, e.g. abb/terra-ac, or a YAML file."),
    ocpp: str | None = option("--ocpp", "1.6, 2.0.1 or 2.1."),
    charging: str | None = option("--charging", "Share of connectors in a transaction (default 30%)."),
    session: str | None = option("--session", "Mean length of a session, e.g. 20m."),
    meter_interval: str | None = option("--meter-interval", "Seconds between meter values, e.g. 30s."),
    seed: int | None = option("--seed", "Seed of everything random."),
    id_prefix: str | None = option("--id-prefix", "Prefix of generated ids."),
    security_profile: int | None = SECURITY_PROFILE,
    password: str | None = PASSWORD,
    i_may_test_this: bool = MAY_TEST,
    shape: str | None = option("--shape", "How the number of stations moves: ramp, steps, storm, day."),
    shape_time: str | None = option("--shape-time", "T of the shape, e.g. 2m."),
    shape_steps: int | None = option("--shape-steps", "Steps of the shape `steps`."),
    metrics_port: str | None = option("--metrics-port", "Port of /metrics (default 9464), or off; worker n: + 1 + n."),
    ledger: Path | None = option("--ledger", "Write the ledger (SQLite)."),
    fire_events: bool = option("--fire-events", "One request event per call, for listeners of Locust.", False),
    more: list[str] | None = typer.Argument(
        None, metavar="[-- OPTIONS OF LOCUST]", help="E.g. -- --csv out --html r.html"
    ),
) -> None:
    """Load a CSMS with Locust; each user is one live station. The exit code is Locust's (see the locustfile's head)."""
    given = {
        "users": users,
        "spawn-rate": spawn_rate,
        "run-time": run_time,
        "host": csms,
        "target": _absolute(target),
        "processes": processes,
        "headless": not web,
        "fleet": _absolute(fleet),
        "profile": profile,
        "ocpp": ocpp,
        "charging": charging,
        "session": session,
        "meter-interval": meter_interval,
        "seed": seed,
        "id-prefix": id_prefix,
        "security-profile": security_profile,
        "i-may-test-this": i_may_test_this,
        "shape": shape,
        "shape-time": shape_time,
        "shape-steps": shape_steps,
        "metrics-port": metrics_port,
        "ledger": _absolute(ledger),
        "fire-events": fire_events,
    }
    raise typer.Exit(run_locust(command(given, more or []), password))


def command(given: Mapping[str, Any], more: list[str]) -> list[str]:
    """The command line of Locust: None and False are left out, True is a switch."""
    try:
        file = loadtests_dir() / "locustfile.py"
    except FileNotFoundError as error:
        raise AuthorError(str(error)) from None
    words = [sys.executable, "-m", "locust", "-f", str(file)]
    for name, value in given.items():
        if value is None or value is False:
            continue
        words.append(f"--{name}" if value is True else f"--{name}={value}")
    if "web-host" not in " ".join(more) and not given.get("headless"):
        words.append("--web-host=127.0.0.1")  # Locust's own default is every address of the machine
    return words + more


def run_locust(words: list[str], password: str | None) -> int:
    """Run it; its exit code, or 128 + the signal that ended it."""
    environment = dict(os.environ)
    if password is not None:
        environment[PASSWORD_VARIABLE] = password
    home = str(Path(simulator.__file__).parent.parent)  # so that a checkout that is not installed works too
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (home, environment.get("PYTHONPATH"))))
    # Handlers, unlike "ignore", are not inherited; set first, so that no signal finds a gap.
    child: subprocess.Popen[bytes] | None = None
    asked = False

    def interrupted(number: int, frame: object) -> None:
        """The terminal has told Locust already."""

    def terminated(number: int, frame: object) -> None:
        nonlocal asked
        asked = True
        if child is not None:
            child.terminate()

    before = {signal.SIGINT: signal.signal(signal.SIGINT, interrupted)}
    before[signal.SIGTERM] = signal.signal(signal.SIGTERM, terminated)
    try:
        child = subprocess.Popen(words, env=environment)
        if asked:
            child.terminate()
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())
