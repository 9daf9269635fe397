"""`${VAR}` in YAML files: values, secrets above all, that come from the environment.

The environment is a parameter, so that nothing depends on it unseen. `$${VAR}` is a literal `${VAR}`. A variable that
is not set is an error that names it; its value never appears in any error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.errors import AuthorError
from simulator.yamlfile import Document, Loc, hint

_REFERENCE = re.compile(r"(\$?)\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expand(document: Document, environ: Mapping[str, str], error: type[AuthorError]) -> Document:
    """``document`` with every ``${VAR}`` of its texts replaced; raises ``error`` at the place of an unset one."""

    def walk(value: Any, loc: Loc) -> Any:
        if isinstance(value, dict):
            return {key: walk(item, (*loc, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*loc, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return _REFERENCE.sub(lambda match: replace(match, loc), value)
        return value

    def replace(match: re.Match[str], loc: Loc) -> str:
        if match[1]:
            return match[0][1:]
        name = match[2]
        if not _NAME.fullmatch(name):
            raise document.problem(loc, f"${{{name}}} does not name a variable", error)
        if name not in environ:
            reason = f"the environment variable {name} is not set{hint(name, environ)}"
            raise document.problem(loc, reason, error)
        return environ[name]

    return Document(walk(document.data, ()), document.path, document.places)
