"""File servers in memory and who moves the files: causes, durations, and what breaks a transfer."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core import jobs
from simulator.core.model import HardwareSpec, ModemSpec
from simulator.lab.files import LabFiles, Server
from simulator.lab.jobs import MAX_PROGRESS, LabWorker
from simulator.pki.keystore import PoolKeystore
from tests.bench import Lab, build

URL = "http://files.example/a/b.bin"
BODY = b"0123456789" * 100


@pytest.mark.parametrize(
    ("url", "server", "max_bytes", "cause"),
    [
        (URL, Server(), 1_000, ""),
        (URL, Server(), 999, "too_large"),
        (URL + "x", Server(), 1_000, "not_found"),
        ("http://other.example/a", Server(), 1_000, "dns"),
        ("gopher://files.example/a", Server(), 1_000, "unsupported"),
        ("http:///a", Server(), 1_000, "bad_url"),
        ("http://[::1/a", Server(), 1_000, "bad_url"),
        (URL, Server(password="u:p"), 1_000, "auth"),
        ("http://u:p@files.example/a/b.bin", Server(password="u:p"), 1_000, ""),
        ("http://u:%70@files.example/a/b.bin", Server(password="u:p"), 1_000, ""),
        (URL, Server(fail="refused"), 1_000, "refused"),
        (URL, Server(break_after=10), 1_000, "broken"),
        (URL, Server(break_after=1_000), 1_000, ""),
    ],
)
def test_what_becomes_of_a_download(url: str, server: Server, max_bytes: int, cause: str) -> None:
    files = LabFiles({"files.example": server})
    files.serve(URL, BODY)
    outcome = files.download(url, max_bytes)
    assert outcome.ok == (not cause) and outcome.result.get("cause", "") == cause
    if outcome.ok:
        assert outcome.result == {
            "bytes": 1_000,
            "sha256": hashlib.sha256(BODY).hexdigest(),
            "head": BODY[:256].hex(),
            "file_name": "b.bin",
        }


def test_a_server_may_get_well() -> None:
    files = LabFiles({"files.example": Server(fail="busy", failures=2)})
    files.serve(URL, BODY)
    assert [files.download(URL, 1_000).ok for _ in range(4)] == [False, False, True, True]


def lab_with(kb_s: float | None = 1.0) -> tuple[Lab, LabWorker]:
    lab = Lab(build(hardware=HardwareSpec(modem=ModemSpec(rtt_ms=(10, 10), bandwidth_kb_s=kb_s))))
    worker = LabWorker()
    lab.fleet.worker = worker
    lab.boot().run(5)
    worker.files.serve(URL, BODY)
    return lab, worker


@pytest.fixture
def heard() -> Any:
    events: list[tuple[int, Any]] = []

    @jobs.on_job("test.transfer")
    def hear(st: Any, number: int, event: Any, now: int) -> None:
        events.append((now, event))

    yield events
    del jobs.OWNERS["test.transfer"]


def start(lab: Lab, kind: str, args: dict[str, Any]) -> int:
    """Let the station ask, and hand what it asks to the driver."""
    st = lab.station
    st._effects = []
    number = jobs.start(st, kind, "test.transfer", args)
    assert number is not None
    for effect in st._effects:
        lab.fleet._carry_out(0, effect)
    return number


@pytest.mark.parametrize(("modem", "server", "seconds"), [(1.0, None, 1.0), (None, 0.5, 2.0), (0.2, 10.0, 5.0)])
def test_a_transfer_takes_its_time(heard: Any, modem: float | None, server: float | None, seconds: float) -> None:
    lab, worker = lab_with(modem)
    worker.files.server().kb_s = server
    begun = lab.fleet.now
    start(lab, "download", {"url": URL, "max_bytes": 10_000, "roots": ""})
    lab.run(20)
    assert isinstance(heard[-1][1], i.JobDone) and heard[-1][1].ok
    assert heard[-1][0] - begun == 40_000 + int(seconds * 1_000_000)
    told = [event.done for _, event in heard[:-1]]
    assert len(told) == MAX_PROGRESS and told == sorted(told) and told[0] == 0


def test_an_upload_arrives_when_it_is_over(heard: Any) -> None:
    lab, worker = lab_with()
    args = {"url": "ftp://u:p@files.example/in/", "file_name": "x.log", "content": BODY, "roots": ""}
    start(lab, "upload", args)
    lab.run(0.9)
    assert not worker.files.uploads
    lab.run(0.2)
    (there,) = worker.files.uploads
    assert (there.url, there.file_name, there.content) == ("ftp://files.example/in/", "x.log", BODY)


@pytest.mark.parametrize("how", ["modem", "network", "half open"])
def test_without_a_way_out_a_transfer_breaks(heard: Any, how: str) -> None:
    lab, worker = lab_with()
    args = {"url": URL, "file_name": "x", "content": BODY, "roots": ""}
    start(lab, "upload", args)
    lab.run(0.3)
    if how == "network":
        lab.fleet.cut(lab.station, silently=True)
    else:
        lab.inject("modem.outage" if how == "modem" else "modem.half_open")
    lab.run(0.3).clear()
    lab.fleet.mend(lab.station)
    lab.run(10)
    ends = [event for _, event in heard if isinstance(event, i.JobDone)]
    assert [end.result["cause"] for end in ends] == ["broken"] and not worker.files.uploads


def test_what_a_restarted_station_has_forgotten_arrives_nowhere(heard: Any) -> None:
    lab, worker = lab_with()
    start(lab, "upload", {"url": URL, "file_name": "x", "content": BODY, "roots": ""})
    lab.run(0.3).feed(i.PowerOff()).run(30)
    assert not worker.files.uploads and not [x for _, x in heard if isinstance(x, i.JobDone)]


def test_keys_are_worked_on_at_once_and_a_dead_modem_does_not_matter(heard: Any) -> None:
    lab, worker = lab_with()
    assert isinstance(worker.keystore, PoolKeystore)
    lab.inject("modem.outage")
    start(lab, "make_csr", {"key": "k", "subject": {"CN": "CP1"}, "algorithm": "EC-P256"})
    lab.run(1)
    (_, end) = heard[-1]
    assert end.ok and "CERTIFICATE REQUEST" in end.result["csr"] and "k" in worker.keystore


def test_a_kind_nobody_carries_out_is_refused() -> None:
    lab, worker = lab_with()
    ((_, end),) = worker.begin(lab.station, e.Job(1, "probe", {}), 0)
    assert isinstance(end, i.JobDone) and end.result["cause"] == "unsupported" and "probe" in end.result["detail"]
