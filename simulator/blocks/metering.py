"""J Meter values: the sampling plan, and nothing of the wire.

Periodic samples count from the beginning of a transaction, aligned ones from midnight of the station's own clock (1.6
ClockAlignedDataInterval, J01.FR.14). What goes into the end message is collected on flash while the transaction runs
and thinned by dropping every second intermediate value when it gets too much (J02.FR.20).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks import signed_values
from simulator.core import readings
from simulator.core.readings import ENERGY, MEASURANDS
from simulator.core.reports import ClockSampled, MeterReading, MeterSampled, SampleTaken, reading_bytes
from simulator.core.settings import READ_ONLY, Setting, setting
from simulator.core.wiring import QUIET, at, before_write, drain, on_timer

if TYPE_CHECKING:
    from simulator.blocks.transaction_record import Transaction
    from simulator.core.connector import Evse
    from simulator.core.settings import Setting
    from simulator.core.station import Station

SAMPLED_ENABLED = setting(
    "SampledDataCtrlr.Enabled",
    "bool",
    True,
    description="are values sampled in a transaction at all, at its begin and end too",
)
ALIGNED_ENABLED = setting(
    "AlignedDataCtrlr.Enabled",
    "bool",
    True,
    description="are clock-aligned values taken at all",
)
SAMPLE_INTERVAL = setting(
    "SampledDataCtrlr.TxUpdatedInterval",
    "int",
    60,
    key16="MeterValueSampleInterval",
    minimum=0,
    maximum=86_400,
    unit="s",
    required=True,
    required16=True,
    description="seconds between samples in a transaction; 0: none",
)
#: most measurands one list may name, on any product and unless a product says otherwise
MAX_MEASURANDS, USUAL_MEASURANDS = 40, 20

SAMPLE_MEASURANDS = setting(
    "SampledDataCtrlr.TxUpdatedMeasurands",
    "list",
    (ENERGY,),
    key16="MeterValuesSampledData",
    values=MEASURANDS,
    max_items=MAX_MEASURANDS,
    required=True,
    required16=True,
    description="what periodic samples hold",
)
START_MEASURANDS = setting(
    "SampledDataCtrlr.TxStartedMeasurands",
    "list",
    (ENERGY,),
    values=MEASURANDS,
    max_items=MAX_MEASURANDS,
    required=True,
    description="what the start message holds",
)
END_MEASURANDS = setting(
    "SampledDataCtrlr.TxEndedMeasurands",
    "list",
    (ENERGY,),
    values=MEASURANDS,
    max_items=MAX_MEASURANDS,
    required=True,
    description="sampled values the end message holds",
)
STOP_TXN_SAMPLED = setting(
    None,
    "list",
    (),
    key16="StopTxnSampledData",
    values=MEASURANDS,
    max_items=MAX_MEASURANDS,
    required16=True,
    description="sampled values the stop message holds",
)
END_INTERVAL = setting(
    "SampledDataCtrlr.TxEndedInterval",
    "int",
    0,
    minimum=0,
    maximum=86_400,
    unit="s",
    required=True,
    description="seconds between the sampled values of the end message; 0: only begin and end",
)
ALIGNED_INTERVAL = setting(
    "AlignedDataCtrlr.Interval",
    "int",
    0,
    key16="ClockAlignedDataInterval",
    minimum=0,
    maximum=86_400,
    unit="s",
    required=True,
    required16=True,
    description="seconds between clock-aligned values; 0: none",
)
ALIGNED_MEASURANDS = setting(
    "AlignedDataCtrlr.Measurands",
    "list",
    (ENERGY,),
    key16="MeterValuesAlignedData",
    values=MEASURANDS,
    max_items=MAX_MEASURANDS,
    required=True,
    required16=True,
    description="what clock-aligned values hold",
)
END_ALIGNED_MEASURANDS = setting(
    "AlignedDataCtrlr.TxEndedMeasurands",
    "list",
    (),
    key16="StopTxnAlignedData",
    values=MEASURANDS,
    max_items=MAX_MEASURANDS,
    required=True,
    required16=True,
    description="clock-aligned values the end message holds",
)


def _length_of(measurands: Setting) -> Setting:
    """How many items a product takes in one of its lists of measurands; a longer list is refused."""
    length = setting(
        None,
        "int",
        USUAL_MEASURANDS,
        key16=f"{measurands.key16}MaxLength",
        mutability=READ_ONLY,
        minimum=0,
        maximum=MAX_MEASURANDS,
        description=f"most items of {measurands.key16}",
    )
    before_write(measurands.key)(lambda st, value: len(value) <= st.settings[length])
    return length


LIST_LENGTHS = tuple(
    _length_of(one) for one in (SAMPLE_MEASURANDS, ALIGNED_MEASURANDS, STOP_TXN_SAMPLED, END_ALIGNED_MEASURANDS)
)
END_ALIGNED_INTERVAL = setting(
    "AlignedDataCtrlr.TxEndedInterval",
    "int",
    900,
    minimum=0,
    maximum=86_400,
    unit="s",
    required=True,
    description="seconds between the clock-aligned values of the end message",
)
ONLY_IDLE = setting(
    "AlignedDataCtrlr.SendDuringIdle",
    "bool",
    False,
    description="clock-aligned values only while the station has no transaction",
)
#: most readings that are kept for the end message while a transaction runs
MAX_COLLECTED = 250
MAX_STOP_VALUES = setting(
    None,
    "int",
    MAX_COLLECTED,
    key16="StopTransactionMaxMeterValues",
    mutability=READ_ONLY,
    minimum=2,
    maximum=MAX_COLLECTED,
    description="most meter values of the stop message",
)

#: capability of a dialect: an empty list of measurands means the default of the field, not nothing
DEFAULT_MEASURAND = "default_measurand"
#: capability of a dialect: clock-aligned values outside a transaction are kept until they are answered (1.6 3.7)
KEEPS_ALIGNED = "keeps_aligned_values"

_ALIGNED_KEYS = frozenset(
    one.key for one in (ALIGNED_ENABLED, ALIGNED_INTERVAL, END_ALIGNED_INTERVAL, END_ALIGNED_MEASURANDS)
)
_SAMPLED_KEYS = frozenset(
    one.key for one in (SAMPLED_ENABLED, SAMPLE_INTERVAL, END_INTERVAL, END_MEASURANDS, STOP_TXN_SAMPLED)
)
SAMPLES_AREA = "samples"
DAY_US = 86_400_000_000
#: an aligned moment that the clock has not quite reached is waited for at least so long
EARLY_US = 1_000
#: an answer of the CSMS that moves the clock forward by less than this skips no aligned moment
CORRECTION_US = 1_000_000


@drain(20)
def plan(st: Station, now: int) -> None:
    """Start the sampling timers of a transaction that has begun, stop those of one that is over."""
    for evse in st.evses:
        tx = evse.tx
        if tx is None:
            if st.data.pop(("sampling", evse.evse_id), None) is not None:
                st.timers.cancel("sample", evse.evse_id)
                st.timers.cancel("collect", evse.evse_id)
        elif st.data.get(("sampling", evse.evse_id)) != tx.key:
            st.data[("sampling", evse.evse_id)] = tx.key
            _arm(st, evse, tx, now)


def _arm(st: Station, evse: Evse, tx: Transaction, now: int) -> None:
    for name, interval_s in (("sample", sample_interval_s(st)), ("collect", collect_interval_s(st))):
        if interval_s > 0:
            interval_us = interval_s * 1_000_000
            past = now - tx.started.mono_us
            st.timers.set(name, tx.started.mono_us + (past // interval_us + 1) * interval_us, evse.evse_id)
        else:
            st.timers.cancel(name, evse.evse_id)


def sample_interval_s(st: Station) -> int:
    """Seconds between samples in a transaction, 0 for none."""
    return int(st.settings[SAMPLE_INTERVAL]) if st.settings[SAMPLED_ENABLED] else 0


def collect_interval_s(st: Station) -> int:
    """Seconds between the sampled values kept for the end message."""
    return int(st.dialect.policy.collect_interval_s(st))


@on_timer("sample")
def sample(st: Station, evse_id: int, now: int) -> object:
    """A periodic sample is due."""
    evse = st.evses[evse_id - 1]
    tx = evse.tx
    interval_s = sample_interval_s(st)
    if tx is None or interval_s <= 0:
        return None
    st.timers.set("sample", now + interval_s * 1_000_000, evse_id)
    reading = readings.take(st, evse, "Sample.Periodic", wanted(st, SAMPLE_MEASURANDS))
    reading = signed_values.sign(st, evse, reading, signed_values.UPDATE)
    if reading is not None:
        publish_sample(st, evse, tx, reading, "MeterValuePeriodic")
    return QUIET


def wanted(st: Station, measurands: Setting) -> tuple[str, ...]:
    """The measurands a setting names; where a version says so, none means the energy register."""
    named: tuple[str, ...] = st.settings[measurands]
    return named or ((ENERGY,) if DEFAULT_MEASURAND in st.dialect.capabilities else ())


def publish_sample(
    st: Station, evse: Evse, tx: Transaction, reading: MeterReading, trigger: str, *, triggered: bool = False
) -> None:
    """State a reading within a transaction."""
    st.publish(
        SampleTaken(
            key=tx.key,
            evse_id=evse.evse_id,
            connector_id=1,
            seq_no=-1,
            trigger=trigger,
            at=reading.at,
            offline=not st.link.is_up,
            charging_state=evse.charging_state if triggered else None,
            tell_evse=triggered,  # who asks for all of them can tell them apart (TC_F_14)
            readings=(reading,),
        ),
        triggered=triggered,
    )


@on_timer("collect")
def collect(st: Station, evse_id: int, now: int) -> None:
    """A sampled value for the end message is due."""
    evse = st.evses[evse_id - 1]
    interval_s = collect_interval_s(st)
    if evse.tx is None or interval_s <= 0:
        return
    st.timers.set("collect", now + interval_s * 1_000_000, evse_id)
    reading = readings.take(st, evse, "Sample.Periodic", st.dialect.policy.end_measurands(st))
    _keep(st, evse.tx, signed_values.sign(st, evse, reading, signed_values.END))


def _keep(st: Station, tx: Transaction, reading: MeterReading | None) -> None:
    if reading is None:
        return
    key = "samples:" + tx.key
    kept: tuple[MeterReading, ...] = st.board.flash.get(SAMPLES_AREA, key) or ()
    if len(kept) >= MAX_COLLECTED:
        kept = kept[::2]
    kept = (*kept, reading)
    size = sum(map(reading_bytes, kept))
    if not st.board.flash.write(SAMPLES_AREA, key, kept, size) and len(kept) > 2:
        half = kept[::2]  # full: thin what is there (E06.FR.13)
        st.board.flash.write(SAMPLES_AREA, key, half, sum(map(reading_bytes, half)))


def collected(st: Station, tx: Transaction) -> tuple[MeterReading, ...]:
    """What was kept for the end message of a transaction."""
    return st.board.flash.get(SAMPLES_AREA, "samples:" + tx.key) or ()


@at("accepted")
def align(st: Station, now: int) -> None:
    """The clock is set: plan the next aligned moment."""
    _arm_aligned(st, now)


@at("clock")
def realign(st: Station, now: int) -> None:
    """The clock was moved: what is planned by it is planned anew; a moment that it was just put past is due now."""
    if st.timers.get("aligned") is None and st.timers.get("aligned_end") is None:
        return  # nothing is planned by the clock; every answer to a heartbeat comes by here
    wall_us = st.board.rtc.wall(now)
    for name, interval_s in _aligned_timers(st):
        if st.timers.get(name) is not None:
            if st.data[name + "_us"] <= wall_us < st.data[name + "_us"] + CORRECTION_US:
                st.timers.set(name, now)
            else:
                _arm_moment(st, name, interval_s, now)


@at("settings")
def replan(st: Station, now: int) -> None:
    """An interval may have changed."""
    if st.changed_settings & _ALIGNED_KEYS:
        _arm_aligned(st, now)
    if st.changed_settings & _SAMPLED_KEYS:
        for evse in st.evses:
            if evse.tx is not None:
                _arm(st, evse, evse.tx, now)


def _arm_aligned(st: Station, now: int) -> None:
    for name, interval_s in _aligned_timers(st):
        _arm_moment(st, name, interval_s, now)


def _aligned_timers(st: Station) -> tuple[tuple[str, int], ...]:
    """Timers of aligned values, and the seconds between their moments, 0 for none."""
    return (
        ("aligned", int(st.settings[ALIGNED_INTERVAL]) if st.settings[ALIGNED_ENABLED] else 0),
        ("aligned_end", st.dialect.policy.aligned_end_interval_s(st) if st.settings[ALIGNED_ENABLED] else 0),
    )


def _arm_moment(st: Station, name: str, interval_s: int, now: int) -> None:
    """The next moment of an interval, counted from midnight of the station's own clock."""
    if interval_s <= 0:
        st.timers.cancel(name)
        return
    wall_us = st.board.rtc.wall(now)
    into_day = wall_us % DAY_US
    interval_us = interval_s * 1_000_000
    left_us = min((into_day // interval_us + 1) * interval_us, DAY_US) - into_day
    st.data[name + "_us"] = wall_us + left_us
    st.timers.set(name, now + left_us)


def _early(st: Station, name: str, now: int) -> bool:
    """Is it not yet time by a clock that runs too slow? Then the timer is set again, or the moment would come twice."""
    left_us = int(st.data[name + "_us"]) - st.board.rtc.wall(now)
    if left_us > 0:
        st.timers.set(name, now + max(left_us, EARLY_US))
    return left_us > 0


def _kept_quiet(st: Station) -> bool:
    """J01.FR.20: a transaction on any EVSE keeps clock-aligned values back."""
    return bool(st.settings[ONLY_IDLE]) and any(evse.tx is not None for evse in st.evses)


@on_timer("aligned")
def aligned(st: Station, index: int, now: int) -> object:
    """A clock-aligned moment: every EVSE, in a transaction or not (1.6 4.7, J01.FR.14, FR.22)."""
    if _early(st, "aligned", now):
        return QUIET
    _arm_moment(st, "aligned", st.settings[ALIGNED_INTERVAL], now)
    if _kept_quiet(st):
        return QUIET
    for evse in st.evses:
        reading = readings.take(st, evse, "Sample.Clock", wanted(st, ALIGNED_MEASURANDS))
        reading = signed_values.sign(st, evse, reading, signed_values.ALIGNED)
        if reading is None:
            continue
        if evse.tx is not None:
            publish_sample(st, evse, evse.tx, reading, "MeterValueClock")
        elif st.gate == "accepted":
            kind = ClockSampled if KEEPS_ALIGNED in st.dialect.capabilities else MeterSampled
            st.publish(kind(evse.evse_id, reading, key_with=signed_values.key_outside(st, reading)))
    return None


@on_timer("aligned_end")
def aligned_for_end(st: Station, index: int, now: int) -> None:
    """A clock-aligned value for the end messages."""
    if _early(st, "aligned_end", now):
        return
    _arm_moment(st, "aligned_end", st.dialect.policy.aligned_end_interval_s(st), now)
    measurands = st.settings[END_ALIGNED_MEASURANDS]
    if not measurands or _kept_quiet(st):
        return
    for evse in st.evses:
        if evse.tx is not None:
            reading = readings.take(st, evse, "Sample.Clock", measurands)
            _keep(st, evse.tx, signed_values.sign(st, evse, reading, signed_values.ALIGNED_END))


def trigger_values(st: Station, evse_id: int | None) -> bool:
    """The CSMS asks for meter values now (F06.FR.06, 1.6 5.17); False when there is nothing to be measured."""
    told = False
    for evse in st.evses:
        if evse_id in (None, 0, evse.evse_id):
            reading = readings.take(st, evse, "Trigger", st.dialect.policy.trigger_measurands(st))
            reading = signed_values.sign(st, evse, reading, signed_values.ALIGNED)
            if reading is not None:
                key = evse.tx.key if evse.tx is not None else None
                key_with = signed_values.key_outside(st, reading)
                st.publish(MeterSampled(evse.evse_id, reading, key, key_with), triggered=True)
                told = True
    return told
