"""Who may charge: the verdict on a token follows from its text, so that a test can choose one.

=================  ========================================================================================
prefix             verdict
=================  ========================================================================================
``VALID``          Accepted
``BLOCKED``        Blocked
``EXPIRED``        Expired
``INVALID``        Invalid
``CONCURRENT``     ConcurrentTx once charging is to start; in 1.6 Authorize says so too
``GROUP-g-n``      Accepted, member of the group (1.6: child of the parent) ``GROUP-g``
anything else      Accepted; with strict tokens Unknown (1.6, which has no such word: Invalid)
=================  ========================================================================================

Case does not count, as identifiers are case-insensitive in every version. A 2.x token of type NoAuthorization is
accepted whatever it says: there was nobody to ask.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIXES = {"VALID": "Accepted", "BLOCKED": "Blocked", "EXPIRED": "Expired", "INVALID": "Invalid"}
GROUP = "GROUP-"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``status`` in 2.x words, and the group the token belongs to, if any."""

    status: str
    group: str | None = None


def judge(token: str, *, strict: bool, starting: bool) -> Verdict:
    """The verdict on ``token``; ``starting`` is True when a transaction is to start with it."""
    upper = token.upper()
    if upper.startswith(GROUP):
        name = token[len(GROUP) :].split("-", 1)[0]
        if name:
            return Verdict("Accepted", token[: len(GROUP)] + name)
    for prefix, status in PREFIXES.items():
        if upper.startswith(prefix):
            return Verdict(status)
    if upper.startswith("CONCURRENT"):
        return Verdict("ConcurrentTx" if starting else "Accepted")
    return Verdict("Unknown" if strict else "Accepted")
