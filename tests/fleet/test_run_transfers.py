"""A whole run with files: the reference CSMS asks for diagnostics and for an update, and the station really does it."""

import asyncio
import base64
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from simulator.csms.files import DEMO_NAME, DEMO_VERSION
from simulator.fleet.run import Run, RunOptions
from tests.fleet.manual import plan_of

pytestmark = pytest.mark.live

ASK = "2020-01-01T00:00:00Z"


async def api(run: Run, method: str, path: str, body: Any = None) -> Any:
    csms = run.csms
    assert csms is not None
    return await asyncio.get_running_loop().run_in_executor(None, csms.request, method, path, body)


async def until(what: Any) -> Any:
    while not (found := await what()):
        await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize(("download", "upload"), [("http", "ftp"), ("ftp", "http")])
def test_a_log_is_uploaded_and_the_next_boot_has_another_firmware(tmp_path: Path, download: str, upload: str) -> None:
    seen: dict[str, Any] = {}

    async def story(run: Run) -> None:
        assert run.farm is not None
        station_id = run.plan.stations[0].id
        path = f"/api/stations/{station_id}"

        async def booted() -> bool:
            assert run.farm is not None
            return bool(run.farm.booted)

        async with asyncio.timeout(30):
            await until(booted)
            asked = {"location": f"{{uploads:{upload}}}/", "retries": 0}
            seen["diagnostics"] = await api(run, "POST", f"{path}/GetDiagnostics", asked)

            async def uploaded() -> Any:
                return (await api(run, "GET", "/api/files"))["uploads"]

            seen["uploads"] = await until(uploaded)
            files = await api(run, "GET", "/api/files")
            there = f"{files['urls']['http']}/uploads/{seen['uploads'][0]['name']}"
            pair = base64.b64encode(f"{files['user']}:{files['password']}".encode()).decode()
            request = urllib.request.Request(there, headers={"Authorization": f"Basic {pair}"})
            seen["log"] = await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=5).read().decode())
            seen["password"] = files["password"]
            asked = {"location": f"{{files:{download}}}/{DEMO_NAME}", "retrieveDate": ASK, "retries": 0}
            await api(run, "POST", f"{path}/UpdateFirmware", asked)

            async def renewed() -> Any:
                found = await api(run, "GET", path)
                return found if found["boots"] == 2 else None

            seen["station"] = await until(renewed)
            await asyncio.sleep(0.3)
            seen["station"] = await api(run, "GET", path)
        run.end("the files are where they belong")

    options = RunOptions("cpfarm run", http_port=None, trace=tmp_path / "t.jsonl", ledger=tmp_path / "l.sqlite")
    run = Run(plan_of(count=1, speed=30), options, None, story)
    run.execute()
    assert seen["diagnostics"]["payload"]["fileName"] == seen["uploads"][0]["name"]
    assert f"station: {run.plan.stations[0].id}" in seen["log"] and "history:" in seen["log"]
    assert DEMO_VERSION in json.dumps(seen["station"])
    trace = (tmp_path / "t.jsonl").read_text()
    told = [json.loads(line)["payload"].get("status") for line in trace.splitlines() if "StatusNotification" in line]
    for status in ("Uploading", "Uploaded", "Downloading", "Downloaded", "Installing", "Installed"):
        assert status in told, told
    assert f'"firmwareVersion":"{DEMO_VERSION}"' in trace.replace('": "', '":"')
    for path in tmp_path.iterdir():
        assert seen["password"].encode() not in path.read_bytes(), path


def test_signed_firmware_over_tls_with_roots_that_the_csms_installs(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    async def story(run: Run) -> None:
        path = f"/api/stations/{run.plan.stations[0].id}"

        async def booted() -> bool:
            assert run.farm is not None
            return bool(run.farm.booted)

        async with asyncio.timeout(30):
            await until(booted)
            files = await api(run, "GET", "/api/files")
            image = files["firmware"][0]
            firmware = {
                "location": image["urls"]["https"],
                "retrieveDateTime": ASK,
                "signingCertificate": files["signing_certificate"],
                "signature": image["signature"],
            }
            asked = {"requestId": 1, "retries": 0, "firmware": firmware}
            seen["untrusted"] = await api(run, "POST", f"{path}/SignedUpdateFirmware", asked)
            for use in ("ManufacturerRootCertificate", "CentralSystemRootCertificate"):
                root = {"certificateType": use, "certificate": files["ca"]}
                seen[use] = await api(run, "POST", f"{path}/InstallCertificate", root)
            seen["trusted"] = await api(run, "POST", f"{path}/SignedUpdateFirmware", {**asked, "requestId": 2})
            log = {"remoteLocation": f"{{uploads:ftps}}/{run.plan.stations[0].id}.log"}
            asked = {"logType": "SecurityLog", "requestId": 3, "retries": 0, "log": log}
            seen["log"] = await api(run, "POST", f"{path}/GetLog", asked)

            async def renewed() -> Any:
                found = await api(run, "GET", path)
                return found["boots"] == 2 and (await api(run, "GET", "/api/files"))["uploads"]

            seen["uploads"] = await until(renewed)
            await asyncio.sleep(0.3)
        run.end("the files are where they belong")

    options = RunOptions("cpfarm run", http_port=None, trace=tmp_path / "t.jsonl")
    run = Run(plan_of(count=1, speed=30), options, None, story)
    run.execute()
    assert seen["untrusted"]["payload"] == {"status": "InvalidCertificate"}
    assert seen["ManufacturerRootCertificate"]["payload"] == {"status": "Accepted"}
    assert seen["trusted"]["payload"] == {"status": "Accepted"} and seen["log"]["payload"]["status"] == "Accepted"
    assert [one["name"] for one in seen["uploads"]] == [f"{run.plan.stations[0].id}.log"]
    trace = (tmp_path / "t.jsonl").read_text()
    lines = [json.loads(line) for line in trace.splitlines()]
    calls = [one for one in lines if one["direction"] == "cp-to-csms" and one["messageType"] == lines[0]["messageType"]]
    told = [one["payload"]["status"] for one in calls if one["action"] == "SignedFirmwareStatusNotification"]
    assert told[:3] == ["Downloading", "Downloaded", "SignatureVerified"] and told[-1] == "Installed", told
    boots = [one["payload"]["firmwareVersion"] for one in calls if one["action"] == "BootNotification"]
    assert len(boots) == 2 and boots[-1] == DEMO_VERSION != boots[0]
