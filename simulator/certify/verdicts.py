"""What a case says in the end, and every single validation on the way there.

A validation belongs to a step of the case and usually to one message of the station: that the message came at all, that
a field has a value, that a message did not come too early, or that none came. It is written down whether it holds or
not, with the number of the frame it looked at, so that a mutant can be derived from it later. Steps of a reusable state
carry the state's name (``Charging.3``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.certify.rules import Rule
from simulator.errors import CpfarmError

PASS, FAIL, INCONCLUSIVE, NOT_APPLICABLE, SKIPPED = "PASS", "FAIL", "INCONCLUSIVE", "NOT_APPLICABLE", "SKIPPED"
VERDICTS = (PASS, FAIL, INCONCLUSIVE, NOT_APPLICABLE, SKIPPED)

#: kinds of validations: a message came; a field has a value; a message is not early; none came; a free condition
CAME, FIELD, TIMING, NEVER, FREE = "came", "field", "timing", "never", "free"


@dataclass(frozen=True, slots=True)
class Validation:
    """One look at what the station did. ``number`` counts within the case, ``frame`` the station's frames within it
    (-1: none in particular). ``payload`` is what was looked at, for whoever derives a mutant."""

    number: int
    step: str
    kind: str
    action: str
    answer: bool
    frame: int
    path: str
    expected: str
    got: str
    ok: bool
    rule: Rule | None = None
    payload: Any = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a case failed: step, message, field, what was expected and what came instead."""

    step: str
    message: str
    path: str
    expected: str
    got: str

    def __str__(self) -> str:
        where = f"step {self.step}" + (f", {self.message}" if self.message else "")
        where += f", {self.path}" if self.path else ""
        return f"{where}: expected {self.expected}, got {self.got}"


class CaseFailed(CpfarmError):
    """A validation does not hold: the case ends here."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class CaseInconclusive(CpfarmError):
    """The case cannot be judged; the text says why."""


@dataclass(slots=True)
class CaseResult:
    """The outcome of one case. ``option`` is the way of authorisation of a declaration run, else empty."""

    id: str
    verdict: str
    reason: str = ""
    failure: Failure | None = None
    option: str = ""
    option_used: bool = False
    #: security profile the station was delivered with for this case, None without
    security: int | None = None
    transport: str = "simulated"
    ocpp: str = "1.6"
    began_s: float = 0.0
    took_s: float = 0.0
    validations: list[Validation] = field(default_factory=list)
    frames: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The id, with the option, the security profile and the transport if they are worth a word."""
        words = [self.option] if self.option else []
        if self.security is not None:
            words.append(f"profile {self.security}")
        if self.transport != "simulated":
            words.append(self.transport)
        return f"{self.id} [{', '.join(words)}]" if words else self.id

    def as_dict(self) -> dict[str, Any]:
        """Plain data for reports."""
        return {
            "id": self.id,
            "name": self.name,
            "option": self.option,
            "security_profile": self.security,
            "verdict": self.verdict,
            "reason": self.reason,
            "transport": self.transport,
            "began_s": round(self.began_s, 6),
            "took_s": round(self.took_s, 6),
            "validations": [
                {
                    "number": v.number,
                    "step": v.step,
                    "frame": v.frame if v.frame >= 0 else None,
                    "message": v.action + (" (answer)" if v.answer else ""),
                    "field": v.path,
                    "expected": v.expected,
                    "got": v.got,
                    "ok": v.ok,
                }
                for v in self.validations
            ],
            "notes": list(self.notes),
            "frames": list(self.frames),
        }
