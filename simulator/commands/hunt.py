"""``cpfarm hunt``."""

from __future__ import annotations

import typer

from simulator.commands.options import option
from simulator.errors import AuthorError


def hunt(
    seed: int = option("--seed", "First seed.", 1),
    runs: int = option("--runs", "How many seeds.", 20),
    minutes: float = option("--minutes", "Simulated minutes of each run.", 30.0),
) -> None:
    """Random plans from a seed, in memory, against independent checkers; a failure prints the command that repeats
    it."""
    from simulator.lab.swarm import hunt as hunt_one

    if runs < 1 or runs > 100_000:
        raise AuthorError("must be 1 to 100000", field="--runs")
    failed = 0
    for number in range(seed, seed + runs):
        result = hunt_one(number, minutes)
        if result.problems:
            failed += 1
            typer.echo(f"seed {number}: {result.problems[0]}")
            typer.echo(f"  repeat: cpfarm hunt --seed {number} --runs 1 --minutes {minutes:g}")
    typer.echo(f"{runs - failed} of {runs} runs kept every rule")
    raise typer.Exit(1 if failed else 0)
