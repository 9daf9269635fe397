"""``cpfarm ctl`` and ``cpfarm tail``: words into bodies, frames into lines, and a farm on the other side."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.commands import ctl, options, remote, tail
from simulator.errors import AuthorError
from simulator.events import EventStream
from simulator.fleet.acts import ACTS
from simulator.httpd import HttpError, HttpServer, Request, Response, Route, json_response
from tests.commands.conftest import Cpfarm

BODIES: list[tuple[str, list[str], dict[str, Any], dict[str, Any]]] = [
    ("plug", [], {"evse_id": 2}, {"evse_id": 2}),
    ("plug", ["station"], {}, {"side": "station"}),
    ("plug", ["soc=0.5", "curve=lfp"], {}, {"ev": {"soc": 0.5, "curve": "lfp"}}),
    ("unplug", ["both"], {"connector_id": 1}, {"side": "both", "connector_id": 1}),
    ("present", ["0123"], {}, {"id_token": "0123"}),
    ("present", ["04E1", "type=ISO15693"], {"evse_id": 1}, {"id_token": "04E1", "type": "ISO15693", "evse_id": 1}),
    ("deauthorise", ["2"], {}, {"evse_id": 2}),
    ("suspend", ["evse"], {}, {"side": "evse"}),
    ("boot", ["cold"], {}, {"kind": "cold"}),
    ("power", ["off", "how=switch"], {}, {"on": False, "how": "switch"}),
    ("network", ["on"], {}, {"on": True}),
    ("inject", ["rtc.drift", "ppm=50", "id=mine"], {}, {"fault": "rtc.drift", "params": {"ppm": 50}, "id": "mine"}),
    ("clear", ["mine"], {}, {"id": "mine"}),
    ("park", ["off"], {}, {"present": False}),
]


@pytest.mark.parametrize(("name", "words", "given", "body"), BODIES)
def test_words_are_a_body_that_is_right(
    name: str, words: list[str], given: dict[str, Any], body: dict[str, Any]
) -> None:
    assert ctl.body_of(name, ACTS[name], words, given) == body
    ACTS[name].read(body, 2)


@pytest.mark.parametrize(
    ("name", "words", "given", "why"),
    [
        ("power", ["of"], {}, "on: 'of' is neither on nor off"),
        ("boot", ["soft", "hard"], {}, "boot does not take 'hard'"),
        ("clear", ["a", "b=1"], {}, "clear does not take 'b=1'"),
        ("boot", [], {"evse_id": 1}, "boot takes no --evse"),
    ],
)
def test_words_that_mean_nothing(name: str, words: list[str], given: dict[str, Any], why: str) -> None:
    with pytest.raises(AuthorError) as told:
        ctl.body_of(name, ACTS[name], words, given)
    assert why in str(told.value)


def frame(**more: Any) -> dict[str, Any]:
    return {
        "timestamp": "2026-01-02T03:04:05.678Z", "direction": "cp-to-csms", "messageType": "CALL", "messageId": "m",
        **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (
            frame(action="Authorize", payload={"idTag": "A B", "n": 1, "x": {"y": [1]}}),
            '03:04:05.678 -> Authorize  idTag="A B" n=1 x={"y":[1]}',
        ),
        (
            frame(direction="csms-to-cp", messageType="CALLRESULT", action="Heartbeat", payload={}),
            "03:04:05.678 <- Heartbeat ok",
        ),
        (frame(messageType="CALLERROR", error={"code": "X", "description": "no"}), "03:04:05.678 -> m error  X no"),
        (
            frame(messageType="UNPARSEABLE", raw="\x1b[2J", meta={"problem": "bad"}, messageId=""),
            "03:04:05.678 -> UNPARSEABLE  bad: \\x1b[2J",
        ),
    ],
)
def test_a_frame_is_a_line_that_steers_no_terminal(shown: dict[str, Any], line: str) -> None:
    assert tail.line_of(shown, 200) == line


def test_a_long_frame_is_cut_to_the_terminal() -> None:
    assert len(tail.line_of(frame(action="A", payload={"x": "y" * 500}), 80)) == 80


STATE: dict[str, Any] = {
    "id": "S-1", "profile": "generic/ac-single", "ocpp": "1.6", "phase": "charging", "powered": True, "running": True,
    "boot_no": 1, "boot_reason": "PowerUp", "registration": "accepted", "queued": 0, "last_message": None,
    "link": {"state": "down", "next_dial_s": 4.0},
    "clock": {"wall": "2026-01-01T00:00:00Z", "ahead_s": 0.0, "synced": True},
    "flash": {"used_bytes": 1, "capacity_bytes": 9}, "problems": [],
    "active_faults": {"mine": {"fault": "rtc.drift", "evse_id": 0, "params": {"ppm": 5.0}}},
    "evses": [{
        "evse_id": 1, "status": "Charging", "cable": "both", "car": {"soc": 0.5}, "id_token": "T\x1b",
        "asked_token": None,
        "power_w": 11000.0, "locked": True, "operative": True, "reserved": False, "evse_ready": True, "problems": [],
        "transaction": {"csms_id": "7", "key": "k", "started": "2026-01-01T00:00:00Z", "energy_wh": 1234.0},
    }],
}  # fmt: skip


class FakeFarm:
    """A farm's port with one station, in a thread of its own."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []
        self.streams: list[EventStream] = []
        self.url = ""
        self._ready, self.watched = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self._thread.start()
        assert self._ready.wait(5)

    async def _main(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        base = "/api/stations/{id}"
        routes = [
            Route("GET", "/api/stations", self._list),
            Route("GET", base, lambda request: json_response(STATE)),
            Route("GET", base + "/stream", self._stream),
            Route("POST", base + "/{what}", self._act),
        ]
        self.server = HttpServer(routes, token="t0p")
        await self.server.start()
        self.url = self.server.url
        self._ready.set()
        await self._over.wait()
        await self.server.stop("the run is over")

    def _list(self, request: Request) -> Response:
        self.got.append(("list", dict(request.query)))
        last = {
            "timestamp": "2026-01-02T03:04:05.678Z",
            "direction": "cp-to-csms",
            "type": "CALL",
            "action": "Heartbeat",
        }
        row = {"id": "S-1", "profile": "p", "ocpp": "1.6", "phase": "available", "status": ["Available"], "faults": []}
        return json_response({"stations": [{**row, "queued": 0, "last_message": last}], "total": 3})

    def _act(self, request: Request) -> Response:
        self.got.append((request.params["what"], request.json()))
        if request.params["id"] == "S-2":
            raise HttpError(404, "no station 'S-2'; did you mean 'S-1'?")
        if request.params["what"] == "unplug":
            raise HttpError(409, "unplug at EVSE 1 ignored: nothing is plugged in")
        return json_response({"changed": ["EVSE 1 cable: none -> both"], "remarks": ["a\x1bb"], "state": STATE})

    def _stream(self, request: Request) -> EventStream:
        self.got.append(("stream", dict(request.query)))
        stream = EventStream()
        for n in range(2):
            stream.send("frame", json.dumps(frame(action=f"A{n}", payload={"n": n})).encode())
        self.streams.append(stream)
        self.watched.set()
        return stream

    def when_watched(self, function: Any) -> None:
        """Do something as soon as somebody watches, in a thread of its own."""
        threading.Thread(target=lambda: self.watched.wait(5) and function()).start()

    def call(self, function: Any) -> None:
        """Do something on the loop."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function)

    def stop(self) -> None:
        self.call(self._over.set)
        self._thread.join(5)


@pytest.fixture
def farm() -> Iterator[FakeFarm]:
    one = FakeFarm()
    yield one
    one.stop()


def test_what_changed_is_said(cpfarm: Cpfarm, farm: FakeFarm) -> None:
    told = cpfarm("ctl", "S-1", "plug", "soc=0.5", "--evse", 1, "--url", farm.url, "--token", "t0p")
    assert (told.code, told.out) == (0, "EVSE 1 cable: none -> both\nremark: a\\x1bb\n")
    assert farm.got == [("plug", {"evse_id": 1, "ev": {"soc": 0.5}})]
    told = cpfarm("ctl", "S-1", "plug", "--json", CPFARM_URL=farm.url, CPFARM_HTTP_TOKEN="t0p")
    assert told.code == 0 and json.loads(told.out)["state"]["id"] == "S-1"


def test_the_state_and_the_list_are_short(cpfarm: Cpfarm, farm: FakeFarm) -> None:
    options = ("--url", farm.url, "--token", "t0p")
    told = cpfarm("ctl", "S-1", *options)
    assert "EVSE 1  Charging  plugged in, car at 50%, token T\\x1b, 11 kW, locked" in told.out
    assert "transaction 7 since 2026-01-01T00:00:00Z, 1.234 kWh" in told.out and "next dial in 4 s" in told.out
    assert "fault mine: rtc.drift ppm=5.0" in told.out
    assert json.loads(cpfarm("ctl", "S-1", "state", "--json", *options).out) == STATE
    told = cpfarm("ctl", "list", "S-", "--limit", 1, *options)
    assert "03:04:05 -> Heartbeat" in told.out and "... and 2 more" in told.out
    assert farm.got == [("list", {"search": "S-", "limit": "1"})]


def test_exit_codes(cpfarm: Cpfarm, farm: FakeFarm, silent_port: int) -> None:
    options = ("--url", farm.url, "--token", "t0p")
    told = cpfarm("ctl", "S-1", "unplug", *options)
    assert told.code == 1 and "S-1: unplug at EVSE 1 ignored: nothing is plugged in" in told.err
    told = cpfarm("ctl", "S-2", "plug", *options)
    assert told.code == 2 and "did you mean 'S-1'?" in told.err
    told = cpfarm("ctl", "S-1", "plgu", *options)
    assert told.code == 2 and "did you mean 'plug'?" in told.err
    told = cpfarm("ctl", "S-1", "plug", "--url", farm.url, "--token", "wrong-one")
    assert told.code == 2 and "a bearer token is needed" in told.err and "wrong-one" not in told.err
    for words in (("ctl", "S-1", "state"), ("tail", "S-1")):
        told = cpfarm(*words, "--http-port", silent_port)
        assert told.code == 2 and f"no farm at http://127.0.0.1:{silent_port}" in told.err
        told = cpfarm(*words, "--url", "ftp://x", CPFARM_HTTP_TOKEN="t")
        assert told.code == 2 and "--url" in told.err
        assert cpfarm(*words, "--url", "http://x", "--http-port", 1).code == 2


def test_what_is_no_farm_is_said(csms: Any, cpfarm: Cpfarm) -> None:
    told = cpfarm("ctl", "S-1", "state", "--url", csms.http_url)
    assert told.code == 2 and "cpfarm: " in told.err


def test_frames_until_the_farm_ends(cpfarm: Cpfarm, farm: FakeFarm) -> None:
    farm.when_watched(farm.stop)
    told = cpfarm("tail", "S-1", "--last", 5, "--action", "A0", "--action", "A1", "--url", farm.url, "--token", "t0p")
    assert told.out == "03:04:05.678 -> A0  n=0\n03:04:05.678 -> A1  n=1\n"
    assert told.code == 0 and told.err == "cpfarm: the run is over\n"
    assert farm.got == [("stream", {"last": "5", "action": "A0,A1"})]


def test_frames_as_json_and_those_that_were_lost(cpfarm: Cpfarm, farm: FakeFarm) -> None:
    def lose() -> None:
        farm.call(lambda: [s.send("lost", b'{"lost":7}') for s in farm.streams])
        farm.stop()

    farm.when_watched(lose)
    told = cpfarm("tail", "S-1", "--json", "--url", farm.url, "--token", "t0p")
    assert [json.loads(line)["action"] for line in told.out.splitlines()] == ["A0", "A1"]
    assert "7 frames were lost" in told.err


def test_an_interrupt_ends_it_cleanly(farm: FakeFarm) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "tail", "S-1", "--url", farm.url],
        env={**os.environ, "CPFARM_HTTP_TOKEN": "t0p"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert b"A0" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert (process.returncode, said) == (0, b"")


def test_a_run_elsewhere_than_on_loopback_needs_a_token(cpfarm: Cpfarm) -> None:
    told = cpfarm("run", "--id", "A", "--http-host", "10.9.8.7", "--http-port", 0)
    assert told.code == 2 and "--http-token: 10.9.8.7 is not loopback, so a token is needed" in told.err


def test_the_token_stays_out_of_the_line_that_repeats_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["cpfarm", "run", "--http-token", "t0p", "--http-token=t0p"])
    assert options.command_line() == "cpfarm run --http-token <secret> --http-token=<secret>"


def test_paths_are_quoted() -> None:
    assert remote.path_of("a/b ü", "plug") == "/api/stations/a%2Fb%20%C3%BC/plug"
