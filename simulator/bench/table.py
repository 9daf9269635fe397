"""The figures as text for people, beside the budgets they are held against."""

from __future__ import annotations

from typing import Any

from simulator.bench.live import Client
from simulator.bench.memory import MEASURANDS, PROFILE, Figure
from simulator.bench.watching import Watching

CALL_US = 100.0
"""Budget: CPU of a call on a real socket."""
STATION_US = 40.0
"""Budget: the station's part of it, in memory."""
STATION_KIB = 20.0
"""Budget: memory of a station over ``ws://``."""
TRACKED = 40.0
"""Budget: objects of an idle station that the garbage collector has to look at."""
NAMES = {"ours": "cpfarm", "books": "cpfarm with ledger and frame rings", "bare": "ocpp.ChargePoint, validated"}


def show(result: dict[str, Any]) -> str:
    """Everything as lines of text."""
    host = result["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in host["libraries"].items())
    lines = [
        f"{host['processor']}, {host['cpus']} CPUs; {host['system']}; Python {host['python']}",
        libraries,
        f"profile {PROFILE}, one call a sample of {len(MEASURANDS)} measurands (5 values), the next a heartbeat",
        "",
        "the station alone, in memory       best us/call   median   yardstick us   ratio   budget",
    ]
    memory: dict[str, Figure] = result["memory"]
    for version, figure in memory.items():
        lines.append(
            f"  OCPP {version:<29}{figure.us:11.1f}{figure.us_median:9.1f}{figure.unit_us:15.2f}{figure.units:8.2f}"
            f"{_verdict(figure.us, STATION_US, 'us')}"
        )
    if "watching" in result:
        lines += ["", *_watching(result["watching"])]
    clients: list[Client] = result["live"]
    if clients:
        lines += ["", *_live(result, clients)]
    lines += ["", f"took {result['wall_s']:.0f} s"]
    return "\n".join(lines)


def _watching(found: Watching) -> list[str]:
    return [
        f"{found.stations} charging stations in memory with {found.monitors} monitors each, on one core",
        f"  {found.ms_per_s:.2f} ms CPU for a second of all of them, {found.plain_ms_per_s:.2f} without monitors;",
        f"  {found.us_per_event:.0f} us for each of {found.events} messages in {found.seconds} s of their time;",
        f"  {found.bytes_per_monitor:.0f} bytes for each monitor of a station",
    ]


def _live(result: dict[str, Any], clients: list[Client]) -> list[str]:
    host = result["machine"]
    pinned = "cores cannot be chosen here"
    if host["client_core"] is not None:
        pinned = f"clients on core {host['client_core']}, sink on core {host['sink_core']}"
    lines = [
        f"{clients[0].stations} stations of each kind on real sockets, closed loop; {pinned};",
        f"{result['rounds']} rounds in turns of {result['window_s']:g} s: median [lowest..highest];",
        "'undisturbed' allows for how much slower than at its best the yardstick was around each turn",
        "",
        f"  {'':<42}{'us CPU/call':>24}{'undisturbed':>13}{'calls/s':>9}{'bytes':>7}{'sink':>6}",
    ]
    for one in clients:
        us = one.us_per_call
        spread = f"{us.median:.1f} [{us.low:.1f}..{us.high:.1f}]"
        lines.append(
            f"  {_name(one):<42}{spread:>24}{one.undisturbed_us:13.1f}"
            f"{one.calls_per_s.median:9.0f}{one.bytes_per_call:7.0f}{one.sink_share:6.0%}"
        )
    lines += [
        "",
        f"  {'':<42}{'KiB idle':>9}{'charging':>9}{'after':>7}{'tracked idle':>14}{'charging':>9}{'gc ms':>7}",
    ]
    for one in clients:
        lines.append(
            f"  {_name(one):<42}{one.kib_idle:9.1f}{one.kib_charging:9.1f}{one.kib_after:7.1f}"
            f"{one.tracked_idle:14.1f}{one.tracked_charging:9.1f}{one.full_pass_ms:7.1f}"
        )
    lines.append("")
    by_kind = {(one.kind, one.version): one for one in clients}
    for (kind, version), one in by_kind.items():
        if kind == "ours":
            lines.append(f"  OCPP {version}: {_verdict(one.undisturbed_us, CALL_US, 'us/call').strip()};")
            lines.append(f"    {_verdict(one.kib_after, STATION_KIB, 'KiB').strip()} with a transaction;")
            lines.append(f"    {_verdict(one.tracked_idle, TRACKED, 'tracked objects').strip()} idle")
            bare = by_kind.get(("bare", version))
            if bare is not None:
                cpu = bare.undisturbed_us / one.undisturbed_us
                kib = bare.kib_after / one.kib_after
                lines.append(
                    f"    the bare validated client takes {cpu:.1f} times the CPU and {kib:.2f} times the memory"
                )
    return lines


def _name(one: Client) -> str:
    return f"{NAMES[one.kind]}, {one.version}"


def _verdict(value: float, budget: float, unit: str) -> str:
    return f"   {value:.1f} of {budget:g} {unit}: {'within' if value <= budget else 'OVER'} budget"
