"""Finding profiles, following `extends`, and loading them with file and line in every error.

A profile is named `<vendor>/<model>`, after its file in the shipped folder or in a folder of the user's, which is asked
first; or by the path of its file. `extends` is followed once: the extended profile stands on its own, so that a reader
needs two files at most. Mappings are merged key by key, lists and single values are replaced, and an integer for
`evses` repeats the first EVSE of the extended profile that many times.

A merged value keeps the place where it was written, so an error in what was inherited names the other file.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from simulator.errors import ProfileError
from simulator.profile.checks import check_profile
from simulator.profile.schema import Profile
from simulator.resources import profiles_dir
from simulator.yamlfile import Document, Loc, Place, field_path, hint, load, validate

_SUFFIXES = (".yaml", ".yml")
#: EVSEs of one station, at most (the schema's bound, needed here before the schema sees the list)
_MAX_EVSES = 64


@dataclass(frozen=True, slots=True, eq=False)
class LoadedProfile:
    """A validated profile, its name (``vendor/model``) and the merged document that knows its lines."""

    name: str
    path: Path
    profile: Profile
    document: Document


def profile_folders(user_dir: Path | str | None = None) -> tuple[Path, ...]:
    """Where profiles are looked for, first hit wins."""
    own = () if user_dir is None else (Path(user_dir),)
    return (*own, profiles_dir())


def profile_paths(user_dir: Path | str | None = None) -> dict[str, Path]:
    """Every profile that can be named, sorted: name -> file."""
    found: dict[str, Path] = {}
    for folder in reversed(profile_folders(user_dir)):
        for suffix in _SUFFIXES:
            for path in folder.glob(f"*/*{suffix}"):
                found[f"{path.parent.name}/{path.stem}"] = path
    return dict(sorted(found.items()))


def deal(pattern: str, version: str | None, user_dir: Path | str | None = None) -> tuple[tuple[str, str], ...]:
    """(name, version) of each profile whose name fits ``pattern`` (``*`` stands for anything) and each version it
    speaks, or of ``version`` alone; in the order of names."""
    names = [name for name in profile_paths(user_dir) if fnmatchcase(name, pattern)]
    return tuple(
        (name, str(spoken))
        for name in names
        for spoken in load_profile(name, user_dir).profile.versions
        if version in (None, spoken)
    )


def find_profile(name: str, user_dir: Path | str | None = None) -> Path:
    """The file of profile ``name``, or of a path; raises ProfileError with the nearest name."""
    if name.endswith(_SUFFIXES):
        path = Path(name)
        if not path.is_file():
            raise ProfileError(f"there is no profile file {name!r}")
        return path
    paths = profile_paths(user_dir)
    if name in paths:
        return paths[name]
    same_model = [known for known in paths if known.partition("/")[2] == name]
    near = f"; did you mean {same_model[0]!r}?" if same_model else hint(name, paths)
    raise ProfileError(f"unknown profile {name!r}{near}")


def load_profile(name: str, user_dir: Path | str | None = None) -> LoadedProfile:
    """The profile called ``name`` or in the file ``name``; raises ProfileError, one line for each problem.

    An unchanged file is loaded once; the result is shared.
    """
    path = find_profile(name, user_dir).resolve()
    stat = path.stat()
    folder = None if user_dir is None else str(Path(user_dir).resolve())
    return _load(path, (stat.st_mtime_ns, stat.st_size), folder)


@functools.lru_cache(maxsize=512)
def _load(path: Path, _stamp: tuple[int, int], user_dir: str | None) -> LoadedProfile:
    document = load(path, ProfileError)
    base_name = document.data.get("extends")
    if base_name is not None:
        document = _merge(_base(document, base_name, path, user_dir), document)
    document = _repeat_evses(document, {})
    profile = validate(document, Profile, ProfileError, check_profile)
    return LoadedProfile(f"{path.parent.name}/{path.stem}", path, profile, document)


def _base(document: Document, name: Any, path: Path, user_dir: str | None) -> Document:
    where = ("extends",)
    if not isinstance(name, str):
        raise document.problem(where, "must be the name of a profile", ProfileError)
    try:
        # A path is meant from the folder of the file that names it, not from where the command is typed.
        found = find_profile(str(path.parent / name) if name.endswith(_SUFFIXES) else name, user_dir).resolve()
    except ProfileError as exc:
        raise document.problem(where, str(exc), ProfileError) from None
    if found == path:
        raise document.problem(where, "a profile cannot extend itself", ProfileError)
    base = load(found, ProfileError)
    if "extends" in base.data:
        raise document.problem(where, f"{name} extends another profile itself; only one step is allowed", ProfileError)
    # The base must be right by itself: its mistakes are not those of the profile that extends it.
    base = _repeat_evses(base, {})
    validate(base, Profile, ProfileError, check_profile)
    return base


def _merge(base: Document, own: Document) -> Document:
    own = _repeat_evses(own, base.data)
    places: dict[Loc, Place] = {}
    data = _merged(base, own, base.data, own.data, (), places)
    places[()] = own.place_of(())
    sources = _merged_sources(base, own)
    if sources:
        data["sources"] = sources
    return Document(data, own.path, places)


def _merged(base: Document, own: Document, low: Any, high: Any, loc: Loc, places: dict[Loc, Place]) -> Any:
    """``high`` over ``low``; the line of each value goes along. A quirk's or setting's mapping is a value, too."""
    if isinstance(low, dict) and isinstance(high, dict):
        result: dict[str, Any] = {}
        for key in [*low, *(key for key in high if key not in low)]:
            inner = (*loc, key)
            if key not in high:
                result[key] = low[key]
                places.update(_below(base, inner))
            elif key not in low:
                result[key] = high[key]
                places.update(_below(own, inner))
            else:
                places[inner] = own.place_of(inner)
                result[key] = _merged(base, own, low[key], high[key], inner, places)
        return result
    places.update(_below(own, loc))
    return high


def _below(document: Document, loc: Loc) -> Iterator[tuple[Loc, Place]]:
    return ((inner, place) for inner, place in document.places.items() if inner[: len(loc)] == loc)


def _merged_sources(base: Document, own: Document) -> dict[str, Any]:
    """The links of both: where a thing was seen says nothing of a value that has replaced it.

    A link of the base to a part of which something was replaced is kept for the values that are still the base's.
    """
    own_leaves = set(_leaves(own.data))
    own_uses = own.data.get("quirks")
    own_quirks = [_quirk_name(use) for use in own_uses] if isinstance(own_uses, list) else None
    base_quirks = {_quirk_name(use) for use in base.data.get("quirks") or []}
    result: dict[str, Any] = {}
    for path, link in base.data.get("sources", {}).items():
        if path in base_quirks:
            if own_quirks is None or path in own_quirks:
                result[path] = link
            continue
        covered = [leaf for leaf in _leaves(base.data) if _within(leaf, path)] or [path]
        kept = [leaf for leaf in covered if not any(_within(leaf, other) for other in own_leaves)]
        unchanged = len(kept) == len(covered) and not any(_within(other, path) for other in own_leaves)
        result.update({path: link} if unchanged else dict.fromkeys(kept, link))
    given = own.data.get("sources")
    return {**result, **given} if isinstance(given, dict) else result


def _leaves(data: dict[str, Any], loc: Loc = ()) -> Iterator[str]:
    """The paths of all values that merging replaces as a whole: lists are, mappings are not."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*loc, key))
        elif loc or key not in ("extends", "evidence", "sources"):
            yield field_path((*loc, key))


def _within(path: str, part: str) -> bool:
    return path == part or path.startswith((f"{part}.", f"{part}["))


def _quirk_name(use: Any) -> Any:
    return use.get("name") if isinstance(use, dict) else use


def _repeat_evses(document: Document, base: dict[str, Any]) -> Document:
    """An integer under ``evses`` becomes that many copies of the first EVSE of ``base``, or of the default EVSE."""
    count = document.data.get("evses")
    if isinstance(count, bool) or not isinstance(count, int):
        return document
    if not 1 <= count <= _MAX_EVSES:
        raise document.problem(("evses",), f"must be from 1 to {_MAX_EVSES}", ProfileError)
    known = base.get("evses")
    first = known[0] if isinstance(known, list) and known else {}
    return Document({**document.data, "evses": [first] * count}, document.path, document.places)
