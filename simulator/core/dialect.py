"""What the core knows of a protocol version: a table of functions.

A dialect package fills one :class:`Dialect` with ``@dialect.on`` (requests of the CSMS), ``@dialect.render`` (reports
to messages) and ``@dialect.reply`` (answers to our messages). Its functions translate and nothing else: typed request
to block call to typed reply. The core never asks which version it speaks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from simulator.wire.codec import Codec
from simulator.wire.rpc import Call, Error, Result

#: registration states in which a request of the CSMS is served
ACCEPTED = frozenset({"accepted"})
#: all but rejected: a CSMS may ask and configure a station that waits (B02.FR.01), and one it has not answered yet
REGISTERED = frozenset({"accepted", "pending", "unknown"})
ALWAYS = frozenset({"accepted", "pending", "rejected", "unknown"})

#: a renderer's answer: not now, ask again when something has changed
HOLD = object()


class CallRefused(Exception):
    """A handler answers with a CALLERROR. ``kind`` is a neutral error word (see ``errors.RemoteProtocolError``)."""

    def __init__(self, kind: str, description: str = "") -> None:
        super().__init__(description or kind)
        self.kind, self.description = kind, description


class Later:
    """A handler's answer comes later, by ``station.answer_later(token, reply)``; at ``deadline_us`` it is dropped."""

    __slots__ = ("deadline_us", "token")

    def __init__(self, token: str, deadline_us: int) -> None:
        self.token, self.deadline_us = token, deadline_us


Handler = Callable[[Any, Any, Any], Any]
Renderer = Callable[[Any, Any, Any], Any]
Reply = Callable[[Any, Any, Any], object]


class Route(msgspec.Struct, frozen=True):
    """One row of the route table: the function that serves an action, the states in which it may, and the optional
    feature it belongs to (a product without that answers that it is not supported)."""

    handler: Handler
    when: frozenset[str]
    feature: str = ""
    #: paths whose unknown words, or empty lists, the handler answers itself
    open_words: frozenset[str] = frozenset()


class Dialect:
    """One protocol version.

    ``error_codes`` maps neutral error kinds to wire codes. ``unreadable_id`` is the message id of a CALLERROR to a
    frame whose own id could not be read, None where the version stays silent. ``refused_kind`` answers a request that
    comes in the wrong registration state. ``never_answered`` are the kinds of garbage this version passes over in
    silence, ``frame_types`` the message types it has.
    """

    def __init__(
        self,
        name: str,
        subprotocol: str,
        messages: Any,
        error_codes: dict[str, str],
        *,
        unreadable_id: str | None,
        refused_kind: str,
        never_answered: frozenset[str] = frozenset({"protocol"}),
        frame_types: tuple[type, ...] = (Call, Result, Error),
    ) -> None:
        self.name, self.subprotocol, self.messages = name, subprotocol, messages
        self.codec = Codec(messages)
        self.error_codes = error_codes
        self.unreadable_id, self.refused_kind = unreadable_id, refused_kind
        assert "protocol" in never_answered, "a broken answer is never answered, in any version"
        self.never_answered, self.frame_types = never_answered, frame_types
        self.routes: dict[str, Route] = {}
        self.renderers: dict[type, Renderer] = {}
        self.replies: dict[str, Reply] = {}
        #: called for the answers that are CALLERRORs or never came: (station, report, code)
        self.failures: dict[str, Callable[[Any, Any, str], None]] = {}
        #: is a station that was rejected silent, whatever the CSMS sends (1.6 4.2)?
        self.rejected_is_silent = False
        #: is the password setting hexadecimal text for the bytes of the password?
        self.password_is_hex = False
        #: key of a setting -> longest text, where this version allows less than the setting does
        self.longest: dict[str, int] = {}
        #: rows of the device model that only this version has (``blocks/inventory/rows.py``)
        self.rows: tuple[Any, ...] = ()
        #: the facts a version decides differently, as data and small functions (see ``core/policy.py``)
        self.policy: Any = None

    def adopt(self, *tables: Table) -> None:
        """Take over what the block modules of a dialect package declared; ``since`` filters by capability."""
        for table in tables:
            if table.feature:
                self.features |= {table.feature}
            for action, route, since in table.handlers:
                if since is None or since in self.capabilities:
                    assert action not in self.routes, f"two handlers for {action}"
                    assert self.codec.knows(action), f"no schema for {action}"
                    self.routes[action] = route
                    if route.feature:
                        self.features |= {route.feature}
            for kind, renderer in table.renderers:
                assert kind not in self.renderers, f"two renderers for {kind.__name__}"
                self.renderers[kind] = renderer
            for action, reply in table.replies:
                assert action not in self.replies, f"two reply functions for {action}"
                self.replies[action] = reply
            for action, failure in table.failures:
                assert action not in self.failures, f"two failure functions for {action}"
                self.failures[action] = failure

    #: names of optional capabilities of this version, filled by the package
    capabilities: frozenset[str] = frozenset()
    #: messages that its codec can read, but which the stations of this version do not know
    strange: frozenset[str] = frozenset()
    #: optional features of which this version serves requests
    features: frozenset[str] = frozenset()


class Table:
    """What one block module of a dialect package declares; several dialects may adopt the same table.

    ``feature``: the optional feature (``blocks/product_settings.FEATURE_PROFILES``) its requests belong to.
    """

    def __init__(self, feature: str = "") -> None:
        self.feature = feature
        self.handlers: list[tuple[str, Route, str | None]] = []
        self.renderers: list[tuple[type, Renderer]] = []
        self.replies: list[tuple[str, Reply]] = []
        self.failures: list[tuple[str, Callable[[Any, Any, str], None]]] = []

    def on(
        self,
        action: str,
        *,
        when: frozenset[str] = ACCEPTED,
        since: str | None = None,
        feature: str | None = None,
        open_words: frozenset[str] = frozenset(),
    ) -> Callable[[Handler], Handler]:
        """``handler(station, request, messages)`` serves ``action``: a reply, a Later, or CallRefused raised.

        ``feature`` replaces the table's; "" for a request whose answer has words of its own for a product without it.
        ``open_words``: fields (paths) whose unknown words, or empty lists, it has an answer for; still violations.
        """
        owned = self.feature if feature is None else feature

        def declare(function: Handler) -> Handler:
            self.handlers.append((action, Route(function, when, owned, open_words), since))
            return function

        return declare

    def render(self, kind: type) -> Callable[[Renderer], Renderer]:
        """``renderer(station, report, messages)`` returns (action, payload), None (nothing to say), or HOLD."""

        def declare(function: Renderer) -> Renderer:
            self.renderers.append((kind, function))
            return function

        return declare

    def reply(self, action: str) -> Callable[[Reply], Reply]:
        """``reply(station, report, response)`` takes the typed answer to our ``action``; it may return QUIET, see
        ``core/wiring.py``."""

        def declare(function: Reply) -> Reply:
            self.replies.append((action, function))
            return function

        return declare

    def failure(self, action: str) -> Callable[[Callable[[Any, Any, str], None]], Callable[[Any, Any, str], None]]:
        """``failure(station, report, code)``: a CALLERROR's code, or ``timeout``, or ``lost``."""

        def declare(function: Callable[[Any, Any, str], None]) -> Callable[[Any, Any, str], None]:
            self.failures.append((action, function))
            return function

        return declare
