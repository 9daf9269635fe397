"""GetLog of 2.x (N01). Tests with an id in their name are cases of part 6."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core.security_event import say
from simulator.lab.files import Server
from simulator.lab.jobs import LabWorker
from simulator.ocpp2x import logs
from tests.bench import each_2x
from tests.ocpp2x.field import Field

LOGS = "http://files.example/logs/"


def get_log(lab: Field, number: int = 1, kind: str = "DiagnosticsLog", url: str = LOGS, **more: Any) -> Any:
    times = {name: more.pop(name) for name in ("oldestTimestamp", "latestTimestamp") if name in more}
    return lab.ask("GetLog", logType=kind, requestId=number, log={"remoteLocation": url} | times, **more)


@each_2x
@pytest.mark.parametrize("kind", ["DiagnosticsLog", "SecurityLog"], ids=["tc_n_25", "tc_n_35"])
def test_a_log_is_uploaded(version: str, kind: str) -> None:
    """N01.FR.01-04, FR.07-09."""
    lab = Field(version)
    say(lab.station, "SettingSystemTime")
    lab.run(1)
    answer = get_log(lab, 5, kind)
    lab.run(5)
    assert answer["status"] == "Accepted" and lab.said() == ["Uploading 5", "Uploaded 5"]
    (file,) = lab.files.uploads
    assert file.file_name == answer["filename"] and file.url == LOGS
    text = file.content.decode()
    assert ("SettingSystemTime" in text, "station: CP1" in text) == (
        (False, True) if kind == "DiagnosticsLog" else (True, False)
    )


@each_2x
def test_nothing_of_that_time(version: str) -> None:
    """N01.FR.05."""
    lab = Field(version)
    for times in (
        {"latestTimestamp": "2000-01-01T00:00:00Z"},
        {"oldestTimestamp": lab.at(100)},
        {"oldestTimestamp": lab.at(), "latestTimestamp": lab.at(-50)},
    ):
        answer = get_log(lab, **times)
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "NotFound")
        assert "filename" not in answer
    assert get_log(lab, oldestTimestamp="yesterday")[0] == "PropertyConstraintViolation"
    assert lab.run(10).said() == []


@each_2x
def test_tc_n_34_a_second_request_cancels_the_first(version: str) -> None:
    """N01.FR.12, FR.20: each is told under its own number."""
    lab = Field(version)
    lab.files.servers["files.example"] = Server(kb_s=0.1)
    assert get_log(lab, 1)["status"] == "Accepted"
    lab.run(2)
    answer = get_log(lab, 2)
    assert answer["status"] == "AcceptedCanceled" and answer["filename"]
    lab.run(600)
    assert lab.said() == ["Uploading 1", "AcceptedCanceled 1", "Uploading 2", "Uploaded 2"]


@each_2x
@pytest.mark.parametrize(
    ("server", "url", "status"),
    [
        (Server(fail="http_status"), LOGS, "UploadFailure"),
        (Server(password="me:secret"), LOGS, "PermissionDenied"),
        (Server(), "gopher://files.example/", "NotSupportedOperation"),
        (Server(), "nowhere", "BadMessage"),
    ],
)
def test_tc_n_36_it_fails_in_the_end(version: str, server: Server, url: str, status: str) -> None:
    """N01.FR.10: told once, after the last attempt."""
    lab = Field(version)
    lab.files.servers["files.example"] = server
    assert get_log(lab, 3, url=url, retries=2, retryInterval=10)["status"] == "Accepted"
    lab.run(60)
    assert lab.said() == ["Uploading 3", f"{status} 3"]
    assert len(lab.fleet.jobs) == (0 if url != LOGS else 3)


@each_2x
def test_it_goes_well_at_the_second_attempt(version: str) -> None:
    lab = Field(version)
    lab.files.servers["files.example"] = Server(fail="refused", failures=1)
    get_log(lab, 3, retries=1, retryInterval=10)
    lab.run(9)
    assert lab.said() == ["Uploading 3"]
    assert lab.run(5).said() == ["Uploading 3", "Uploaded 3"]


def test_logs_of_other_kinds_are_not_there() -> None:
    """2.1 has the logs of data collectors (N01)."""
    answer = get_log(Field("2.1"), kind="DataCollectorLog")
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedParam")
    assert "DataCollectorLog" not in logs.KINDS


@each_2x
def test_an_upload_stays_where_the_csms_wants_it(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """2.1 N01.FR.30: redirects are not followed; 2.0.1 does not say."""
    lab, begin, jobs = Field(version), LabWorker.begin, []
    monkeypatch.setattr(LabWorker, "begin", lambda self, st, job, now: jobs.append(job) or begin(self, st, job, now))
    get_log(lab)
    lab.run(5)
    assert [job.args["redirects"] for job in jobs] == [version != "2.1"]
