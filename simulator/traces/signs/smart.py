"""Signs of quirks of charging profiles: what is refused, and what an accepted limit does."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.traces.model import ERROR
from simulator.traces.parts import fields, items, text
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import Hit, may, shows, sign
from simulator.traces.signs.values import Profile, Session, integer

SETTLED_S = 10.0
"""A limit has had its effect after so long."""
MOST_PERIODS = 16
SMALL_W = 1500.0


def _running(story: Story, profile: Profile) -> list[Session]:
    """Sessions that ran when a profile came."""
    place = profile.order
    return [s for s in story.sessions if s.begin < place and not (s.end is not None and s.end < place)]


def _rejected(story: Story) -> Iterator[Profile]:
    """Profiles that were rejected although nothing in them asks for it."""
    for profile in story.profiles:
        needs_session = profile.purpose == "TxProfile" and not _running(story, profile)
        misplaced = profile.purpose == "ChargePointMaxProfile" and profile.connector not in (0, None)
        if profile.outcome == "Rejected" and not needs_session and not misplaced:
            yield profile


def _accepted(story: Story) -> list[Profile]:
    return [profile for profile in story.profiles if profile.outcome == "Accepted"]


def _single(story: Story, name: str, pick: object) -> Iterator[tuple[Profile, bool]]:
    """Rejected profiles whose attribute has this value, and whether some with another value were accepted."""
    others = {getattr(profile, name) for profile in _accepted(story)}
    for profile in _rejected(story):
        if getattr(profile, name) == pick and pick not in others:
            yield profile, bool(others)


@sign("smart-chargepointmax-rejected")
def station_rejected(story: Story) -> Iterator[Hit]:
    """ChargePointMaxProfile is rejected."""
    for profile, others in _single(story, "purpose", "ChargePointMaxProfile"):
        yield (shows if others else may)(profile.call, "ChargePointMaxProfile is rejected")


@sign("smart-txdefault-rejected")
def default_rejected(story: Story) -> Iterator[Hit]:
    """TxDefaultProfile is rejected."""
    for profile, others in _single(story, "purpose", "TxDefaultProfile"):
        yield (shows if others else may)(profile.call, "TxDefaultProfile is rejected")


@sign("smart-txprofile-unsupported")
def tx_rejected(story: Story) -> Iterator[Hit]:
    """TxProfile is rejected although a transaction runs."""
    for profile, others in _single(story, "purpose", "TxProfile"):
        yield (shows if others else may)(profile.call, "TxProfile is rejected although a transaction runs")


@sign("smart-absolute-rejected-needs-relative")
def absolute_rejected(story: Story) -> Iterator[Hit]:
    """A default profile of kind Absolute is rejected."""
    for profile in _rejected(story):
        if profile.purpose == "TxDefaultProfile" and profile.kind == "Absolute":
            relative = any(p.kind == "Relative" for p in _accepted(story))
            yield (shows if relative else may)(profile.call, "a TxDefaultProfile of kind Absolute is rejected")


@sign("smart-relative-unsupported")
def relative_rejected(story: Story) -> Iterator[Hit]:
    """A profile of kind Relative is rejected."""
    for profile, others in _single(story, "kind", "Relative"):
        yield (shows if others else may)(profile.call, "a profile of kind Relative is rejected")


@sign("smart-stack-level-zero-only")
def stack_level(story: Story) -> Iterator[Hit]:
    """A stack level above 0 is rejected."""
    known = story.setting("ChargeProfileMaxStackLevel")
    most = int(known[1]) if known and known[1].isdecimal() and len(known[1]) < 6 else None
    for profile in _rejected(story):
        if profile.stack_level > 0 and (most is None or profile.stack_level <= most):
            zero = any(p.stack_level == 0 and p.purpose == profile.purpose for p in _accepted(story))
            yield (shows if zero else may)(profile.call, f"stack level {profile.stack_level} is rejected")


@sign("smart-watts-rejected")
def watts_rejected(story: Story) -> Iterator[Hit]:
    """A limit in W is rejected, one in A is not."""
    for profile, others in _single(story, "unit", "W"):
        yield (shows if others else may)(profile.call, "a limit in W is rejected")


@sign("smart-watts-only")
def watts_only(story: Story) -> Iterator[Hit]:
    """A limit in A is rejected, one in W is not."""
    for profile, others in _single(story, "unit", "A"):
        if others:
            yield shows(profile.call, "a limit in A is rejected, one in W accepted")


@sign("smart-max-periods")
def most_periods(story: Story) -> Iterator[Hit]:
    """More than 16 periods, or a connector above 2, are rejected."""
    for profile in _rejected(story):
        if len(profile.periods) > MOST_PERIODS:
            yield shows(profile.call, f"{len(profile.periods)} periods are rejected")
        elif (profile.connector or 0) > 2:
            yield may(profile.call, f"a profile for connector {profile.connector} is rejected")


@sign("smart-rejected-without-transaction")
def rejected_idle(story: Story) -> Iterator[Hit]:
    """Rejected while nothing charges, accepted in a session."""
    inside = [profile for profile in _accepted(story) if _running(story, profile)]
    for profile in _rejected(story):
        if not _running(story, profile) and (inside or not _accepted(story)):
            same = any(p.purpose == profile.purpose for p in inside)
            yield (shows if same else may)(profile.call, "rejected while no transaction runs")


def _all_rejected(story: Story) -> Iterator[Profile]:
    if not _accepted(story):
        yield from _rejected(story)


@sign("smart-needs-beta-firmware")
def every_rejected(story: Story) -> Iterator[Hit]:
    """Every profile is rejected."""
    for profile in _all_rejected(story):
        yield may(profile.call, "every profile is rejected")


@sign("smart-limit-ignored-when-local-ems")
def rejected_from_then_on(story: Story) -> Iterator[Hit]:
    """Accepted at first, rejected later, the same otherwise."""
    for profile in _rejected(story):
        before = [p for p in _accepted(story) if p.order < profile.order]
        after = [p for p in _accepted(story) if p.order > profile.order]
        if not after and any(_alike(p, profile) for p in before):
            yield may(profile.call, "rejected, and one like it was accepted before")


@sign("smart-flash-wear-rate-limit")
def worn_out(story: Story) -> Iterator[Hit]:
    """The same after many writes."""
    for profile in _rejected(story):
        before = [p for p in _accepted(story) if p.order < profile.order and _alike(p, profile)]
        if len(before) >= 2 and not any(p.order > profile.order for p in _accepted(story)):
            yield may(profile.call, f"rejected, and {len(before)} like it were accepted before")


def _alike(one: Profile, two: Profile) -> bool:
    same = (one.purpose, one.kind, one.unit, one.stack_level, one.connector)
    return same == (two.purpose, two.kind, two.unit, two.stack_level, two.connector)


@sign("smart-not-supported-callerror")
def refused_by_error(story: Story) -> Iterator[Hit]:
    """NotSupported as an error."""
    for profile in story.profiles:
        answer = story.answer(profile.call)
        if answer is not None and answer.kind == ERROR and answer.code in ("NotSupported", "NotImplemented"):
            yield shows(profile.call, f"SetChargingProfile: CALLERROR {answer.code}")


@sign("smart-not-supported-result")
def refused_by_result(story: Story) -> Iterator[Hit]:
    """NotSupported as a status."""
    for profile in story.profiles:
        answer = story.answer(profile.call)
        if answer is not None and answer.kind != ERROR and profile.outcome == "NotSupported":
            yield shows(profile.call, "SetChargingProfile: status NotSupported")


@sign("smart-composite-garbage-period")
def garbage_period(story: Story) -> Iterator[Hit]:
    """A period that begins years after the schedule."""
    for call in story.asked("GetCompositeSchedule"):
        answer = story.answer(call)
        if answer is None or answer.kind == ERROR:
            continue
        schedule = fields(fields(answer.payload).get("chargingSchedule")) or fields(
            fields(answer.payload).get("schedule")
        )
        for period in items(schedule.get("chargingSchedulePeriod")):
            begin = integer(fields(period).get("startPeriod"))
            if begin is not None and begin > 5 * 365 * 86_400:
                yield shows(answer, f"a period begins after {begin} s")


def _zero_limits(story: Story) -> Iterator[tuple[Profile, Session]]:
    """Accepted limits of 0 in a session."""
    for profile in _accepted(story):
        if profile.limits and max(profile.limits) == 0:
            for session in _running(story, profile):
                yield profile, session


@sign("smart-zero-limit-ends-transaction")
def zero_ends(story: Story) -> Iterator[Hit]:
    """A limit of 0, and the session ends with Other."""
    for profile, session in _zero_limits(story):
        gap = story.gap_s(profile.call, session.stop) if session.stop is not None else None
        if (
            session.stop is not None
            and text(fields(session.stop.payload).get("reason")) == "Other"
            and (gap is None or gap <= 60)
        ):
            yield shows(session.stop, f"reason Other after the limit of 0 in line {profile.call.line}")


@sign("smart-zero-limit-persists")
def zero_persists(story: Story) -> Iterator[Hit]:
    """Sessions after that end at once, with Other."""
    for profile, session in _zero_limits(story):
        for later in story.sessions:
            if later.start is None or later.stop is None or later.begin <= session.begin:
                continue
            gap = story.gap_s(later.start, later.stop)
            if text(fields(later.stop.payload).get("reason")) == "Other" and gap is not None and gap <= 10:
                yield shows(later.stop, f"ended after {gap:.0f} s; line {profile.call.line} had a limit of 0")


@sign("smart-zero-limit-faults-on-unplug")
def zero_faults(story: Story) -> Iterator[Hit]:
    """A fault at the end of a session that had a limit of 0."""
    for profile, session in _zero_limits(story):
        for status in story.statuses_of(session.connector):
            if status.order > profile.order and status.status == "Faulted":
                yield may(status.frame, f"Faulted after the limit of 0 in line {profile.call.line}")


@sign("smart-zero-gives-suspendedevse")
def zero_suspends_at_once(story: Story) -> Iterator[Hit]:
    """SuspendedEVSE within half a second."""
    for profile, session in _zero_limits(story):
        for status in story.statuses_of(session.connector):
            gap = story.gap_s(profile.call, status.frame)
            if status.order > profile.order and status.status == "SuspendedEVSE" and gap is not None:
                if 0.05 <= gap <= 0.5:
                    yield may(status.frame, f"{gap:.2f} s after a limit of 0")
                break


def _currents(story: Story, profile: Profile, session: Session) -> list[tuple[float, float]]:
    """(seconds after the limit, ampere on a phase) of samples under a limit, until the next one."""
    later = [p.order for p in story.profiles if p.order > profile.order]
    later += [story.order(call) for call in story.asked("ClearChargingProfile") if story.order(call) > profile.order]
    until = min(later, default=len(story.frames))
    breaks = [m.line for m in story.marks if m.what == "opened"] + [boot.line for boot in story.boots]
    # what a new connection or a boot does to a limit is another matter
    end = min((line for line in breaks if line > profile.call.line), default=None)
    found = []
    for sample in session.samples:
        gap = story.gap_s(profile.call, sample.frame)
        named = sample.measurand == "Current.Import" and sample.frame.action == "MeterValues"
        if end is not None and sample.frame.line > end:
            break
        if (
            named
            and profile.order < sample.order < until
            and sample.amount is not None
            and gap is not None
            and gap > SETTLED_S
        ):
            found.append((gap, sample.amount))
    return found


def _over(story: Story) -> Iterator[tuple[Profile, float, float]]:
    """Accepted limits in A and the larger current that flowed under them."""
    for profile in _accepted(story):
        if profile.unit != "A" or not profile.limits:
            continue
        for session in _running(story, profile):
            currents = [amps for _, amps in _currents(story, profile, session)]
            if currents and max(currents) > max(profile.limits) + 1:
                yield profile, max(profile.limits), max(currents)


@sign("smart-accepted-no-effect")
def no_effect(story: Story) -> Iterator[Hit]:
    """More flows than was accepted."""
    for profile, limit, amps in _over(story):
        if profile.purpose != "ChargePointMaxProfile":
            yield may(profile.call, f"{limit:g} A was accepted, {amps:g} A flows")


@sign("smart-chargepointmax-accepted-ignored")
def station_limit_ignored(story: Story) -> Iterator[Hit]:
    """The same for a profile of the whole station."""
    for profile, limit, amps in _over(story):
        if profile.purpose == "ChargePointMaxProfile":
            yield shows(profile.call, f"{limit:g} A was accepted for the station, {amps:g} A flows")


@sign("smart-limit-clamped-to-minimum")
def clamped(story: Story) -> Iterator[Hit]:
    """6 A under a limit below it."""
    for profile, limit, amps in _over(story):
        if limit < 6 and 5 <= amps <= 6.6:
            yield may(profile.call, f"{limit:g} A was accepted, the car gets {amps:g} A")


@sign("smart-discrete-current-steps")
def steps(story: Story) -> Iterator[Hit]:
    """6, 8, 10, 13 or 16 A under limits in between."""
    for profile in _accepted(story):
        limit = profile.limits[0] if len(profile.limits) == 1 and profile.unit == "A" else None
        below = [step for step in (6, 8, 10, 13, 16) if limit is not None and step <= limit]
        for session in _running(story, profile) if below and limit not in below else ():
            currents = [amps for _, amps in _currents(story, profile, session) if amps > 1]
            if (
                limit is not None
                and currents
                and all(abs(amps - below[-1]) < 0.3 for amps in currents)
                and limit - below[-1] > 0.7
            ):
                yield may(profile.call, f"{limit:g} A was accepted, the car gets {below[-1]} A")


@sign("smart-zero-needs-remotestop")
def zero_ignored(story: Story) -> Iterator[Hit]:
    """6 A under a limit of 0."""
    for profile, session in _zero_limits(story):
        currents = [amps for _, amps in _currents(story, profile, session)]
        if currents and all(5 <= amps <= 6.6 for amps in currents):
            yield may(profile.call, f"0 was accepted, {currents[0]:g} A flows")


@sign("smart-below-threshold-is-zero")
def small_is_zero(story: Story) -> Iterator[Hit]:
    """SuspendedEVSE under a limit that is small, and not 0."""
    for profile in _accepted(story):
        if profile.unit != "W" or not profile.limits or not 0 < profile.limits[0] <= SMALL_W:
            continue
        for session in _running(story, profile):
            later = [s for s in story.statuses_of(session.connector) if s.order > profile.order]
            gap = story.gap_s(profile.call, later[0].frame) if later else None
            if later and later[0].status == "SuspendedEVSE" and (gap is None or gap <= SETTLED_S):
                yield may(later[0].frame, f"SuspendedEVSE under a limit of {profile.limits[0]:g} W")


@sign("smart-zero-limit-breaks-resume")
def no_resume(story: Story) -> Iterator[Hit]:
    """A limit of 0, then a higher one, and the session stays suspended."""
    for zero, session in _zero_limits(story):
        higher = [p for p in _accepted(story) if p.order > zero.order and p.limits and min(p.limits) >= 6]
        for profile in higher[:1]:
            until = session.end if session.end is not None else len(story.frames)
            rows = [s for s in story.statuses_of(session.connector) if session.begin < s.order < until]
            before = [s.status for s in rows if s.order < profile.order]
            after = [s for s in rows if s.order > profile.order]
            last = session.stop if session.stop is not None else story.frames[-1]
            gap = story.gap_s(profile.call, last)
            if before[-1:] == ["SuspendedEVSE"] and not after and gap is not None and gap >= SETTLED_S:
                yield may(profile.call, f"{min(profile.limits):g} was accepted, and the session stays suspended")


def _lost(story: Story, lines: list[int]) -> Iterator[tuple[Profile, float]]:
    """Accepted limits in A that do not hold any more behind one of these lines."""
    currents = [s for s in story.measured("Current.Import") if s.amount is not None]
    for profile in _accepted(story):
        if profile.unit != "A" or not profile.limits or max(profile.limits) <= 0:
            continue
        line = min((line for line in lines if line > profile.call.line), default=None)
        others = [p for p in story.profiles if p is not profile] or story.asked("ClearChargingProfile")
        before = [s.amount or 0.0 for s in currents if line and profile.call.line < s.frame.line < line]
        after = [s.amount or 0.0 for s in currents if line and s.frame.line > line]
        most = max(profile.limits) + 1
        if not others and after and max(after) > most and (not before or before[-1] <= most):
            yield profile, max(after)


@sign("smart-profile-lost-on-reconnect")
def lost_with_the_link(story: Story) -> Iterator[Hit]:
    """A limit that holds no more on the next connection."""
    booted = {boot.line for boot in story.boots}
    opened = [m.line for m in story.marks if m.what == "opened" and not booted & {m.line + 1, m.line + 2}]
    for profile, amps in _lost(story, opened):
        if len(story.boots) <= 1:
            yield shows(profile.call, f"{amps:g} A flows on the next connection")


@sign("smart-limit-lost-on-reboot")
def lost_with_the_boot(story: Story) -> Iterator[Hit]:
    """A limit that holds no more after the next boot."""
    for profile, amps in _lost(story, [boot.line for boot in story.boots]):
        if profile.purpose != "TxProfile":
            yield shows(profile.call, f"{amps:g} A flows after the next boot")


@sign("smart-composite-rejected")
def composite_rejected(story: Story) -> Iterator[Hit]:
    """No composite schedule, although there are profiles."""
    for call in story.asked("GetCompositeSchedule"):
        before = [p for p in _accepted(story) if p.order < story.order(call)]
        if before and story.status_of_answer(call) == "Rejected":
            yield shows(call, f"rejected, although a profile was accepted in line {before[-1].call.line}")


@sign("smart-composite-no-unit")
def composite_without_unit(story: Story) -> Iterator[Hit]:
    """A schedule without its unit, or with a limit of -1."""
    for call in story.asked("GetCompositeSchedule"):
        answer = story.answer(call)
        schedule = fields(fields(answer.payload).get("chargingSchedule")) if answer is not None else {}
        if answer is not None and schedule and "chargingRateUnit" not in schedule:
            yield shows(answer, "the schedule has no chargingRateUnit")
