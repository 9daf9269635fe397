"""The command line: which commands there are, and how errors become one line and an exit code. No logic."""

from __future__ import annotations

import errno
import sys
import traceback
from typing import NoReturn

import typer

import simulator
from simulator.commands import (
    certify,
    check,
    csms,
    ctl,
    demo,
    fleet,
    hunt,
    init,
    learn,
    lists,
    load,
    pki,
    record,
    replay,
    run,
    scenario,
    state,
    tail,
    trace,
    trace_match,
)
from simulator.csms.process import CsmsProcessError
from simulator.errors import AuthorError, GeneratorLimit, UnknownName

app = typer.Typer(
    name="cpfarm",
    help="A farm of virtual charging stations that behave like real products on hardware that fails.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo", help="Watch 200 stations of several vendors for a minute, with faults and a CSMS outage.")(
    demo.demo
)
app.command("run", help="Run a fleet against a CSMS; without a target against the reference CSMS.")(run.run)
app.command("csms", help="The reference CSMS: a TEST TARGET for stations.")(csms.csms)
app.command("check", help="Try one station step by step and say which step fails.")(check.check)
app.command("ctl", help="A person's hand on a station of a running farm: plug, present, boot, inject, state ...")(
    ctl.ctl
)
app.command("tail", help="The frames of a station of a running farm, as they pass.")(tail.tail)
app.command("load", help="Load a CSMS with Locust; each user is one live station.")(load.load)
app.command("record", help="Stand between real stations and their CSMS, and write down what they say.")(record.record)
app.command("replay", help="Play a captured station against a CSMS; list what differs.")(replay.replay)
app.command("init", help="A fleet, a target and a scenario to begin with, that run as they are.")(init.init)
app.command("hunt", help="Random fleets from a seed against independent checkers, in memory.")(hunt.hunt)
app.add_typer(fleet.app, name="fleet", help="What a fleet file would start.")
lists.profiles.command("learn", help="Draft a profile from what one station said in a trace.")(learn.learn)
lists.profiles.add_typer(learn.importing, name="import", help="Convert what other simulators call a station.")
app.add_typer(lists.profiles, name="profiles", help="Vendor profiles: list, show, validate, learn, import.")
app.add_typer(lists.faults, name="faults", help="Hardware faults that can be injected.")
app.add_typer(lists.quirks, name="quirks", help="Documented behaviours of real products.")
lists.quirks.command("match")(trace_match.match_quirks)
app.add_typer(certify.app, name="certify", help="Cases of the conformance tests against a simulated station.")
app.add_typer(scenario.app, name="scenario", help="What happens at stations, and what a CSMS must make of it.")
app.add_typer(trace.app, name="trace", help="Logs and captures: read, and made fit to be passed on.")
app.add_typer(pki.app, name="pki", help="Certificates and keys for security profiles 2 and 3.")
app.add_typer(state.app, name="state", help="What --state keeps of stations between runs.")

BAD_INPUT, OUR_ERROR = 2, 70
#: neither ours nor the command's: the disk, or the share of it that this user may have, is full
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cpfarm {simulator.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Options of every command."""


def main() -> None:
    """Entry point: errors of the author are one line and 2, errors of ours a traceback and 70."""
    try:
        app()
    except (AuthorError, UnknownName, GeneratorLimit, CsmsProcessError) as error:
        typer.echo(f"cpfarm: {error}", err=True)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno in DISK_FULL:
            typer.echo(f"cpfarm: what was asked for cannot be written: {error.strerror}", err=True)
        elif error.filename is not None and any(str(error.filename) in word for word in sys.argv[1:]):
            typer.echo(f"cpfarm: {error.filename}: {error.strerror}", err=True)  # a file that the user has named
        else:
            _ours()
        sys.exit(BAD_INPUT)
    except Exception:  # noqa: BLE001 - the last resort: say that it is ours, keep the traceback, and end
        _ours()


def _ours() -> NoReturn:
    """An error of ours is being handled: its traceback, and the end."""
    traceback.print_exc()
    typer.echo("cpfarm: this is an error of cpfarm itself; the line to repeat it is the command you typed", err=True)
    sys.exit(OUR_ERROR)
