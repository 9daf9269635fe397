"""``python -m simulator.soak``: all products in all versions under every fault there is, and then the books are held to
account.

The fleet is ``scenarios/soak.yaml``; the reference CSMS runs beside it. What is judged is not speed but truth: at the
end every transaction has arrived, is open, or names in the ledger why not. Exit code 0 when that is so, 1 when
something is unaccounted for, 2 for bad input, 70 for an error of ours. Whether this machine kept up is said, too.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from simulator.commands.progress import make_progress
from simulator.csms.options import CsmsOptions
from simulator.errors import AuthorError
from simulator.fleet.plan import FleetPlan, resolve
from simulator.fleet.progress import Progress
from simulator.fleet.run import Run, RunOptions
from simulator.fleet.schema import load_fleet
from simulator.ledger import Ledger
from simulator.profile.compiled import compile_profile
from simulator.profile.load import load_profile, profile_paths
from simulator.report.accounts import Accounts, accounts
from simulator.resources import scenarios_dir

FLEET = "soak.yaml"


def plan_of(file: Path | None = None, **overrides: Any) -> FleetPlan:
    """The fleet of the soak; ``overrides`` are keys of a fleet file or a group."""
    given = {key: value for key, value in overrides.items() if value is not None}
    fleet = load_fleet(file or scenarios_dir() / FLEET, given, environ=os.environ)
    return resolve(fleet, hostname=socket.gethostname(), id_prefix="SOAK-")


def soak(
    plan: FleetPlan,
    ledger: Path,
    *,
    drain_s: float = 60.0,
    boot_timeout_s: float = 60.0,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], Accounts]:
    """Run it against a reference CSMS of its own; the summary and the accounts. ``progress`` says how far it is."""
    options = RunOptions(
        command="python -m simulator.soak",
        http_port=None,
        drain_s=drain_s,
        boot_timeout_s=boot_timeout_s,
        ledger=ledger,
        csms=CsmsOptions(port=0, http_port=0, heartbeat_s=60),
    )
    summary = Run(plan, options, progress).execute()
    return summary, judge(ledger)


def judge(ledger: Path) -> Accounts:
    """Hold a finished ledger to account, with what its products are known to do."""
    with Ledger.open(ledger) as books:
        quirks = {}
        for name, version in books.query("SELECT DISTINCT profile, ocpp FROM stations"):
            if name in profile_paths():
                model = compile_profile(load_profile(name), version)
                quirks[name, version] = {quirk.name: quirk.breaks for quirk in model.quirks}
        return accounts(books, quirks=quirks)


def describe(found: Accounts) -> list[str]:
    """The accounts as sentences."""
    lines = [f"{found.total} transactions: {found.delivered} delivered, {found.open} open at the end."]
    lines += [f"  {count} not delivered in full: {cause}" for cause, count in found.causes.items()]
    if found.missing:
        lines += [f"{found.missing} of them are unaccounted for:", *(f"  {text}" for text in found.unaccounted)]
    else:
        lines.append("Every transaction reached an end or names its true cause.")
    return lines


def _figures(summary: dict[str, Any]) -> str:
    calls = sum(row["count"] for row in summary["calls"].values())
    verdict = summary["run"]["generator"]
    kept_up = "the machine kept up" if verdict["kept_up"] else f"the machine did not keep up: {verdict['reasons'][0]}"
    return (
        f"{summary['booted']} of {summary['stations']} stations booted, {calls} calls,"
        f" {sum(row['count'] for row in summary['faults'])} faults of {len(summary['faults'])} kinds,"
        f" {summary['reconnects']} reconnects in {summary['wall_seconds']:.0f} s"
        f" ({summary['cpu_seconds']:.0f} s of CPU); {kept_up}"
    )


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulator.soak", description="All products, every fault.")
    parser.add_argument("--count", type=int, help="number of stations (the file says 2,000)")
    parser.add_argument("--duration", help="how long, e.g. 5m")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--fleet", type=Path, help="another fleet file")
    parser.add_argument("--ledger", type=Path, help="keep the ledger here")
    parser.add_argument("--check", type=Path, metavar="LEDGER", help="only hold this ledger to account")
    wanted = parser.parse_args(arguments)
    try:
        if wanted.check is not None:
            found = judge(wanted.check)
            print("\n".join(describe(found)))
            return 1 if found.missing else 0
        plan = plan_of(wanted.fleet, count=wanted.count, duration=wanted.duration, seed=wanted.seed)
        with tempfile.TemporaryDirectory() as folder:
            progress = make_progress(quiet=False, log_format="text")
            summary, found = soak(plan, wanted.ledger or Path(folder) / "soak.sqlite", progress=progress)
    except AuthorError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join([_figures(summary), *describe(found)]))
    if summary["exit_code"] == 70:
        return 70
    return 1 if found.missing else 0


if __name__ == "__main__":
    sys.exit(main())
