"""Certificates in 2.x: install, list, delete, and the renewal of the station's own (A02, A03, M03 to M05).

The uses that only charging by ISO 15118 has are not those of this station: it has no V2G certificate of its own, so it
asks for none and takes none. Roots of every use that can be named are kept.

The same holds for OCSP: a station asks for the status of its V2G certificates only (M06.FR.06-07), so one without them
never sends GetCertificateStatus. Certificates of the CSMS end by themselves (A00.FR.701), those of stations and of
signers of firmware are checked online by the CSMS (A00.FR.702, FR.707).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import certificates, signing
from simulator.core.certificate_store import ROOTS, STATION
from simulator.core.dialect import REGISTERED, Later, Table
from simulator.core.reports import SigningAsked
from simulator.ocpp2x.types import reason

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


def _token(st: Station, action: str) -> str:
    return f"{action}-{st.job_no + 1}"  # the number of the job that will give the answer


@table.on("InstallCertificate", when=REGISTERED)
def install(st: Station, req: Any, m: Any) -> Any:
    """M05.FR.01-17."""
    if req.certificate_type not in ROOTS:
        return m.make(m.InstallCertificateResponse, status="Rejected", status_info=reason(m, "UnsupportedParam"))
    token = _token(st, "install")
    status = certificates.install(st, req.certificate_type, req.certificate, token)
    if status is None:
        return Later(token, certificates.deadline(st))
    return m.make(m.InstallCertificateResponse, status=status)


@table.on("DeleteCertificate", when=REGISTERED)
def delete(st: Station, req: Any, m: Any) -> Any:
    """M04.FR.01-06."""
    hashed = req.certificate_hash_data
    status = certificates.delete(
        st, hashed.hash_algorithm, hashed.issuer_name_hash, hashed.issuer_key_hash, hashed.serial_number
    )
    return m.make(m.DeleteCertificateResponse, status=status)


@table.on("GetInstalledCertificateIds", when=REGISTERED)
def listed(st: Station, req: Any, m: Any) -> Any:
    """M03.FR.01-05: without types all that have one are listed; the station's own certificate has none."""
    wanted = ROOTS if req.certificate_type is UNSET else tuple(use for use in ROOTS if use in req.certificate_type)
    rows = [
        m.make(
            m.CertificateHashDataChainType,
            certificate_type=use,
            certificate_hash_data=_hash_data(facts, m),
            child_certificate_hash_data=[_hash_data(child, m) for child in facts.get("children", ())[:4]] or UNSET,
        )
        for use, facts in certificates.listed(st, wanted)
    ]
    return m.make(
        m.GetInstalledCertificateIdsResponse,
        status="Accepted" if rows else "NotFound",
        certificate_hash_data_chain=rows or UNSET,
    )


def _hash_data(facts: Any, m: Any) -> Any:
    return m.make(
        m.CertificateHashDataType,
        hash_algorithm=facts["hash_algorithm"],
        issuer_name_hash=facts["issuer_name_hash"],
        issuer_key_hash=facts["issuer_key_hash"],
        serial_number=facts["serial_number"],
    )


@table.on("CertificateSigned", when=REGISTERED)
def signed(st: Station, req: Any, m: Any) -> Any:
    """A02.FR.06-20; without a type it is the station's own."""
    if req.certificate_type not in (UNSET, STATION):
        return m.make(m.CertificateSignedResponse, status="Rejected", status_info=reason(m, "UnsupportedParam"))
    number = getattr(req, "request_id", UNSET)
    if number is not UNSET and not signing.is_known(st, number):  # A02.FR.26
        return m.make(m.CertificateSignedResponse, status="Rejected", status_info=reason(m, "NotFound"))
    signing.heard(st)
    token = _token(st, "signed")
    status = certificates.signed(st, req.certificate_chain, token)
    if status is None:
        return Later(token, certificates.deadline(st))
    return m.make(m.CertificateSignedResponse, status=status, status_info=reason(m, "InvalidCertificate"))


@table.render(SigningAsked)
def sign_certificate(st: Station, report: SigningAsked, m: Any) -> Any:
    """A02.FR.03, FR.13; only 2.1 has a number for it (FR.24)."""
    return "SignCertificate", m.make(
        m.SignCertificateRequest, csr=report.csr, certificate_type=STATION, request_id=report.number
    )


@table.reply("SignCertificate")
def sign_answered(st: Station, report: SigningAsked, res: Any) -> None:
    """A02.FR.11-12, FR.17."""
    signing.answered(st, res.status, awaited=True)


@table.failure("SignCertificate")
def sign_failed(st: Station, report: SigningAsked, code: str) -> None:
    """Repeated by the block."""
    signing.failed(st, code)
