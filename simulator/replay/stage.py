"""From a capture to a player: what is filled in, how far times move, which tokens are exchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from simulator.core.model import Model
from simulator.core.wall import parse_wall
from simulator.dialects import dialect_for
from simulator.errors import AuthorError
from simulator.fleet.target import Target
from simulator.registry import nearest
from simulator.replay.capture import Capture, complete
from simulator.replay.mapping import BELIEVED_US, Exchange
from simulator.replay.player import BOOT_TIMEOUT_US, CALL_TIMEOUT_US, Player
from simulator.replay.shadow import Shadow
from simulator.scenario.from_trace import ROLE_OF

#: what begins a session that the trace names no token for, when the target names none either
ANY_TOKEN = "CPFARM-REPLAY"


def prepare(
    capture: Capture,
    model: Model,
    *,
    station_id: str,
    begin_us: int,
    nonce: str,
    speed: float = 1.0,
    tokens: Mapping[str, str] | None = None,
    any_token: str = ANY_TOKEN,
    call_timeout_us: int = CALL_TIMEOUT_US,
    boot_timeout_us: int = BOOT_TIMEOUT_US,
    operable: Callable[[str], bool] = lambda action: False,
) -> Player:
    """A player of this capture. ``begin_us`` is the UTC at which it begins.

    Times move so that the end of the capture falls on the end of the replay: at a speed above 1 they begin in the past,
    and never lie in the future.
    """
    shadow = Shadow(station_id, model, epoch_us=begin_us)
    complete(capture, shadow.boot, any_token)
    if capture.ended_us:
        took_us = int((capture.ended_us - capture.began_us) / speed)
        shift_us = begin_us + took_us - capture.ended_us
    else:
        shift_us = begin_us - next(_stamps(act.payload for act in capture.acts), begin_us)
    exchange = Exchange(shift_us, tokens=tokens, seq_shift=capture.seq_shift, nonce=nonce)
    return Player(
        capture,
        exchange,
        dialect_for(capture.version),
        shadow.answer,
        speed=speed,
        call_timeout_us=call_timeout_us,
        boot_timeout_us=boot_timeout_us,
        operable=operable,
    )


def _stamps(values: Iterable[Any]) -> Iterator[int]:
    """Every believable time in messages, in their order."""
    for value in values:
        if isinstance(value, dict):
            yield from _stamps(value.values())
        elif isinstance(value, list):
            yield from _stamps(value)
        elif isinstance(value, str) and len(value) >= 19 and value[0].isdigit():
            at_us = parse_wall(value)
            if at_us is not None and at_us >= BELIEVED_US:
                yield at_us


def exchanged(
    capture: Capture, target: Target, pairs: Iterable[str], *, by_verdict: bool = False
) -> tuple[dict[str, str], list[str]]:
    """Which token is shown in the place of which, and what could not be exchanged.

    ``pairs`` are ``TAG=ROLE``; ``by_verdict`` gives every other token the role that its first CSMS's verdict means.
    Raises AuthorError for a tag that is not in the capture, an unknown role, and one that the target has no token for.
    """
    roles: dict[str, tuple[str, ...]] = dict(target.fields.tokens)
    shown = capture.tokens()
    found: dict[str, str] = {}
    left: list[str] = []
    for pair in pairs:
        tag, equals, role = pair.rpartition("=")
        if not equals:
            raise AuthorError(f"{pair!r} is not TAG=ROLE", field="--token")
        for name, known, what in ((tag, list(shown), "token"), (role, list(roles), "role")):
            if name not in known:
                near = nearest(name, known)
                hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(known)}" if known else ""
                raise AuthorError(f"no {what} {name!r}{hint}", field="--token")
        if not roles[role]:
            raise AuthorError(f"the target names no token of the role {role!r}", field="--token")
        found[tag] = roles[role][0]
    used = list(found.values())
    for tag, verdict in shown.items() if by_verdict else ():
        if tag in found:
            continue
        role = ROLE_OF.get(verdict, "")
        fresh = [token for token in roles.get(role, ()) if token not in used] or list(roles.get(role, ()))
        if fresh:
            found[tag] = fresh[0]
            used.append(fresh[0])
        else:
            left.append(
                f"the token {tag} is shown as it is: " + (f"no token is {role}" if role else "no verdict on it")
            )
    return found, left
