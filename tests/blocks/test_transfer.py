"""Attempts, pauses and addresses of transfers; which words of a log's end there are."""

from __future__ import annotations

import pytest

from simulator.blocks import logs, transfer
from simulator.blocks.product_settings import FILE_PROTOCOLS
from simulator.core import certificate_store as store
from simulator.core.inputs import Tick
from simulator.core.reports import FirmwareStep, LogStep
from simulator.pki.authority import Authority
from simulator.pki.reading import inspect_certificate
from tests.bench import bench, each_2x, frames


@pytest.mark.parametrize(
    ("retries", "interval_s", "plan"),
    [
        (None, None, (3, 30)),
        (0, 0, (1, 1)),
        (2, 10, (3, 10)),
        (-1, -1, (1, 1)),
        (10**9, 10**9, (1_001, 86_400)),
    ],
)
def test_plan(retries: int | None, interval_s: int | None, plan: tuple[int, int]) -> None:
    assert transfer.plan(retries, interval_s) == plan


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("http://h/x", ""),
        ("FTPS://u:p@h:990/x", ""),
        ("sftp://h/x", ""),
        ("scp://h/x", "unsupported"),
        ("file:///etc/passwd", "unsupported"),
        ("http:/h/x", "bad_url"),
        ("http://", "bad_url"),
        ("http:///", "bad_url"),
        ("http://h/a b", "bad_url"),
        ("http://h/\n", "bad_url"),
        ("http://h/" + "x" * 2_000, "bad_url"),
        ("", "bad_url"),
    ],
)
def test_trouble_with_an_address(url: str, trouble: str) -> None:
    assert transfer.trouble_with(bench().station, url) == trouble


def test_a_product_transfers_with_what_it_says() -> None:
    st = bench(settings={FILE_PROTOCOLS: ("FTP",)}).station
    assert transfer.trouble_with(st, "ftp://h/x") == "" and transfer.trouble_with(st, "https://h/x") == "unsupported"


@pytest.mark.parametrize(
    ("url", "name"), [("http://h/a/b.bin?x=/1", "b.bin"), ("http://h/b#/c", "b"), ("http://h/", ""), ("x", "")]
)
def test_last_name(url: str, name: str) -> None:
    assert transfer.last_name(url) == name


def test_the_roots_of_the_csms_judge_the_file_server() -> None:
    st = bench().station
    assert transfer.roots(st) == ""
    root = Authority.root("R", not_before_us=0, not_after_us=10**15, seed="t")
    assert store.put(st, store.CSMS_ROOT, inspect_certificate(root.pem))
    assert store.put(st, store.MANUFACTURER_ROOT, inspect_certificate(root.pem))
    assert transfer.roots(st).count("BEGIN CERTIFICATE") == 1


def test_an_end_has_a_word_of_its_own_where_there_is_one() -> None:
    assert {"BadMessage", "NotSupportedOperation", "PermissionDenied"} == set(logs.STATUS_OF.values())


@each_2x
def test_newer_versions_tell_the_same_steps(version: str) -> None:
    lab = bench(version).forget()
    lab.station._effects = []
    lab.station.publish(FirmwareStep("InstallVerificationFailed", 4))
    lab.station.publish(LogStep("PermissionDenied", 5))
    lab.feed(Tick(), 1)
    assert [(a, p) for _, a, p in frames(lab.csms)] == [
        ("FirmwareStatusNotification", {"status": "InstallVerificationFailed", "requestId": 4}),
        ("LogStatusNotification", {"status": "PermissionDenied", "requestId": 5}),
    ]
