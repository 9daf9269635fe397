"""The command line as a user meets it: words in, exit code and two streams out."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from simulator import cli
from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess


@dataclass
class Told:
    """What a command said."""

    code: int
    out: str
    err: str


Cpfarm = Callable[..., Told]


@pytest.fixture
def cpfarm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cpfarm:
    """Types a command in an empty folder; keywords are environment variables."""
    for name in [name for name in os.environ if name.startswith("CPFARM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def type_in(*words: object, **environ: str) -> Told:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["cpfarm", *map(str, words)])
            for name, value in environ.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                cli.main()
                raise SystemExit(0)  # a command that just returns
        said = capsys.readouterr()
        code = ended.value.code
        return Told(code if isinstance(code, int) else 0, said.out, said.err)

    return type_in


@pytest.fixture(scope="session")
def csms() -> Iterator[CsmsProcess]:
    """A reference CSMS that all tests of a session share; each uses stations of its own."""
    with CsmsProcess(CsmsOptions(port=0, http_port=0)) as process:
        yield process


@pytest.fixture(scope="session")
def silent_port() -> int:
    """A port where nothing listens: one that was free a moment ago."""
    with CsmsProcess(CsmsOptions(port=0, http_port=0)) as process:
        port = urlsplit(process.url).port
    assert port is not None
    return port
