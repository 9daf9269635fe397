"""Certificates in 1.6: install, list, delete, and the renewal of the station's own (white paper A02, A03, M03 to M05).

Only here the older words are known: the root of the CSMS is ``CentralSystemRootCertificate``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import certificates, signing
from simulator.core.certificate_store import CSMS_ROOT, MANUFACTURER_ROOT
from simulator.core.dialect import REGISTERED, Later, Table
from simulator.core.reports import SigningAsked

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

USES = {"CentralSystemRootCertificate": CSMS_ROOT, "ManufacturerRootCertificate": MANUFACTURER_ROOT}


def _token(st: Station, action: str) -> str:
    return f"{action}-{st.job_no + 1}"  # the number of the job that will give the answer


@table.on("InstallCertificate", when=REGISTERED)
def install(st: Station, req: Any, m: Any) -> Any:
    """M05."""
    token = _token(st, "install")
    status = certificates.install(st, USES[req.certificate_type], req.certificate, token)
    return Later(token, certificates.deadline(st)) if status is None else m.InstallCertificateResponse(status=status)


@table.on("DeleteCertificate", when=REGISTERED)
def delete(st: Station, req: Any, m: Any) -> Any:
    """M04."""
    hashed = req.certificate_hash_data
    return m.DeleteCertificateResponse(
        status=certificates.delete(
            st, hashed.hash_algorithm, hashed.issuer_name_hash, hashed.issuer_key_hash, hashed.serial_number
        )
    )


@table.on("GetInstalledCertificateIds", when=REGISTERED)
def listed(st: Station, req: Any, m: Any) -> Any:
    """M03."""
    rows = [
        m.CertificateHashDataType(
            hash_algorithm=facts["hash_algorithm"],
            issuer_name_hash=facts["issuer_name_hash"],
            issuer_key_hash=facts["issuer_key_hash"],
            serial_number=facts["serial_number"],
        )
        for _, facts in certificates.listed(st, (USES[req.certificate_type],))
    ]
    return m.make(
        m.GetInstalledCertificateIdsResponse,
        status="Accepted" if rows else "NotFound",
        certificate_hash_data=rows or UNSET,
    )


@table.on("CertificateSigned", when=REGISTERED)
def signed(st: Station, req: Any, m: Any) -> Any:
    """A02, A03."""
    token = _token(st, "signed")
    status = certificates.signed(st, req.certificate_chain, token)
    return Later(token, certificates.deadline(st)) if status is None else m.CertificateSignedResponse(status=status)


@table.render(SigningAsked)
def sign_certificate(st: Station, report: SigningAsked, m: Any) -> Any:
    """A02.FR.03."""
    return "SignCertificate", m.SignCertificateRequest(csr=report.csr)


@table.reply("SignCertificate")
def sign_answered(st: Station, report: SigningAsked, res: Any) -> None:
    """A02.FR.11-12."""
    signing.answered(st, res.status)


@table.failure("SignCertificate")
def sign_failed(st: Station, report: SigningAsked, code: str) -> None:
    """Repeated by the block."""
    signing.failed(st, code)
