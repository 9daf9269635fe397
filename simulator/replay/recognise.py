"""Quirks that a trace shows, as far as they belong into a profile that is drafted from it.

A sign in a log is one thing, a quirk in a profile another. What merely *may* show is told and left to the reader. And
some quirks are texts or keys that the draft has already learnt word for word; put in once more, they would replace what
was seen by what such products usually say. So each quirk is tried on a station of the draft: it is left out when it
cannot be combined with the others, and when the station then registers less like the one in the trace.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from simulator.core.model import Model
from simulator.errors import ProfileError
from simulator.profile.compiled import compile_profile
from simulator.profile.load import LoadedProfile, load_profile
from simulator.replay.capture import BOOT, Capture
from simulator.replay.draft import Draft
from simulator.replay.shadow import Shadow
from simulator.traces.model import Trace

SURE = "shows"
MAX_USES = 64
#: hits of one sign that are looked at, for one that is sure
LOOKED_AT = 50
EPOCH_US = 1_767_225_600_000_000


def recognise(trace: Trace, capture: Capture, draft: Draft, source: str) -> None:
    """Put into the draft what the trace shows of quirks; what does not fit or is not sure becomes a note."""
    loaded = load_draft(draft)
    uses: list[str] = []
    said = _said(capture)
    plain = _distance(_boots(_model(loaded, capture.version, [])), said)
    for name, (line, why, sure) in _hits(trace, capture.station).items():
        place = f"{source}, line {line}"
        if not sure:
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


def _hits(trace: Trace, station: str) -> dict[str, tuple[int, str, bool]]:
    """Quirk -> line, what is to be seen there, is it sure. The first sure place counts."""
    from simulator.traces.signs import SIGNS, Story

    story = Story(trace, station)
    found: dict[str, tuple[int, str, bool]] = {}
    for name in SIGNS:
        hits = list(islice(SIGNS.get(name)(story), LOOKED_AT))
        hit = next((one for one in hits if one.confidence == SURE), hits[0] if hits else None)
        if hit is not None:
            found[name] = (hit.line, hit.why, hit.confidence == SURE)
    return found


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
