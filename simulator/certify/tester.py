"""What a case is written in: expect, call, never, and hands.

The tool answers everything the station asks by itself, at once; a case says what must come and in which order.
:meth:`Tester.expect` takes the next CALL of the station that nobody has claimed yet. If another one comes first, the
case fails right there: order matters. Heartbeats, samples and security events come when they come and are in nobody's
way unless a case asks for them. Messages the document allows in either order go through :meth:`Tester.any_order`.

Time is virtual: to wait costs nothing, and ``within_s`` is generous by default. Nothing of the station is read but its
messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simulator.certify.rig import Rig, Tool
from simulator.certify.rules import OMITTED, Rule, look, one_of, rule_of, show
from simulator.certify.verdicts import (
    CAME,
    FIELD,
    FREE,
    NEVER,
    TIMING,
    CaseFailed,
    CaseInconclusive,
    Failure,
    Validation,
)
from simulator.certify.wire import ATTEMPT, CONNECT, Heard
from simulator.wire.rpc import ERROR

Step = int | str
Fields = Mapping[str, Any]
#: how long the tool waits for an answer to its CALL
ANSWER_S = 30.0
#: how long it waits for a message of the station, unless a case says otherwise
WITHIN_S = 60.0
MAX_VALIDATIONS = 2_000
#: ids under which a text is run for a product without local start: by remote start instead of a token
REMOTE_FORMS = frozenset({"TC_007_2", "TC_008_2", "TC_023_5", "TC_053_2", "TC_061_2"})
BACKGROUND = frozenset({"Heartbeat", "MeterValues", "SecurityEventNotification", CONNECT, ATTEMPT})

#: asked before a message is waited for or ruled out: a mutant may put a frame in there
Meddler = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Expected:
    """A message that is to come. ``fields``: path -> value or rule."""

    step: Step
    action: str
    fields: Fields

    def fits(self, payload: Any) -> tuple[bool, ...]:
        """Is it this message: whether all fields are as they should be, then each of them; the first say most about
        which message was meant."""
        each = tuple(rule_of(rule).accepts(look(payload, path)) for path, rule in self.fields.items())
        return (all(each), *each)


def message(step: Step, action: str, fields: Fields | None = None, **more: Any) -> Expected:
    """A message for :meth:`Tester.any_order`."""
    return Expected(step, action, {**(fields or {}), **more})


class Tester:
    """The tester at the bench, for one case. ``id`` is the id under which it runs, ``option`` the way the state
    Charging starts a session ("" or ``remote``: by the central system, ``local``: by token)."""

    __test__ = False  # not a class of tests, whatever pytest makes of the name

    def __init__(self, rig: Rig, case_id: str, *, option: str = "", meddler: Meddler | None = None) -> None:
        self.rig, self.id = rig, case_id
        self._option = option
        #: has the case started a session in the way the option says?
        self.option_used = False
        self.csms = rig.csms
        self.tool: Tool = rig.tool
        self.background = set(BACKGROUND)
        self.validations: list[Validation] = []
        self.notes: list[str] = []
        self._prefix = ""
        self._meddler = meddler
        self.connector = self.tool.connector
        self.valid, self.valid2, self.invalid = self.tool.valid, self.tool.valid2, self.tool.invalid
        self.member = self.tool.group_member
        self.remote_form = case_id in REMOTE_FORMS
        #: the transaction the tool saw last
        self.transaction_id: Any = None

    @property
    def option(self) -> str:
        """The way sessions are started."""
        self.option_used = True
        return self._option

    # -- the record

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """Steps inside belong to a reusable state of this name."""
        before, self._prefix = self._prefix, f"{self._prefix}{name}."
        try:
            yield
        finally:
            self._prefix = before

    def note(self, text: str) -> None:
        """Something the report should say about this case."""
        self.notes.append(text)

    def inconclusive(self, why: str) -> CaseInconclusive:
        """To be raised when the case cannot be judged."""
        return CaseInconclusive(why)

    def _validate(
        self,
        step: Step,
        kind: str,
        heard: Heard | None,
        path: str,
        expected: str,
        got: str,
        ok: bool,
        *,
        action: str = "",
        rule: Rule | None = None,
        payload: Any = None,
    ) -> None:
        assert len(self.validations) < MAX_VALIDATIONS, "a case with so many validations does not end"
        answer = heard is not None and heard.kind != 2
        label = f"{self._prefix}{step}"
        action = action or (heard.action if heard else "")
        if payload is None and heard is not None:
            payload = heard.payload
        number, frame = len(self.validations), heard.number if heard else -1
        self.validations.append(
            Validation(number, label, kind, action, answer, frame, path, expected, got, ok, rule, payload)
        )
        if not ok:
            raise CaseFailed(Failure(label, action + (" (answer)" if answer else ""), path, expected, got))

    def validate(self, step: Step, heard: Heard, fields: Fields | None = None, **more: Any) -> Heard:
        """Look at fields of a message that has come: path (wire names, ``a.0.b``) -> value or rule."""
        for path, expected in {**(fields or {}), **more}.items():
            rule = rule_of(expected)
            value = look(heard.payload, path)
            self._validate(step, FIELD, heard, path, rule.text, show(value), rule.accepts(value), rule=rule)
        return heard

    def check(self, step: Step, what: str, ok: bool, got: Any = "") -> None:
        """A condition that belongs to no single field. Prefer :meth:`validate`: a mutant can reach it."""
        self._validate(step, FREE, None, "", what, show(got), ok)

    # -- what the station says

    def expect(
        self,
        step: Step,
        action: str,
        fields: Fields | None = None,
        *,
        within_s: float = WITHIN_S,
        after_s: float | None = None,
        **more: Any,
    ) -> Heard:
        """The next CALL of the station must be this one, with these fields; it is returned.

        ``after_s``: and it must not come earlier than so many seconds from now.
        """
        wanted = message(step, action, fields, **more)
        began_us = self.rig.now_us
        if after_s is not None and self._meddler is not None:
            self._meddler(len(self.validations) + 1, TIMING)
        _, heard = self._next([wanted], within_s)
        if after_s is not None:
            took_s = (heard.at_us - began_us) / 1e6
            self._validate(step, TIMING, heard, "", f"not before {after_s:g} s", f"{took_s:.3f} s", took_s >= after_s)
        return self.validate(step, heard, wanted.fields)

    def any_order(self, *wanted: Expected, within_s: float = WITHIN_S) -> list[Heard]:
        """All of these must come, in whatever order; they are returned as they were asked for."""
        open_, found = list(wanted), {}
        while open_:
            one, heard = self._next(open_, within_s)
            open_.remove(one)
            found[id(one)] = heard
            self.validate(one.step, heard, one.fields)
        return [found[id(one)] for one in wanted]

    def maybe(
        self, step: Step, action: str, fields: Fields | None = None, *, within_s: float = 5.0, **more: Any
    ) -> Heard | None:
        """A message that need not come. If it is the next one, its fields must be right; else None."""
        if not self.rig.wait_for(lambda: self._front() is not None, within_s):
            return None
        front = self._front()
        if front is None or front.action != action:
            return None
        self.csms.pending.remove(front)
        return self.validate(step, front, {**(fields or {}), **more})

    def statuses(
        self, step: Step, wanted: Mapping[int, Any], *, others: Any = None, within_s: float = WITHIN_S
    ) -> dict[int, Heard]:
        """A StatusNotification of each connector in ``wanted`` (connector -> status or rule); with ``others`` of all
        the rest too, connector 0 included."""
        every = dict(wanted)
        if others is not None:
            every |= {n: others for n in (0, *self.rig.connectors) if n not in wanted}
        messages = {n: message(step, "StatusNotification", connectorId=n, status=rule) for n, rule in every.items()}
        return dict(zip(messages, self.any_order(*messages.values(), within_s=within_s), strict=True))

    def never(self, step: Step, action: str, for_s: float, fields: Fields | None = None, **more: Any) -> None:
        """Nothing like this may come for so long. What else comes stays unclaimed."""
        wanted = message(step, action, fields, **more)
        sample = dict(wanted.fields)
        if self._meddler is not None:
            self._meddler(len(self.validations), NEVER)

        def found() -> Heard | None:
            for heard in self.csms.pending:
                if heard.action == action and wanted.fits(heard.payload)[0]:
                    return heard
            return None

        came = self.rig.wait_for(lambda: found() is not None, for_s)
        text = f"none for {for_s:g} s" + (f" with {sample}" if sample else "")
        got = found()
        self._validate(
            step, NEVER, None, "", text, show(got.payload) if got else "none", not came, action=action, payload=sample
        )

    def peek(self, *, within_s: float = WITHIN_S) -> Heard | None:
        """The next message, which stays unclaimed; None when none comes."""
        self.rig.wait_for(lambda: self._front() is not None, within_s)
        return self._front()

    def told(self, action: str) -> bool:
        """Is there an unclaimed message of this action?"""
        return any(heard.action == action for heard in self.csms.pending)

    def drop(self, *actions: str) -> None:
        """Unclaimed messages of these actions (all without) do not matter: the document does not mention them."""
        self.csms.pending[:] = [h for h in self.csms.pending if actions and h.action not in actions]

    def finish(self) -> None:
        """The scenario is over: what holds of every case is looked at."""

    def sort(self, action: str, payload: Any) -> str:
        """What kind of message it is, where a kind may be in the background: its action, unless a version says more.
        ``payload`` are the fields of a message that came, or of one that is expected."""
        return action

    def _sort(self, wanted: Expected) -> str:
        return self.sort(wanted.action, wanted.fields)

    def _front(self, wanted: frozenset[str] = frozenset()) -> Heard | None:
        """The first unclaimed message; those in the background only if they are wanted."""
        sorts = ((h, self.sort(h.action, h.payload)) for h in self.csms.pending)
        if wanted and wanted <= self.background:
            return next((h for h, sort in sorts if sort in wanted), None)
        return next((h for h, sort in sorts if sort not in self.background or sort in wanted), None)

    def _next(self, wanted: list[Expected], within_s: float) -> tuple[Expected, Heard]:
        actions = frozenset(self._sort(w) for w in wanted)
        names = " or ".join(dict.fromkeys(w.action for w in wanted))
        if not self.rig.wait_for(lambda: self._front(actions) is not None, max(within_s, self.rig.patience_s)):
            self._validate(
                wanted[0].step,
                CAME,
                None,
                "",
                f"{names} within {within_s:g} s",
                "nothing",
                False,
                action=wanted[0].action,
            )
        front = self._front(actions)
        assert front is not None
        same = [w for w in wanted if w.action == front.action]
        if not same:
            got = f"{front.action} {show(front.payload)}"
            self._validate(wanted[0].step, CAME, None, "", names, got, False, action=wanted[0].action)
        self.csms.pending.remove(front)
        # max keeps the first of equals: the one that was asked for first
        best = max(same, key=lambda w: w.fits(front.payload))
        self._validate(best.step, CAME, front, "", names, front.action, True)
        self.learn(front)
        return best, front

    def learn(self, heard: Heard) -> None:
        """A message was claimed."""
        if heard.action == "StartTransaction":
            self.transaction_id = next(reversed(self.csms.running), None)

    # -- what the tool says

    def call(
        self,
        step: Step,
        action: str,
        payload: dict[str, Any],
        fields: Fields | None = None,
        *,
        or_error: Any = None,
        **more: Any,
    ) -> Heard:
        """The tool calls; ``step`` is the step of the answer, whose fields are looked at.

        ``or_error``: a CALLERROR with this code (value or rule) does as well; without it a CALLERROR fails.
        """
        fleet = self.rig.fleet
        message_id = fleet.call(self.rig.station, action, payload)
        results = self.csms.results
        came = self.rig.wait_for(lambda: message_id in results, max(ANSWER_S, self.rig.patience_s))
        if not came:
            self._validate(
                step, CAME, None, "", f"an answer to {action} within {ANSWER_S:g} s", "nothing", False, action=action
            )
        heard = results.pop(message_id)
        if heard.kind == ERROR:
            heard.payload = dict(zip(("errorCode", "errorDescription", "errorDetails"), heard.payload, strict=False))
            if or_error is None:
                self._validate(step, CAME, heard, "", "an answer", f"CALLERROR {show(heard.payload)}", False)
            self._validate(step, CAME, heard, "", "an answer or an error", "CALLERROR", True)
            return self.validate(step, heard, {"errorCode": or_error})
        self._validate(step, CAME, heard, "", "an answer", "an answer", True)
        return self.validate(step, heard, fields, **more)

    def answer_next(self, action: str, answer: dict[str, Any] | Callable[[dict[str, Any]], Any]) -> None:
        """The next CALL with this action is answered so (fields replace those of the default answer)."""
        self.csms.once.setdefault(action, deque()).append(answer)

    def answer_always(self, action: str, answer: Callable[[dict[str, Any]], Any]) -> None:
        """Until the end of the case every CALL with this action is answered so."""
        self.csms.script[action] = lambda _, payload: answer(payload)

    def verdict_on(self, token: str, status: str) -> None:
        """From now on the tool says this of a token, in Authorize, StartTransaction and StopTransaction."""
        self.csms.verdicts[token] = status

    # -- configuration

    def read(self, key: str, step: Step = "read") -> str | None:
        """The value of a key; None when the station does not have it."""
        heard = self.call(step, "GetConfiguration", {"key": [key]})
        for row in heard.payload.get("configurationKey", ()):
            if row["key"] == key:
                return str(row.get("value", ""))
        return None

    def configure(self, key: str, value: Any, step: Step = "set") -> None:
        """Give a key a value; it must be taken, unless it has that value already and cannot be written."""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if self.read(key, step) == text:
            return
        self.call(step, "ChangeConfiguration", {"key": key, "value": text}, status=one_of("Accepted", "RebootRequired"))

    # -- hands and time

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.rig.run(seconds)

    def plug(self, connector: int | None = None) -> None:
        """The driver connects car and station."""
        self.rig.plug(connector or self.connector)

    def unplug(self, side: str = "both", connector: int | None = None) -> None:
        """The driver pulls the cable: ``ev``, ``station`` or ``both``."""
        self.rig.unplug(connector or self.connector, side)

    def present(self, token: str | None = None, connector: int | None = None) -> None:
        """A token is held to the reader (at the connector under test, if it has one of its own)."""
        self.rig.present(token or self.valid, self.connector if connector is None else connector)

    def authorise(self, step: Step, token: str | None = None) -> None:
        """A session is asked for with a token: at the reader, or in a remote form by the tool (which must take it)."""
        if not self.remote_form:
            self.present(token)
            return
        payload = {"idTag": token or self.valid, "connectorId": self.connector}
        self.call(step, "RemoteStartTransaction", payload, status="Accepted")

    def power_cycle(self, off_s: float = 10.0) -> None:
        """Mains power goes and comes back."""
        self.rig.mains(False)
        self.rig.run(off_s)
        self.rig.mains(True)

    def omitted(self) -> Any:
        """The rule for a field that must not be there."""
        return OMITTED
