"""The end of a run as plain text: what was lost, what the calls did, why stations did not connect, how to repeat it.

No colours and no box characters: the same lines go to a terminal, a log and a pipe. The question a reader has first is
answered first, in one sentence; and the last line is the command that does it all again. What a CSMS sent is shown
with its control characters as codes, so that it cannot steer anybody's terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: the performance parameters of the certification procedure, in words
PERFORMANCE = {
    "triggered_function_timeout": "Station, command to what it causes",
    "response_timeout": "Station, request to answer",
    "authorize_response": "CSMS, Authorize to answer",
    "remote_start_to_start": "Station, remote start to transaction start",
    "remote_stop_to_stop": "Station, remote stop to transaction end",
}
_CAUSES = {
    "queued": "still queued at the end",
    "sent_unanswered": "sent and never answered",
    "dropped_by_station": "dropped by the station",
}


def end_of_run(summary: Mapping[str, Any]) -> str:
    """The text for a summary as made by ``build_summary``; ends with a newline."""
    blocks = (
        _headline(summary),
        _lost(summary),
        _checks(summary),
        _calls(summary),
        _performance(summary),
        _connect_failures(summary),
        _violations(summary),
        _storms(summary),
        _notes(summary),
    )
    text = "\n\n".join("\n".join(map(printable, lines)) for lines in map(list, blocks) if lines)
    repeat = printable(f"Repeat: {summary['run']['command']}")
    return f"{text}\n\n{repeat}\n"


def _headline(summary: Mapping[str, Any]) -> Iterator[str]:
    calls = sum(figures["count"] for figures in summary["calls"].values())
    yield (
        f"{summary['booted']} of {summary['stations']} stations booted, {calls} calls and "
        f"{summary['transactions']['started']} transactions in {summary['wall_seconds']:.0f} s; "
        f"{summary['energy_wh'] / 1000:.1f} kWh reported."
    )


def _lost(summary: Mapping[str, Any]) -> Iterator[str]:
    found = summary["transactions"]
    if found["undelivered"]:
        causes = ", ".join(f"{n} {_CAUSES[cause]}" for cause, n in found["undelivered_by_cause"].items())
        lost = f"{found['undelivered']} of {found['started']} transactions"
        yield f"Lost: {lost} have a message that never got an answer ({causes})."
    elif summary["ledger_left_off"]["records"]:
        yield f"Nothing was seen to be lost, but {summary['ledger_left_off']['records']} records were dropped."
    elif found["started"]:
        yield "Nothing was lost: every message of every transaction was answered."
    else:
        yield "Nothing was lost: there was no transaction."
    if found["open"]:
        yield f"{found['open']} transactions were still under way at the end."


def _checks(summary: Mapping[str, Any]) -> Iterator[str]:
    for check in summary["checks"]:
        mark = "WARNING" if check["warning"] and check["verdict"] == "PASS" else check["verdict"]
        yield f"{mark:<12} {check['name']}: {check['sentence']}."
        if check["excused"]:
            yield f"{'':<12}   excused: {'; '.join(check['excused'])}"
        if check["examples"] and check["verdict"] == "FAIL":
            yield f"{'':<12}   e.g. {', '.join(check['examples'])}"
        if check["reproduce"] and check["verdict"] == "FAIL":
            yield f"{'':<12}   alone: {check['reproduce']}"


def _calls(summary: Mapping[str, Any]) -> Iterator[str]:
    if not summary["calls"]:
        return
    heads = ("count", "errors", "timeouts", "lost", "p50 ms", "p95 ms", "p99 ms")
    names = ("count", "errors", "timeouts", "lost", "p50_ms", "p95_ms", "p99_ms")
    width = max(len(action) for action in (*summary["calls"], "action"))
    yield f"{'action':<{width}}" + "".join(f"{head:>10}" for head in heads)
    for action, figures in summary["calls"].items():
        yield f"{action:<{width}}" + "".join(f"{_cell(figures[name]):>10}" for name in names)
    late = summary["lateness"]["p99_ms"]
    if late is not None:
        yield f"Lateness, due to sent: p99 {_cell(late)} ms."


def _performance(summary: Mapping[str, Any]) -> Iterator[str]:
    for name, found in summary["performance"].items():
        if found["count"] and name in PERFORMANCE:
            yield (
                f"{PERFORMANCE[name]}: median {found['median_s'] * 1000:.1f} ms, longest "
                f"{found['longest_s'] * 1000:.1f} ms ({found['count']})."
            )


def _connect_failures(summary: Mapping[str, Any]) -> Iterator[str]:
    for reason, found in summary["connect_failures"].items():
        example = found["example"]
        detail = f": {example['detail']}" if example["detail"] else ""
        yield f"Could not connect, {reason}: {found['count']} times at {found['stations']} stations."
        yield f"  e.g. {example['station']}{detail}"
        yield f"  {found['what_helps']}"


def _violations(summary: Mapping[str, Any]) -> Iterator[str]:
    for found in summary["schema_violations"][:10]:
        value = f" (e.g. {found['example']})" if found["example"] else ""
        what = f"{found['action']} {found['path']}: {found['rule']}"
        yield f"Schema violation by the CSMS: {what}, {found['count']} times{value}."
    more = len(summary["schema_violations"]) - 10
    if more > 0:
        yield f"{more} more kinds of schema violations are in the summary."


def _storms(summary: Mapping[str, Any]) -> Iterator[str]:
    for storm in summary["storms"]:
        codes = ", ".join(f"{code} {n}" for code, n in storm["by_code"].items())
        yield (
            f"Storm at {storm['begin_s']:.0f} s: {storm['stations_lost']} of {storm['connected_before']} stations lost "
            f"({codes}); all back {_after(storm['reconnected'])}, booted {_after(storm['booted'])}, "
            f"queues empty {_after(storm['queues_empty'])}."
        )


def _notes(summary: Mapping[str, Any]) -> Iterator[str]:
    yield from summary["run"]["notes"]
    generator = summary["run"]["generator"]
    if not generator["kept_up"]:
        yield "The generator could not keep up, so the figures are not the CSMS's alone:"
        yield from (f"  {reason}" for reason in generator["reasons"])


def _after(times: Mapping[str, float | None]) -> str:
    last = times["p100_s"]
    if last is not None:
        return f"after {last:.1f} s"
    most = times["p95_s"]
    return "never" if most is None else f"never (95 % after {most:.1f} s)"


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.1f}"


def printable(line: str) -> str:
    """``line`` with everything that is no printable character as a code, so that it cannot steer a terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line)
