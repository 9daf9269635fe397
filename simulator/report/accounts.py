"""What became of every transaction of a ledger, and the true cause where something of it did not arrive.

Theory. A transaction is *delivered* when begin and end were answered, and *open* when it was under way as the run
ended. Everything else needs a cause that the ledger itself knows: the station said so (a full memory, a torn write, a
quirk), a fault was in force between the begin and the last word, or the run ended before the next attempt was due. What
has none of these is *unaccounted*, and then either a station or this program has lost something without a word.

Only faults that can keep a message from arriving count for one that was not answered, only those that change what it
says for one that was answered with an error, and a quirk only where what it declares to break leads to that end. Before
and after its due time a message is given the time of an attempt or two (``patience_us``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from simulator.ledger import Ledger

#: parts of hardware whose faults keep messages from arriving, and those of their faults that do not
IN_THE_WAY = frozenset({"modem", "network", "frame", "controller", "supply", "flash"})
HARMLESS = frozenset(
    {
        "frame.fragmented",
        "frame.pretty_printed",
        "frame.duplicate",
        "frame.answer_to_nothing",
        "frame.late_answer",
        "controller.slow_cpu",
        "supply.brown_out",
        "supply.over_voltage",
        "modem.weak_signal",
        "flash.bad_image",
    }
)
#: parts whose faults change what a message says, so that a CSMS may refuse it
IN_THE_TEXT = frozenset({"frame", "meter"})
#: what a quirk breaks, in the words of ``quirks.seams.BREAKS``, that can be the reason of an end of a message
QUIRKS = {
    "dropped_by_station": frozenset({"every_fate", "sessions_told", "one_start"}),
    "answered_with_error": frozenset({"schema", "frames", "stop_reason", "own_transaction_id", "no_callerror"}),
    "queued": frozenset({"gets_in", "stays_connected", "frames", "handshake", "every_call_answered", "boot_once"}),
}
QUIRKS["sent_unanswered"] = QUIRKS["queued"]
#: words of a station or of the books that are a cause by themselves
TOLD = frozenset({"flash full", "torn write", "flash refused it", "quirk", "held back by a quirk", "queue bound"})
PATIENCE_US = 120_000_000
SHOWN_MAX = 20
_FINE = ("answered",)

#: a fault of one station: name, begin, end or None, cause
Spell = tuple[str, int, int | None, str]


class Accounts(msgspec.Struct, frozen=True):
    """``delivered`` and ``open`` transactions, the others by cause, and sentences about those without one."""

    delivered: int
    open: int
    causes: dict[str, int]
    unaccounted: tuple[str, ...]
    #: how many have no cause; ``unaccounted`` shows the first of them
    missing: int

    @property
    def total(self) -> int:
        """All transactions."""
        return self.delivered + self.open + sum(self.causes.values()) + self.missing


def accounts(
    ledger: Ledger,
    patience_us: int = PATIENCE_US,
    quirks: Mapping[tuple[str, str], Mapping[str, Iterable[str]]] | None = None,
) -> Accounts:
    """Every transaction of the ledger, counted once.

    ``quirks``: by profile and version, what each quirk of the product says that it breaks.
    """
    delivered = still_open = missing = 0
    causes: dict[str, int] = {}
    shown: list[str] = []
    run_end_us = max(
        ledger.query(f"SELECT coalesce(max({column}), 0) FROM {table}")[0][0]
        for table, column in (("messages", "at_us"), ("transactions", "end_us"), ("transactions", "begin_us"))
    )
    faults: dict[str, list[Spell]] = {}
    for station, *spell in ledger.query(
        "SELECT station_id, fault, begin_us, end_us, cause FROM faults ORDER BY station_id, begin_us"
    ):
        faults.setdefault(station, []).append((spell[0], spell[1], spell[2], spell[3]))
    for station, profile, ocpp, key, begin_us, end_us, start, stop, why in ledger.query(
        "SELECT station_id, profile, ocpp, key, begin_us, end_us, coalesce(start_fate, ''), coalesce(stop_fate, ''),"
        " why FROM transactions JOIN stations USING (station_id) ORDER BY begin_us, station_id, key"
    ):
        if start in _FINE and stop in _FINE:
            delivered += 1
            continue
        if stop == "never_due" and start in _FINE:
            still_open += 1
            continue
        failed = {start, stop} - {"answered", "never_due", ""}
        due_us = begin_us if start not in _FINE or end_us is None else end_us
        last_us = (run_end_us if end_us is None else end_us) + patience_us
        found = f"the station: {why}" if why in TOLD else None
        found = found or _quirk((quirks or {}).get((profile, ocpp), {}), failed)
        spells, refused = faults.get(station, []), failed == {"answered_with_error"}
        found = found or _fault(spells, due_us, last_us, refused=refused)
        # what kept the message from leaving may have been over just before it was due
        found = found or _fault(spells, due_us - patience_us, last_us, refused=refused)
        if found is None and failed <= {"queued", "sent_unanswered"} and last_us >= run_end_us:
            found = "the run ended first"
        if found is not None:
            causes[found] = causes.get(found, 0) + 1
            continue
        missing += 1
        if len(shown) < SHOWN_MAX:
            fates = f"begin {start or 'unknown'}, end {stop or 'unknown'}"
            shown.append(f"{station}: transaction {key}: {fates}{f' ({why})' if why else ''}, and nothing says why")
    return Accounts(delivered, still_open, dict(sorted(causes.items())), tuple(shown), missing)


def _quirk(quirks: Mapping[str, Iterable[str]], failed: Iterable[str]) -> str | None:
    """The first quirk of the product that can be the reason."""
    words = frozenset().union(*(QUIRKS.get(fate, frozenset()) for fate in failed))
    return next((f"the quirk {name}" for name, breaks in quirks.items() if words & frozenset(breaks)), None)


def _fault(spells: Iterable[Spell], from_us: int, last_us: int, *, refused: bool) -> str | None:
    """The first fault in force between these moments that can be the reason, with its own cause."""
    for name, since_us, until_us, cause in spells:
        if since_us > last_us or (until_us is not None and until_us < from_us):
            continue
        part = name.partition(".")[0]
        if part in IN_THE_TEXT if refused else (part in IN_THE_WAY and name not in HARMLESS):
            return f"{name} ({cause})" if cause else name
    return None
