"""A run without a target, over a security profile: the reference CSMS and an authority made for the occasion.

Profile 1 needs passwords only: the stations have theirs from the seed, and the CSMS believes the first it sees. From
profile 2 on there is a throw-away authority in a folder of its own (0700, keys 0600), gone when the run is over; it
makes the server's certificate, signs what stations ask for, and for profile 3 makes every station's certificate. With
``--state`` the folder stands in the state's and stays, because the stations remember whom they trust.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from simulator.csms.options import CsmsOptions
from simulator.errors import AuthorError
from simulator.fleet.credentials import Credentials
from simulator.fleet.plan import StationPlan
from simulator.pki.authority import DAY_US, YEAR_US, Authority, Times
from simulator.pki.keystore import Keystore, new_key, private_folder, write_private
from simulator.pki.reading import Rejected

HOSTS = ("127.0.0.1", "localhost", "::1")
ORGANIZATION = "cpfarm test"
#: certificates begin so long before they are made, because a station's clock may be wrong
BACKDATED_US = 2 * DAY_US
VALID_US = 10 * YEAR_US


class Throwaway:
    """The reference CSMS's side of one security profile. ``keep``: the folder to use and leave, None for a passing one.

    Use as a context manager, or call :meth:`close`. Raises AuthorError for a kept folder that cannot be used.
    """

    def __init__(self, profile: int, keep: Path | None = None) -> None:
        self.profile = profile
        self._passing: tempfile.TemporaryDirectory[str] | None = None
        self.authority: Authority | None = None
        if profile < 2:
            return
        if keep is None:
            self._passing = tempfile.TemporaryDirectory(prefix="cpfarm-pki-")  # 0700
            self.folder = Path(self._passing.name)
        else:
            self.folder = keep
        try:
            self.authority = self._make()
        except (OSError, Rejected) as error:
            self.close()
            raise AuthorError(f"cannot be used: {error}", file=str(self.folder)) from None

    def _make(self) -> Authority:
        private_folder(self.folder)
        times = _times()
        ca, key = self.folder / "ca.pem", self.folder / "ca.key"
        if ca.exists():
            authority = Authority.load(ca.read_text("ascii"), key.read_bytes())
        else:
            authority = Authority.root("cpfarm throw-away authority", **times, organization=ORGANIZATION)
            write_private(key, authority.key_pem)
            ca.write_text(authority.pem, "ascii")
        server = authority.server(HOSTS, **times)
        write_private(self.folder / "server.key", server.key_pem)
        (self.folder / "server.pem").write_text(server.chain, "ascii")
        return authority

    def csms_options(self, options: CsmsOptions) -> CsmsOptions:
        """The options of the CSMS, made to fit the profile."""
        if self.profile in (1, 2) and options.passwords is None:
            options = dataclasses.replace(options, require_auth=True)
        if self.authority is None:
            return options
        return dataclasses.replace(
            options,
            tls_cert=self.folder / "server.pem",
            tls_key=self.folder / "server.key",
            tls_client_ca=self.folder / "ca.pem" if self.profile == 3 else None,
            ca_cert=self.folder / "ca.pem",
            ca_key=self.folder / "ca.key",
        )

    def target(self, url: str) -> dict[str, Any]:
        """The target that the stations get."""
        document: dict[str, Any] = {"url": url + "/{id}", "security_profile": self.profile}
        if self.authority is not None:
            document["tls"] = {"ca": str(self.folder / "ca.pem")}
        return document

    def credentials(self, stations: Iterable[StationPlan], keystore: Keystore) -> Credentials:
        """Trust for all, and for profile 3 a certificate for each, under its serial number (A00.FR.511)."""
        found = Credentials(keystore)
        if self.authority is None:
            return found
        found.trusts(self.authority.pem)
        if self.profile == 3:
            times = _times()
            for station in stations:
                key, handle = new_key("EC-P256"), f"delivered/{station.id}"
                if handle in keystore:  # of an earlier run, whose certificate the station still has
                    key = keystore.key(handle)
                else:
                    keystore.put(handle, key)
                subject = {"CN": station.serial or station.id, "O": ORGANIZATION}
                chain = self.authority.issue(subject, key.public_key(), purpose="client", **times)
                found.give(station.id, chain, handle)
        return found

    def close(self) -> None:
        """Remove what was made for this run only. Harmless when repeated."""
        if self._passing is not None:
            self._passing.cleanup()
            self._passing = None


def _times() -> Times:
    # Whole seconds, as certificates have them.
    now_us = int(time.time()) * 1_000_000
    return {"not_before_us": now_us - BACKDATED_US, "not_after_us": now_us + VALID_US}
