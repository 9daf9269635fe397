"""``python -m simulator.csms``: the reference CSMS as a process of its own, which is how a demo starts it."""

from __future__ import annotations

import os
import sys

from simulator.csms.app import run_csms
from simulator.csms.options import TOKEN_VARIABLE, from_namespace, parser
from simulator.errors import AuthorError


def main(argv: list[str]) -> int:
    """Run with ``argv``; returns the exit code, 2 for what the author of the command line got wrong."""
    given = parser().parse_args(argv)
    try:
        return run_csms(from_namespace(given, os.environ.get(TOKEN_VARIABLE)), with_parent=given.with_parent)
    except AuthorError as e:
        print(f"cpfarm csms: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
