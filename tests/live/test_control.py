"""The run's own HTTP port: metrics, health, readiness, and a person's hand on a station, right and wrong."""

import asyncio
import functools
import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

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
    ("unplug", {"side": "left"}, 400, "side: 'left' is not one of ev, station, both"),
    ("unplug", {}, 409, "nothing is plugged in"),
    ("present", {}, 400, "id_token: "),
    ("press", {"button": "stopp"}, 400, "did you mean 'stop'?"),
    ("press", {"button": "stop"}, 409, "has no effect now"),
    ("inject", {"fault": "meter.register_frozn"}, 400, "did you mean 'meter.register_frozen'?"),
    ("inject", {"fault": "rtc.drift", "params": {"ppm": "fast"}}, 400, "ppm"),
    ("inject", {"fault": "rtc.drift", "evse_id": 1}, 409, "concerns the whole station"),
    ("clear", {"id": "none"}, 409, "no active fault 'none' to clear"),
    ("suspend", {}, 409, "no car at EVSE 1"),
    ("boot", {"kind": "warm"}, 400, "kind: 'warm' is not one of soft, hard"),
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
        assert (await ask(stage, "GET", "/api"))[0] == 404
        assert (await ask(stage, "DELETE", "/metrics"))[0] == 405
        status, text = await ask(stage, "GET", "/api/stations", headers={"Host": "attacker.example"})
        assert status == 403 and ONE not in text
        status, _ = await ask(stage, "POST", f"/api/stations/{ONE}/plug", {}, {"Origin": "http://attacker.example"})
        assert status == 403 and not stage.farm.by_id[ONE].station.evses[0].connected
        assert stage.farm.live.failure is None

    played = perform(plan_of(tmp_path, groups(1)), play, http_port=0)
    assert played.summary["exit_code"] == 0 and played.summary["transactions"]["started"] == 0


def test_a_session_by_hand(tmp_path: Path) -> None:
    async def act(stage: Stage, what: str, body: dict[str, Any]) -> dict[str, Any]:
        status, text = await ask(stage, "POST", f"/api/stations/{ONE}/{what}", body)
        assert status == 200, (what, text)
        shown: dict[str, Any] = json.loads(text)
        return shown

    async def play(stage: Stage) -> None:
        await stage.booted()
        evse = stage.farm.by_id[ONE].station.evses[0]
        assert (await act(stage, "plug", {"ev": {"soc": 0.2}}))["evses"][0]["plugged"] is True
        await act(stage, "present", {"id_token": "VALID1"})
        await stage.until(lambda: evse.flowing, "energy flows")
        await act(stage, "suspend", {})
        await stage.until(lambda: not evse.flowing, "the car has suspended")
        await act(stage, "resume", {})
        await stage.until(lambda: evse.flowing, "energy flows again")
        shown = await act(stage, "inject", {"fault": "meter.register_frozen", "id": "mine", "evse_id": 1})
        mine = {"fault": "meter.register_frozen", "evse_id": 1, "params": {"catches_up": True}}
        assert shown["faults"] == {"mine": mine}
        status, text = await ask(stage, "POST", f"/api/stations/{ONE}/inject", {"fault": "rtc.drift", "id": "mine"})
        assert status == 409 and "is active already" in text
        assert (await act(stage, "clear", {"id": "mine"}))["faults"] == {}
        await act(stage, "press", {"button": "stop", "evse_id": 1})
        await stage.until(lambda: not evse.flowing, "it has stopped")
        await act(stage, "unplug", {})
        await stage.until(lambda: evse.tx is None, "it is over")
        await act(stage, "press", {"button": "emergency_stop"})
        await stage.until(lambda: evse.status == "Faulted", "the emergency stop is in")
        await act(stage, "press", {"button": "emergency_release"})
        await stage.until(lambda: evse.status == "Available", "it is out again")
        await act(stage, "boot", {"kind": "soft"})
        await stage.until(lambda: stage.farm.by_id[ONE].station.boot_no == 2, "it has booted")
        await act(stage, "power", {"on": False})
        shown = json.loads((await ask(stage, "GET", f"/api/stations/{ONE}"))[1])
        assert shown["phase"] == "off" and shown["connected"] is False
        await act(stage, "power", {"on": True})
        await stage.until(lambda: stage.farm.by_id[ONE].station.gate == "accepted", "it is back")
        listed = json.loads((await ask(stage, "GET", "/api/stations?limit=2&after=1"))[1])
        assert listed["total"] == 3 and [row["id"] for row in listed["stations"]] == ["2.0.1-001", "2.1-001"]
        await stage.quiet()

    played = perform(plan_of(tmp_path, groups(1)), play, http_port=0)
    assert played.violations == [] and played.summary["exit_code"] == 0
    assert played.summary["transactions"]["started"] == 1
    faults = {row["fault"]: row["still_active"] for row in played.summary["faults"]}
    assert faults == {"meter.register_frozen": 0, "protection.emergency_stop": 0}


@pytest.mark.parametrize("what", ACTS)
def test_every_action_has_a_case_above(what: str) -> None:
    """So that a new one is tried by hand as well."""
    text = Path(__file__).read_text()
    assert f'stage, "{what}"' in text
