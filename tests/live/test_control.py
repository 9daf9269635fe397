"""The run's own HTTP port: metrics, health, readiness, and a person's hand on a station, right and wrong."""

import asyncio
import functools
import http.client
import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from simulator.commands import ctl, tail
from simulator.commands.remote import Port, Refused, path_of
from simulator.errors import AuthorError
from simulator.fleet.control import ACTS
from simulator.metrics import PHASES
from tests.live.rig import Stage, groups, perform, plan_of

pytestmark = pytest.mark.live

ONE = "1.6-001"


def request(
    url: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
    connection.request(method, path, data, headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


async def ask(stage: Stage, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, str]:
    call = functools.partial(request, stage.run.http_url, method, path, body, headers)
    return await asyncio.get_running_loop().run_in_executor(None, call)


def samples(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_metrics_health_and_readiness(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        status, text = await ask(stage, "GET", "/readyz")
        assert (status, json.loads(text)) == (503, {"ready": False, "not_booted": 6})
        assert (await ask(stage, "GET", "/healthz"))[0] == 200
        await stage.booted()
        await stage.until(lambda: stage.farm.settled_us is not None, "the farm has settled")
        assert (await ask(stage, "GET", "/readyz"))[0] == 200
        stage.plug_in()
        await stage.until(lambda: stage.run.metrics.transactions_active == 6, "six transactions")
        pages = 0
        while True:  # the page is renewed by and by
            status, text = await ask(stage, "GET", "/metrics")
            assert status == 200
            found = samples(text)
            pages += 1
            if found["cpfarm_transactions_active"][()] == 6:
                break
            assert pages < 200
            await asyncio.sleep(0.05)
        states = {dict(labels)["state"]: value for labels, value in found["cpfarm_stations"].items()}
        assert set(states) == set(PHASES) and sum(states.values()) == 6
        assert sum(found["cpfarm_calls_total"].values()) >= 18
        assert sum(map(len, found.values())) < 3000
        assert ONE not in text and "cpfarm_build_info" in found and "cpfarm_run_info" in found
        labels = {name for rows in found.values() for row in rows for name, _ in row}
        assert labels <= {
            "action", "ocpp", "outcome", "profile", "code", "reason", "state", "fault", "le",
            "version", "python", "fleet", "seed",
        }  # fmt: skip
        assert (await ask(stage, "HEAD", "/metrics"))[1] == ""

    assert perform(plan_of(tmp_path, groups(2)), play, http_port=0).summary["exit_code"] == 0


WRONG: list[tuple[str, Any, int, str]] = [
    ("plug", [], 400, "the body is a JSON object"),
    ("plug", b"{", 400, "the body is not JSON"),
    ("plug", {"evse": 1}, 400, "evse: unknown key; did you mean 'evse_id'?"),
    ("plug", {"evse_id": 2}, 400, "evse_id: no EVSE 2; this station has 1 to 1"),
    ("plug", {"evse_id": "one"}, 400, "evse_id: "),
    ("plug", {"ev": {"soc": 2}}, 400, "soc: "),
    ("plug", {"ev": {"socc": 0.2}}, 400, "ev.socc: unknown key; did you mean 'soc'?"),
    ("plug", {"ev": {"battery_wh": None}}, 400, "ev.battery_wh: "),
    ("plug", {"ev": {"curve": "li-on"}}, 400, "did you mean 'li-ion'?"),
    ("plug", {"connector_id": 2}, 400, "connector_id: must be at most 1"),
    ("plug", {"side": "ev"}, 409, "no cable sits in the socket"),
    ("unplug", {"side": "left"}, 400, "side: 'left' is not one of station, ev, both"),
    ("unplug", {}, 409, "nothing is plugged in"),
    ("present", {}, 400, "id_token: "),
    ("press", {"button": "stopp"}, 400, "did you mean 'stop'?"),
    ("press", {"button": "stop"}, 409, "has no effect now"),
    ("inject", {"fault": "meter.register_frozn"}, 400, "did you mean 'meter.register_frozen'?"),
    ("inject", {"fault": "rtc.drift", "params": {"ppm": "fast"}}, 400, "ppm"),
    ("inject", {"fault": "rtc.drift", "evse_id": 1}, 409, "concerns the whole station"),
    ("clear", {"id": "none"}, 409, "no active fault 'none' to clear"),
    ("suspend", {}, 409, "no car at EVSE 1"),
    ("resume", {"side": "evse"}, 409, "nothing changed (it is so already)"),
    ("suspend", {"side": "both"}, 400, "side: 'both' is not one of ev, evse"),
    ("deauthorise", {}, 409, "nobody is authorised at this station"),
    ("park", {}, 409, "nothing changed"),
    ("boot", {"kind": "warm"}, 400, "kind: 'warm' is not one of soft, hard, cold"),
    ("power", {"on": True}, 409, "nothing changed (it is so already)"),
    ("network", {"on": True}, 409, "the network is on already"),
    ("network", {"on": False, "how": "slow"}, 400, "how: 'slow' is not one of outage, half_open"),
    ("injct", {}, 404, "unknown action 'injct'; did you mean 'inject'?"),
]


def test_what_is_wrong_is_told_and_harms_nothing(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()
        for what, body, code, reason in WRONG:
            status, text = await ask(stage, "POST", f"/api/stations/{ONE}/{what}", body)
            assert status == code and reason in json.loads(text)["error"], (what, body, status, text)
        status, text = await ask(stage, "POST", "/api/stations/1.6-01/plug", {})
        assert status == 404 and "did you mean '1.6-001'?" in text
        assert (await ask(stage, "GET", "/api/stations?limit=0"))[0] == 400
        for query in ("phase=charged", "limit=x", "after=-1"):
            assert (await ask(stage, "GET", f"/api/stations?{query}"))[0] == 400
        status, text = await ask(stage, "GET", f"/api/stations/{ONE}/frames?action=Heartbet")
        assert status == 400 and "did you mean 'Heartbeat'?" in text
        assert (await ask(stage, "GET", "/api"))[0] == 404
        assert (await ask(stage, "DELETE", "/metrics"))[0] == 405
        status, text = await ask(stage, "GET", "/api/stations", headers={"Host": "attacker.example"})
        assert status == 403 and ONE not in text
        for origin in ("http://attacker.example", "http://127.0.0.1:1", "null"):
            status, _ = await ask(stage, "POST", f"/api/stations/{ONE}/plug", {}, {"Origin": origin})
            assert status == 403
        assert not stage.farm.by_id[ONE].station.evses[0].connected
        assert stage.farm.live.failure is None

    played = perform(plan_of(tmp_path, groups(1)), play, http_port=0)
    assert played.summary["exit_code"] == 0 and played.summary["transactions"]["started"] == 0


def test_a_session_by_hand(tmp_path: Path) -> None:
    async def act(stage: Stage, what: str, body: dict[str, Any]) -> dict[str, Any]:
        status, text = await ask(stage, "POST", f"/api/stations/{ONE}/{what}", body)
        assert status == 200, (what, text)
        done: dict[str, Any] = json.loads(text)
        assert done["changed"] and done["state"]["id"] == ONE
        return done

    async def play(stage: Stage) -> None:
        await stage.booted()
        station = stage.farm.by_id[ONE].station
        evse = station.evses[0]
        assert "EVSE 1 cable: none -> station" in (await act(stage, "plug", {"side": "station"}))["changed"]
        done = await act(stage, "plug", {"side": "ev", "ev": {"soc": 0.2}})
        assert done["state"]["evses"][0]["car"] == {"soc": 0.2, "wants_energy": True}
        assert "EVSE 1 plugged: no -> yes" in done["changed"]
        done = await act(stage, "present", {"id_token": "VALID1"})
        assert done["changed"] == ["EVSE 1 asked_token: none -> VALID1"]
        await stage.until(lambda: evse.flowing, "energy flows")
        for side in ("ev", "evse"):
            await act(stage, "suspend", {"side": side})
            await stage.until(lambda: not evse.flowing, f"{side} has suspended")
            await act(stage, "resume", {"side": side})
            await stage.until(lambda: evse.flowing, "energy flows again")
        done = await act(stage, "inject", {"fault": "meter.register_frozen", "id": "mine", "evse_id": 1})
        mine = {"fault": "meter.register_frozen", "evse_id": 1, "params": {"catches_up": True}}
        assert done["state"]["active_faults"] == {"mine": mine}
        assert "fault mine: none -> meter.register_frozen" in done["changed"]
        status, text = await ask(stage, "POST", f"/api/stations/{ONE}/inject", {"fault": "rtc.drift", "id": "mine"})
        assert status == 409 and "is active already" in text
        assert (await act(stage, "clear", {"id": "mine"}))["state"]["active_faults"] == {}
        await act(stage, "deauthorise", {})
        assert evse.grant is None
        await stage.until(lambda: not evse.flowing, "it has stopped")
        await act(stage, "unplug", {})
        await stage.until(lambda: evse.tx is None, "it is over")
        await act(stage, "plug", {})
        await act(stage, "present", {"id_token": "VALID2", "evse_id": 1})
        await stage.until(lambda: evse.tx is not None, "a second one")
        await act(stage, "press", {"button": "stop", "evse_id": 1})
        await act(stage, "unplug", {})
        await act(stage, "press", {"button": "emergency_stop"})
        await stage.until(lambda: evse.status == "Faulted", "the emergency stop is in")
        await act(stage, "press", {"button": "emergency_release"})
        await stage.until(lambda: evse.status == "Available", "it is out again")
        await stage.quiet()

    played = perform(plan_of(tmp_path, groups(1)), play, http_port=0)
    assert played.violations == [] and played.summary["exit_code"] == 0
    assert played.summary["transactions"]["started"] == 2
    faults = {row["fault"]: row["still_active"] for row in played.summary["faults"]}
    assert faults == {"meter.register_frozen": 0, "protection.emergency_stop": 0}


def test_power_network_and_boots_by_hand(tmp_path: Path) -> None:
    async def act(stage: Stage, what: str, body: dict[str, Any]) -> dict[str, Any]:
        status, text = await ask(stage, "POST", f"/api/stations/{ONE}/{what}", body)
        assert status == 200, (what, text)
        state: dict[str, Any] = json.loads(text)["state"]
        return state

    async def play(stage: Stage) -> None:
        await stage.booted()
        seat = stage.farm.by_id[ONE]
        station = seat.station

        async def back() -> None:
            await stage.until(lambda: station.gate == "accepted" and station.link.is_up, "it is back")

        for boots, kind in enumerate(("soft", "hard", "cold"), start=2):
            await act(stage, "boot", {"kind": kind})
            await stage.until(lambda boots=boots: station.boot_no == boots, f"it has booted {kind}")
            await back()
        assert station.boot_reason == "PowerUp"
        shown = await act(stage, "power", {"on": False})
        assert (shown["phase"], shown["connected"], shown["mains"]) == ("off", False, False)
        status, text = await ask(stage, "POST", f"/api/stations/{ONE}/boot", {"kind": "cold"})
        assert status == 409 and "no power" in text
        status, text = await ask(stage, "POST", f"/api/stations/{ONE}/boot", {"kind": "soft"})
        assert status == 409 and "does not run" in text
        await act(stage, "power", {"on": True})
        await back()
        shown = await act(stage, "power", {"on": False, "how": "switch"})
        assert (shown["powered"], shown["mains"]) == (False, True)
        await act(stage, "power", {"on": True})
        await back()
        shown = await act(stage, "network", {"on": False})
        assert (shown["phase"], shown["link"]["network_up"]) == ("offline", False)
        await act(stage, "network", {"on": True})
        await back()
        shown = await act(stage, "network", {"on": False, "how": "half_open"})
        assert (shown["link"]["network_up"], shown["link"]["network_passes"]) == (True, False)
        await act(stage, "network", {"on": True})
        status, text = await ask(stage, "POST", f"/api/stations/{ONE}/park", {"present": True})
        assert status == 409, "this bay has no sensor"
        await stage.quiet()

    played = perform(plan_of(tmp_path, groups(1)), play, http_port=0)
    assert played.violations == [] and "FAIL" not in played.verdicts().values()


async def read_stream(url: str, path: str, until: str) -> tuple[list[tuple[str, Any]], asyncio.StreamWriter]:
    """The events of a stream until one holds the text; the connection stays open."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
    found: list[tuple[str, Any]] = []
    event = ""
    async with asyncio.timeout(10):
        while True:
            line = (await reader.readline()).decode().rstrip()
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((event, json.loads(line.removeprefix("data: "))))
                if until in line:
                    return found, writer


def test_the_list_the_state_and_the_frames(tmp_path: Path) -> None:
    secret = "000102030405060708090A0B0C0D0E0F10111213"

    async def play(stage: Stage) -> None:
        run = stage.run
        await stage.booted()
        listed = json.loads((await ask(stage, "GET", "/api/stations?limit=2&after=1"))[1])
        assert listed["total"] == 3 and [row["id"] for row in listed["stations"]] == ["2.0.1-001", "2.1-001"]
        last = listed["stations"][0]["last_message"]
        assert (last["direction"], last["type"]) == ("csms-to-cp", "CALLRESULT") and last["action"]
        for query, ids in (
            ("search=2.1-", ["2.1-001"]),
            ("phase=off", []),
            ("search=BRISK&phase=available&limit=1", [ONE]),
        ):
            listed = json.loads((await ask(stage, "GET", f"/api/stations?{query}"))[1])
            assert [row["id"] for row in listed["stations"]] == ids, query
        plain = stage.farm.live.observer
        boots = f"/api/stations/{ONE}/stream?last=50&action=BootNotification"
        head, writer = await read_stream(run.http_url, boots, "Accepted")
        assert [(event, frame["messageType"]) for event, frame in head] == [("frame", "CALL"), ("frame", "CALLRESULT")]
        assert stage.farm.live.observer is not plain
        writer.close()
        await stage.until(lambda: stage.farm.live.observer is plain, "nobody watches any more")
        watching = asyncio.ensure_future(
            read_stream(run.http_url, f"/api/stations/{ONE}/stream", "ChangeConfiguration")
        )
        await stage.until(lambda: stage.farm.live.observer is not plain, "somebody watches")
        await stage.operate(ONE, "ChangeConfiguration", {"key": "AuthorizationKey", "value": secret})
        seen, writer = await watching
        assert [event for event, _ in seen] == ["frame"] and "<secret:" in json.dumps(seen)
        texts = [json.dumps(seen)]
        for path in ("", "?brief=1", "/frames?last=100"):
            status, text = await ask(stage, "GET", f"/api/stations/{ONE}{path}")
            assert status == 200
            texts.append(text)
        assert not any(secret in text or bytes.fromhex(secret).decode("latin-1") in text for text in texts)
        full = json.loads(texts[1])
        keys = {row["key16"]: row["value"] for row in full["settings"]}
        assert keys["MeterValueSampleInterval"] == "1" and "AuthorizationKey" not in keys
        assert full["flash_areas"]["settings"]["entries"] > 0 and full["flash_areas"]["settings"]["records"] == []
        assert "blocks" not in json.loads(texts[2]) and full["evses"][0]["transaction"] is None
        writer.close()
        await stage.until(lambda: stage.farm.by_id[ONE].station.link.is_up, "it is there with its new key")
        await stage.quiet()

    played = perform(plan_of(tmp_path, groups(1)), play, http_port=0)
    assert played.summary["exit_code"] == 0


def test_the_commands_against_a_run(tmp_path: Path) -> None:
    """What ``ctl`` and ``tail`` do, but for the words on the screen."""
    events: list[tuple[str, Any]] = []
    watcher = threading.Thread()

    async def play(stage: Stage) -> None:
        nonlocal watcher
        await stage.booted()
        port = Port(stage.run.http_url, "t0p")
        inside = asyncio.get_running_loop().run_in_executor
        watcher = threading.Thread(target=lambda: events.extend(port.events(path_of(ONE, "stream"), last=1)))
        plain = stage.farm.live.observer
        watcher.start()
        await stage.until(lambda: stage.farm.live.observer is not plain, "tail watches")
        body = ctl.body_of("plug", ACTS["plug"], ["soc=0.5"], {"evse_id": 1})
        done = await inside(None, port.post, path_of(ONE, "plug"), body)
        assert "EVSE 1 plugged: no -> yes" in done["changed"]
        with pytest.raises(Refused, match="occupied"):
            await inside(None, port.post, path_of(ONE, "plug"), body)
        with pytest.raises(AuthorError, match="did you mean"):
            await inside(None, port.get, path_of("1.6-01"))
        with pytest.raises(AuthorError, match="a bearer token is needed"):
            await inside(None, Port(stage.run.http_url).get, "/api/run")
        shown = await inside(None, port.get, path_of(ONE))
        assert "EVSE 1  Preparing  plugged in, car at 50%" in ctl.describe(shown)
        await inside(None, port.post, path_of(ONE, "unplug"), {})
        await stage.quiet()

    assert perform(plan_of(tmp_path, groups(1)), play, http_port=0, http_token="t0p").summary["exit_code"] == 0
    watcher.join(5)
    lines = [tail.line_of(data, 200) for event, data in events if event == "frame"]
    assert any("-> StatusNotification" in line and "status=Preparing" in line for line in lines)
    assert events[-1] == ("end", {"why": "the run is over"}) and not watcher.is_alive()


@pytest.mark.parametrize("what", ACTS)
def test_every_action_has_a_case_above(what: str) -> None:
    """So that a new one is tried by hand as well."""
    assert what in {row[0] for row in WRONG}
    text = Path(__file__).read_text()
    assert f'stage, "{what}"' in text or f"/{what}" in text
