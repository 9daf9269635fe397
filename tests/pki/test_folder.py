"""The folder of `cpfarm pki`; what its commands make of it is in tests/commands/test_pki.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import AuthorError
from simulator.pki.authority import DAY_US, Authority, Issued, Times
from simulator.pki.folder import PkiFolder, load_authority

TIMES: Times = {"not_before_us": 0, "not_after_us": 1000 * DAY_US}
CA = Authority.root("CA", **TIMES, seed="folder")


def server() -> Issued:
    return CA.server(["h"], **TIMES)


def test_a_pair_is_issued_once(tmp_path: Path) -> None:
    calls = []

    def issue() -> Issued:
        calls.append(1)
        return server()

    folder = PkiFolder(tmp_path / "p")
    assert folder.pair("server", issue).new and not folder.pair("server", issue).new
    assert len(calls) == 1
    assert PkiFolder(tmp_path / "p", force=True).pair("server", issue).new and len(calls) == 2


def test_a_folder_that_cannot_be_made_or_an_authority_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuthorError, match="cannot be made"):
        PkiFolder(tmp_path / "file").pair("server", server)
    with pytest.raises(AuthorError, match="holds no authority"):
        PkiFolder(tmp_path).authority(None)
    for name in ("ca.pem", "ca.key"):
        (tmp_path / name).write_text("x")
    with pytest.raises(AuthorError, match="not a certificate"):
        PkiFolder(tmp_path).authority(None)
    with pytest.raises(AuthorError, match="cannot be read"):
        load_authority(tmp_path / "none", tmp_path / "none")
