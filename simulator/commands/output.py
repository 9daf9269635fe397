"""Tables for people, JSON for machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table


def console(*, error: bool = False) -> Console:
    """A console that obeys NO_COLOR and does not wrap when its output is no terminal."""
    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else 200
    return Console(file=stream, width=width, no_color=bool(os.environ.get("NO_COLOR")), highlight=False)


def print_json(value: Any) -> None:
    """Machine output: one JSON document on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A plain table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console().print(table)
