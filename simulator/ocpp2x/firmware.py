"""UpdateFirmware and FirmwareStatusNotification of 2.x: the signed update (L01) and the one without signature (L02).

Both are one process in ``blocks/firmware.py`` and have the same messages. A certificate is checked before the answer.
What a local controller publishes for others stands in ``publishing``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import firmware
from simulator.core.dialect import REGISTERED, Later, Table
from simulator.core.reports import FirmwareProgress, FirmwareStep
from simulator.ocpp2x.types import instant, moment, optional, reason

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table("FirmwareManagement")

WORDS = ("Accepted", "AcceptedCanceled", "Rejected", "InvalidCertificate", "RevokedCertificate")


@table.on("UpdateFirmware", when=REGISTERED)
def update(st: Station, req: Any, m: Any) -> Any:
    """L01.FR.21-27, L02.FR.15, FR.18. Whose certificate stands here is to have signed the image: without a signature it
    is fetched and found to be of nobody (L01, scenario step 5). A signature without certificate says nothing at all."""
    image = req.firmware
    signed = image.signing_certificate is not UNSET
    if not signed and (image.signature is not UNSET or firmware.signed_only(st)):
        return m.make(m.UpdateFirmwareResponse, status="Rejected", status_info=reason(m, "MissingParam"))
    wanted = firmware.order(
        image.location,
        instant(image.retrieve_date_time, "retrieveDateTime"),
        optional(req.retries),
        optional(req.retry_interval),
        request_id=req.request_id,
        install_us=moment(image.install_date_time, "installDateTime"),
        certificate=optional(image.signing_certificate) or "",
        signature=optional(image.signature) or "",
    )
    answers = {word: m.make(m.UpdateFirmwareResponse, status=word) for word in WORDS}
    if not signed:
        return answers[firmware.request(st, wanted)]
    promised = firmware.request_signed(st, wanted, answers)
    return answers[promised] if isinstance(promised, str) else Later(*promised)


@table.render(FirmwareProgress)
@table.render(FirmwareStep)
def status(st: Station, report: FirmwareProgress, m: Any) -> Any:
    """L01.FR.01, FR.10, FR.20."""
    return "FirmwareStatusNotification", m.make(
        m.FirmwareStatusNotificationRequest,
        status=report.status,
        request_id=UNSET if report.request_id is None else report.request_id,
    )
