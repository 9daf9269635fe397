"""The whole exception tree, sorted by whose fault it is.

    CpfarmError
    ├── AuthorError           the author of a YAML file or of a command line; exit code 2
    │   ├── ProfileError
    │   ├── FleetError
    │   ├── ScenarioError
    │   └── TargetError
    ├── UnknownName           a name that is in no registry; carries the nearest valid one; exit code 2
    ├── RemoteProtocolError   the CSMS broke the protocol; carries the kind of CALLERROR to answer with
    ├── LocalProtocolError    we were about to emit an illegal message
    └── GeneratorLimit        this machine cannot carry the fleet that was asked for; exit code 2

A broken invariant of ours is an ``AssertionError``: stop and print the seed, never go on.
"""

from __future__ import annotations


class CpfarmError(Exception):
    """Base of everything cpfarm raises on purpose."""


class AuthorError(CpfarmError):
    """A file or an option is wrong. ``str()`` is the one line a user sees: file, line, field, reason."""

    def __init__(
        self, message: str, *, file: str | None = None, line: int | None = None, field: str | None = None
    ) -> None:
        where = "" if file is None else (f"{file}:{line}: " if line else f"{file}: ")
        what = f"{field}: " if field else ""
        super().__init__(f"{where}{what}{message}")
        self.file, self.line, self.field = file, line, field


class ProfileError(AuthorError):
    """A profile under ``profiles/`` cannot be used."""


class FleetError(AuthorError):
    """A fleet file cannot be used."""


class ScenarioError(AuthorError):
    """A scenario file cannot be used."""


class TargetError(AuthorError):
    """A target file, or the flags that stand for one, cannot be used."""


class UnknownName(CpfarmError):
    """``name`` is not a registered ``kind``; ``near`` is the closest registered name, if any is close."""

    def __init__(self, kind: str, name: str, near: str | None) -> None:
        hint = f"; did you mean {near!r}?" if near else ""
        super().__init__(f"unknown {kind} {name!r}{hint}")
        self.kind, self.name, self.near = kind, name, near


class RemoteProtocolError(CpfarmError):
    """The CSMS sent something the protocol forbids.

    ``kind`` is a version-neutral word (``formation``, ``property``, ``occurrence``, ``type``, ``not_implemented``,
    ``not_supported``, ``protocol``, ``rpc_framework``, ``message_type``, ``internal``); the dialect turns it into the
    error code of its version. ``message_id`` is the id of the offending frame when it could be read; ``is_result``: it
    was meant to be a CALLRESULT.
    """

    def __init__(self, kind: str, description: str, *, message_id: str | None = None, is_result: bool = False) -> None:
        super().__init__(description)
        self.kind, self.description, self.message_id, self.is_result = kind, description, message_id, is_result


class LocalProtocolError(CpfarmError):
    """The station was about to send something illegal; the message is not sent and the event is on record."""


class GeneratorLimit(CpfarmError):
    """The load generator's machine cannot do what was asked; the message names the one command that helps."""
