"""What a farm's stations get in with and whom they trust, read from the target's files before anything is started.

The files of a target may be one for all or one for each station (``{id}``); a stations file may name others. Every file
is read once, and every key is checked to be its certificate's: what cannot work is said before the first dial. Whether
a certificate is still in force is not: an expired one is what many a test is about.

What is read is *delivered* to each station before it is switched on, as a factory does: the roots as its CSMS roots,
the certificate with its key's handle, and the security profile. From then on the station is the master of its store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.blocks import certificates, security_profile
from simulator.core.certificate_store import CSMS_ROOT, STATION
from simulator.core.station import Station
from simulator.errors import AuthorError, FleetError, TargetError
from simulator.fleet.plan import StationPlan
from simulator.fleet.target import Target
from simulator.fleet.tls import Credential
from simulator.pki.keystore import Keystore, key_from_pem, public_der
from simulator.pki.reading import Rejected, certificates_of, facts_of, inspect_certificate, pem_of, spki_of

#: certificates and keys are small; what is larger is another file by mistake
MAX_FILE_BYTES = 256 << 10


@dataclass
class Credentials:
    """Trust and certificates of a fleet. ``trust``: PEM text of the target's roots, None for the system's."""

    keystore: Keystore = field(default_factory=Keystore)
    trust: str | None = None
    #: facts of each root in ``trust``
    roots: list[dict[str, Any]] = field(default_factory=list)
    #: station id -> facts of its certificate, with ``key``
    own: dict[str, dict[str, Any]] = field(default_factory=dict)
    _read: dict[tuple[Path, Path], dict[str, Any]] = field(default_factory=dict, repr=False)

    def trusts(self, pem: str) -> None:
        """From now on these roots are the stations' trust; raises Rejected."""
        self.trust = pem
        self.roots = [facts_of([one]) for one in certificates_of(pem)]

    def give(self, station_id: str, chain: str, key: str) -> None:
        """A station's own certificate chain, and the handle of its key; raises Rejected."""
        self.own[station_id] = {**inspect_certificate(chain), "key": key}

    def credential(self, station_id: str) -> Credential | None:
        """What this station shows a server that asks for a certificate."""
        facts = self.own.get(station_id)
        return None if facts is None else Credential(facts["pem"], facts["key"], self.keystore)

    def read_station(self, target: Target, plan: StationPlan) -> None:
        """Read the files of one station, unless they are known; raises TargetError or FleetError."""
        tls = target.fields.tls
        if plan.id in self.own:
            return
        if plan.cert is not None and plan.key is not None:
            paths = (Path(plan.cert), Path(plan.key))
        elif tls.cert is not None and tls.key is not None:
            paths = (target.file(tls.cert, plan.id), target.file(tls.key, plan.id))
        else:
            return
        try:
            if paths not in self._read:
                self._read[paths] = _pair(*paths, self.keystore)
        except _Unusable as no:
            if plan.cert is not None:
                raise FleetError(f"station {plan.id}: {no}") from None
            raise _problem(target, "cert" if no.path == paths[0] else "key", no.path, no.error) from None
        self.own[plan.id] = self._read[paths]

    def deliver(self, station: Station, profile: int) -> None:
        """Give a station that is not switched on yet what it leaves the factory with."""
        for facts in self.roots:
            certificates.deliver(station, CSMS_ROOT, facts)
        own = self.own.get(station.id)
        if own is not None:
            certificates.deliver(station, STATION, own)
        if profile:
            security_profile.deliver(station, profile)


def read_credentials(target: Target, stations: Iterable[StationPlan], keystore: Keystore) -> Credentials:
    """Everything that the target and the stations file name; raises TargetError or FleetError for what cannot work."""
    found = Credentials(keystore)
    ca = target.fields.tls.ca
    if ca is not None:
        path = target.base_dir / ca
        try:
            found.trusts(_read(path).decode("ascii", "replace"))
        except (Rejected, OSError) as error:
            raise _problem(target, "ca", path, error) from None
    for plan in stations:
        found.read_station(target, plan)
    return found


class _Unusable(Exception):
    def __init__(self, path: Path, error: Exception) -> None:
        super().__init__(f"{path}: {_why(error)}")
        self.path, self.error = path, error


def _pair(cert: Path, key: Path, keystore: Keystore) -> dict[str, Any]:
    """The facts of a certificate, its key in the store under a handle that stays the same in every run."""
    path = cert
    try:
        chain = certificates_of(_read(cert).decode("ascii", "replace"))
        path = key
        private = key_from_pem(_read(key))
        if public_der(private) != spki_of(chain[0]):
            raise Rejected("key_mismatch", f"is not the key of the certificate in {cert}")
        handle = f"delivered/{hashlib.sha256(public_der(private)).hexdigest()[:40]}"
        keystore.put(handle, private)
    except (Rejected, OSError) as error:
        raise _Unusable(path, error) from None
    return {**inspect_certificate(pem_of(*chain)), "key": handle}


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise Rejected("unreadable", f"larger than {MAX_FILE_BYTES} bytes")
    return data


def _why(error: Exception) -> str:
    if isinstance(error, Rejected):
        return error.detail
    return f"cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)


def _problem(target: Target, name: str, path: Path, error: Exception) -> AuthorError:
    return target.document.problem(("tls", name), f"{path}: {_why(error)}", TargetError)
