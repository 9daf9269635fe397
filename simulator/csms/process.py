"""The reference CSMS in a child process: what ``cpfarm demo`` and a run without a target stand on.

In a process of its own it has a core of its own and cannot slow the stations down that are being timed. The child ends
with its parent: it watches its standard input, which only the parent holds open.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import urlsplit

import simulator
from simulator.csms.options import TOKEN_VARIABLE, CsmsOptions, to_argv
from simulator.errors import CpfarmError

READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
REQUEST_TIMEOUT_S = 330.0
ADDRESSES = re.compile(rb"on (wss?://\S+) with HTTP on (http://\S+)\n")


class CsmsProcessError(CpfarmError):
    """The child did not start, or its API refused a request; the message has what it said."""


class CsmsProcess:
    """The reference CSMS with ``options`` in a child process; also a context manager.

    ``url`` and ``http_url`` are known after the start, also for ports that were left to choose.
    """

    def __init__(self, options: CsmsOptions | None = None) -> None:
        self.options = options or CsmsOptions()
        self.url = self.http_url = ""
        self._child: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id, None when there is no child."""
        return None if self._child is None else self._child.pid

    def start(self) -> CsmsProcess:
        """Start the child and wait until it listens; raises :class:`CsmsProcessError` when it does not."""
        environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
        if self.options.http_token is not None:
            environment[TOKEN_VARIABLE] = self.options.http_token
        home = str(Path(simulator.__file__).parent.parent)  # so that a checkout that is not installed works too
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (environment.get("PYTHONPATH"), home)))
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        self._child = subprocess.Popen(
            [sys.executable, "-m", "simulator.csms", *to_argv(self.options), "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the parent, whose stations still want to say goodbye
        )
        found = ADDRESSES.search(self._first_line())
        if found is None:
            self._child.kill()
            code = self._child.wait()
            self._said.seek(0)
            said = self._said.read(4000).decode(errors="replace").strip()
            self._forget()
            raise CsmsProcessError(f"the reference CSMS did not start (exit code {code}): {said or 'it said nothing'}")
        self.url, self.http_url = found[1].decode(), found[2].decode()
        return self

    def _first_line(self) -> bytes:
        """What the child prints until its line is complete, it ends, or the time is over."""
        assert self._child is not None and self._child.stdout is not None
        line, descriptor = b"", self._child.stdout.fileno()
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(descriptor, 4096) if ready else b""
            if not chunk:
                break
            line += chunk
        return line

    def stop(self) -> int | None:
        """End the child (kindly, then not); its exit code, or None when there was none. Harmless when repeated."""
        if self._child is None:
            return None
        self._child.terminate()
        try:
            code = self._child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        self._forget()
        return code

    def _forget(self) -> None:
        assert self._child is not None
        for pipe in (self._child.stdin, self._child.stdout, self._said):
            if pipe is not None:
                pipe.close()
        self._child = self._said = None

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the API; returns the JSON, raises :class:`CsmsProcessError` for an answer that is not 2xx."""
        target = urlsplit(self.http_url)
        assert target.hostname is not None
        headers = {"Content-Type": "application/json"}
        if self.options.http_token is not None:
            headers["Authorization"] = f"Bearer {self.options.http_token}"
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=REQUEST_TIMEOUT_S)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise CsmsProcessError(f"{method} {path}: {answer.status} {text.decode(errors='replace').strip()}")
        return json.loads(text)

    def set_faults(self, **plan: Any) -> None:
        """Fail like this from now on (:class:`simulator.csms.faults.FaultPlan`); without arguments not at all."""
        self.request("PUT", "/api/faults", plan)

    def down(self, seconds: float) -> None:
        """Go away for ``seconds``; the HTTP API stays."""
        self.set_faults(down_for_s=seconds)

    def __enter__(self) -> CsmsProcess:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
