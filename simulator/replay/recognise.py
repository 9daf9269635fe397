"""Quirks that a trace shows, as far as they belong into a profile that is drafted from it.

A sign in a log is one thing, a quirk in a profile another. What merely *may* show is told and left to the reader. And
some quirks are texts or keys that the draft has already learnt word for word; put in once more, they would replace what
was seen by what such products usually say. So each quirk is tried on a station of the draft: it is left out when it
cannot be combined with the others, and when the station then registers less like the one in the trace.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.core.model import Model
from simulator.errors import ProfileError
from simulator.profile.compiled import compile_profile
from simulator.profile.load import LoadedProfile, load_profile
from simulator.replay.capture import BOOT, Capture
from simulator.replay.draft import Draft
from simulator.replay.shadow import Shadow
from simulator.traces.match import StationMatch, match
from simulator.traces.model import Trace

SURE = "shows"
MAX_USES = 64
#: shipped profiles that are named
GUESSES = 3
EPOCH_US = 1_767_225_600_000_000


def recognise(trace: Trace, capture: Capture, draft: Draft, source: str) -> None:
    """Put into the draft what the trace shows of quirks; what does not fit or is not sure becomes a note."""
    found = _match(trace, capture.station)
    loaded = load_draft(draft)
    uses: list[str] = []
    said = _said(capture)
    plain = _distance(_boots(_model(loaded, capture.version, [])), said)
    for guess in found.profiles[:GUESSES]:
        draft.note(f"it is like the shipped profile {guess.profile}: {guess.because}")
    for hit in found.matches:
        name, shown = hit.quirk, next(one for one in hit.places if one.confidence == hit.confidence)
        place, why = f"{source}, line {shown.line}", shown.why
        if hit.confidence != SURE:
            draft.note(f"may show the quirk {name} ({place}: {why})")
            continue
        try:
            model = _model(loaded, capture.version, [*uses, name])
        except ProfileError as error:
            draft.note(f"shows the quirk {name} ({place}), which cannot be combined: {error}")
            continue
        if _brings_what_is_known(model, name):
            draft.note(f"shows the quirk {name} ({place}); its keys are in the profile already")
        elif said is not None and _distance(_boots(model), said) > plain:
            draft.note(f"shows the quirk {name} ({place}); what was said is in the profile already")
        elif len(uses) < MAX_USES:
            uses.append(name)
            draft.sources[name] = f"{place}: {why}"
    if uses:
        draft.values["quirks"] = uses


def _match(trace: Trace, station: str) -> StationMatch:
    """What one station shows."""
    mine = Trace(
        format=trace.format,
        frames=trace.of(station),
        unreadable=[one for one in trace.unreadable if one.station == station],
        marks=[one for one in trace.marks if one.station == station],
    )
    return match(mine)[0]


def load_draft(draft: Draft) -> LoadedProfile:
    """The draft as a profile; ProfileError when it is none."""
    with tempfile.TemporaryDirectory(prefix="cpfarm-") as folder:
        path = Path(folder) / "draft.yaml"
        path.write_text(draft.text(), encoding="utf-8")
        return load_profile(str(path))


def _model(loaded: LoadedProfile, version: str, quirks: list[str]) -> Model:
    return compile_profile(loaded, version, quirks)


def _brings_what_is_known(model: Model, name: str) -> bool:
    quirk = next(one for one in model.quirks if one.name == name)
    return bool(quirk.settings or quirk.vendor_keys)


def _said(capture: Capture) -> dict[str, Any] | None:
    return next((act.payload for act in capture.acts if act.action == BOOT and isinstance(act.payload, dict)), None)


def _boots(model: Model) -> dict[str, Any]:
    """What a station of this model says of itself; nothing when it does not register by itself."""
    return Shadow("DRAFT", model, epoch_us=EPOCH_US).boot() or {}


def _distance(one: Mapping[str, Any], other: Mapping[str, Any] | None) -> int:
    """How many fields differ; a station that says nothing differs in none."""
    if not one or other is None:
        return 0
    mine, theirs = dict(_leaves(one)), dict(_leaves(other))
    return sum(mine.get(path) != theirs.get(path) for path in {*mine, *theirs})


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return [(path, value)]
    return [leaf for name, item in value.items() for leaf in _leaves(item, f"{path}.{name}")]
