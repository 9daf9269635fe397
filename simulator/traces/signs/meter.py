"""Signs of quirks of what meter values say: registers, when they come, and to which session they are said to belong."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator

from simulator.traces.model import Frame
from simulator.traces.parts import fields
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import Hit, may, shows, sign
from simulator.traces.signs.values import BUSY, ENERGY, Sample, Session, integer, number


def _wh(sample: Sample) -> float | None:
    return None if sample.amount is None else sample.amount * (1000 if sample.unit == "kWh" else 1)


def _register(frame: Frame | None, name: str) -> float | None:
    return None if frame is None else number(fields(frame.payload).get(name))


def _energies(session: Session) -> list[float]:
    """Energy in Wh in MeterValues of a session."""
    found = [s for s in session.samples if s.frame.action == "MeterValues" and s.measurand in (ENERGY, "")]
    return [wh for s in found if s.unit in ("Wh", "kWh", "") and (wh := _wh(s)) is not None]


def _of_session(story: Story, session: Session) -> list[Frame]:
    """MeterValues that came while a session ran."""
    return story.meter_frames(session)


def _names(story: Story, frame: Frame) -> set[str]:
    return {sample.measurand or ENERGY for sample in story.samples_of(frame)}


@sign("meter-clock-aligned-connector-zero")
def aligned_for_zero(story: Story) -> Iterator[Hit]:
    """Aligned energy of connector 0 beside that of another."""
    zero = [s for s in story.measured(ENERGY) if s.connector == 0 and s.context == "Sample.Clock"]
    others = [s for s in story.samples if s.connector and s.frame.action == "MeterValues"]
    if zero and others:
        yield shows(zero[0].frame, "aligned energy of connector 0 beside that of another connector")


@sign("meter-trigger-reports-connector-zero")
def triggered_for_zero(story: Story) -> Iterator[Hit]:
    """Triggered for one connector, told for connector 0."""
    for call in story.asked("TriggerMessage"):
        wanted = fields(call.payload)
        if wanted.get("requestedMessage") != "MeterValues" or not wanted.get("connectorId"):
            continue
        for sample in story.samples:
            if sample.order > story.order(call) and sample.context == "Trigger" and sample.connector == 0:
                yield shows(sample.frame, f"connector 0, and connector {wanted['connectorId']} was asked for")
                break


@sign("meter-energy-session-reset")
def session_reset(story: Story) -> Iterator[Hit]:
    """Each session begins at 0, although the one before ended above it."""
    for earlier, later in zip(story.sessions, story.sessions[1:], strict=False):
        end, begin = _register(earlier.stop, "meterStop"), _register(later.start, "meterStart")
        if later.start is None or earlier.connector != later.connector or begin != 0 or not end:
            continue
        energies = _energies(later)
        if _register(earlier.start, "meterStart") == 0 and (not energies or min(energies) < max(end, 1)):
            yield shows(later.start, f"meterStart is 0, and the session before ended at {end:g}")


@sign("meter-energy-partial-or-total-switch")
def partial_or_total(story: Story) -> Iterator[Hit]:
    """Start and stop count in another way than the samples between them."""
    for session in story.sessions:
        begin, end, energies = _register(session.start, "meterStart"), _register(session.stop, "meterStop"), []
        energies = _energies(session)
        if session.start is None or begin is None or not energies:
            continue
        if begin > 100_000 and max(energies) < begin / 2:
            yield shows(
                session.start, f"meterStart is {begin:g} Wh, the samples of the session end at {max(energies):g}"
            )
        elif begin == 0 and end is not None and min(energies) > 2 * max(end, 1):
            yield shows(session.start, f"meterStop is {end:g} Wh, the samples before it begin at {min(energies):g}")


@sign("meter-reset-policy-varies")
def reset_at_boot(story: Story) -> Iterator[Hit]:
    """A register that falls to nearly nothing over a boot."""
    rows = [(s.order, _wh(s)) for s in story.measured(ENERGY)] if len(story.boots) > 1 else []
    rows += [(s.end, _register(s.stop, "meterStop")) for s in story.sessions if s.end is not None]
    rows += [(s.begin, _register(s.start, "meterStart")) for s in story.sessions if s.start is not None]
    rows.sort(key=lambda row: row[0])
    orders = [order for order, _ in rows]
    for boot in story.boots[1:]:
        place = story.order(boot)
        here = bisect_left(orders, place)
        if not 0 < here < len(rows):
            continue
        before, after = rows[here - 1][1], rows[here][1]
        if before and after is not None and after < before / 2:
            yield shows(boot, f"the register was {before:g} Wh before this boot and is {after:g} after it")


@sign("config-cumulative-usage-switch")
def cumulative_usage(story: Story) -> Iterator[Hit]:
    """Energy of the session, and the key that makes it that of the meter."""
    for call, _, status in story.written("ReportCumulativeUsage"):
        if status == "Accepted":
            yield shows(call, "ReportCumulativeUsage was written")
    known = story.setting("ReportCumulativeUsage")
    if known:
        yield shows(known[0], f"ReportCumulativeUsage is {known[1]!r}")


@sign("meter-energy-dropouts")
def dropouts(story: Story) -> Iterator[Hit]:
    """Some samples of a session have energy, some have everything but that."""
    for session in story.sessions:
        rows = [(frame, _names(story, frame)) for frame in _of_session(story, session)]
        whole = [names for _, names in rows if ENERGY in names]
        for frame, names in rows:
            if whole and ENERGY not in names and names and names == max(whole, key=len) - {ENERGY}:
                yield shows(frame, "no energy, which the other samples of this session have")


@sign("meter-offered-unreliable")
def only_offered(story: Story) -> Iterator[Hit]:
    """Some samples of a session have nothing but what is offered."""
    for session in story.sessions:
        rows = [(frame, _names(story, frame)) for frame in _of_session(story, session)]
        whole = any(len(names) > 1 for _, names in rows)
        for frame, names in rows:
            if whole and names and names <= {"Current.Offered", "Power.Offered", "SoC"}:
                yield shows(frame, f"nothing but {', '.join(sorted(names))}, others of this session have more")


@sign("meter-only-at-end")
def energy_at_end_only(story: Story) -> Iterator[Hit]:
    """Samples of a session without energy, and a meterStop that is higher than meterStart."""
    for session in story.sessions:
        begin, end = _register(session.start, "meterStart"), _register(session.stop, "meterStop")
        rows = [_names(story, frame) for frame in _of_session(story, session)]
        unasked = any(
            v and ENERGY not in v for _, v, done in story.written("MeterValuesSampledData") if done == "Accepted"
        )
        if (
            session.stop is not None
            and begin is not None
            and end is not None
            and end > begin
            and rows
            and not unasked
            and not any(ENERGY in names for names in rows)
        ):
            data = [s for s in story.samples_of(session.stop) if s.measurand in (ENERGY, "")]
            yield (shows if data else may)(session.stop, f"{len(rows)} samples of this session without energy")


@sign("meter-first-sample-transaction-begin")
def first_says_begin(story: Story) -> Iterator[Hit]:
    """Transaction.Begin on a sample that comes well after the begin."""
    for session in story.sessions:
        if session.start is None:
            continue
        later = [s for s in session.samples if s.frame.action == "MeterValues"]
        begins = [s for s in later if s.context == "Transaction.Begin"]
        begin = _register(session.start, "meterStart")
        for sample in begins[:1]:
            gap = story.gap_s(session.start, sample.frame)
            mixed = any(s.frame is sample.frame and s.context != sample.context for s in later)
            if mixed or gap is None or gap < 5:
                continue
            wh = _wh(sample) if sample.measurand in (ENERGY, "") else None
            grown = wh is not None and begin is not None and wh > begin
            yield (shows if grown else may)(sample.frame, f"Transaction.Begin {gap:.0f} s after the start")


@sign("meter-only-sample-clock")
def only_aligned(story: Story) -> Iterator[Hit]:
    """Sample.Clock in sessions, at times that are not aligned to anything."""
    rows = [s for session in story.sessions for s in session.samples if s.frame.action == "MeterValues"]
    if rows and all(sample.context == "Sample.Clock" for sample in rows):
        odd = [s for s in rows if s.at is not None and (s.at // 1_000_000) % 30 > 2]
        if odd and len(odd) * 2 > len(rows):
            yield shows(odd[0].frame, "every sample of a session is Sample.Clock, at times that are not aligned")


@sign("meter-no-transaction-begin")
def no_begin(story: Story) -> Iterator[Hit]:
    """transactionData without a value of the begin."""
    for session in story.sessions:
        data = [s.context for s in story.samples_of(session.stop)] if session.stop is not None else []
        if (
            session.stop is not None
            and session.start is not None
            and "Transaction.End" in data
            and "Transaction.Begin" not in data
        ):
            yield shows(session.stop, "transactionData has Transaction.End, and no Transaction.Begin")


@sign("meter-interval-minimum")
def interval_minimum(story: Story) -> Iterator[Hit]:
    """A short interval is accepted, samples come less often."""
    written = [(c, v) for c, v, status in story.written("MeterValueSampleInterval") if status == "Accepted"]
    for call, value in written:
        wanted = number(value)
        frames = [f for s in story.sessions for f in _of_session(story, s) if story.order(f) > story.order(call)]
        gaps = [gap for a, b in itertools.pairwise(frames) if (gap := story.gap_s(a, b)) is not None]
        if wanted and gaps and wanted < 30 and min(gaps) >= 29:
            yield shows(call, f"every {wanted:g} s was accepted, samples come every {min(gaps):.0f} s")


@sign("config-accepted-without-effect")
def settings_without_effect(story: Story) -> Iterator[Hit]:
    """Measurands and interval are accepted, and no sample ever comes."""
    keys = ("MeterValueSampleInterval", "MeterValuesSampledData")
    written = [(c, key) for key in keys for c, _, status in story.written(key) if status == "Accepted"]
    for session in story.sessions:
        before = [call for call, _ in written if story.order(call) < session.begin]
        last = session.stop or story.frames[-1]
        gap = story.gap_s(session.start, last) if session.start is not None else None
        if before and not story.told("MeterValues") and gap is not None and gap >= 100:
            yield may(before[0], f"accepted, and a session of {gap:.0f} s has no MeterValues")


@sign("measurands-accept-all-report-some")
def report_some(story: Story) -> Iterator[Hit]:
    """Measurands that were accepted and never come."""
    for call, value, status in story.written("MeterValuesSampledData"):
        frames = [f for s in story.sessions for f in _of_session(story, s) if story.order(f) > story.order(call)]
        wanted = {name.strip() for name in value.split(",")}
        told = {name for frame in frames for name in _names(story, frame)}
        if status == "Accepted" and frames and told and wanted - told:
            rare = sorted(wanted - told - {"Power.Active.Import"})
            if rare:
                yield may(call, f"accepted, and never told: {', '.join(rare)}")


@sign("meter-no-phase-power")
def no_power(story: Story) -> Iterator[Hit]:
    """Power is asked for and never told."""
    known = story.setting("MeterValuesSampledData")
    asked = [(c, v) for c, v, status in story.written("MeterValuesSampledData") if status == "Accepted"]
    rows = [(known[0], known[1])] if known else []
    currents = [s for s in story.measured("Current.Import") if s.amount and s.amount > 1]
    for frame, value in [*rows, *asked]:
        if "Power.Active.Import" in value and not story.measured("Power.Active.Import") and len(currents) > 1:
            yield shows(frame, "Power.Active.Import is asked for and never told")


@sign("meter-no-power-when-idle")
def idle_only_energy(story: Story) -> Iterator[Hit]:
    """Outside of sessions nothing but energy."""
    idle: list[tuple[Frame, set[str]]] = []
    busy: list[set[str]] = []
    for frame in story.told("MeterValues"):
        connector = integer(fields(frame.payload).get("connectorId"))
        names = _names(story, frame)
        if story.running(story.order(frame), connector) is not None:
            busy.append(names)
        elif connector:
            idle.append((frame, names))
    if idle and busy and all(names == {ENERGY} for _, names in idle) and any("Power.Active.Import" in n for n in busy):
        # values that are aligned to the clock may have another list of measurands than those of sessions
        aligned = all(_contexts(story, frame) == {"Sample.Clock"} for frame, _ in idle)
        why = "outside of sessions nothing but energy, in sessions power, too"
        yield (may if aligned else shows)(idle[0][0], why)


@sign("meter-offered-contradicts-profile")
def offered_contradicts(story: Story) -> Iterator[Hit]:
    """More is offered than an accepted profile allows."""
    offered = story.measured("Current.Offered")
    for profile in story.profiles:
        if profile.outcome != "Accepted" or profile.unit != "A" or not profile.limits:
            continue
        for sample in offered:
            gap = story.gap_s(profile.call, sample.frame)
            if (
                sample.order > profile.order
                and sample.amount is not None
                and (gap is None or 10 <= gap <= 600)
                and sample.amount > max(profile.limits) + 1
                and not story.asked("ClearChargingProfile")
            ):
                yield shows(sample.frame, f"{sample.value} A offered, {max(profile.limits):g} A allowed")
                break


@sign("meter-stops-while-suspended")
def silent_while_suspended(story: Story) -> Iterator[Hit]:
    """No sample while suspended, for longer than between others."""
    for session in story.sessions:
        frames = _of_session(story, session)
        gaps = [gap for a, b in itertools.pairwise(frames) if (gap := story.gap_s(a, b)) is not None]
        usual = min(gaps, default=60.0)
        rows = [s for s in story.statuses_of(session.connector) if session.begin < s.order]
        for row, after in zip(rows, [*rows[1:], None], strict=False):
            if row.status != "SuspendedEV" and row.status != "SuspendedEVSE":
                continue
            end = after.frame if after is not None else (session.stop or story.frames[-1])
            length = story.gap_s(row.frame, end)
            inside = [f for f in frames if row.order < story.order(f) < story.order(end)]
            if length is not None and length > 2 * usual and not inside:
                yield shows(row.frame, f"no samples in the {length:.0f} s of {row.status}")


def _stray(story: Story) -> Iterator[tuple[Frame, object, Session | None]]:
    """MeterValues that name a transaction which does not run: the frame, the id, and the last session over by then."""
    for frame in story.told("MeterValues"):
        named = fields(frame.payload).get("transactionId")
        place, connector = story.order(frame), integer(fields(frame.payload).get("connectorId"))
        if named is None:
            continue
        session = story.running(place, connector)
        if session is None:
            over = [
                s for s in story.sessions if s.end is not None and s.end < place and s.connector in (connector, None)
            ]
            yield frame, named, over[-1] if over else None
        elif session.id is not None and session.id != named:
            yield frame, named, None


def _contexts(story: Story, frame: Frame) -> set[str]:
    return {sample.context for sample in story.samples_of(frame)}


@sign("meter-transaction-id-sticks")
def id_sticks(story: Story) -> Iterator[Hit]:
    """Values between sessions bear the id of the one that is over."""
    for frame, named, over in _stray(story):
        if (
            over is not None
            and named == over.id
            and over.stop is not None
            and named not in (0, -1)
            and not _contexts(story, frame) & {"Transaction.End"}
        ):
            yield shows(frame, f"transaction {named} was over in line {over.stop.line}")


@sign("meter-values-after-stop")
def values_after_stop(story: Story) -> Iterator[Hit]:
    """The closing reading behind the stop of its session."""
    for frame, named, over in _stray(story):
        if (
            over is not None
            and named == over.id
            and over.stop is not None
            and "Transaction.End" in _contexts(story, frame)
            and not _begin_told(story, named)
        ):
            yield shows(frame, f"Transaction.End behind the StopTransaction of line {over.stop.line}")


@sign("meter-end-out-of-order")
def end_out_of_order(story: Story) -> Iterator[Hit]:
    """Begin and end as MeterValues of their own, the end behind the stop."""
    for frame, named, over in _stray(story):
        if (
            over is not None
            and named == over.id
            and over.stop is not None
            and "Transaction.End" in _contexts(story, frame)
            and _begin_told(story, named)
        ):
            yield shows(frame, f"Transaction.End behind the StopTransaction of line {over.stop.line}")


def _begin_told(story: Story, named: object) -> bool:
    return any(s.context == "Transaction.Begin" and s.transaction == named for s in story.samples)


@sign("meter-transaction-id-zero")
def id_zero(story: Story) -> Iterator[Hit]:
    """The id 0 outside of sessions."""
    for frame, named, _ in _stray(story):
        if named == 0 and not isinstance(named, bool) and 0 not in story.given_ids:
            yield shows(frame, "transaction 0 outside of a session")


@sign("meter-foreign-transaction-id")
def foreign_id(story: Story) -> Iterator[Hit]:
    """An id nobody gave, outside of sessions."""
    for frame, named, _ in _stray(story):
        connector = integer(fields(frame.payload).get("connectorId"))
        strange = named not in story.given_ids and named not in (0, -1, 2**63 - 1)
        if strange and story.running(story.order(frame), connector) is None and story.sessions:
            now = story.known_us(frame)
            old = [s.at for s in story.samples_of(frame) if s.at is not None]
            late = bool(old) and now is not None and now - old[0] > 3_600_000_000
            begun = any(s.begin < story.order(frame) for s in story.sessions)
            if begun:
                yield (shows if late else may)(frame, f"transaction {named} was given by nobody in this log")


@sign("power-shared-across-satellites")
def shared_power(story: Story) -> Iterator[Hit]:
    """What is offered goes up and down, and no profile says so."""
    for session in story.sessions:
        offered = [s.amount for s in session.samples if s.measurand in ("Current.Offered", "Power.Offered")]
        if not story.profiles and len({round(a) for a in offered if a}) >= 3:
            yield may(session.samples[0].frame, "what is offered changes without a charging profile")


@sign("free-charging-no-transaction")
def free_charging(story: Story) -> Iterator[Hit]:
    """Charging is told, a session never."""
    for connector in story.connectors:
        rows = story.statuses_of(connector)
        for place, row in enumerate(rows):
            if row.status not in BUSY:
                continue
            ends = next((r for r in rows[place:] if r.status == "Available"), None)
            told = list(story.told("StartTransaction", "StopTransaction", "TransactionEvent"))
            if ends is not None and not told:
                yield shows(row.frame, f"{row.status} without a transaction, until line {ends.frame.line}")
                break


@sign("smart-unsupported-cloud-mode")
def cloud_mode(story: Story) -> Iterator[Hit]:
    """Power reads 0 while energy grows, and profiles are rejected."""
    for session in story.sessions:
        powers = [s for s in session.samples if s.measurand == "Power.Active.Import"]
        energies = _energies(session)
        grown = len(energies) > 1 and energies[-1] > energies[0]
        flat = bool(powers) and all(s.amount == 0 for s in powers)
        rejected = [p for p in story.profiles if p.outcome == "Rejected"]
        if grown and flat:
            yield (shows if rejected else may)(powers[0].frame, "the power is 0, although the register rises")
