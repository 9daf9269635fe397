"""Tables for people, JSON for machines."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import traceback
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

#: a narrower terminal breaks lines better than we do
MIN_WIDTH = 40
#: how lines begin that hold a command
COMMANDS = ("Repeat:", "alone:")


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
        # brackets in a cell are brackets, not markup
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    console().print(table)


def print_text(text: str) -> None:
    """Lines for people: on a terminal broken between words, except commands, which are there to be copied."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in text.splitlines():
        typer.echo("\n".join(wrapped(line, width)))


def print_error_of_ours(error: BaseException | None) -> None:
    """The traceback that ended a run, if one did."""
    if error is not None:
        typer.echo("".join(traceback.format_exception(error)), err=True, nl=False)


def wrapped(line: str, width: int) -> list[str]:
    """``line`` in lines of at most ``width`` characters, the further ones indented; as it is when ``width`` is 0."""
    if len(line) <= width or width < MIN_WIDTH or line.lstrip().startswith(COMMANDS):
        return [line]
    indent = len(line) - len(line.lstrip()) + 2
    return textwrap.wrap(line, width, subsequent_indent=" " * indent, drop_whitespace=True, break_on_hyphens=False)
