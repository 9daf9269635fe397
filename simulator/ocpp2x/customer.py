"""CustomerInformation and NotifyCustomerInformation of 2.x (N09, N10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import customer
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import CustomerPage
from simulator.ocpp2x.types import reason, when

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: longest text of a page (NotifyCustomerInformationRequest.data)
PAGE_CHARS = 512
CLEARED = "cleared"


@table.on("CustomerInformation", when=REGISTERED)
def customer_information(st: Station, req: Any, m: Any) -> Any:
    """N09.FR.02-03, FR.05-07, FR.09, N10.FR.01, FR.03-07. Before the station is accepted it could not tell what it has
    found (B02.FR.02)."""

    def answer(status: str, code: str = "") -> Any:
        return m.make(m.CustomerInformationResponse, status=status, status_info=reason(m, code) if code else UNSET)

    if st.gate != "accepted":
        return answer("Rejected", "CSNotAccepted")
    named = [who for who in (req.id_token, req.customer_certificate, req.customer_identifier) if who is not UNSET]
    if len(named) != 1:
        return answer("Invalid", "MissingParam" if not named else "TooManyElements")
    if not (req.report or req.clear):
        return answer("Rejected", "InvalidValue")
    token = "" if req.id_token is UNSET else str(req.id_token.id_token)
    text = customer.known(st, token) if token and req.report else ""
    if req.clear:
        if token and not customer.clear(st, token):
            return answer("Rejected", "InternalError")
        if not req.report:
            text = CLEARED
    _publish(st, req.request_id, text)
    return answer("Accepted")


def _publish(st: Station, request_id: int, text: str) -> None:
    """In pages; without text one page says by its emptiness that nothing was found (N09.FR.06)."""
    for first in range(0, len(text) or 1, PAGE_CHARS):
        more = first + PAGE_CHARS < len(text)
        page = text[first : first + PAGE_CHARS]
        st.publish(CustomerPage(request_id, first // PAGE_CHARS, more, page, st.stamp()), triggered=True)


@table.render(CustomerPage)
def notify_customer_information(st: Station, report: CustomerPage, m: Any) -> Any:
    """N09.FR.05."""
    return "NotifyCustomerInformation", m.make(
        m.NotifyCustomerInformationRequest,
        data=report.text,
        seq_no=report.seq_no,
        generated_at=when(st, report.at),
        request_id=report.request_id,
        tbc=True if report.more else UNSET,
    )
