"""A02, A03 Asking for a certificate: a new key, a request, and how often it is repeated.

It begins when the CSMS asks (A02) or when the certificate in use has less than a month left (A03.FR.02), however short
its life is as a whole. The operator's name must be known (A02.FR.13: it goes into the request). One request
is under way at a time. A request that nobody answered is sent again after CertSigningWaitMinimum seconds, then after
twice that and so on, CertSigningRepeatTimes times. One that was answered is repeated just so as long as no certificate
comes (2.x A02.FR.17-19; there CertSigningRepeatTimes is how often the wait doubles), or not at all, because the white
paper of the older version advises against it (A02 error handling): an operator has to look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks import certificates, product_settings
from simulator.core import certificate_store as store
from simulator.core import jobs
from simulator.core.certificate_store import STATION
from simulator.core.inputs import JobDone, JobProgress
from simulator.core.link_policy import CERTIFICATE_PROFILE, SECURITY_PROFILE
from simulator.core.outbox import NEVER_KNOWN
from simulator.core.records import Remark
from simulator.core.reports import SigningAsked
from simulator.core.settings import setting
from simulator.core.wiring import at, on_timer

if TYPE_CHECKING:
    from simulator.core.station import Station

WAIT_MINIMUM = setting(
    "SecurityCtrlr.CertSigningWaitMinimum",
    "int",
    30,
    minimum=1,
    maximum=86_400,
    unit="s",
    description="seconds before an unanswered request for a certificate is repeated; doubles with every repetition",
)
REPEAT_TIMES = setting(
    "SecurityCtrlr.CertSigningRepeatTimes",
    "int",
    3,
    minimum=0,
    maximum=10,
    description="how often a request for a certificate is repeated",
)
#: data of the block: the number of the request sent last in this boot
ASKED = "signing_asked"
MINUTE_US, DAY_US = 60_000_000, 86_400_000_000
#: a certificate is renewed when this much is left of it (A03.FR.02)
MONTH_US = 30 * DAY_US


class Signing:
    """A request under way. ``csr`` is empty while its key is being made; ``triggered``: the CSMS asked for it."""

    __slots__ = ("asking", "awaited", "csr", "job", "repeated", "triggered")

    def __init__(self, triggered: bool) -> None:
        self.csr = ""
        self.triggered = triggered
        self.job: int | None = None
        #: sent and not answered yet
        self.asking = False
        self.repeated = 0
        #: answered, and the certificate is still to come
        self.awaited = False


def sign(st: Station, *, triggered: bool = False) -> str:
    """Ask for a certificate: Accepted, Rejected (operator unknown, too much to do), NotImplemented."""
    if SigningAsked not in st.dialect.renderers:
        return "NotImplemented"
    if not st.settings[product_settings.ORGANIZATION]:
        return "Rejected"
    if triggered:
        st.data.pop(certificates.STOPPED, None)
    under_way: Signing | None = st.data.get("signing")
    if under_way is not None and (not under_way.csr or under_way.asking):
        return "Accepted"  # this very request will be heard
    own = Signing(triggered)
    handle = f"{st.id}/{st.board.rtc.wall(st.now):x}-{st.job_no + 1}"
    args = {"key": handle, "subject": certificates.subject_of(st), "algorithm": "EC-P256"}
    own.job = jobs.start(st, "make_csr", "signing.csr", args)
    if own.job is None:
        return "Rejected"
    _over(st)
    st.data["signing"] = own
    return "Accepted"


def _over(st: Station) -> None:
    st.data.pop("signing", None)
    st.timers.cancel("signing")


@jobs.on_job("signing.csr")
def made(st: Station, number: int, event: JobDone | JobProgress, now: int) -> None:
    """The request is made."""
    own: Signing | None = st.data.get("signing")
    if not isinstance(event, JobDone) or own is None or own.job != number:
        return
    if not event.ok or not certificates.key_made(st, event.result["key"]):
        if not event.ok:
            st.record(Remark(f"no certificate is asked for: {event.result['detail']}"))
        _over(st)
        return
    own.csr = event.result["csr"]
    _send(st, own)


def _send(st: Station, own: Signing) -> None:
    if st.link.is_up:
        own.asking = True
        st.data[ASKED] = own.job or 0
        st.publish(SigningAsked(own.csr, own.job or 0), triggered=own.triggered)
    else:
        _later(st, own)


def answered(st: Station, status: str, *, awaited: bool = False) -> None:
    """SignCertificate was answered; the certificate comes by itself, or an operator looks. ``awaited``: if it does not
    come in time it is asked for again."""
    own: Signing | None = st.data.get("signing")
    if own is None:
        return
    if awaited and status == "Accepted":
        own.asking, own.awaited = False, True
        _later(st, own)
    else:
        _over(st)
        if status != "Accepted":
            st.record(Remark("the CSMS does not pass the request for a certificate on"))


def heard(st: Station) -> None:
    """A certificate has come, good or not: nothing is asked for any more until somebody wants it (A02.FR.17, FR.20)."""
    own: Signing | None = st.data.get("signing")
    if own is not None and own.csr:
        _over(st)


def is_known(st: Station, number: int) -> bool:
    """Could a certificate be for the request of this number (2.x A02.FR.26)? After a restart any could."""
    return bool(st.data.get(ASKED, number) == number)


def failed(st: Station, code: str) -> None:
    """SignCertificate was not answered, or by a CALLERROR."""
    own: Signing | None = st.data.get("signing")
    if own is None:
        return
    own.asking = False
    if code in NEVER_KNOWN:
        _over(st)
        return
    _later(st, own)


def _later(st: Station, own: Signing) -> None:
    if own.repeated >= st.settings[REPEAT_TIMES] + own.awaited:
        what = "led to none" if own.awaited else "was not answered"
        st.data[certificates.STOPPED] = own.awaited  # A02.FR.19, A03.FR.19
        st.record(Remark(f"a request for a certificate {what}, repeated {own.repeated} times"))
        _over(st)
        return
    st.timers.set("signing", st.now + (st.settings[WAIT_MINIMUM] << own.repeated) * 1_000_000)
    own.repeated += 1


@on_timer("signing")
def again(st: Station, index: int, now: int) -> None:
    """The request is due again."""
    own: Signing | None = st.data.get("signing")
    if own is not None and own.csr:
        _send(st, own)


# -- before it expires -------------------------------------------------------------------------------------------------


@at("accepted")
def watch_validity(st: Station, now: int) -> None:
    """When will something have to be done about the certificate in use?"""
    if st.settings[SECURITY_PROFILE] != CERTIFICATE_PROFILE or SigningAsked not in st.dialect.renderers:
        return
    present = store.shown_certificate(st)
    wall_us = st.board.rtc.wall(now)
    moments = [facts["not_before_us"] for _, facts in store.entries(st, STATION) if facts["not_before_us"] > wall_us]
    if present is not None:
        moments.append(present[1]["not_after_us"] - MONTH_US)
    if moments:
        st.timers.set("certificate", now + max(0, min(moments) - wall_us))


@on_timer("certificate")
def validity_due(st: Station, index: int, now: int) -> None:
    """A certificate begins to be valid, or the one in use is about to end; looked at again in a day, or earlier where
    less than three are left."""
    st.timers.set("certificate", now + DAY_US)
    if not st.link.is_up or st.gate != "accepted":
        return
    present = store.shown_certificate(st)
    if present is None:
        return
    used = st.data.get("dialled_certificate")
    if used is not None and used != present[0]:  # A02.FR.08
        if certificates.begin_use(st, used):
            st.link.renew(st, now)
        return
    left_us = present[1]["not_after_us"] - st.board.rtc.wall(now)
    if left_us <= MONTH_US and not st.data.get(certificates.STOPPED):
        if 0 < left_us < 3 * DAY_US:
            st.timers.set("certificate", now + max(left_us // 3, MINUTE_US))
        sign(st)
