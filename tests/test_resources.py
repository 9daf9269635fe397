"""The shipped folders are found from a checkout and from an installed wheel, and never silently missing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator import resources


def lay_out(base: Path, *folders: str) -> Path:
    for folder in folders:
        (base / folder).mkdir(parents=True)
    return base / "simulator"


def test_checkout_serves_the_top_level_folder(tmp_path: Path) -> None:
    package = lay_out(tmp_path, "simulator/_data/profiles", "profiles")
    (tmp_path / "pyproject.toml").touch()
    assert resources._shipped("profiles", package) == tmp_path / "profiles"


def test_wheel_serves_the_copy_inside_the_package(tmp_path: Path) -> None:
    package = lay_out(tmp_path, "simulator/_data/profiles", "profiles")  # somebody else's folder beside the package
    assert resources._shipped("profiles", package) == package / "_data" / "profiles"


@pytest.mark.parametrize("ask", [resources.profiles_dir, resources.scenarios_dir, resources.loadtests_dir])
def test_public_functions_agree_with_the_tree(ask: Callable[[], Path]) -> None:
    name = ask.__name__.removesuffix("_dir")
    folder = Path(resources.__file__).resolve().parent.parent / name
    if folder.is_dir():
        assert ask() == folder
    else:
        with pytest.raises(FileNotFoundError, match=f"'{name}' is missing"):
            ask()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    package = lay_out(tmp_path, "simulator")
    with pytest.raises(FileNotFoundError, match=r"'scenarios' is missing.*_data"):
        resources._shipped("scenarios", package)
