"""What a replay leaves: plain data, an exit code, and lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import simulator
from simulator.fleet.trace import timestamp
from simulator.replay.live import Ended
from simulator.replay.player import Player
from simulator.replay.verdict import ANSWERED, ERROR, SILENT, Difference
from simulator.report.histogram import Histogram, percentile_us

SCHEMA_NAME = "cpfarm-replay/1"
PASS, FAIL, INCONCLUSIVE = "PASS", "FAIL", "INCONCLUSIVE"
FINE, FAILED, NOT_BOOTED = 0, 1, 3
MAX_VIOLATIONS, SHOWN, EXAMPLES = 200, 20, 5

#: check -> what it is about, and the kinds of differences that fail it
CHECKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "answered": ("messages that got no answer", ("no_answer",)),
    "no_callerror": ("messages refused with a CALLERROR that were not refused in the capture", ("callerror",)),
    "same_answers": ("answers that say something else than in the capture", ("status", "no_callerror", "frame")),
}


def report(
    player: Player,
    ended: Ended,
    *,
    command: str,
    begin_us: int,
    seed: int = 0,
    station_id: str,
    profile: str,
    source: dict[str, str],
    target: str,
    expect: bool = True,
    strict: bool = False,
    notes: Iterable[str] = (),
    clean: Callable[[str], str] = lambda text: text,
) -> dict[str, Any]:
    """Everything about a replay. ``begin_us`` is UTC; ``clean`` takes secrets out of what the CSMS said."""
    capture = player.capture
    checks = _checks(player, ended, strict)
    code = exit_code(player, ended, checks) if expect else FINE
    moved = [{"capture": old, "now": new} for old, new in player.exchange.transactions.items()]
    return {
        "schema": SCHEMA_NAME,
        "run": {
            "id": player.exchange.nonce,
            "version": simulator.__version__,
            "command": command,
            "seed": seed,
            "begin": timestamp(begin_us),
            "end": timestamp(begin_us + ended.took_us),
            "target": target,
            "speed": player.speed,
            "profile": profile,
            "notes": [*capture.notes, *notes],
        },
        "capture": {
            **source,
            "station": capture.station,
            "ocpp": capture.version,
            "messages": len(capture.acts),
            "seconds": round((capture.ended_us - capture.began_us) / 1e6, 3),
        },
        "station": station_id,
        "sentence": _sentence(player, ended, code),
        "exit_code": code,
        "checks": checks,
        "calls": _calls(player),
        "dials": ended.dials,
        "differences": [_difference(found, clean) for found in player.differences],
        "assumed": list(dict.fromkeys(player.assumed)),
        "asked": dict(Counter(player.asked)),
        "not_asked": dict(Counter(player.not_asked)),
        "not_played": dict(Counter(name or "raw" for name in player.not_played)),
        "raw_frames": player.raw_sent,
        "transactions": {"ids": moved, "open": sorted(map(str, player.open))},
        "schema_violations": [
            {"action": action, "path": path, "rule": rule, "count": count}
            for (action, path, rule), count in Counter(
                (one.action, one.path, one.rule) for one in player.violations
            ).most_common(MAX_VIOLATIONS)
        ],
        "wall_seconds": round(ended.took_us / 1e6, 3),
    }


def exit_code(player: Player, ended: Ended, checks: Sequence[dict[str, Any]]) -> int:
    """0 fine, 1 the CSMS failed a check, 3 it did not take the station. An interruption is nobody's failure."""
    if (not ended.opened and not ended.interrupted) or player.gave_up:
        return NOT_BOOTED
    return FAILED if any(check["verdict"] == FAIL and not check["warning"] for check in checks) else FINE


def _checks(player: Player, ended: Ended, strict: bool) -> list[dict[str, Any]]:
    why = ended.why or player.gave_up
    left = len(player.not_played) if why else 0
    rows = [_check("played", not why, why or "every message was played", left=left)]
    if ended.interrupted:
        rows[0]["verdict"] = INCONCLUSIVE
    for name, (what, kinds) in CHECKS.items():
        found = [one for one in player.differences if one.kind in kinds]
        text = f"{len(found)} {what}" if found else f"no {what}"
        rows.append(_check(name, not found, text, [one.sentence for one in found]))
    broken = [f"{one.action}: {one.path}: {one.rule}" for one in player.violations]
    text = f"{len(broken)} violations of the schema" if broken else "no violation of the schema"
    rows.append(_check("schema", not broken, text, list(dict.fromkeys(broken)), warning=bool(broken) and not strict))
    if not ended.opened:
        for row in rows[1:]:
            row["verdict"], row["sentence"] = INCONCLUSIVE, "there was no connection, so there was nothing to judge"
    return rows


def _check(
    name: str, fine: bool, sentence: str, examples: Sequence[str] = (), *, warning: bool = False, left: int = 0
) -> dict[str, Any]:
    return {
        "name": name,
        "verdict": PASS if fine or warning else FAIL,
        "sentence": sentence + (f"; {left} messages were not played" if left else ""),
        "warning": warning,
        "excused": [],
        "examples": list(examples[:EXAMPLES]),
        "reproduce": "",
    }


def _calls(player: Player) -> dict[str, dict[str, Any]]:
    """Per action, as in every summary."""
    found: dict[str, dict[str, Any]] = {}
    spans: dict[str, Histogram] = {}
    for call in player.calls:
        row = found.setdefault(call.act.action, {"count": 0, ANSWERED: 0, ERROR: 0, SILENT: 0, "assumed": 0})
        row["count"] += 1
        row[call.fate] += 1
        row["assumed"] += bool(call.act.assumed)
        if call.took_us is not None:
            spans.setdefault(call.act.action, Histogram()).add(call.took_us)
    for action, histogram in spans.items():
        for part in (50, 95, 99):
            found[action][f"p{part}_ms"] = round((percentile_us(histogram.counts, part) or 0.0) / 1000, 3)
    return found


def _difference(found: Difference, clean: Callable[[str], str]) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "action": found.action,
        "line": found.line,
        "message_id": found.message_id,
        "path": found.path,
        "capture": clean(found.then),
        "now": clean(found.now),
        "sentence": clean(found.sentence),
    }


def _sentence(player: Player, ended: Ended, code: int) -> str:
    if code == NOT_BOOTED:
        return f"The CSMS did not take the station: {ended.why or player.gave_up}"
    told, differ = len(player.calls), len(player.differences)
    same = "as in the capture" if not differ else f"with {differ} differences from the capture"
    return f"{told} messages of {player.capture.station or 'the station'} were played, answered {same}"


def lines(data: dict[str, Any]) -> list[str]:
    """For the terminal."""
    found = [f"{check['verdict']:13}{check['name']}: {check['sentence']}" for check in data["checks"]]
    found += [f"  {one['sentence']}" for one in data["differences"][:SHOWN]]
    if len(data["differences"]) > SHOWN:
        found.append(f"  and {len(data['differences']) - SHOWN} more, in --summary")
    found += [f"assumed: {text}" for text in data["assumed"][:SHOWN]]
    found += [f"note: {text}" for text in data["run"]["notes"]]
    for name, what in (("not_asked", "the CSMS did not send"), ("not_played", "not played")):
        if data[name]:
            found.append(f"{what}: " + ", ".join(f"{action} {count}" for action, count in data[name].items()))
    if data["raw_frames"]:
        found.append(f"sent as they stand: {data['raw_frames']} frames that are no messages")
    if data["transactions"]["open"]:
        found.append(f"still open in the CSMS: {', '.join(data['transactions']['open'])}")
    return [*found, data["sentence"]]
