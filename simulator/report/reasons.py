"""Why a station could not get to work: one word per reason, and what usually helps.

A dial ends with a cause of the link (``core/inputs.py``, LinkDown); a link that came up may still be useless because
the CSMS refuses the boot or hangs up. Users ask one question, "why is my station not there?", so all of it is mapped
here onto one list of reasons, with one text each. ``local_limit`` is on the list because it happens, and is told
apart from the others because it is the generator's fault and never the CSMS's.
"""

from __future__ import annotations

from simulator.core import records as r

LOCAL_LIMIT = "local_limit"
KICKED = "kicked"
#: ends of a connection that the station itself has chosen (``core/link_policy.py``)
OWN_WISH = frozenset({"local_close", "local_vanish"})

_BY_CAUSE = {
    "dns": "dns",
    "refused": "refused",
    "timeout": "timeout",
    "tls_server_cert": "tls_untrusted",
    "tls_version": "tls_version",
    "tls_cipher": "tls_cipher",
    "tls_client_cert": "tls_client_rejected",
    "subprotocol": "no_subprotocol",
    "closed": "closed",
    "reset": "reset",
    "local_limit": LOCAL_LIMIT,
}

_HELP = {
    "dns": "The host name of the CSMS could not be resolved: check the URL's spelling and this machine's resolver.",
    "refused": "Nothing listens at that address and port: check that the CSMS is running, and the port of the URL.",
    "timeout": "No answer in time: a firewall that drops packets, a proxy in between, or a CSMS that is overloaded; "
    "a lower --connect-rate tells which.",
    "tls_untrusted": "The certificate of the CSMS is not trusted or is for another name: give its root with --tls-ca, "
    "or the expected name as tls.server_name.",
    "tls_version": "The CSMS and this side share no TLS version: OCPP asks for TLS 1.2 or newer.",
    "tls_cipher": "The CSMS and this side share no cipher suite: compare its list with that of the security profile.",
    "tls_client_rejected": "The CSMS did not accept the station's certificate: check --tls-cert and --tls-key, the "
    "issuing root on the CSMS's side, and the names in the certificate.",
    "no_subprotocol": "The CSMS did not agree to the OCPP version on offer: check --ocpp against what it speaks.",
    "closed": "The peer closed the connection during the handshake: often a proxy that does not know WebSocket.",
    "reset": "The peer reset the connection during the handshake: often plain ws:// against a TLS port, or a full "
    "backlog.",
    "http_401": "The CSMS does not accept the password: register the station there and give --password or the "
    "password column of the stations file.",
    "http_403": "The CSMS knows the station but does not let it in: check that it is enabled there and that its "
    "security profile fits.",
    "http_404": "There is nothing at that path: check the path of the URL and whether the station is registered.",
    "http_429": "The CSMS asks for fewer connections: lower --connect-rate.",
    "http_503": "The CSMS or its load balancer is not ready: --wait-for-csms waits for it.",
    "boot_rejected": "BootNotification was answered Rejected: register the station's id, or its vendor and model, in "
    "the CSMS.",
    "boot_pending": "BootNotification was answered Pending: the CSMS waits for an operator or its own set-up steps.",
    KICKED: "The CSMS hung up before BootNotification was accepted: often an id it does not know, or one that is in "
    "use by another connection.",
    LOCAL_LIMIT: "This machine ran out of file descriptors, ports or buffers; the CSMS is not to blame. Use fewer "
    "stations, raise the limit, or spread them over more source addresses.",
}


def dial_reason(cause: str, code: int) -> str:
    """The reason for a dial that failed with ``cause`` and ``code`` (HTTP status); an unknown cause is our bug."""
    if cause == "http_status":
        return f"http_{code}"
    assert cause in _BY_CAUSE, f"no reason for the link cause {cause!r}"
    return _BY_CAUSE[cause]


def boot_reason(status: str) -> str:
    """The reason for a BootNotification answered ``Pending`` or ``Rejected``."""
    return "boot_pending" if status == "Pending" else "boot_rejected"


def failure_reason(record: object, *, booted: bool) -> str | None:
    """The reason a record stands for, or None when it is no failure to connect.

    ``booted`` says whether the link had got past BootNotification; a link that went down earlier was kicked.
    """
    if isinstance(record, r.ConnectFailed):
        return dial_reason(record.cause, record.code)
    if isinstance(record, r.BootRefused):
        return boot_reason(record.status)
    if isinstance(record, r.Disconnected) and not booted and is_kick(record):
        return KICKED
    return None


def is_kick(record: r.Disconnected) -> bool:
    """Before BootNotification is accepted: did the other side hang up, and not the station, or the end of the run?"""
    return record.cause not in OWN_WISH


def what_helps(reason: str) -> str:
    """One or two sentences on what usually helps."""
    if reason in _HELP:
        return _HELP[reason]
    if reason.startswith("http_3"):
        return "The server redirects: give the final URL, OCPP stations do not follow redirects."
    if reason.startswith("http_5"):
        return "The CSMS or a proxy before it failed: its own log says why."
    return "The server refused the WebSocket handshake: check the URL, the headers and the credentials."
