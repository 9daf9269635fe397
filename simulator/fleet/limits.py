"""Can this machine carry the fleet? Asked before the first connection, answered with the one command that helps.

Files: one per connection and a reserve for logs, database and imports; the soft limit is raised to the hard one. Ports:
one per connection and destination address from the kernel's range. Memory: the stated budget per station.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
from pathlib import Path
from typing import Any

from simulator.errors import AuthorError, GeneratorLimit

#: files kept for everything that is no station: an EMFILE process cannot even import a module
RESERVED_FILES = 128
#: the station itself needs half of it; the last frames of each station and the ledger's counters are the other half
KIB_PER_STATION = {False: 40, True: 84}
_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_MEMINFO = Path("/proc/meminfo")


def raise_file_limit(stations: int) -> int:
    """Raise the soft limit of open files as far as needed; the limit that holds. Raises GeneratorLimit."""
    try:
        import resource
    except ImportError:  # a platform without such limits
        return stations + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = stations + RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise GeneratorLimit(
                f"{stations} stations need {needed} open files, this machine allows {hard}; "
                f"run: ulimit -Hn {needed} (as root), or spread the fleet over several machines"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        soft = needed
    return soft


def check_ports(stations: int, source_addresses: int) -> None:
    """Raise GeneratorLimit when there are fewer source ports than stations."""
    try:
        low, high = (int(word) for word in _PORT_RANGE.read_text().split())
    except (OSError, ValueError):
        return
    ports = (high - low + 1) * max(1, source_addresses)
    if stations > ports:
        raise GeneratorLimit(
            f"{stations} stations need as many source ports, there are {ports}; "
            "give the target more `source_addresses`, or run: sysctl -w net.ipv4.ip_local_port_range='1024 65535'"
        )


def check_memory(stations: int, *, tls: bool) -> None:
    """Raise GeneratorLimit when the stations would not fit into the memory that is free."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return
    free_kib = next((int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), None)
    needed_kib = stations * KIB_PER_STATION[tls]
    if free_kib is not None and needed_kib > free_kib:
        raise GeneratorLimit(
            f"{stations} stations need about {needed_kib // 1024} MiB, {free_kib // 1024} MiB are free; "
            f"try --count {free_kib // KIB_PER_STATION[tls]}"
        )


def check_http_port(port: int) -> None:
    """Raise AuthorError when nothing can listen on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = f"port {port} cannot be used ({why(error)}); 0 picks a free one, off does without"
            raise AuthorError(reason, field="--http-port") from None


def why(error: OSError) -> str:
    """The system's words for an error; some libraries wrap them in longer ones."""
    if error.errno and error.errno > 0:  # a name that is not found has a number of another table
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error)).lower()


def check(stations: int, *, source_addresses: int = 0, tls: bool = False) -> None:
    """All of the above."""
    raise_file_limit(stations)
    check_ports(stations, source_addresses)
    check_memory(stations, tls=tls)


def machine() -> dict[str, Any]:
    """What a reader of a report wants to know of the machine, without its name."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "cpus": os.cpu_count() or 0,
    }


def rss_bytes() -> int:
    """The most memory this process has had so far; 0 on a platform that does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
