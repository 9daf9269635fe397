"""Slow or impure work that leaves the station: one attempt each, and who is told what became of it.

A block starts a job with :func:`start` and names its *owner*, the key under which a function was declared with
``@on_job``. The driver carries the job out and feeds ``JobProgress`` and exactly one ``JobDone`` with the same number.
Retries, intervals and what a failure means belong to the block, so that an attempt is counted in one place. A reboot
forgets all jobs (they live in RAM); what a forgotten job still says is passed over. Numbers are never used twice.

The kinds and their arguments (plain data; ``pem`` is text, times are microseconds since 1970 on the station's clock):

``upload``               url, file_name, content (bytes), roots (pem, may be empty), redirects (follow them?) -> bytes
``download``             url, max_bytes, roots -> bytes, sha256 (hex), head (the first 256 bytes, as hex), file_name;
                         with keep (a name) the file is kept for ``publish``, and its md5 (hex) told
``publish``              name (of what was kept), file_name -> places (addresses at which it is served from now on)
``unpublish``            name -> {}: it is served and kept no longer; ``busy`` while somebody is fetching it
``make_csr``             key (handle under which the new private key is kept), subject ({"CN": ..., "O": ...}),
                         algorithm (``EC-P256``, ``RSA-2048``, ``RSA-3072``) -> csr (pem), key
``inspect_certificate``  pem -> pem (normalised), hash_algorithm, issuer_name_hash, issuer_key_hash, serial_number (hex
                         without leading zeros), subject, issuer, common_name, organization, not_before_us,
                         not_after_us, is_ca, self_signed, key_bits, hash data of a child chain if any (``children``)
``check_chain``          pem (leaf first), roots (list of pem), at_us, and any of: key (handle that must match the
                         leaf), common_name, organization, purpose (``client``, ``code``, ``root``) -> the fields of
                         ``inspect_certificate`` for the leaf
``check_signature``      sha256 (hex, of the whole file), certificate (pem), signature (base64) -> {}
``check_ocsp``, ``probe``  nobody asks for: certificates that need OCSP are those of ISO 15118 (M06)

When ``ok`` is false, ``result`` has ``cause`` and ``detail``. Transfers: bad_url, unsupported, host_not_allowed, dns,
refused, timeout, tls, auth, not_found, permission, http_status, broken, too_large, busy, local_limit. Certificates and
signatures: unreadable, expired, not_yet_valid, untrusted, bad_signature, key_mismatch, common_name, organization,
purpose, weak_key, chain_too_long, not_signed_by_current.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.core.effects import Job
from simulator.core.records import Remark

if TYPE_CHECKING:
    from simulator.core.inputs import JobDone, JobProgress
    from simulator.core.station import Station

KINDS = (
    "upload", "download", "publish", "unpublish", "make_csr", "inspect_certificate", "check_chain", "check_signature",
    "check_ocsp", "probe",
)  # fmt: skip
#: jobs of one station at a time; blocks refuse a request before they come near it
MAX_JOBS = 16

#: ``handler(station, job number, event, now)``; ``event`` is the JobProgress or JobDone
JobHandler = Callable[["Station", int, "JobProgress | JobDone", int], None]
OWNERS: dict[str, JobHandler] = {}


def on_job(owner: str) -> Callable[[JobHandler], JobHandler]:
    """Declare who is told of the jobs started for ``owner`` (a name like ``firmware.download``)."""

    def declare(function: JobHandler) -> JobHandler:
        assert owner not in OWNERS, f"two handlers for jobs of {owner}"
        OWNERS[owner] = function
        return function

    return declare


def start(st: Station, kind: str, owner: str, args: dict[str, Any]) -> int | None:
    """Ask the driver for one attempt; the job's number, None when too many are under way."""
    assert kind in KINDS and owner in OWNERS, (kind, owner)
    if len(st.jobs) >= MAX_JOBS:
        return None
    st.job_no += 1
    st.jobs[st.job_no] = owner
    st.do(Job(st.job_no, kind, args))
    return st.job_no


def forget(st: Station, number: int | None) -> None:
    """Whatever this job still says is of no interest any more (cancelled, replaced)."""
    if number is not None:
        st.jobs.pop(number, None)


def progress(st: Station, event: JobProgress, now: int) -> None:
    """The input: a job is under way."""
    owner = st.jobs.get(event.job)
    if owner is not None:
        OWNERS[owner](st, event.job, event, now)


def done(st: Station, event: JobDone, now: int) -> None:
    """The input: a job has ended."""
    owner = st.jobs.pop(event.job, None)
    if owner is not None:
        OWNERS[owner](st, event.job, event, now)
    elif event.job > st.job_no:
        st.record(Remark(f"end of unknown job {event.job} ignored"))
