"""Which documented behaviours a log shows, where, what a CSMS must do about each, and how to see it again."""

from __future__ import annotations

import re
import shlex

import msgspec

from simulator.profile.load import load_profile
from simulator.quirks import QUIRKS
from simulator.traces.model import CALL, TO_CSMS, Frame, Trace
from simulator.traces.parts import fields
from simulator.traces.signs import HITS_MAX, SIGNS, Confidence, Story
from simulator.traces.vendor import Guess, guesses, plain

GENERIC = "generic/ac-single"
GENERIC_DC = "generic/dc-fast"
STATIONS_MAX = 200
"""Stations of one log that are looked at."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the log that shows a quirk."""

    line: int
    confidence: Confidence
    why: str


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One quirk one station shows."""

    quirk: str
    confidence: Confidence
    """That of the surest place."""
    station: str
    places: list[Place]
    count: int
    """Places altogether; at most HITS_MAX of them are counted and told."""
    summary: str
    survive: str
    """What a CSMS must do."""
    vendors: tuple[str, ...]
    known_of_vendor: bool
    """The station says it is of a maker of whom this is documented."""
    fixed_in: str
    reproduce: str
    """The command that shows it to a CSMS."""


class StationMatch(msgspec.Struct, frozen=True, kw_only=True):
    """One station of a log: whose it may be, and what it shows."""

    station: str
    version: str
    vendor: str
    model: str
    firmware: str
    profiles: list[Guess]
    matches: list[Match]
    reproduce: str
    """The command that shows everything that is sure."""


def match(trace: Trace, *, csms: str = "") -> list[StationMatch]:
    """What the stations of a trace show. ``csms`` is the address that the commands name."""
    # of some logs nothing can be read, and that is what they show
    stations = trace.stations or list(dict.fromkeys(item.station for item in trace.unreadable))
    return [_station(Story(trace, station), csms) for station in stations[:STATIONS_MAX]]


def _station(story: Story, csms: str) -> StationMatch:
    found: dict[str, list[Place]] = {}
    for name in SIGNS:
        places: dict[int, Place] = {}
        for hit in SIGNS.get(name)(story):
            place = Place(line=hit.line, confidence=hit.confidence, why=hit.why)
            if hit.line not in places or hit.confidence == "shows":
                places[hit.line] = place
            if len(places) >= HITS_MAX:
                break
        if places:
            found[name] = sorted(places.values(), key=lambda place: place.line)
    profiles = guesses(story, found)
    version = version_of(story)
    vendor = story.reported("chargePointVendor")
    base = _base(profiles, version, direct_current=_direct_current(story))
    own = _plays(base) if found or profiles else set()
    matches = []
    for name, seen in found.items():
        repeat = command(base, version, [name], csms, own)
        matches.append(_match(name, seen, story.station, vendor, repeat))
    matches.sort(key=lambda m: (m.confidence != "shows", not m.known_of_vendor, m.places[0].line, m.quirk))
    sure = [m.quirk for m in matches if m.confidence == "shows"]
    return StationMatch(
        station=story.station,
        version=version,
        vendor=vendor,
        model=story.reported("chargePointModel"),
        firmware=story.reported("firmwareVersion"),
        profiles=profiles,
        matches=matches,
        reproduce=command(base, version, sure, csms, own) if sure or profiles else "",
    )


def _match(name: str, places: list[Place], station: str, vendor: str, reproduce: str) -> Match:
    quirk = QUIRKS.get(name)
    sure = any(place.confidence == "shows" for place in places)
    return Match(
        quirk=name,
        confidence="shows" if sure else "may show",
        station=station,
        places=places,
        count=len(places),
        summary=quirk.summary,
        survive=quirk.survive,
        vendors=quirk.vendors,
        known_of_vendor=_known(vendor, quirk.vendors),
        fixed_in=quirk.fixed_in,
        reproduce=reproduce,
    )


def _known(vendor: str, makers: tuple[str, ...]) -> bool:
    """Is the vendor one of these makers, who are named by their products?"""
    first = re.split(r"[\W_]+", vendor.lower())[0] if vendor else ""
    names = {plain(maker) for maker in makers} | {re.split(r"[\W_]+", maker.lower())[0] for maker in makers}
    return bool(vendor) and (plain(vendor) in names or (len(first) >= 3 and first in names))


def command(profile: str, version: str, quirks: list[str], csms: str, own: set[str] | None = None) -> str:
    """The command that plays these quirks on a profile; those the profile has (``own``) are not named again."""
    own = _plays(profile) if own is None else own
    words = ["cpfarm", "run", "--profile", profile, "--ocpp", version]
    for name in quirks:
        if name not in own:
            words += ["--quirk", name]
    return shlex.join(words) + " --csms " + (shlex.quote(csms) if csms else "URL")


def _base(profiles: list[Guess], version: str, *, direct_current: bool) -> str:
    """The profile to play it on: the likeliest that speaks the version, or else a plain one."""
    for guess in profiles:
        if version in load_profile(guess.profile).profile.versions:
            return guess.profile
    return GENERIC_DC if direct_current else GENERIC


def _plays(profile: str) -> set[str]:
    """Quirks a profile has, and those that its identity shows anyway."""
    known = load_profile(profile).profile
    identity = known.identity
    payload = {
        "chargePointVendor": identity.vendor,
        "chargePointModel": identity.model,
        "firmwareVersion": identity.firmware,
        "chargePointSerialNumber": identity.serial,
        "chargeBoxSerialNumber": identity.box_serial,
        "meterType": identity.meter_type,
        "meterSerialNumber": identity.meter_serial,
        "iccid": identity.iccid,
        "imsi": identity.imsi,
    }
    boot = Frame(
        line=1,
        raw="",
        kind=CALL,
        id="",
        action="BootNotification",
        direction=TO_CSMS,
        payload={name: text for name, text in payload.items() if text is not None},
    )
    story = Story(Trace(format="", frames=[boot]), "")
    shown = {name for name in SIGNS if name.startswith("boot-") and any(SIGNS.get(name)(story))}
    return shown | {quirk.name for quirk in known.quirks}


def version_of(story: Story) -> str:
    """The version a station speaks: as the log says, else by its messages."""
    for frame in story.frames:
        if frame.version:
            return frame.version
    for call in story.calls:
        if call.action == "BootNotification" and "chargingStation" in fields(call.payload):
            return "2.0.1"
        if call.action in ("TransactionEvent", "NotifyReport", "NotifyEvent"):
            return "2.0.1"
        if call.action in ("StartTransaction", "StopTransaction") or "errorCode" in fields(call.payload):
            return "1.6"
    return "1.6"


def _direct_current(story: Story) -> bool:
    return any(sample.measurand == "SoC" for sample in story.samples)
