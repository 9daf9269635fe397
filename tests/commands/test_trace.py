"""``cpfarm trace``: from a log to a trace."""

import json
from pathlib import Path

import pytest

from simulator.commands import trace
from tests.commands.conftest import Cpfarm

LOG = (
    '2024-03-01 10:00:00 CP -> CSMS [2,"1","BootNotification",{"chargePointVendor":"A","chargePointModel":"B"}]\n'
    '2024-03-01 10:00:00 CSMS -> CP [3,"1",{"status":"Accepted","currentTime":"2024-03-01T10:00:00Z","interval":300}]\n'
    '2024-03-01 10:00:01 CP -> CSMS [2,"2","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[]}]\n'
)


def test_import(cpfarm: Cpfarm) -> None:
    Path("a.log").write_text(LOG)
    told = cpfarm("trace", "import", "a.log", "--out", "a.jsonl")
    assert told.code == 0 and "read as frames: 2 messages of 1 station in 3 lines" in told.out
    assert "line 3: not JSON" in told.out
    records = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert [record["messageType"] for record in records] == ["CALL", "CALLRESULT", "UNPARSEABLE"]
    assert Path("a.jsonl").stat().st_mode & 0o077 == 0
    summary = json.loads(cpfarm("trace", "import", "a.jsonl", "--json").out)
    assert summary["format"] == "jsonl" and summary["frames"] == 2 and len(summary["unreadable"]) == 1
    piped = cpfarm("trace", "import", "a.log")
    assert json.loads(piped.out.splitlines()[0])["messageType"] == "CALL" and "line 3" in piped.err


def test_import_says_what_is_wrong(cpfarm: Cpfarm) -> None:
    Path("empty.log").write_text("nothing here\n")
    told = cpfarm("trace", "import", "empty.log")
    assert told.code == 2 and "empty.log: there is no OCPP message in it" in told.err
    assert "cannot be read" in cpfarm("trace", "import", "none.log").err
    assert "did you mean 'steve'?" in cpfarm("trace", "import", "empty.log", "--format", "steev").err
    Path("a.log").write_text(LOG)
    assert "there is no folder" in cpfarm("trace", "import", "a.log", "--out", "no/where.jsonl").err


def test_bytes_of_other_encodings(tmp_path: Path) -> None:
    (tmp_path / "w.log").write_bytes(LOG.encode("utf-16"))
    assert trace.trace_of(tmp_path / "w.log", "auto").frames[0].action == "BootNotification"
    (tmp_path / "b.log").write_bytes(b'[2,"1","Authorize",{"idTag":"\xff"}]')
    assert trace.text_of(tmp_path / "b.log") == '[2,"1","Authorize",{"idTag":"\\xff"}]'


def test_a_log_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "BYTES_MAX", 10)
    (tmp_path / "l.log").write_text(LOG)
    with pytest.raises(trace.AuthorError, match="larger than"):
        trace.text_of(tmp_path / "l.log")


def test_a_scrubbed_file_has_the_lines_it_had(cpfarm: Cpfarm, tmp_path: Path) -> None:
    """Line ends, and signs that other programs take for one: somebody compares line numbers, or looks for just that."""
    log = '[2,"1","Authorize",{"idTag":"04A1B2C3"}]\r\n[2,"2","DataTransfer",{"vendorId":"a\u2028b"}]\n'
    (tmp_path / "a.log").write_bytes(log.encode())
    assert cpfarm("trace", "scrub", "a.log", "--out", "b.log").code == 0
    scrubbed = (tmp_path / "b.log").read_bytes().decode()
    begin, tag, end = log.partition("04A1B2C3")
    assert scrubbed.startswith(begin) and scrubbed.endswith(end) and tag not in scrubbed


def test_scrub(cpfarm: Cpfarm) -> None:
    Path("a.log").write_text(LOG + '2024-03-01 10:00:02 CP -> CSMS [2,"3","Authorize",{"idTag":"04A1B2C3"}]\n')
    told = cpfarm("trace", "scrub", "a.log", "--seed", "words")
    assert told.code == 0 and "04A1B2C3" not in told.out and told.out.count("\n") == 4
    assert told.err == "replaced: 1 tags; look through it before you pass it on\n"
    assert cpfarm("trace", "scrub", "a.log", "--seed", "words").out == told.out
    assert cpfarm("trace", "scrub", "a.log").out != told.out  # without --seed nobody can find out what it was
    data = json.loads(cpfarm("trace", "scrub", "a.log", "--out", "b.log", "--json").out)
    assert data == {"replaced": {"tags": 1}, "kept": []}
    assert Path("b.log").stat().st_mode & 0o077 == 0 and "04A1B2C3" not in Path("b.log").read_text()
    assert "04A1B2C3" in cpfarm("trace", "scrub", "a.log", "--keep", "tags").out
    assert "did you mean 'tags'?" in cpfarm("trace", "scrub", "a.log", "--keep", "tagz").err
    assert "--json: standard output is where the log goes" in cpfarm("trace", "scrub", "a.log", "--json").err
