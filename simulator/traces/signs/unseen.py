"""Quirks that no log of messages shows, and why. What is neither here nor has a sign waits for one."""

from __future__ import annotations

HANDSHAKE = "it shows in the opening handshake, which logs of messages do not hold"
SILENCE = "it is a silence, and so is the end of any log"
FLOW = "it shows in what flows, and samples that would tell it apart from a car's own choice are rare"

#: quirk -> why it cannot be recognised
UNSEEN: dict[str, str] = {
    "auth-empty-password-required": HANDSHAKE,
    "boot-retry-gives-up": SILENCE,
    "boot-vendor-string-variants": "it takes several stations of one maker to see that they spell its name differently",
    "fw-ftp-only": "it shows in which files are fetched, and from a station that is asked for nothing else it does not",
    "fw-url-double-encoded": "it shows at the server that holds the files",
    "fw-variant-by-hardware-revision": "it takes several stations of one model to see that they update differently",
    "http-probe-before-ws": "it shows at the server, before there is a connection",
    "identity-case-mismatch": HANDSHAKE,
    "identity-vendor-prefix-lowercase": HANDSHAKE,
    "protocol-ocpp15j-capable": "it shows only to a CSMS that answers in an older version",
    "smart-composite-schedule-deviates": "it takes the whole history of charging profiles to know the right schedule",
    "smart-fallback-power-on-comm-loss": FLOW,
    "smart-static-limit-station-wide-only": "it is a key like those of many products; what it does shows in what flows",
    "tls-ca-limited": "it shows in the TLS handshake",
    "tls-silent-drop-without-ca": "it shows in the TLS handshake",
    "url-identity-in-path": HANDSHAKE,
    "url-serial-auto-appended": HANDSHAKE,
    "ws-compression-option": HANDSHAKE,
    "ws-dead-peer-undetected": "pings and their absence are not in logs of messages",
    "ws-dies-under-trigger-load": "it takes thousands of messages, after which a connection may be lost for any reason",
    "ws-no-reconnect": SILENCE,
    "ws-no-upgrade-header": HANDSHAKE,
    "ws-origin-file-scheme": HANDSHAKE,
    "ws-server-ping-kills-link": "pings are not in logs of messages",
}
