"""A station on the bench with a door in front of its CSMS, an authority, and somebody who does the jobs.

``secured`` gives one that is delivered for a security profile and has booted. The operator signs requests with
``SecureLab.root`` unless a test takes another authority.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from simulator.blocks import certificates, security_profile
from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core.certificate_store import CSMS_ROOT, STATION, USES
from simulator.core.model import Identity
from simulator.core.station import Station
from simulator.lab.security import Door
from simulator.pki import work
from simulator.pki.authority import DAY_US, YEAR_US, Authority, Issued
from simulator.pki.keystore import PoolKeystore
from tests.bench import Lab, build

#: true time at the beginning of every bench
EPOCH_US = 1_772_323_200_000_000
HOST = "csms.test"
SERIAL = "SN-0001"
OPERATOR = "cpfarm"
PASSWORD = b"the-first-password".hex()
OTHER_PASSWORD = "4F43415F4F4354545F61646D696E5F74657374"  # the one of TC_073


@cache
def authority(name: str, before_us: int = -YEAR_US, after_us: int = 10 * YEAR_US) -> Authority:
    """A root, valid from and until so much after the bench begins."""
    return Authority.root(
        name, not_before_us=EPOCH_US + before_us, not_after_us=EPOCH_US + after_us, seed="bench", organization=OPERATOR
    )


@cache
def server_chain(root: str = "operator", host: str = HOST, after_us: int = YEAR_US) -> str:
    """The certificate of a CSMS."""
    issued = authority(root).server([host], not_before_us=EPOCH_US - DAY_US, not_after_us=EPOCH_US + after_us)
    return issued.chain


@cache
def station_certificate(root: str = "operator", serial: str = SERIAL, after_us: int = YEAR_US) -> Issued:
    """A certificate and key the station may be delivered with."""
    return authority(root).station(
        serial, not_before_us=EPOCH_US - DAY_US, not_after_us=EPOCH_US + after_us, organization=OPERATOR
    )


class Worker:
    """Does the jobs of keys and certificates within 20 ms; ``lazy`` ones never end."""

    def __init__(self) -> None:
        self.keys = PoolKeystore("bench")
        self.lazy = False
        self.done: list[tuple[str, bool, dict[str, Any]]] = []

    def begin(self, station: Station, job: e.Job, now: int) -> list[tuple[int, i.JobProgress | i.JobDone]]:
        """One attempt."""
        if self.lazy or job.kind not in work.KINDS:
            return []
        ok, result = work.run(job.kind, job.args, self.keys)
        self.done.append((job.kind, ok, result))
        return [(now + 20_000, i.JobDone(job.job, ok, result))]


class SecureLab(Lab):
    """A bench with a door. ``door`` may be changed at any time; it judges the next dial."""

    def __init__(self, model: Any, *, profile: int, password: str | None = None, roots: tuple[str, ...] = ()) -> None:
        super().__init__(model)
        self.worker = Worker()
        self.fleet.worker = self.worker
        self.root = authority("operator")
        self.door = Door(
            profiles=frozenset({profile}),
            chain=server_chain(),
            host=HOST,
            client_roots=(self.root.pem,),
            passwords=frozenset({password or PASSWORD}),
            keystore=self.worker.keys,
        )
        self.path.door = self.door
        st = self.station
        for pem in roots:
            certificates.deliver(st, CSMS_ROOT, work.inspect_certificate(pem))
        if profile == 3:
            issued = station_certificate()
            self.worker.keys.put("delivered", issued.key)
            certificates.deliver(st, STATION, {**work.inspect_certificate(issued.chain), "key": "delivered"})
        security_profile.deliver(st, profile, (password or PASSWORD) if profile in (1, 2) else None)

    @property
    def path(self) -> Any:
        """The simulated connection."""
        return self.fleet.paths[0]

    @property
    def dial(self) -> e.Dial:
        """The last dial."""
        found: e.Dial = self.path.dials[-1]
        return found

    def install(self, pem: str, kind: str = "CentralSystemRootCertificate") -> str:
        """InstallCertificate; the status."""
        return str(self.ask("InstallCertificate", certificateType=kind, certificate=pem)["status"])

    def listed(self, kind: str = "CentralSystemRootCertificate") -> list[dict[str, str]]:
        """GetInstalledCertificateIds; the hash data."""
        answer = self.ask("GetInstalledCertificateIds", certificateType=kind)
        assert (answer["status"] == "Accepted") == bool(answer.get("certificateHashData"))
        found: list[dict[str, str]] = answer.get("certificateHashData", [])
        return found

    def delete(self, hashed: dict[str, str]) -> str:
        """DeleteCertificate; the status."""
        return str(self.ask("DeleteCertificate", certificateHashData=hashed)["status"])

    def ask_for_csr(self) -> str:
        """ExtendedTriggerMessage(SignChargePointCertificate), and the request that follows."""
        before = len(self.csms.sent("SignCertificate"))
        answer = self.ask("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
        assert answer == {"status": "Accepted"}
        self.run(1)
        asked = self.csms.sent("SignCertificate")[before:]
        assert len(asked) == 1
        return str(asked[0]["csr"])

    def sign(self, csr: str, by: Authority | None = None, **times: int) -> str:
        """The operator's authority signs; ``not_before_us``, ``not_after_us`` after the beginning of the bench."""
        return (by or self.root).sign_csr(
            csr,
            not_before_us=EPOCH_US + times.get("not_before_us", -DAY_US),
            not_after_us=EPOCH_US + times.get("not_after_us", 2 * YEAR_US),
        )

    def certificate_signed(self, chain: str) -> str:
        """CertificateSigned; the status."""
        return str(self.ask("CertificateSigned", certificateChain=chain)["status"])

    def events(self) -> list[str]:
        """Security events the CSMS heard of, in order."""
        return [payload["type"] for payload in self.csms.sent("SecurityEventNotification")]

    def links(self) -> int:
        """How often the station has dialled."""
        return self.station.link.number

    def stored(self) -> dict[str, int]:
        """How many certificates of each use there are."""
        return {use: len(certificates.installed(self.station, use)) for use in USES}


def sign_accepted(csms: Any, payload: dict[str, Any]) -> dict[str, str]:
    """The CSMS passes requests on."""
    return {"status": "Accepted"}


def delivered(
    version: str = "1.6", *, profile: int = 0, roots: tuple[str, ...] | None = None, **model: Any
) -> SecureLab:
    """A station as it leaves the factory, not switched on."""
    if roots is None:
        roots = (authority("operator").pem,) if profile >= 2 else ()
    model.setdefault("identity", Identity("Maker", "Model", serial=SERIAL, firmware="1.0"))
    lab = SecureLab(build(version, **model), profile=profile, roots=roots)
    lab.csms.script["SignCertificate"] = sign_accepted
    return lab


def secured(version: str = "1.6", *, profile: int = 0, roots: tuple[str, ...] | None = None, **model: Any) -> SecureLab:
    """A station that has booted with this security profile; what it said until then is forgotten."""
    lab = delivered(version, profile=profile, roots=roots, **model)
    lab.boot()
    lab.run(5)
    assert lab.station.gate == "accepted", [lab.dial, lab.fleet.records[-3:]]
    lab.forget()
    return lab
