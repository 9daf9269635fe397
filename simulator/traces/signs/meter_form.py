"""Signs of quirks of the form of meter values: units, contexts, phases, shapes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from simulator.traces.model import Frame
from simulator.traces.parts import fields, items
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import Hit, may, shows, sign
from simulator.traces.signs.values import ENERGY, Sample, meter_values

#: contexts of OCPP (1.6 7.2, 2.0.1 ReadingContextEnumType)
CONTEXTS = frozenset(
    {
        "Interruption.Begin", "Interruption.End", "Other", "Sample.Clock", "Sample.Periodic", "Transaction.Begin",
        "Transaction.End", "Trigger",
    }
)  # fmt: skip


def _groups(story: Story) -> Iterator[tuple[Frame, list[Sample]]]:
    """The samples of each message of meter values, message by message."""
    by_frame: dict[int, list[Sample]] = {}
    for sample in story.samples:
        by_frame.setdefault(sample.order, []).append(sample)
    for samples in by_frame.values():
        if samples[0].frame.action == "MeterValues":
            yield samples[0].frame, samples


@sign("meter-begin-value-repeated")
def begin_repeated(story: Story) -> Iterator[Hit]:
    """The energy of the begin beside the present one."""
    for frame, samples in _groups(story):
        contexts = {sample.context for sample in samples if sample.measurand in (ENERGY, "")}
        if {"Transaction.Begin", "Sample.Periodic"} <= contexts:
            yield shows(frame, "energy with the contexts Sample.Periodic and Transaction.Begin in one message")


@sign("meter-dc-location-mix")
def location_mix(story: Story) -> Iterator[Hit]:
    """Locations that differ from measurand to measurand, and the time behind the values."""
    for frame, samples in _groups(story):
        behind = any(list(fields(value))[:1] == ["sampledValue"] for value in meter_values(frame))
        places = {sample.location for sample in samples}
        if behind and len(places) > 1:
            yield shows(frame, f"locations {sorted(places)}, and the time comes behind the values")
        elif len(places) > 2:
            yield may(frame, f"locations {sorted(places)} in one message")


@sign("meter-empty-sampledvalue")
def empty_values(story: Story) -> Iterator[Hit]:
    """A meter value without a value."""
    for frame in story.told("MeterValues"):
        if any(fields(value).get("sampledValue") == [] for value in meter_values(frame)):
            yield shows(frame, "sampledValue is an empty list")


@sign("meter-energy-kwh-two-decimals")
def energy_in_kwh(story: Story) -> Iterator[Hit]:
    """Energy in kWh with decimals."""
    for sample in story.measured(ENERGY):
        if sample.unit == "kWh" and isinstance(sample.value, str) and re.fullmatch(r"\d+\.\d{1,2}", sample.value):
            yield shows(sample.frame, f"{sample.value} kWh")


@sign("meter-metervalue-object-not-array")
def object_for_list(story: Story) -> Iterator[Hit]:
    """An object where a list should be."""
    for frame in story.told("MeterValues"):
        if isinstance(fields(frame.payload).get("meterValue"), dict):
            yield shows(frame, "meterValue is an object")


@sign("meter-missing-measurand")
def missing_measurand(story: Story) -> Iterator[Hit]:
    """Ampere without a measurand is energy by default."""
    for sample in story.samples:
        if not sample.measurand and sample.unit == "A" and sample.context in CONTEXTS | {""}:
            yield shows(sample.frame, f"{sample.value} A without a measurand")


@sign("meter-nonstandard-context")
def unknown_context(story: Story) -> Iterator[Hit]:
    """A context OCPP does not know."""
    for sample in story.samples:
        if sample.context and sample.context not in CONTEXTS:
            yield shows(sample.frame, f"context {sample.context!r}")


@sign("meter-mixed-missing-context")
def context_missing(story: Story) -> Iterator[Hit]:
    """Current.Import without a context, others with one."""
    for frame, samples in _groups(story):
        bare = {sample.measurand for sample in samples if not sample.context}
        if bare == {"Current.Import"} and any(sample.context for sample in samples):
            yield shows(frame, "Current.Import has no context, the values beside it have one")


@sign("meter-one-sample-per-metervalue")
def one_each(story: Story) -> Iterator[Hit]:
    """Several meter values with the same time and a value each."""
    for frame in story.told("MeterValues"):
        values = [fields(value) for value in meter_values(frame)]
        stamps = {str(value.get("timestamp")) for value in values}
        if len(values) > 1 and len(stamps) == 1 and all(len(items(v.get("sampledValue"))) == 1 for v in values):
            yield shows(frame, f"{len(values)} meter values of one moment with a value each")


@sign("meter-power-in-kw")
def power_in_kw(story: Story) -> Iterator[Hit]:
    """kW beside Wh."""
    for frame, samples in _groups(story):
        units = {sample.unit for sample in samples}
        if "kW" in units and "kWh" not in units:
            bare = all(not sample.context for sample in samples if sample.unit == "kW")
            yield (shows if bare and "Wh" in units else may)(frame, "power in kW beside energy in Wh")


@sign("meter-temperature-in-kelvin")
def kelvin(story: Story) -> Iterator[Hit]:
    """Kelvin."""
    for sample in story.samples:
        if sample.measurand == "Temperature" and sample.unit == "K":
            yield shows(sample.frame, f"{sample.value} K")


@sign("meter-three-decimal-strings")
def three_decimals(story: Story) -> Iterator[Hit]:
    """Three decimals everywhere, in the register too."""
    values = [s for s in story.samples if isinstance(s.value, str) and s.frame.action == "MeterValues"]
    whole = [s for s in values if s.measurand in (ENERGY, "") and s.unit in ("Wh", "")]
    if whole and all(re.fullmatch(r"-?\d+\.\d{3}", s.value.strip()) for s in values):
        yield shows(whole[0].frame, f"the register is {whole[0].value!r}")


@sign("meter-total-current-inconsistent")
def total_is_no_sum(story: Story) -> Iterator[Hit]:
    """A total beside the phases that is not their sum."""
    for frame, samples in _groups(story):
        currents = [s for s in samples if s.measurand == "Current.Import" and s.amount is not None]
        phases = [s.amount or 0.0 for s in currents if s.phase in ("L1", "L2", "L3")]
        totals = [s.amount or 0.0 for s in currents if not s.phase]
        if len(phases) > 1 and totals and abs(totals[0] - sum(phases)) > 0.05 * max(sum(phases), 1.0):
            yield shows(frame, f"the total is {totals[0]:g} A, the phases make {sum(phases):g} A")


@sign("meter-value-space-padded")
def padded(story: Story) -> Iterator[Hit]:
    """Spaces around a number."""
    for sample in story.samples:
        if isinstance(sample.value, str) and sample.value != sample.value.strip():
            yield shows(sample.frame, f"the value is {sample.value!r}")


@sign("meter-voltage-phase-ln")
def phases_differ(story: Story) -> Iterator[Hit]:
    """L1-N for voltages where currents and powers say L1."""
    for frame, samples in _groups(story):
        volts = {s.phase for s in samples if s.measurand == "Voltage"}
        others = {s.phase for s in samples if s.measurand in ("Current.Import", "Power.Active.Import")}
        # voltages against neutral are as usual (1.6 7.45); that a single phase is told like that is not
        if (
            any(phase.endswith("-N") for phase in volts)
            and others
            and not any(p.endswith("-N") for p in others)
            and "L2-N" not in volts
        ):
            yield may(frame, f"voltage on {sorted(volts)}, others on {sorted(others)}")


@sign("meter-voltage-constant-or-zero")
def constant_voltage(story: Story) -> Iterator[Hit]:
    """One round voltage in sessions, 0 outside."""
    inside: list[Sample] = []
    outside: list[Sample] = []
    for sample in story.measured("Voltage"):
        charging = story.running(sample.order, sample.connector) is not None
        (inside if charging else outside).append(sample)
    values = {sample.amount for sample in inside}
    if inside and outside and {sample.amount for sample in outside} == {0.0} and len(values) == 1:
        yield shows(outside[0].frame, f"0 V outside of sessions, {inside[0].value} V in them")


@sign("meter-idle-voltage-zero")
def idle_voltage(story: Story) -> Iterator[Hit]:
    """Next to no voltage between sessions."""
    for sample in story.measured("Voltage"):
        if (
            sample.amount is not None
            and 0 < sample.amount < 5
            and story.running(sample.order, sample.connector) is None
        ):
            yield shows(sample.frame, f"{sample.value} V outside of a session")


@sign("meter-phase-rotation-applied")
def rotated(story: Story) -> Iterator[Hit]:
    """A single phase that carries current, and it is not L1."""
    for frame, samples in _groups(story):
        currents = {s.phase: s.amount for s in samples if s.measurand == "Current.Import" and s.amount is not None}
        used = [phase for phase, amps in currents.items() if amps and amps > 1]
        if len(currents) > 1 and currents.get("L1") == 0 and len(used) == 1:
            yield may(frame, f"the only phase with current is {used[0]}")


@sign("meter-energy-uint32-wrap")
def overflow(story: Story) -> Iterator[Hit]:
    """A register above 2 to the power of 32."""
    for sample in story.measured(ENERGY):
        factor = 1000 if sample.unit == "kWh" else 1
        if sample.amount is not None and sample.amount * factor >= 2**32:
            yield shows(sample.frame, f"the register is {sample.value} {sample.unit or 'Wh'}, above 2^32 Wh")


@sign("meter-unit-hz")
def hertz(story: Story) -> Iterator[Hit]:
    """Hz, which 1.6 does not know (7.46)."""
    for sample in story.samples:
        if sample.unit == "Hz" and isinstance(sample.value, str):
            yield shows(sample.frame, f"{sample.value} Hz")


@sign("meter-current-on-neutral")
def neutral_current(story: Story) -> Iterator[Hit]:
    """The current of phase N, with a voltage of L1."""
    for frame, samples in _groups(story):
        currents = {sample.phase for sample in samples if sample.measurand.startswith("Current.")}
        if "N" in currents and "L1" not in currents:
            yield shows(frame, "the current is that of phase N")
