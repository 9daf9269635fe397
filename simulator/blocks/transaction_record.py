"""E The record of a transaction: what lies on flash while it runs, its ids, and its sequence numbers.

``key`` is the station's own id of a transaction, never used twice (E01.FR.08). Versions in which the CSMS gives the id
keep it under that key, because messages that wait on flash need it even when the transaction is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from simulator.blocks import signed_values
from simulator.core.records import FlashTrouble, TransactionNamed
from simulator.core.reports import MeterReading, Stamp, TransactionReport
from simulator.core.rng import draw, seed_of
from simulator.core.wiring import NUMBER

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

TX_AREA = "tx"
COUNTER = "tx_counter"
RECORD_BYTES = 220
_EVEN = (1 << 64) - 2


class Transaction(msgspec.Struct):
    """The record of a running transaction, as it lies on flash.

    ``physical_wh`` and ``register_wh`` are the true and the reported register at the beginning. ``held``: points that
    have held so far. ``authorized``: its authorisation holds; ``lapsed``: the CSMS was told that it had ended.
    ``resumed``: it goes on after a power cut. ``seq_no`` is the next number. ``path_closed``: when it was first
    authorised and connected, if not with its start. ``told_*`` is what the CSMS has been told.
    """

    key: str
    evse_id: int
    started: Stamp
    register_wh: float | None
    physical_wh: float
    id_token: str = ""
    token_type: str = ""
    group: str | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    csms_id: str | None = None
    offline: bool = False
    held: int = 0
    seq_no: int = 0
    begin: MeterReading | None = None
    energy: bool = True
    told_started: bool = False
    told_token: bool = False
    told_evse: bool = False
    told_begin: bool = False
    told_remote: bool = False
    told_plugged: bool = False
    told_bay: bool = False
    told_unlocked: bool = False
    told_state: str = ""
    told_phases: int = 0
    told_end_us: int = -1
    start_trigger: str = ""
    authorized: bool = False
    resumed: bool = False
    told_key: bool = False
    lapsed: bool = False
    path_closed: Stamp | None = None


def new_key(st: Station) -> str:
    """A UUID-shaped id, never used twice by this station (E01.FR.08).

    It comes from the run's seed, the true time at which the run began, and a stream that counts on whatever becomes of
    flash; the count of transactions on flash is kept beside it.
    """
    flash = st.board.flash
    flash.write("facts", COUNTER, int(flash.get("facts", COUNTER) or 0) + 1, 16)
    seed = seed_of(st.rng.seed, st.epoch_us, st.boot_no)
    count = st.rng.next("tx_key")
    text = format(draw(seed, "tx_key", count & _EVEN), "016x") + format(draw(seed, "tx_key", count | 1), "016x")
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def number(st: Station, report: TransactionReport) -> TransactionReport:
    """Give a transaction report its place in the sequence: from 0, without gaps (part 2, 1.3.2.1)."""
    evse = st.evses[report.evse_id - 1]
    tx = evse.tx
    assert tx is not None and tx.key == report.key, "a report about a transaction that is not the running one"
    structs.force_setattr(report, "seq_no", tx.seq_no)  # fresh, and nobody else has it yet: cheaper than a second one
    tx.seq_no += 1
    if report.readings:
        key_with = signed_values.key_for(st, tx, report)
        if key_with:
            structs.force_setattr(report, "key_with", key_with)
    save(st, tx)
    return report


def save(st: Station, tx: Transaction) -> None:
    """Write the record as it is now; a flash that refuses is on record once per transaction and cause."""
    if not st.board.flash.write(TX_AREA, tx.key, structs.replace(tx), RECORD_BYTES):
        why = st.board.flash.why
        if (tx.key, why) != st.data.get("tx_trouble"):
            st.data["tx_trouble"] = (tx.key, why)
            st.record(FlashTrouble(TX_AREA, why, f"state of transaction {tx.key}"))


def named(st: Station, key: str, csms_id: str) -> None:
    """The CSMS gave a transaction its id; queued messages about it need it even when the transaction is over."""
    if not st.board.flash.write("tx_names", key, csms_id, 24 + len(csms_id)):
        st.data.setdefault("tx_names", {})[key] = csms_id  # known until the next boot
    for evse in st.evses:
        if evse.tx is not None and evse.tx.key == key:
            evse.tx.csms_id = csms_id
            save(st, evse.tx)
    st.record(TransactionNamed(key, csms_id))


def csms_id(st: Station, key: str) -> str | None:
    """The id the CSMS gave, None when it never did."""
    found = st.board.flash.get("tx_names", key) or st.data.get("tx_names", {}).get(key)
    return found if isinstance(found, str) else None


def forget_name(st: Station, key: str) -> None:
    """No message will need the CSMS's id of this transaction any more."""
    st.board.flash.delete("tx_names", key)
    st.data.get("tx_names", {}).pop(key, None)


def running(st: Station, key: str) -> Evse | None:
    """The EVSE on which the transaction with this key runs."""
    return next((evse for evse in st.evses if evse.tx is not None and evse.tx.key == key), None)


NUMBER.append(number)
