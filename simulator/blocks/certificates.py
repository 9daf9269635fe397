"""A02, A03, M03 to M05 Certificates: roots that the CSMS installs and deletes, and the station's own that is renewed.

The core sees no key and parses no certificate: it has PEM text, facts and handles, and jobs (``core/jobs.py``) do the
work, so an answer that depends on a look into a certificate comes later. What is installed lies on flash
(``core/certificate_store.py``).

The station's own certificate: a new key is made under a new handle, the request goes out, and only a certificate for
that very key, by an authority of the operator, for this station, is taken (A02.FR.06). The handle waits on flash, so a
certificate may come after a power cut. With security profile 3 the station then connects anew with it; as long as the
CSMS refuses it, it and the previous one are tried in turn, and the one that does not work in the end goes
(``core/trial.py``; errata 2.9, A02.FR.10, FR.28).

AdditionalRootCertificateCheck (M05.FR.08-13): one root of the CSMS, and for the time of a change the one before it. The
new root is used for dialling, the old one when the server's certificate does not fit, and the old one goes when the new
one has worked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.blocks import product_settings
from simulator.blocks.device_model import serial_of
from simulator.core import certificate_store as store
from simulator.core import jobs, trial
from simulator.core.certificate_store import AREA, CSMS_ROOT, ROOTS, STATION, USES, Facts
from simulator.core.inputs import JobDone, JobProgress
from simulator.core.link_policy import CERTIFICATE_PROFILE, SECURITY_PROFILE, TLS_PROFILES, TLS_REFS
from simulator.core.records import FlashTrouble, Remark
from simulator.core.security_event import say
from simulator.core.settings import READ_ONLY, setting
from simulator.core.wiring import at, drain

if TYPE_CHECKING:
    from simulator.core.station import Station

STORE_LENGTH = setting(
    None,
    "int",
    20,
    key16="CertificateStoreMaxLength",
    mutability=READ_ONLY,
    minimum=1,
    maximum=100,
    description="most root certificates that can be installed",
)
product_settings.MAXIMA[product_settings.CERTIFICATE_ENTRIES.key] = lambda model: model.defaults[STORE_LENGTH.index]
MAX_CHAIN = setting(
    "SecurityCtrlr.MaxCertificateChainSize",
    "int",
    10_000,
    key16="CertificateSignedMaxChainSize",
    mutability=READ_ONLY,
    minimum=1,
    maximum=10_000,
    description="longest certificate chain the station takes, in characters",
)
ADDITIONAL_CHECK = setting(
    "SecurityCtrlr.AdditionalRootCertificateCheck",
    "bool",
    False,
    key16="AdditionalRootCertificateCheck",
    mutability=READ_ONLY,
    description="a new root of the CSMS must be signed by the one it replaces",
)

#: an answer that waits for a job is given up after this
PATIENCE_S = 30
#: a certificate that begins later than this is not taken, and one that begins later than now is used from then on
AHEAD_US = 31 * 86_400_000_000
#: capability of a version that takes no certificate before it is in force (errata 2.9, A02.FR.06)
IN_FORCE_ONLY = "a certificate must be in force when it comes"
#: ... and of one in which the station's own certificate counts with the roots (CertificateEntries)
COUNTS_OWN = "the certificate of the station is one of the entries"
#: ... and of one whose CSMS may delete the root by which it is trusted (2.x M04, remarks; part 6 TC_M_20)
ANY_ROOT_GOES = "the root in use can be deleted"
#: ... and of one in which a bad root that is to be installed is a security event (1.6 certification case TC_078_CS)
BAD_ROOT_TOLD = "a bad root is told by an event"
#: data: nothing is asked for any more before the CSMS says so, or a restart
STOPPED = "signing_stopped"
#: flash key of the handle whose certificate is asked for
PENDING = "pending"


def installed(st: Station, use: str) -> list[str]:
    """PEM text of every certificate installed for ``use`` (``core/certificate_store.USES``), oldest first."""
    return [facts["pem"] for _, facts in store.entries(st, use)]


def listed(st: Station, uses: tuple[str, ...] = USES) -> list[tuple[str, Facts]]:
    """(use, facts) of what is installed, for whoever lists hash data (M03.FR.01-05)."""
    return [(use, facts) for use in uses for _, facts in store.entries(st, use)]


def deliver(st: Station, use: str, facts: Facts) -> bool:
    """Put in what the station leaves the factory with, before it is switched on; False when flash refuses.

    ``facts`` is the result of ``inspect_certificate``, with ``key`` (a handle) for the station's own certificate. The
    same facts may be given to any number of stations. What is there already stays; a certificate of the station that
    is older than one it has (renewed in an earlier run, say) is left out.
    """
    assert use in USES and (use != STATION or facts.get("key")), use
    known = store.entries(st, use)
    if any(name == store.name_of(use, facts) for name, _ in known):
        return True
    if use == STATION and any(own["not_before_us"] >= facts["not_before_us"] for _, own in known):
        return True
    return store.put(st, use, facts)


# -- answers that come later -------------------------------------------------------------------------------------------


class Waiting:
    """An answer that is owed. ``use`` and ``facts`` are what has been learnt so far."""

    __slots__ = ("facts", "token", "use")

    def __init__(self, token: str, use: str = "", facts: Facts | None = None) -> None:
        self.token, self.use, self.facts = token, use, facts


def _start(st: Station, kind: str, owner: str, args: dict[str, Any], waiting: Waiting) -> bool:
    number = jobs.start(st, kind, owner, args)
    if number is None:
        return False
    st.data.setdefault("certificate_jobs", {})[number] = waiting
    return True


def _waiting(st: Station, number: int) -> Waiting | None:
    """Who waits for this job; None when the link went and the answer with it: then nothing is done either."""
    found: Waiting = st.data["certificate_jobs"].pop(number)
    return found if found.token in st.later else None


def _answer(st: Station, token: str, status: str) -> None:
    """All these answers consist of a status, in every version."""
    messages = st.dialect.messages
    action = st.later[token][1]
    st.answer_later(token, messages.make(getattr(messages, action + "Response"), status=status))


def deadline(st: Station) -> int:
    """When an answer that waits for a job is given up."""
    return st.now + PATIENCE_S * 1_000_000 * st.speed


# -- roots -------------------------------------------------------------------------------------------------------------


def install(st: Station, use: str, pem: str, token: str) -> str | None:
    """M05: the status at once, or None when the answer comes under ``token``."""
    current = store.entries(st, use)
    additional = use == CSMS_ROOT and st.settings[ADDITIONAL_CHECK] and bool(current)
    roots = [current[-1][1]["pem"]] if additional else []  # M05.FR.09
    args = {"pem": pem, "roots": roots, "at_us": st.board.rtc.wall(st.now), "purpose": "root"}
    return None if _start(st, "check_chain", "certificates.install", args, Waiting(token, use)) else "Failed"


@jobs.on_job("certificates.install")
def looked_at_root(st: Station, number: int, event: JobDone | JobProgress, now: int) -> None:
    """The root is sound, or not."""
    if not isinstance(event, JobDone) or (waiting := _waiting(st, number)) is None:
        return
    if not event.ok:
        if waiting.use == CSMS_ROOT and BAD_ROOT_TOLD in st.dialect.capabilities:
            say(st, "InvalidCsmsCertificate", f"install: {event.result['cause']}")
        _answer(st, waiting.token, "Rejected")  # M05.FR.07, FR.11
        return
    _answer(st, waiting.token, _store_root(st, waiting.use, event.result))


def _store_root(st: Station, use: str, facts: Facts) -> str:
    name = store.name_of(use, facts)
    current = [known for known, _ in store.entries(st, use)]
    if name in current:
        return "Accepted"
    replaced: list[str] = []
    if use == CSMS_ROOT and st.settings[ADDITIONAL_CHECK]:
        replaced = current[:-1]  # M05.FR.08: one, and for a while the one before
    counted = USES if COUNTS_OWN in st.dialect.capabilities else ROOTS
    if sum(len(store.entries(st, one)) for one in counted) - len(replaced) >= st.settings[STORE_LENGTH]:
        return "Rejected"  # M05.FR.06
    if not store.put(st, use, facts):
        st.record(FlashTrouble(AREA, st.board.flash.why, name))
        return "Failed"  # M05.FR.03
    for old in replaced:
        _drop(st, old)
    say(st, "ReconfigurationOfSecurityParameters", f"{use} installed")
    return "Accepted"


def delete(st: Station, algorithm: str, name_hash: str, key_hash: str, serial: str) -> str:
    """M04: Accepted, NotFound, or Failed: for the station's own certificate, a root in use where it has to stay, a
    memory that refuses."""
    name = store.find(st, algorithm, name_hash, key_hash, serial)
    if name is None:
        return "NotFound"
    stays = ANY_ROOT_GOES not in st.dialect.capabilities and name == root_in_use(st)  # 1.6 M04.FR.06
    if stays or name.startswith(STATION):  # M04.FR.06, 1.6 M04.FR.05
        return "Failed"
    if not store.remove(st, name):
        st.record(FlashTrouble(AREA, st.board.flash.why, f"{name} cannot be deleted"))
        return "Failed"
    say(st, "ReconfigurationOfSecurityParameters", f"{name.partition('/')[0]} deleted")
    return "Accepted"


def root_in_use(st: Station) -> str | None:
    """The root by which the CSMS of the present connection is trusted.

    With several that were trusted when it was dialled the station does not know which one did it; the oldest is taken.
    """
    if not st.link.is_up or st.settings[SECURITY_PROFILE] not in TLS_PROFILES:
        return None
    trusted: tuple[str, ...] = st.data.get("trusted_roots", ())
    return trusted[0] if trusted else None


def refs(st: Station, profile: int) -> dict[str, str]:
    """What a dial with TLS takes from the store, see ``effects.Dial``."""
    roots = store.entries(st, CSMS_ROOT)
    if len(roots) > 1 and st.settings[ADDITIONAL_CHECK]:
        roots = [roots[-2 if st.data.get("old_root") else -1]]
    st.data["trusted_roots"] = tuple(name for name, _ in roots)
    found = {"trust": "".join(facts["pem"] for _, facts in roots)} if roots else {}
    if profile == CERTIFICATE_PROFILE:
        own = store.shown_certificate(st)
        if own is not None:
            found["certificate"], found["key"] = own[1]["pem"], own[1]["key"]
            st.data["dialled_certificate"] = own[0]
    return found


TLS_REFS.append(refs)


@drain(25)
def other_root(st: Station, now: int) -> None:
    """M05.FR.13: the server does not fit the root it was dialled with; the next dial takes the other one."""
    trouble = st.link.trouble
    if trouble is None or trouble[1] != "tls_server_cert" or st.data.get("root_judged") == trouble[0]:
        return
    st.data["root_judged"] = trouble[0]
    if st.settings[ADDITIONAL_CHECK]:
        st.data["old_root"] = not st.data.get("old_root", False)


@at("link_up")
def root_works(st: Station, now: int) -> None:
    """M05.FR.12: connected with the new root, so the one it replaces goes."""
    if st.settings[SECURITY_PROFILE] in TLS_PROFILES and st.settings[ADDITIONAL_CHECK]:
        roots = [name for name, _ in store.entries(st, CSMS_ROOT)]
        if len(roots) > 1 and st.data.get("trusted_roots") == (roots[-1],):
            for old in roots[:-1]:
                _drop(st, old)


def _drop(st: Station, name: str) -> None:
    if not store.remove(st, name):
        st.record(FlashTrouble(AREA, st.board.flash.why, f"{name} is of no use but cannot be deleted"))


# -- the station's own -------------------------------------------------------------------------------------------------


def signed(st: Station, chain: str, token: str) -> str | None:
    """A02: a certificate for the key last asked for; the status at once, or None when the answer comes later."""
    if len(chain) > st.settings[MAX_CHAIN]:
        say(st, "InvalidChargingStationCertificate", "longer than the station takes")
        return "Rejected"
    if st.board.flash.get(AREA, PENDING) is None:
        say(st, "InvalidChargingStationCertificate", "none was asked for")
        return "Rejected"
    started = _start(st, "inspect_certificate", "certificates.inspect", {"pem": chain}, Waiting(token))
    return None if started else "Rejected"


@jobs.on_job("certificates.inspect")
def looked_at_own(st: Station, number: int, event: JobDone | JobProgress, now: int) -> None:
    """It can be read; is it to be trusted? Where it may begin later, it is judged at its beginning (1.6 A02.FR.08)."""
    if not isinstance(event, JobDone) or (waiting := _waiting(st, number)) is None:
        return
    key = st.board.flash.get(AREA, PENDING)
    if not event.ok or key is None:
        _refuse(st, waiting, str(event.result.get("cause", "none was asked for")))
        return
    wall_us = st.board.rtc.wall(now)
    begins_us: int = event.result["not_before_us"]
    may_begin_later = IN_FORCE_ONLY not in st.dialect.capabilities
    args = {
        "pem": event.result["pem"],
        "roots": installed(st, CSMS_ROOT),
        "at_us": begins_us if may_begin_later and wall_us < begins_us <= wall_us + AHEAD_US else wall_us,
        "key": key,
        "common_name": subject_of(st)["CN"],
        "organization": st.settings[product_settings.ORGANIZATION],
        "purpose": "client",
    }
    again = Waiting(waiting.token, STATION, {**event.result, "key": key})
    if not _start(st, "check_chain", "certificates.chain", args, again):
        _answer(st, waiting.token, "Rejected")


@jobs.on_job("certificates.chain")
def judged_own(st: Station, number: int, event: JobDone | JobProgress, now: int) -> None:
    """Taken, or discarded with a security event (A02.FR.07)."""
    if not isinstance(event, JobDone) or (waiting := _waiting(st, number)) is None:
        return
    if not event.ok:
        _refuse(st, waiting, str(event.result["cause"]))
        return
    assert waiting.facts is not None
    if not _take(st, {**event.result, "key": waiting.facts["key"]}):
        st.record(FlashTrouble(AREA, st.board.flash.why, "the new certificate of the station"))
        _answer(st, waiting.token, "Rejected")
        return
    _answer(st, waiting.token, "Accepted")
    say(st, "ReconfigurationOfSecurityParameters", "certificate of the station renewed")


def _refuse(st: Station, waiting: Waiting, cause: str) -> None:
    st.data[STOPPED] = IN_FORCE_ONLY in st.dialect.capabilities  # 2.x A02.FR.20
    _answer(st, waiting.token, "Rejected")
    say(st, "InvalidChargingStationCertificate", cause)


def _take(st: Station, facts: Facts) -> bool:
    """Keep it; use it at once if it is in force and certificates are in use."""
    in_force = store.in_force(facts, st.board.rtc.wall(st.now))
    before = store.entries(st, STATION)
    present = store.shown_certificate(st)
    in_use = st.settings[SECURITY_PROFILE] == CERTIFICATE_PROFILE
    use_now = in_force and in_use
    if use_now and not begin_use(st, "" if present is None else present[0]):
        return False
    if not store.put(st, STATION, facts):
        return False
    if not st.board.flash.delete(AREA, PENDING):
        st.record(FlashTrouble(AREA, st.board.flash.why, "a request that has been served"))
    if in_force and not in_use:
        for name, _ in before:
            if name != store.name_of(STATION, facts):
                _drop(st, name)
    if use_now:
        if IN_FORCE_ONLY in st.dialect.capabilities:  # A02.FR.08, FR.09 removed: whenever its validity began
            store.prefer(st, store.name_of(STATION, facts))
        st.link.renew(st, st.now)
    elif in_use:
        wait_us = facts["not_before_us"] - st.board.rtc.wall(st.now)
        st.timers.set("certificate", st.now + max(0, wait_us))  # A02.FR.08
    return True


def begin_use(st: Station, present: str) -> bool:
    """Another certificate is about to be used: the one of this name (empty: none) stays until it has worked."""
    return trial.begin(st, "station_certificate", present)


def _back(st: Station, previous: Any) -> str | None:
    """A02.FR.28: use the other one; the name of the one given up, which is tried next."""
    used = store.shown_certificate(st)
    if not previous or used is None or used[0] == previous or not store.prefer(st, previous):
        return None
    say(st, "ReconfigurationOfSecurityParameters", "another certificate of the station is tried")
    return used[0]


def _works(st: Station, previous: Any) -> None:
    """A02.FR.10: what is not in use goes. One that is to be used later stays; that the newest one is given up for good
    is told (A02.FR.29)."""
    present = store.station_certificate(st)
    if present is None:
        return
    wall_us, older = st.board.rtc.wall(st.now), True
    for name, facts in store.entries(st, STATION):
        if name == present[0]:
            older = False
        elif facts["not_before_us"] <= wall_us:
            _drop(st, name)
            if not older and IN_FORCE_ONLY in st.dialect.capabilities:
                say(st, "DiscardedRenewedClientCertificate", f"serial number {facts['serial_number']}")
    store.prefer(st, None)


trial.declare(
    "station_certificate",
    trial.Kind(
        restore=_back,
        confirm=_works,
        blames=lambda cause, code: (
            cause in ("tls_client_cert", "reset", "closed") or (cause == "http_status" and code in trial.REFUSED)
        ),
        rounds=lambda st: len(st.settings[product_settings.NETWORK_PRIORITY]),  # A02.FR.28: every entry
    ),
)


def subject_of(st: Station) -> dict[str, str]:
    """Whom a request is for: the serial number (else the identity) and the operator (A00.FR.509, FR.511)."""
    return {"CN": serial_of(st) or st.id, "O": st.settings[product_settings.ORGANIZATION]}


def key_made(st: Station, key: str) -> bool:
    """Remember for which key a certificate is to come; False when flash refuses."""
    if st.board.flash.write(AREA, PENDING, key, 32 + len(key)):
        return True
    st.record(FlashTrouble(AREA, st.board.flash.why, "the key of a request"))
    st.record(Remark("no certificate is asked for: its key cannot be remembered"))
    return False
