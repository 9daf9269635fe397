"""Load a CSMS with live charging stations; each Locust user is one of them.

    cpfarm csms                                        # or your own CSMS
    locust -f loadtests/locustfile.py --headless -u 200 -r 50 -t 30s --host ws://127.0.0.1:9000
    locust -f loadtests/locustfile.py ... --processes 4            # one worker per core, the same stations
    locust -f loadtests/locustfile.py --host ws://127.0.0.1:9000   # the web page of Locust

A user that starts switches a station on: it connects, boots, sends heartbeats, meter values and status notifications
as its profile says, and drivers come so that `--charging` (30 %) of the connectors are in a session. A user that stops
makes it leave: the session is ended, the queue delivered, the connection closed. Locust's table shows OCPP actions
with the response times of the CSMS, `WS connect` the handshakes, and `WS disconnect` connections the CSMS gave up.

Options are those of `cpfarm run` where they have the same name; `cpfarm load --help` lists them.
Stations have the ids <prefix><worker>-<number>, e.g. CPF-1a2b-00-00001. `--shape` lets the number of stations move
(ramp, steps, storm, day; see shapes.py). Metrics of worker n stand on port --metrics-port + 1 + n, of a run without
workers on the port itself. Exit codes: Locust's 0 and 1, and 2 bad input, 3 no station booted, 4 this machine could
not keep up, 70 an error of ours.

For behaviour of your own, write a locustfile with a class that inherits from StationUser and has tasks that call
`self.happen(...)` with inputs of `simulator.core.inputs`. With this folder on PYTHONPATH: `import locustfile`, not
`from locustfile import StationUser`, because Locust takes every user class it finds in a file.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import gevent
from locust import User, constant, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

sys.path.insert(0, str(Path(__file__).resolve().parent))
import engine
import master
import shapes

from simulator.core.inputs import Input
from simulator.errors import AuthorError, CpfarmError, GeneratorLimit
from simulator.fleet import limits
from simulator.fleet.load import LoadPlan, load_plan
from simulator.yamltypes import parse_duration

ENGINES: dict[int, engine.Engine | master.Master] = {}
"""The engine, or the master, of each environment."""


@events.init_command_line_parser.add_listener
def options(parser: Any, **_: object) -> None:
    """The options of the stations, beside Locust's own."""
    group = parser.add_argument_group("cpfarm (stations)")

    def add(name: str, text: str, *, page: bool = False, **more: Any) -> None:
        envvar = "CPFARM_" + name.strip("-").replace("-", "_").upper()
        action = group.add_argument(name, help=text, env_var=envvar, **more)
        action.include_in_web_ui = page

    own = parser._option_string_actions.get("--profile")
    if own is None:
        add("--profile", "Profile of the stations, e.g. abb/terra-ac, or a YAML file.")
    else:  # Locust's label for runs: the profile of the stations is the label
        own.help = "Profile of the stations, e.g. abb/terra-ac, or a YAML file; also Locust's label of the run."
    add("--ocpp", "1.6, 2.0.1 or 2.1.", page=True)
    add("--fleet", "Fleet file: the mix of stations (groups, in proportion to their counts).")
    add("--target", "Target file: the CSMS with tokens, headers and more.")
    add("--charging", "Share of connectors in a transaction (default 30%%; a fleet file has its own).", page=True)
    add("--session", "Mean length of a session, e.g. 20m.", page=True)
    add("--meter-interval", "Seconds between meter values, e.g. 30s.", page=True)
    add("--seed", "Seed of everything random.", type=int)
    add("--id-prefix", "Prefix of the stations' ids (default CPF-<tag of this machine>-).")
    add("--security-profile", "0 or 1 (2 and 3 are not supported yet).", type=int)
    add("--password", "HTTP basic password of every station; better in CPFARM_PASSWORD.")
    add("--i-may-test-this", "I am authorised to test this target.", action="store_true")
    add("--metrics-port", "Port of /metrics on loopback, or off.", default="9464")
    add("--ledger", "Write the ledger (SQLite); workers' ledgers are put together.")
    add("--fire-events", "One request event per call, for listeners; costs throughput.", action="store_true")
    add("--shape", "How the number of stations moves.", choices=sorted(shapes.SHAPES))
    add("--shape-time", "T of the shape, e.g. 2m.", default="60s")
    add("--shape-steps", "Steps of the shape `steps`.", default=5, type=int)


@events.init.add_listener
def begin_process(environment: Environment, runner: Any, **_: object) -> None:
    """After the fork: check what was asked for, start the stations' loop (never on the master)."""
    given: Any = environment.parsed_options
    try:
        if given.host or given.target or given.fleet or given.headless:
            check(environment, runner)
        if not isinstance(runner, WorkerRunner) and given.shape:
            environment.shape_class = master.CurveShape(shapes.SHAPES[given.shape], wish(given))
            environment.shape_class.runner = runner
    except (CpfarmError, GeneratorLimit) as error:
        if not (isinstance(runner, WorkerRunner) and given.processes):  # the parent says it
            print(f"cpfarm: {error}", file=sys.stderr)
        raise SystemExit(master.BAD_INPUT) from None
    if isinstance(runner, MasterRunner):
        given.station_profile = given.profile  # Locust does not pass its own options on to workers elsewhere
        ENGINES[id(environment)] = master.Master(environment, runner)
    else:
        ENGINES[id(environment)] = engine.Engine(environment, runner)
    # Listeners of `quitting` are called last one first; the runner's own, which says goodbye, has to come after this.
    environment.events.quitting.add_listener(end_process)
    gevent.get_hub().loop.update_now()  # or --run-time would count from before all this


def check(environment: Environment, runner: Any) -> LoadPlan:
    """The plan of the test; raises what is wrong with it before anything is started."""
    given: Any = environment.parsed_options
    port_of(given.metrics_port)
    plan = plan_of(given)
    users = given.num_users or 1
    plan.guard(users, engine.look_up)
    if not isinstance(runner, MasterRunner):
        workers = given.processes if isinstance(runner, WorkerRunner) and given.processes else 1
        sources = len(plan.target.fields.source_addresses)
        limits.check(-(-users // workers), source_addresses=sources, tls=plan.target.is_tls)
    return plan


def plan_of(given: Any) -> LoadPlan:
    """The plan that the options describe."""
    return load_plan(engine.load_options(given), hostname=socket.gethostname(), environ=os.environ)


def port_of(text: str) -> int | None:
    """``--metrics-port``: a number, or ``off``."""
    if text == "off":
        return None
    if not text.isdigit() or int(text) > 65_000:
        raise AuthorError(f"{text!r} is neither a port up to 65000 nor 'off'", field="--metrics-port")
    return int(text)


def wish(given: Any) -> shapes.Wish:
    """What the command line says about the shape."""
    if not given.num_users:
        raise AuthorError("a shape needs the number of users", field="--users")
    try:
        time_s = parse_duration(given.shape_time) / 1e6
    except ValueError as error:
        raise AuthorError(str(error), field="--shape-time") from None
    if time_s < 1 or given.shape_steps < 1:
        raise AuthorError("--shape-time is at least 1s, --shape-steps at least 1")
    rate = float(given.spawn_rate or 1)
    return shapes.Wish(given.num_users, rate, time_s, given.shape_steps, given.run_time)


@events.test_start.add_listener
def begin_test(environment: Environment, **_: object) -> None:
    """A farm for this test. On workers the options have come from the master by now."""
    given: Any = environment.parsed_options
    one = ENGINES[id(environment)]
    ledger = Path(given.ledger) if given.ledger else None
    if isinstance(one, master.Master):
        one.begin(ledger)
        return
    try:
        plan = plan_of(given if given.host else _with_host(given, environment.host))
        one.begin(plan, ledger=ledger, metrics_port=port_of(given.metrics_port), each_call=given.fire_events)
    except CpfarmError as error:
        master.LOG.error("%s", error)
        environment.process_exit_code = master.BAD_INPUT


def _with_host(given: Any, host: str | None) -> Any:
    """The web page may have given another host."""
    given.host = host
    return given


@events.test_stopping.add_listener
def end_test(environment: Environment, **_: object) -> None:
    """Before Locust stops its users and lets go of its workers."""
    ENGINES[id(environment)].finish()


def end_process(environment: Environment, **_: object) -> None:
    """Ctrl-C and the like come here without a test_stopping before."""
    one = ENGINES.get(id(environment))
    if one is not None:
        one.finish()


@events.quit.add_listener
def stop_loops(**_: object) -> None:
    """The very end."""
    for one in ENGINES.values():
        if isinstance(one, engine.Engine):
            one.loop.stop()


@events.spawning_complete.add_listener
def all_spawned(**_: object) -> None:
    """With --reset-stats Locust starts counting now."""
    for one in ENGINES.values():
        if isinstance(one, engine.Engine) and one.environment.reset_stats:
            one.forget()


class StationUser(User):
    """One live station. ``station_id`` is None when there was none to be had."""

    wait_time = constant(3600)
    station_id: str | None = None

    def on_start(self) -> None:
        """Switch a station on."""
        one = ENGINES[id(self.environment)]
        assert isinstance(one, engine.Engine)
        self._engine = one
        self.station_id = one.claim()

    def on_stop(self) -> None:
        """Have the station leave."""
        if self.station_id is not None:
            self._engine.leave(self.station_id)

    def happen(self, event: Input) -> None:
        """Something happens at the station: ``Plug``, ``Present``, ``Inject`` and so on."""
        if self.station_id is not None:
            self._engine.feed(self.station_id, event)

    @task
    def live(self) -> None:
        """The station lives by itself; the user only waits."""
