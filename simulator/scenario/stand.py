"""Reference CSMSs for a run on sockets that names no target: one for each security profile that a scenario asks for.

The plain one is there from the beginning, the others start when the first scenario needs them: with passwords that only
the stations of this run know, and from profile 2 on with an authority made for the occasion. All end with the run.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from simulator.core.link_policy import PASSWORD_PROFILES
from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from simulator.fleet.throwaway import Throwaway
from simulator.pki.keystore import Keystore, write_private
from simulator.scenario.cells import Cell, places_of
from simulator.scenario.live import Live, stem_of
from simulator.scenario.reference import FILES, publish, reference_target, registrar


class Stand:
    """Use as a context manager; :attr:`live` plays on the plain CSMS, and knows its way to the others."""

    def __init__(self, cells: Sequence[Cell], *, speed: float, id_prefix: str, longest_us: int) -> None:
        self._cells, self._speed, self._prefix, self._longest_us = cells, speed, id_prefix, longest_us
        self._stack = ExitStack()
        self._lives: dict[int, Live] = {}

    def __enter__(self) -> Stand:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def live(self) -> Live:
        """The one without security."""
        return self.secured(0)

    def secured(self, profile: int) -> Live:
        """The one with this security profile; its CSMS is started if it does not run yet."""
        if profile not in self._lives:
            self._lives[profile] = self._start(profile)
        return self._lives[profile]

    def _start(self, profile: int) -> Live:
        options = CsmsOptions(port=0, http_port=0, tolerant=True)
        document: dict[str, object] = {}
        throwaway = None
        if profile:
            throwaway = Throwaway(profile)
            self._stack.callback(throwaway.close)
            if profile in PASSWORD_PROFILES:
                password = secrets.token_hex(16)
                options = dataclasses.replace(options, passwords=self._passwords(profile, password))
                document["auth"] = {"password": password, "format": "text"}
            options = throwaway.csms_options(options)
        process = self._stack.enter_context(CsmsProcess(options))
        if throwaway is not None:
            document = {**throwaway.target(process.url), **document}
        publish(process.http_url)
        live = Live(
            reference_target(process.url, process.http_url, document),
            speed=self._speed,
            id_prefix=self._prefix,
            longest_us=self._longest_us,
            variables=FILES,
            register=registrar(process.http_url),
        )
        live.secured = self.secured
        if throwaway is not None:
            for secret in live.target.secrets():  # there is one trace for all of them
                self.live.redactor.learn(secret)
            live.redactor = self.live.redactor
            live.credentials = lambda stations: throwaway.credentials(stations, Keystore())
        return live

    def _passwords(self, profile: int, password: str) -> Path:
        """The file that tells the CSMS who may come. A station that it has never heard of could say anything."""
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="cpfarm-passwords-")))  # 0700
        wanted = [
            cell
            for cell in self._cells
            if not cell.not_applicable and (it := cell.scenario.fields.security) is not None and it.profile == profile
        ]
        ids = {place.id for cell in wanted for place in places_of(cell, stem_of(self._prefix, cell.version))}
        text = io.StringIO()
        csv.writer(text).writerows([("id", "password"), *((station_id, password) for station_id in sorted(ids))])
        path = folder / "passwords.csv"
        write_private(path, text.getvalue().encode())
        return path
