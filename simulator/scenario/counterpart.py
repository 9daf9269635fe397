"""The CSMS a scenario is played against in memory: sound, deterministic, with tokens by role and an operator.

It answers as :class:`~simulator.lab.csms.LabCsms` does, judges tokens by the same published prefixes as the reference
CSMS, knows what a repeated start or stop is, and sends any action its operator asks for. Scenarios are written against
it in milliseconds and then run against a real one; what holds here and not there is a difference worth a look.
"""

from __future__ import annotations

from typing import Any

from simulator.csms.tokens import judge
from simulator.lab.csms import LabCsms

#: tokens of this CSMS by role, like those of the reference CSMS
TOKENS: dict[str, tuple[str, ...]] = {
    "valid": tuple(f"VALID-{number}" for number in range(1, 201)),
    "valid2": ("VALID-999",),
    "group_member": ("GROUP-A-1", "GROUP-A-2"),
    "blocked": ("BLOCKED-1",),
    "expired": ("EXPIRED-1",),
    "invalid": ("INVALID-1",),
    "concurrent": ("CONCURRENT-1",),
}


class Counterpart(LabCsms):
    """The CSMS end of one station's link."""

    def _token_verdict(self, token: str, *, starting: bool) -> tuple[str, str | None]:
        verdict = judge(token, strict=False, starting=starting)
        return verdict.status, verdict.group

    def _tag(self, token: str, *, starting: bool = True) -> dict[str, Any]:
        status, group = self._token_verdict(token, starting=starting)
        return {"status": status, **({"parentIdTag": group} if group else {})}

    def _id(self, token: str, *, starting: bool = True) -> dict[str, Any]:
        status, group = self._token_verdict(token, starting=starting)
        return {"status": status, **({"groupIdToken": {"idToken": group, "type": "Central"}} if group else {})}

    def on_Authorize(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Verdict by prefix, in the words of either family. 1.6 has no other moment to say ConcurrentTx."""
        if "idTag" in payload:
            return {"idTagInfo": self._tag(payload["idTag"])}
        return {"idTokenInfo": self._id(payload["idToken"]["idToken"], starting=False)}

    def on_StartTransaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """As a sound CSMS, with the verdict by prefix."""
        return {**super().on_StartTransaction(payload), "idTagInfo": self._tag(payload["idTag"])}

    def on_StopTransaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Booked; the token's verdict if it named one (1.6 4.10)."""
        super().on_StopTransaction(payload)
        return {"idTagInfo": self._tag(payload["idTag"], starting=False)} if "idTag" in payload else {}

    def on_TransactionEvent(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Booked; the token's verdict if it names one (E01.FR.09)."""
        super().on_TransactionEvent(payload)
        token = payload.get("idToken")
        if token is None or token.get("type") == "NoAuthorization":
            return {}
        return {"idTokenInfo": self._id(token["idToken"], starting=payload["eventType"] != "Ended")}
