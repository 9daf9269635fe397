"""J Signed meter values: which readings the meter is asked to sign, and when a session waits for it (J01, J02, E01 S4).

Only the energy register is signed: it is what bills are made of. The meter signs what it shows itself at that moment,
so a value that the station alters on its way (a quirk) no longer agrees with what was signed, as in the field.

Where a dialect has :data:`EACH_BY_ITSELF`, SignReadings means the end message and everything else has a switch of its
own; else SignReadings means all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from simulator.blocks.product_identity import identify
from simulator.core.connector import DATA_SIGNED
from simulator.core.readings import ENERGY
from simulator.core.reports import MeterReading, TransactionReport
from simulator.core.settings import Setting, setting
from simulator.core.wiring import on_timer, rule
from simulator.hardware import ocmf

if TYPE_CHECKING:
    from simulator.blocks.transaction_record import Transaction
    from simulator.core.connector import Evse
    from simulator.core.model import Model
    from simulator.core.station import Station

#: capability of a dialect: begin and updates are signed by switches of their own
EACH_BY_ITSELF = "signed_each_by_itself"


def can_sign(model: Model) -> bool:
    """Has the product meters that sign?"""
    return model.hardware.meter.signer is not None


def has_switches(model: Model) -> bool:
    """Has it a switch for each kind of message?"""
    return can_sign(model) and EACH_BY_ITSELF in model.dialect.capabilities


def _switch(name: str, when: object, description: str) -> Setting:
    return setting(name, "bool", False, when=when, description=description)  # type: ignore[arg-type]


SIGN_SAMPLED = _switch("SampledDataCtrlr.SignReadings", can_sign, "sampled values of transactions are signed")
SIGN_STARTED = _switch("SampledDataCtrlr.SignStartedReadings", has_switches, "those of the begin, in earlier messages")
SIGN_UPDATED = _switch("SampledDataCtrlr.SignUpdatedReadings", has_switches, "those of updates")
SIGN_ALIGNED = _switch("AlignedDataCtrlr.SignReadings", can_sign, "clock-aligned values are signed")
SIGN_ALIGNED_UPDATED = _switch("AlignedDataCtrlr.SignUpdatedReadings", has_switches, "those of updates")
NEVER, ONCE, EVERY = "Never", "OncePerTransaction", "EveryMeterValue"
PUBLIC_KEY = setting(
    "OCPPCommCtrlr.PublicKeyWithSignedMeterValue",
    "str",
    ONCE,
    values=(NEVER, ONCE, EVERY),
    when=can_sign,
    description="which signed values carry the public key of the meter",
)

#: what a reading is for -> the switch, and the switch that must be on as well where there is one
BEGIN, UPDATE, END, ALIGNED, ALIGNED_END = "begin", "update", "end", "aligned", "aligned_end"
_SWITCHES: dict[str, tuple[Setting, Setting | None]] = {
    BEGIN: (SIGN_SAMPLED, SIGN_STARTED),
    UPDATE: (SIGN_SAMPLED, SIGN_UPDATED),
    END: (SIGN_SAMPLED, None),
    ALIGNED: (SIGN_ALIGNED, SIGN_ALIGNED_UPDATED),
    ALIGNED_END: (SIGN_ALIGNED, None),
}


def wanted(st: Station, *purposes: str) -> bool:
    """Are readings for any of these to be signed?"""
    if not can_sign(st.model):
        return False
    each = EACH_BY_ITSELF in st.dialect.capabilities
    for purpose in purposes:
        switch, own = _SWITCHES[purpose]
        if st.settings[switch] and (own is None or not each or st.settings[own]):
            return True
    return False


def handle(st: Station, evse: Evse) -> str:
    """The name of a meter's key: the same in every run."""
    return f"{st.id}/{evse.evse_id}"


def public_key(st: Station, evse_id: int) -> str:
    """The public key of a meter as it is printed on one (J02.FR.23)."""
    signer = st.model.hardware.meter.signer
    return "" if signer is None else f"oca:base16:asn1:{signer.public_key(f'{st.id}/{evse_id}').hex()}"


def sign(st: Station, evse: Evse, reading: MeterReading | None, *purposes: str) -> MeterReading | None:
    """The reading with its register signed by the meter, if that is wanted for any of its purposes (J01.FR.21,
    J02.FR.21, E02.FR.14). A session that has begun or is about to, is named in it."""
    if reading is None or not wanted(st, *purposes):
        return reading
    meter = st.board.meters[evse.evse_id - 1]
    shown = meter.sample(st.now)
    if shown is None or shown.energy_wh is None or not any(value.measurand == ENERGY for value in reading.values):
        return reading
    identity = st.model.identity
    text = ocmf.dataset(
        meter,
        handle(st, evse),
        shown.energy_wh,
        reading.at.wall_us,
        synced=reading.at.synced,
        context=reading.context,
        direct=evse.spec.is_dc,
        name_plate=ocmf.NamePlate(identity.meter_type, identify(st, identity.meter_serial or "")),
        session=_session(evse, reading),
    )
    values = tuple(
        structs.replace(value, signed=text) if value.measurand == ENERGY else value for value in reading.values
    )
    return structs.replace(reading, values=values)


def _session(evse: Evse, reading: MeterReading) -> ocmf.Session | None:
    tx, grant = evse.tx, evse.grant
    if tx is None and reading.context != "Transaction.Begin":
        return None
    if tx is not None and tx.id_token:
        return ocmf.Session(tx.id_token, tx.token_type)
    return ocmf.Session() if grant is None else ocmf.Session(grant.id_token, grant.token_type)


def plain(reading: MeterReading) -> MeterReading:
    """The same reading without signatures."""
    return structs.replace(reading, values=tuple(structs.replace(value, signed="") for value in reading.values))


def begun(st: Station, readings: tuple[MeterReading, ...], purpose: str) -> tuple[MeterReading, ...]:
    """Readings of the begin, which may be signed for the sake of another message, as one for ``purpose`` has them."""
    if not can_sign(st.model) or wanted(st, purpose):
        return readings
    return tuple(plain(reading) for reading in readings)


def key_for(st: Station, tx: Transaction, report: TransactionReport) -> str:
    """Which signed values of a transaction message carry the public key: none (empty), the first, every."""
    if not can_sign(st.model) or not any(value.signed for one in report.readings for value in one.values):
        return ""
    how = st.settings[PUBLIC_KEY]
    if how == NEVER or (how == ONCE and tx.told_key):
        return ""
    tx.told_key = True
    return "first" if how == ONCE else "every"


def key_outside(st: Station, reading: MeterReading) -> str:
    """The same for values that belong to no transaction message."""
    signed = any(value.signed for value in reading.values)
    return "every" if signed and st.settings[PUBLIC_KEY] == EVERY else ""


# -- a transaction that begins with a signed value ---------------------------------------------------------------------


def _asks(st: Station, evse: Evse) -> bool:
    """Everything else is there: the meter is asked for the signed value by which the transaction starts (E01.FR.04)."""
    return (
        can_sign(st.model)
        and bool(st.settings[SIGN_SAMPLED])
        and bool(st.dialect.policy.start_points(st) & DATA_SIGNED)
        and evse.plugged
        and evse.grant is not None
        and not evse.lock_failed
        and not st.meter_dead(evse)
    )


@rule(35)
def await_signature(st: Station, evse: Evse, now: int) -> bool:
    """Ask the meter, and forget its answer when what it was asked for is over."""
    if not can_sign(st.model):
        return False
    if not _asks(st, evse):
        st.timers.cancel("meter_signs", evse.evse_id)
        was, evse.data_signed = evse.data_signed, False
        return was
    if not evse.data_signed and st.timers.get("meter_signs", evse.evse_id) is None:
        st.timers.set("meter_signs", now + int(st.model.hardware.meter.sign_s * 1_000_000), evse.evse_id)
    return False


@on_timer("meter_signs")
def meter_signed(st: Station, evse_id: int, now: int) -> None:
    """The meter has answered."""
    evse = st.evses[evse_id - 1]
    evse.data_signed = _asks(st, evse)
