"""The reference CSMS as a target of scenarios: every operation it can be asked for, tokens by its own prefixes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulator.fleet.target import Target, make_target
from simulator.fleet.target_file import ANY_ACTION
from simulator.scenario.counterpart import TOKENS
from simulator.scenario.memory import IMAGE

#: what its API puts the addresses of its own file server in for
FILES = {"firmware": "{files}/2.0.0.bin", "uploads": "{uploads}"}
#: seconds that publishing an image may take
PUBLISH_S = 30.0


def reference_target(url: str, http_url: str, more: Mapping[str, Any] | None = None) -> Target:
    """The target that describes a running reference CSMS: ``url`` for stations, ``http_url`` of its API, and ``more``
    keys of a target file."""
    document: dict[str, Any] = {
        "url": url + "/{id}",
        "tokens": {role: list(tokens) for role, tokens in TOKENS.items()},
        "operations": {
            ANY_ACTION: {
                "method": "POST",
                "url": f"{http_url}/api/stations/{{station}}/{{action}}",
                "body": "{payload}",
            }
        },
        **(more or {}),
    }
    return make_target(document, {}, base_dir=Path.cwd())


def registrar(http_url: str) -> Callable[[str], None]:
    """What tells it how to answer every BootNotification from now on."""
    return lambda status: _put(f"{http_url}/api/boot", json.dumps({"status": status.lower()}).encode())


def publish(http_url: str) -> None:
    """Put an image onto its file server, where ``$firmware`` finds it. Raises OSError when it does not take it."""
    _put(f"{http_url}/api/files/firmware/2.0.0.bin", IMAGE)


def _put(url: str, data: bytes) -> None:
    request = urllib.request.Request(url, data=data, method="PUT")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PUBLISH_S):
        pass
