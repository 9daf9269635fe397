"""Whose product a log may be of: BootNotification against the identities of the shipped profiles."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from simulator.profile.load import load_profile, profile_paths
from simulator.traces.signs.story import Story

GUESSES_MAX = 5
#: a vendor alone says something, a model alone does not
VENDOR, VENDOR_ROUGHLY, MODEL, MODEL_ROUGHLY, FIRMWARE, FIRMWARE_FORM, QUIRK = 6.0, 4.0, 3.0, 1.5, 2.0, 0.5, 0.1
LEAST = 4.0
GENERIC = "generic/"
NO_VENDOR = "boot-empty-vendor"


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """A profile a station may be of, and by what."""

    profile: str
    score: float
    because: str


def guesses(story: Story, quirks: Iterable[str] = ()) -> list[Guess]:
    """The shipped profiles whose identity is most like what a station said of itself, best first.

    ``quirks`` that were seen decide between profiles that are alike otherwise.
    """
    seen = set(quirks)
    vendor, model = story.reported("chargePointVendor"), story.reported("chargePointModel")
    firmware = story.reported("firmwareVersion")
    found: list[Guess] = []
    for name in profile_paths() if story.boots else ():
        if name.startswith(GENERIC):
            continue
        profile = load_profile(name).profile
        own = {quirk.name for quirk in profile.quirks}
        score, because = _vendor(vendor, "" if NO_VENDOR in own else profile.identity.vendor)
        if not score:
            continue
        more, why = _model(model, profile.identity.model)
        same, form = _firmware(firmware, profile.identity.firmware or "")
        total = score + more + same + QUIRK * len(own & seen)
        words = [word for word in (because, why, form) if word]
        if total >= LEAST:
            found.append(Guess(profile=name, score=round(total, 2), because=", ".join(words)))
    found.sort(key=lambda guess: (-guess.score, guess.profile))
    return found[:GUESSES_MAX]


def plain(text: str) -> str:
    """A name without capitals, spaces and signs."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _vendor(told: str, known: str) -> tuple[float, str]:
    if not told or not known:
        return (0.0, "") if told or known else (VENDOR_ROUGHLY, "an empty vendor")
    if told == known:
        return VENDOR, f"vendor {told!r}"
    one, two = plain(told), plain(known)
    if one == two:
        return VENDOR, f"vendor {told!r}, spelt in another way"
    first, second = re.split(r"[\W_]+", told.lower())[0], re.split(r"[\W_]+", known.lower())[0]
    if len(first) >= 3 and first == second:
        return VENDOR_ROUGHLY, f"vendor {told!r} begins like {known!r}"
    return 0.0, ""


def _model(told: str, known: str) -> tuple[float, str]:
    one, two = plain(told), plain(known)
    if not one or not two:
        return 0.0, ""
    if one == two:
        return MODEL, f"model {told!r}"
    common = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    if common >= 4:
        return MODEL_ROUGHLY * common / max(len(one), len(two)), f"model {told!r} begins like {known!r}"
    return 0.0, ""


def _firmware(told: str, known: str) -> tuple[float, str]:
    if not told or not known:
        return 0.0, ""
    if told == known:
        return FIRMWARE, f"firmware {told!r}"
    if re.sub(r"\d+", "9", told) == re.sub(r"\d+", "9", known):
        return FIRMWARE_FORM, "firmware of the same form"
    return 0.0, ""
