"""UpdateFirmware of 1.6 (4.5, 5.19) and the signed update of its security extension (white paper L01).

Both are one process in ``blocks/firmware.py``; here they differ in their messages and words. The older messages know
seven states: what they have no word for is not told, and a failed verification is a failed installation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import firmware
from simulator.core.dialect import REGISTERED, CallRefused, Later, Table
from simulator.core.link_policy import SECURITY_PROFILE
from simulator.core.reports import FirmwareProgress, FirmwareStep
from simulator.core.wall import parse_wall

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table("FirmwareManagement")

#: 6.12: the words of FirmwareStatusNotification
PLAIN = frozenset(
    {"Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed"}
)
#: states the older messages have another word for
PLAIN_WORDS = {"InstallVerificationFailed": "InstallationFailed", "InstallRebooting": "Installing"}


def moment(text: str, field: str) -> int:
    """Microseconds since 1970 of a date-time; CallRefused when it is none."""
    wall_us = parse_wall(text)
    if wall_us is None:
        raise CallRefused("property", f"{field} is no date-time")
    return wall_us


def optional(value: Any) -> Any:
    """None for a field that was left out."""
    return None if value is UNSET else value


@table.on("UpdateFirmware", when=REGISTERED)
def update(st: Station, req: Any, m: Any) -> Any:
    """5.19. On a security profile only signed firmware is taken (white paper L01.FR.20)."""
    if st.settings[SECURITY_PROFILE] > 0:
        raise CallRefused("not_supported", "on a security profile firmware has to be signed: SignedUpdateFirmware")
    wanted = firmware.order(
        req.location,
        moment(req.retrieve_date, "retrieveDate"),
        optional(req.retries),
        optional(req.retry_interval),
        plain=True,
    )
    if firmware.request(st, wanted) == "Rejected":  # the answer has no field to say so
        raise CallRefused("generic", "an installation is under way, or the memory cannot keep the request")
    return m.UpdateFirmwareResponse()


@table.on("SignedUpdateFirmware", when=REGISTERED)
def signed_update(st: Station, req: Any, m: Any) -> Any:
    """L01.FR.23-27: the certificate is checked first, so the answer comes later."""
    image = req.firmware
    wanted = firmware.order(
        image.location,
        moment(image.retrieve_date_time, "retrieveDateTime"),
        optional(req.retries),
        optional(req.retry_interval),
        request_id=req.request_id,
        install_us=None if image.install_date_time is UNSET else moment(image.install_date_time, "installDateTime"),
        certificate=image.signing_certificate,
        signature=image.signature,
    )
    words = ("Accepted", "AcceptedCanceled", "Rejected", "InvalidCertificate", "RevokedCertificate")
    answers = {word: m.SignedUpdateFirmwareResponse(status=word) for word in words}
    promised = firmware.request_signed(st, wanted, answers)
    return answers[promised] if isinstance(promised, str) else Later(*promised)


def _message(report: FirmwareProgress, status: str, m: Any) -> Any:
    if report.plain:
        return "FirmwareStatusNotification", m.FirmwareStatusNotificationRequest(status=status)
    return "SignedFirmwareStatusNotification", m.SignedFirmwareStatusNotificationRequest(
        status=status, request_id=UNSET if report.request_id is None else report.request_id
    )


@table.render(FirmwareProgress)
def asked_status(st: Station, report: FirmwareProgress, m: Any) -> Any:
    """4.5, L01.FR.28-29: something is always answered; without a word for it nothing is going on that counts."""
    status = PLAIN_WORDS.get(report.status, report.status) if report.plain else report.status
    return _message(report, "Idle" if report.plain and status not in PLAIN else status, m)


@table.render(FirmwareStep)
def step(st: Station, report: FirmwareStep, m: Any) -> Any:
    """4.5, L01.FR.01, FR.10."""
    status = PLAIN_WORDS.get(report.status, report.status) if report.plain else report.status
    return None if report.plain and status not in PLAIN else _message(report, status, m)
