"""What is asked of the machine before a run, with machines that are too small in one way each."""

import resource
import socket
from pathlib import Path

import pytest

from simulator.errors import AuthorError, GeneratorLimit
from simulator.fleet import limits

SYSTEM_LIMITS = resource.getrlimit(resource.RLIMIT_NOFILE)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    """A limit of open files that is only written down."""
    held = {"limit": (1024, 4096)}
    monkeypatch.setattr(resource, "getrlimit", lambda which: held["limit"])
    monkeypatch.setattr(resource, "setrlimit", lambda which, pair: held.update(limit=pair))
    return held


def test_the_soft_limit_is_raised_as_far_as_needed(files: dict[str, tuple[int, int]]) -> None:
    assert limits.raise_file_limit(100) == 1024 and files["limit"] == (1024, 4096)
    assert limits.raise_file_limit(2000) == 2128 and files["limit"] == (2128, 4096)
    assert limits.raise_file_limit(4096 - limits.RESERVED_FILES) == 4096


def test_too_few_files_name_the_command_that_helps(files: dict[str, tuple[int, int]]) -> None:
    with pytest.raises(
        GeneratorLimit, match=r"4000 stations need 4128 open files, this machine allows 4096; run: ulimit"
    ):
        limits.raise_file_limit(4000)
    assert files["limit"] == (1024, 4096)


def test_no_limit_is_no_limit(files: dict[str, tuple[int, int]]) -> None:
    files["limit"] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    assert limits.raise_file_limit(1_000_000) == resource.RLIM_INFINITY
    files["limit"] = (1024, resource.RLIM_INFINITY)
    limits.raise_file_limit(1_000_000)
    assert files["limit"][0] == 1_000_000 + limits.RESERVED_FILES


def test_source_ports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(limits, "_PORT_RANGE", tmp_path / "range")
    (tmp_path / "range").write_text("32768\t60999\n")
    limits.check_ports(28_232, 0)
    with pytest.raises(GeneratorLimit, match=r"28233 stations need as many source ports, there are 28232; .*sysctl"):
        limits.check_ports(28_233, 0)
    limits.check_ports(28_233, 2)
    (tmp_path / "range").write_text("nonsense")
    limits.check_ports(10**6, 0)  # a machine that does not tell is not refused
    (tmp_path / "range").unlink()
    limits.check_ports(10**6, 0)


def test_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(limits, "_MEMINFO", tmp_path / "meminfo")
    plain, tls = limits.KIB_PER_STATION[False], limits.KIB_PER_STATION[True]
    assert 15 <= plain < tls
    (tmp_path / "meminfo").write_text(f"MemTotal: 9999999 kB\nMemAvailable:     {plain * tls * 10} kB\n")
    limits.check_memory(tls * 10, tls=False)
    limits.check_memory(plain * 10, tls=True)
    with pytest.raises(GeneratorLimit, match=f"need about [0-9]+ MiB, [0-9]+ MiB are free; try --count {tls * 10}$"):
        limits.check_memory(tls * 10 + 1, tls=False)
    with pytest.raises(GeneratorLimit, match=f"try --count {plain * 10}$"):
        limits.check_memory(plain * 10 + 1, tls=True)
    (tmp_path / "meminfo").unlink()
    limits.check_memory(10**6, tls=True)


def test_all_are_asked(files: dict[str, tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(limits, "check_ports", lambda stations, sources: asked.append(f"ports {stations} {sources}"))
    monkeypatch.setattr(limits, "check_memory", lambda stations, tls: asked.append(f"memory {stations} {tls}"))
    limits.check(2000, source_addresses=3, tls=True)
    assert asked == ["ports 2000 3", "memory 2000 True"] and files["limit"][0] == 2128


def test_a_port_for_metrics() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            AuthorError, match=f"--http-port: port {port} cannot be used .address already in use.; 0 picks"
        ):
            limits.check_http_port(port)
    limits.check_http_port(port)


def test_what_is_told_of_the_machine() -> None:
    told = limits.machine()
    assert set(told) == {"system", "python", "cpus"} and told["cpus"] >= 1
    assert socket.gethostname() not in " ".join(map(str, told.values()))
    assert 1 << 20 < limits.rss_bytes() < 1 << 40
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == SYSTEM_LIMITS
