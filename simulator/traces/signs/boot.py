"""Signs of quirks of the boot: what BootNotification says, and when it comes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from simulator.traces.model import CALL, TO_STATION, Frame
from simulator.traces.parts import fields, text
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import Hit, may, shows, sign

DELAY_S = 3.0
"""A BootNotification that comes later after its connection was held back."""
LOOP = 3
"""So many BootNotifications in a row, although they are accepted, are a loop."""


def _reported(story: Story, name: str, pattern: str) -> Iterator[tuple[Frame, str]]:
    value = story.reported(name)
    if story.boots and re.search(pattern, value):
        yield story.boots[0], value


@sign("boot-composite-firmware-string")
def composite_firmware(story: Story) -> Iterator[Hit]:
    """A part number, two colons and a version."""
    for frame, value in _reported(story, "firmwareVersion", r"^\w+::V?\d"):
        yield shows(frame, f"firmwareVersion is {value!r}")


@sign("boot-composite-model-string")
def composite_model(story: Story) -> Iterator[Hit]:
    """Two colons in the model."""
    for frame, value in _reported(story, "chargePointModel", r"\w::\w"):
        yield shows(frame, f"chargePointModel is {value!r}")


@sign("boot-empty-optional-fields")
def empty_fields(story: Story) -> Iterator[Hit]:
    """Numbers of SIM card or meter that are empty."""
    for boot in story.boots[:1]:
        empty = [name for name in ("iccid", "imsi", "meterSerialNumber") if story.identity.get(name) == ""]
        if empty:
            yield shows(boot, f"{', '.join(empty)} empty")


@sign("boot-empty-vendor")
def empty_vendor(story: Story) -> Iterator[Hit]:
    """A vendor that is there, and empty."""
    for boot in story.boots[:1]:
        if story.identity.get("chargePointVendor") == "":
            yield shows(boot, "chargePointVendor is empty")


@sign("boot-firmware-dash-build")
def dash_build(story: Story) -> Iterator[Hit]:
    """Two numbers, a dash, a build number."""
    for frame, value in _reported(story, "firmwareVersion", r"^\d+\.\d+-\d{3,}$"):
        yield shows(frame, f"firmwareVersion is {value!r}")


@sign("boot-firmware-freeform")
def freeform_firmware(story: Story) -> Iterator[Hit]:
    """Commas and at signs in the firmware."""
    for frame, value in _reported(story, "firmwareVersion", r"[@,].*[@,+].*[@,]"):
        yield shows(frame, f"firmwareVersion is {value!r}")


@sign("boot-meter-noncompliant")
def noncompliant_meter(story: Story) -> Iterator[Hit]:
    """A remark on metering law for a meter type."""
    for frame, value in _reported(story, "meterType", r"(?i)non.?compliant"):
        yield shows(frame, f"meterType is {value!r}")


@sign("boot-numeric-model")
def numeric_model(story: Story) -> Iterator[Hit]:
    """Digits and nothing else."""
    for frame, value in _reported(story, "chargePointModel", r"^\d+$"):
        yield shows(frame, f"chargePointModel is {value!r}")


@sign("boot-serial-duplicated")
def duplicated_serial(story: Story) -> Iterator[Hit]:
    """One serial in both fields, and a version for a meter type."""
    serial = story.reported("chargeBoxSerialNumber")
    if serial and serial == story.reported("chargePointSerialNumber"):
        if re.fullmatch(r"V\d+", story.reported("meterType")):
            yield shows(story.boots[0], f"both serials are {serial!r}, meterType is {story.reported('meterType')!r}")
        else:
            yield may(story.boots[0], f"both serials are {serial!r}")


@sign("boot-identity-configurable")
def configurable_identity(story: Story) -> Iterator[Hit]:
    """Vendor or model as a key that was written, or can be."""
    for name in ("ChargePointVendor", "ChargePointModel"):
        for call, _, status in story.written(name):
            if status in ("Accepted", "RebootRequired"):
                yield shows(call, f"{name} was written: {status}")
    for answer, entry in story.settings:
        if entry["key"] in ("ChargePointVendor", "ChargePointModel") and entry.get("readonly") is False:
            yield shows(answer, f"{entry['key']} can be written")


@sign("boot-not-sent-on-connect")
def boot_only_on_demand(story: Story) -> Iterator[Hit]:
    """Statuses without a boot before them; the boot comes when it is asked for."""
    first = story.calls[0] if story.calls else None
    if first is None or first.action != "StatusNotification":
        return
    asked = [
        call for call in story.asked("TriggerMessage")
        if fields(call.payload).get("requestedMessage") == "BootNotification"
    ]  # fmt: skip
    opened = [mark for mark in story.marks if mark.what == "opened" and mark.line < first.line]
    boots = [boot for boot in story.boots if story.order(boot) > story.order(first)]
    unasked = [b for b in boots if not any(story.order(call) < story.order(b) for call in asked)]
    if unasked:
        return
    if opened or asked:
        yield shows(first, "the first message after the connection is a status, and no boot comes unasked")
    elif not boots:
        yield may(first, "statuses, and no BootNotification in the log")


@sign("boot-delayed-after-connect")
def delayed_boot(story: Story) -> Iterator[Hit]:
    """Seconds between the connection and its BootNotification, or its answer and what was queued."""
    for mark in story.marks:
        later = story.call_below(mark.line)
        if mark.what != "opened" or later is None or later.action != "BootNotification":
            continue
        if mark.at_us is not None and later.at_us is not None and later.at_us - mark.at_us >= DELAY_S * 1e6:
            yield shows(later, f"{(later.at_us - mark.at_us) / 1e6:.1f} s after the connection")


@sign("boot-loop-after-callerror")
def loop_after_error(story: Story) -> Iterator[Hit]:
    """An error for the end of a session, then nothing but boots."""
    for stop in story.told("StopTransaction"):
        if not story.refused(stop):
            continue
        later = list(story.calls_after(story.order(stop)))
        if len(later) >= LOOP and all(call.action == "BootNotification" for call in later):
            yield shows(later[0], f"{len(later)} BootNotifications and nothing else after a CALLERROR")


@sign("boot-loop-if-called-before-accept")
def loop_after_early_call(story: Story) -> Iterator[Hit]:
    """A CALL of the CSMS between BootNotification and its answer, then boots again and again."""
    for boot in story.boots:
        answer = story.answer(boot)
        between = story.after(boot) if answer is None else story.frames[story.order(boot) + 1 : story.order(answer)]
        early = next((f for f in between if f.kind == CALL and f.direction == TO_STATION), None)
        repeated = 0
        for call in story.calls_after(story.order(boot)) if early is not None else ():
            if call.action != "BootNotification":
                break
            repeated += 1
        if early is not None and repeated + 1 >= LOOP:
            yield shows(early, f"{early.action} before BootNotification was answered, then {repeated} more boots")


@sign("boot-conf-time-needs-fraction")
def needs_fraction(story: Story) -> Iterator[Hit]:
    """The connection ends right after an answer whose time has no fraction."""
    for boot in story.boots:
        answer = story.answer(boot)
        told = text(fields(answer.payload).get("currentTime")) if answer is not None else ""
        if answer is None or not told or "." in told:
            continue
        closed = next((m for m in story.marks if m.what == "closed" and m.line > answer.line), None)
        soon = closed is not None and closed.at_us is not None and answer.at_us is not None
        if closed is not None and soon and (closed.at_us or 0) - (answer.at_us or 0) <= 2_000_000:
            yield may(answer, f"the connection ends after currentTime {told!r}")


@sign("boot-model-too-long")
def model_too_long(story: Story) -> Iterator[Hit]:
    """More than 20 characters (1.6 7.7, 2.0.1 ChargingStationType)."""
    for frame, value in _reported(story, "chargePointModel", r"^.{21,}$"):
        yield shows(frame, f"chargePointModel has {len(value)} characters")


@sign("boot-serial-too-long")
def serial_too_long(story: Story) -> Iterator[Hit]:
    """More than 25 characters."""
    for name in ("chargeBoxSerialNumber", "chargePointSerialNumber"):
        for frame, value in _reported(story, name, r"^.{26,}$"):
            yield shows(frame, f"{name} has {len(value)} characters")
