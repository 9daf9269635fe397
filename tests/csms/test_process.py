"""The reference CSMS as a program: in a child process, and what its command line says to mistakes."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from simulator.csms.__main__ import main as program
from simulator.csms.app import CsmsOptions
from simulator.csms.process import CsmsProcess, CsmsProcessError
from tests.csms.rig import run

pytestmark = pytest.mark.live


def test_a_child_process() -> None:
    with CsmsProcess(CsmsOptions(port=0, http_port=0, heartbeat_s=9)) as child:

        async def main() -> None:
            async with connect(f"{child.url}/S1", subprotocols=["ocpp1.6"], proxy=None) as socket:  # type: ignore[list-item]
                boot = {"chargePointVendor": "Maker", "chargePointModel": "One"}
                await socket.send(json.dumps([2, "1", "BootNotification", boot]))
                assert json.loads(await socket.recv())[2]["interval"] == 9
                await asyncio.to_thread(child.down, 0.05)
                with pytest.raises(ConnectionClosed):
                    await socket.recv()

        run(main())
        assert child.request("GET", "/api/stations/S1")["boots"] == 1
        with pytest.raises(CsmsProcessError, match="unknown action"):
            child.set_faults(silent=["Heartbeet"])
        with pytest.raises(CsmsProcessError, match="address already in use"):
            CsmsProcess(CsmsOptions(port=int(child.http_url.rpartition(":")[2]), http_port=0)).start()
        assert child.stop() == 0
    assert child.stop() is None and child.pid is None


def test_a_child_ends_with_its_parent() -> None:
    child = CsmsProcess(CsmsOptions(port=0, http_port=0)).start()
    process = child._child
    assert process is not None and process.stdin is not None
    process.stdin.close()  # what the system does when the parent is gone
    assert process.wait(10) == 0
    child.stop()


def test_mistakes_on_the_command_line_end_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program(["--boot", "pendng"]) == 2
    assert "did you mean 'pending'" in capsys.readouterr().err
    assert program(["--port", "0", "--http-port", "0", "--http-host", "0.0.0.0"]) == 2
    assert "needs a token" in capsys.readouterr().err
    assert program(["--port", "0", "--http-port", "0", "--passwords", str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err
    (tmp_path / "text.db").write_text("this is no database, and long enough to be seen as none" * 20)
    assert program(["--port", "0", "--http-port", "0", "--db", str(tmp_path / "text.db")]) == 2
    assert "not a database" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert program(["--port", "0", "--http-port", str(taken.getsockname()[1])]) == 2
    assert "address already in use" in capsys.readouterr().err
