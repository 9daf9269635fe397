"""The reference CSMS as a target of scenarios: every operation it can be asked for, tokens by its own prefixes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.dialects import DIALECTS
from simulator.fleet.target import Target, make_target
from simulator.scenario.counterpart import TOKENS


def reference_target(url: str, http_url: str) -> Target:
    """The target that describes a running reference CSMS: ``url`` for stations, ``http_url`` of its API."""
    actions = sorted({action for dialect in DIALECTS.values() for action in dialect.routes})
    document: dict[str, Any] = {
        "url": url + "/{id}",
        "tokens": {role: list(tokens) for role, tokens in TOKENS.items()},
        "operations": {
            action: {"method": "POST", "url": f"{http_url}/api/stations/{{station}}/{action}", "body": "{payload}"}
            for action in actions
        },
    }
    return make_target(document, {}, base_dir=Path.cwd())
