"""Traces of stations of ours, hand-written ones, and a replay in memory against a scripted CSMS."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from simulator.lab.csms import LabCsms
from simulator.replay.capture import Capture
from simulator.replay.player import Player
from simulator.traces.model import CALL, ERROR, TO_CSMS, TO_STATION, Frame, Trace
from tests.quirks.rig import Bench

STATION = "CP-7"
MAX_STEPS = 100_000


def frames_of(bench: Bench, station: str = STATION) -> Trace:
    """What passed between a bench's station and its CSMS."""
    frames = []
    for line, seen in enumerate(bench.csms.seen, 1):
        assert seen.kind in (2, 3, 4), seen
        code, description, payload = seen.payload[:3] if seen.kind == ERROR else ("", "", seen.payload)
        frames.append(
            Frame(
                line=line,
                raw="",
                kind=seen.kind,
                id=seen.message_id,
                action=seen.action,
                payload=json.loads(json.dumps(payload)),
                code=code,
                description=description,
                direction=TO_CSMS if seen.direction == "cp" else TO_STATION,
                station=station,
                at_us=bench.csms.epoch_us + seen.now,
                version=bench.station.dialect.name,
            )
        )
    return Trace(format="jsonl", frames=frames)


def written(rows: Iterable[tuple[float | None, str, int, str, Any]], version: str = "1.6") -> Trace:
    """A trace by hand: (second or None, "cp" or "csms", kind, action, payload); answers belong to the last open call.

    A payload of kind 4 is its code.
    """
    frames: list[Frame] = []
    open_calls: dict[tuple[str, str], list[str]] = {}
    for line, (second, who, kind, action, payload) in enumerate(rows, 1):
        other = "csms" if who == "cp" else "cp"
        if kind == CALL:
            message_id = f"m{line}"
            open_calls.setdefault((who, action), []).append(message_id)
        else:
            message_id = open_calls[other, action].pop(0)
        frames.append(
            Frame(
                line=line,
                raw="",
                kind=kind,
                id=message_id,
                action=action,
                payload={} if kind == ERROR else payload,
                code=payload if kind == ERROR else "",
                direction=TO_CSMS if who == "cp" else TO_STATION,
                station=STATION,
                at_us=None if second is None else 1_600_000_000_000_000 + int(second * 1e6),
                version=version,
            )
        )
    return Trace(format="jsonl", frames=frames)


def play(
    player: Player, csms: LabCsms, orders: Iterable[tuple[float, str, dict[str, Any]]] = (), *, deaf: bool = False
) -> int:
    """Play against a CSMS without a network; it sends ``orders`` (second, action, payload), and what it is made to
    send unless it is ``deaf``. The time it took in us."""
    now = 0
    late: list[tuple[int, bytes]] = []
    todo = [(int(second * 1e6), action, payload) for second, action, payload in orders]
    player.begin(now)

    def receive(data: bytes) -> None:
        for answer in player.receive(data, now):
            csms.receive(answer, now)

    for _ in range(MAX_STEPS):
        moments = [at_us for at_us, *_ in (*late, *todo)]
        due = player.due
        if player.done and not moments:
            return now
        moments += [due] if due is not None else []
        assert moments, "it waits, and nothing will ever happen"
        now = max(now, min(moments))
        for one in [one for one in todo if one[0] <= now]:
            todo.remove(one)
            csms.now = now
            receive(csms.call(one[1], one[2])[1])
        for at_us, data in [one for one in late if one[0] <= now]:
            late.remove((at_us, data))
            receive(data)
        if player.away:
            player.lost()
            player.back()
        for frame in player.turn(now):
            for answer in csms.receive(frame, now):
                receive(answer)
            late += [(now + wait_us, answer) for wait_us, answer in csms.late]
            csms.late.clear()
        for action, payload in player.prompts(now):
            csms.now = now
            if not deaf:
                receive(csms.call(action, payload)[1])
    raise AssertionError("it never ends")


def told(capture: Capture) -> list[str]:
    """Actions of a capture, in their order."""
    return [act.action for act in capture.acts]
