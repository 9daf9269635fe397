"""What became of every transaction of a ledger, and the true cause where something of it did not arrive.

Theory. A transaction is *delivered* when begin and end were answered, and *open* when it was under way as the run
ended. Everything else needs a cause that the ledger itself knows: the station said so (a full memory, a torn write, a
quirk), a fault was in force between the begin and the last word, or the run ended before the next attempt was due. What
has none of these is *unaccounted*, and then either a station or this program has lost something without a word.

Only faults that can keep a message from arriving count for one that was not answered; for one that was answered with an
error, what the station measured or believed may be the reason as well. How long a fault goes on acting after its end is
the time of one more attempt (``patience_us``).
"""

from __future__ import annotations

import msgspec

from simulator.ledger import Ledger

#: parts of hardware whose faults keep messages from arriving
IN_THE_WAY = frozenset({"modem", "network", "frame", "controller", "supply", "flash"})
#: frames that a sound CSMS takes like any other
HARMLESS = frozenset({"frame.fragmented", "frame.pretty_printed", "frame.duplicate", "frame.answer_to_nothing"})
#: words of a station or of the books that are a cause by themselves
TOLD = frozenset({"flash full", "torn write", "flash refused it", "quirk", "held back by a quirk", "queue bound"})
PATIENCE_US = 120_000_000
SHOWN_MAX = 20
_FINE = ("answered",)


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


def accounts(ledger: Ledger, patience_us: int = PATIENCE_US) -> Accounts:
    """Every transaction of the ledger, counted once."""
    delivered = still_open = missing = 0
    causes: dict[str, int] = {}
    shown: list[str] = []
    run_end_us = max(
        ledger.query(f"SELECT coalesce(max({column}), 0) FROM {table}")[0][0]
        for table, column in (("messages", "at_us"), ("transactions", "end_us"), ("transactions", "begin_us"))
    )
    faults: dict[str, list[tuple[str, int, int | None, str]]] = {}
    for station, fault, begin_us, end_us, cause in ledger.query(
        "SELECT station_id, fault, begin_us, end_us, cause FROM faults ORDER BY station_id, begin_us"
    ):
        faults.setdefault(station, []).append((fault, begin_us, end_us, cause))
    for station, key, begin_us, end_us, start, stop, why in ledger.query(
        "SELECT station_id, key, begin_us, end_us, coalesce(start_fate, ''), coalesce(stop_fate, ''), why"
        " FROM transactions ORDER BY begin_us, station_id, key"
    ):
        if start in _FINE and stop in _FINE:
            delivered += 1
            continue
        if stop == "never_due" and start in _FINE:
            still_open += 1
            continue
        failed = {start, stop} - {"answered", "never_due", ""}
        last_us = (run_end_us if end_us is None else end_us) + patience_us
        found = _cause(faults.get(station, ()), begin_us, last_us, refused=failed == {"answered_with_error"})
        if found is None and why in TOLD:
            found = f"the station: {why}"
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


def _cause(
    faults: list[tuple[str, int, int | None, str]] | tuple[()], begin_us: int, last_us: int, *, refused: bool
) -> str | None:
    """The first fault in force between these moments that can be the reason, with its own cause."""
    for name, since_us, until_us, cause in faults:
        if since_us > last_us or (until_us is not None and until_us < begin_us):
            continue
        if refused or (name.partition(".")[0] in IN_THE_WAY and name not in HARMLESS):
            return f"{name} ({cause})" if cause else name
    return None
