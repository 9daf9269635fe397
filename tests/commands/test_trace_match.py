"""``cpfarm quirks match``, and what ``quirks list`` says of it."""

import json
from pathlib import Path

from simulator.commands import trace_match
from simulator.traces.signs import SIGNS
from tests.commands.conftest import Cpfarm

STATUS = '{"connectorId":1,"errorCode":"NoError","status":"Available","info":"null"}'
LOG = (
    f'CP -> CSMS [2,"1","StatusNotification",{STATUS}]\n'
    f'CP -> CSMS [2,"2","StatusNotification",{STATUS}]\n'
    'CP -> CSMS [2,"3","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[]}]\n'
)


def test_match(cpfarm: Cpfarm) -> None:
    Path("a.log").write_text(LOG)
    told = cpfarm("quirks", "match", "a.log", "--csms", "ws://127.0.0.1:9000/x")
    assert told.code == 0
    assert "shows status-no-timestamp: StatusNotification carries no timestamp." in told.out
    assert "line 1, 2: no timestamp" in told.out and "a CSMS must: Use the time of arrival" in told.out
    assert "--quirk status-no-timestamp --csms ws://127.0.0.1:9000/x" in told.out
    assert "shows frame-invalid-json" in told.out and "line 3: MeterValues" in told.out
    assert "all 3 that are sure, at once:" in told.out and "1 pieces could not be read" in told.out
    data = json.loads(cpfarm("quirks", "match", "a.log", "--json").out)
    (station,) = data["stations"]
    assert data["unreadable"] == 1 and station["version"] == "1.6"
    assert {"status-no-timestamp", "status-info-literal-null"} <= {m["quirk"] for m in station["matches"]}
    assert station["matches"][0]["places"][0] == {"line": 1, "confidence": "shows", "why": 'info is the text "null"'}


def test_sure_leaves_out_what_something_else_may_explain(cpfarm: Cpfarm) -> None:
    event = '[2,"1","SecurityEventNotification",{"type":"StartupOfTheDevice","timestamp":"2024-01-01T00:00:00Z"}]'
    Path("b.log").write_text(f'{event}\n[2,"2","Authorize",{{"idTag":"A"}}]\n')
    assert "may show security-events-unsolicited" in cpfarm("quirks", "match", "b.log").out
    assert "shows no quirk that is known" in cpfarm("quirks", "match", "b.log", "--sure").out


def test_the_list_says_which_quirks_a_log_can_show(cpfarm: Cpfarm) -> None:
    rows = json.loads(cpfarm("quirks", "list", "--json").out)
    assert {row["name"] for row in rows if row["recognised"]} == set(SIGNS)
    assert (
        trace_match.LINES_SHOWN > 0 and not next(r for r in rows if r["name"] == "http-probe-before-ws")["recognised"]
    )
