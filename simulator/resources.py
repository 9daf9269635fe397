"""Where the shipped data folders are: profiles, scenarios and load tests.

They are data that people read, copy and change, so in a checkout they stand at the top beside this package. A wheel
has no "beside": there the build puts them below `simulator/_data`. Everybody asks here instead of guessing, and gets
a real path, because Locust wants a file name for its locustfile and error messages want to name the file a user can
open. (The package is therefore not usable from inside a zip archive; pip never installs it so.)

A checkout is known by the project file beside the package. It is asked first, so that an editable install follows
what its developer edits even if an old wheel left data behind.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def profiles_dir() -> Path:
    """Folder of the vendor and generic profiles, `<vendor>/<model>.yaml`; FileNotFoundError if it was not shipped."""
    return _shipped("profiles")


def scenarios_dir() -> Path:
    """Folder of the scenarios, fleets and target templates; FileNotFoundError if it was not shipped."""
    return _shipped("scenarios")


def loadtests_dir() -> Path:
    """Folder of the locustfile and its helpers; FileNotFoundError if it was not shipped."""
    return _shipped("loadtests")


def _shipped(name: str, package: Path = _PACKAGE) -> Path:
    checkout = package.parent
    base = checkout if (checkout / "pyproject.toml").is_file() else package / "_data"
    folder = base / name
    if not folder.is_dir():
        raise FileNotFoundError(f"the shipped folder '{name}' is missing: expected it at {folder}")
    return folder
