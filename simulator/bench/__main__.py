"""``python -m simulator.bench [--quick] [--json]``: what is measured and how is in the package's text."""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from typing import Any

import msgspec

from simulator.bench import live, memory, watching
from simulator.bench.table import show

MEMORY_POOL = 8
LIBRARIES = ("cpfarm", "msgspec", "ocpp", "uvloop", "websockets")


def machine() -> dict[str, Any]:
    """What this was measured on."""
    client, sink = live.cores()
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "client_core": client,
        "sink_core": sink,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass  # not a Linux
    return platform.processor()


def in_memory(slices: int) -> dict[str, memory.Figure]:
    """The station part alone, for each version."""
    found = {}
    for one in ("1.6", "2.0.1", "2.1"):
        pool = memory.Pool(one, MEMORY_POOL)
        pool.drive(30)
        gc.collect()
        found[one] = memory.measure(pool, slices)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m simulator.bench", description="what a station costs")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter windows, under 20 s")
    parser.add_argument("--json", action="store_true", help="figures as JSON on standard output")
    parser.add_argument("--stations", type=int, help="of each kind (200 with --quick, else 500)")
    parser.add_argument("--memory-only", action="store_true", help="no sockets")
    options = parser.parse_args()
    stations = options.stations or (200 if options.quick else 500)
    if not live.WARM < stations <= 4000:
        parser.error(f"--stations: more than {live.WARM} and at most 4000")
    rounds, seconds = (3, 0.4) if options.quick else (7, 0.6)
    kinds = [("ours", "1.6"), ("bare", "1.6")]
    if not options.quick:
        kinds += [("ours", "2.0.1"), ("bare", "2.0.1"), ("books", "1.6")]

    def told(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    begin = time.perf_counter()
    told("the station alone, in memory")
    found = in_memory(300 if options.quick else 1200)
    told("stations with monitors, in memory")
    monitored = watching.measure(300, 300) if options.quick else watching.measure()
    clients: list[live.Client] = []
    if not options.memory_only:
        with tempfile.TemporaryDirectory(prefix="cpfarm-bench-") as folder:
            clients = live.run(
                kinds,
                stations=stations,
                rounds=rounds,
                seconds=seconds,
                folder=folder,
                unit_us=min(figure.unit_us for figure in found.values()),
                told=told,
            )
    result = {
        "schema": "cpfarm-bench/1",
        "machine": machine(),
        "rounds": rounds,
        "window_s": seconds,
        "memory": found,
        "watching": monitored,
        "live": clients,
        "wall_s": time.perf_counter() - begin,
    }
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(result)).decode())
    else:
        print(show(result))


if __name__ == "__main__":
    main()
