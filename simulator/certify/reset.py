"""000_RESET: back to the basic state between two cases.

The basic state: powered, connected, accepted; no car, no transaction, no reservation, no charging profile, an empty
local list and cache, every connector operative, every setting as it was delivered, nothing waiting to be sent. The
tester's hands undo what they did, then the tool commands the rest and looks whether it is so. If it is not, a hard
reset follows, then a power cycle, then a new delivery; whatever was needed is on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.certify.configuration import keys
from simulator.certify.rig import Rig
from simulator.certify.tester import ANSWER_S
from simulator.errors import CpfarmError
from simulator.wire.rpc import RESULT

#: how long the station may take to connect and boot, s
ONLINE_S = 1800.0
SETTLE_S = 90.0
#: nothing said for so long: the queue is empty, s
QUIET_S = 1.0
#: keys asked for at once by name
KEYS_AT_ONCE = 10
#: keys that move by themselves or cannot be set back
NOT_RESTORED = frozenset({"AuthorizationKey", "SecurityProfile"})
#: messages that do not disturb the peace
IDLE_TALK = frozenset({"Heartbeat"})


class NotBasic(CpfarmError):
    """The basic state was not reached; the text says what is left."""


class Reset:
    """Brings one rig back, given the configuration it was delivered with (key -> (value, read-only))."""

    #: kinds of a reset; the station as a whole where it has a status of its own
    SOFT, HARD = "Soft", "Hard"
    WHOLE: tuple[int, ...] = (0,)

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.delivered: dict[str, tuple[str | None, bool]] = {}
        #: the station does not tell its whole configuration at once
        self.by_name = False

    def learn(self) -> dict[str, tuple[str | None, bool]]:
        """The configuration of a station that was just delivered is what later resets go back to."""
        self.rig.csms.fresh_case()
        self._online()
        self.delivered = self.read_all()
        self._quiet()
        return self.delivered

    def run(self) -> list[str]:
        """Back to the basic state; notes say what it took beyond the ordinary. Raises NotBasic."""
        notes: list[str] = []
        ladder = (
            ("", lambda: None),
            ("hard reset", self._hard_reset),
            ("power cycle", self._power_cycle),
        )
        trouble = ""
        for name, push in ladder:
            if name:
                notes.append(f"{name}, because {trouble}")
                push()
            try:
                self._once()
            except NotBasic as why:
                trouble = str(why)
                continue
            return notes
        raise NotBasic(trouble)

    def _once(self) -> None:
        rig = self.rig
        rig.csms.fresh_case()
        tool = rig.tool
        rig.csms.verdicts = {tool.invalid: "Invalid", tool.expired: "Expired", tool.blocked: "Blocked"}
        rig.csms.groups = {}
        rig.csms.boot_status = "Accepted"
        rig.tidy_up()
        self._online()
        self._no_transaction()
        rig.tidy_up()
        for number in sorted(rig.hands.reservations):
            self._ask("CancelReservation", {"reservationId": number})
        rig.hands.reservations.clear()
        self._command()
        self._settings()
        self._idle()
        self._quiet()

    def _command(self) -> None:
        """What the tool takes back by its calls."""
        rig = self.rig
        self._ask("ClearChargingProfile", {})
        if "LocalAuthListManagement" in (self.delivered.get("SupportedFeatureProfiles", ("", True))[0] or ""):
            self._empty_list()
        self._ask("ClearCache", {})
        if any(status == "Unavailable" for status in rig.csms.statuses.values()):
            self._ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"})
            for connector in rig.connectors:
                self._ask("ChangeAvailability", {"connectorId": connector, "type": "Operative"})

    # -- one thing each

    def _online(self) -> None:
        """Connected and accepted: the tool gets an answer."""
        rig = self.rig
        step_s = 5.0
        waited = 0.0
        while waited < ONLINE_S:
            if self._answers():
                return
            rig.run(step_s)
            waited += step_s
        raise NotBasic(f"the station was not online for {ONLINE_S:g} s")

    def _answers(self) -> bool:
        return self._ask("GetConfiguration", {"key": ["NumberOfConnectors"]}, 2.0) is not None

    def _stop(self, transaction: Any) -> None:
        self._ask("RemoteStopTransaction", {"transactionId": transaction})

    def _no_transaction(self) -> None:
        rig = self.rig
        for transaction in list(rig.csms.running):
            self._stop(transaction)
        if rig.csms.running and not rig.wait_for(lambda: not rig.csms.running, SETTLE_S):
            raise NotBasic(f"transactions {sorted(rig.csms.running)} do not end")

    def _empty_list(self) -> None:
        version = self._ask("GetLocalListVersion", {}) or {}
        if version.get("listVersion", 0) > 0:
            payload = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": []}
            self._ask("SendLocalList", payload)

    def _settings(self) -> None:
        now = self.read_writable()
        reboot = False
        for key, (value, read_only) in self.delivered.items():
            if read_only or value is None or key in NOT_RESTORED or now.get(key, (None, True))[0] == value:
                continue
            status, answer = self._write(key, value)
            if status not in ("Accepted", "RebootRequired"):
                raise NotBasic(f"{key} cannot be set back to {value!r}: {answer or 'no answer'}")
            reboot = reboot or status == "RebootRequired"
        if reboot:
            self._ask("Reset", {"type": self.SOFT})
            self.rig.run(1.0)
            self._online()

    def _write(self, key: str, value: str) -> tuple[str, Any]:
        """Set one back: the status, and the whole answer."""
        answer = self._ask("ChangeConfiguration", {"key": key, "value": value}) or {}
        return str(answer.get("status")), answer

    def _idle(self) -> None:
        rig = self.rig

        def idle() -> bool:
            return all(rig.csms.statuses.get(n) == "Available" for n in (*self.WHOLE, *rig.connectors))

        if not rig.wait_for(idle, SETTLE_S):
            raise NotBasic(f"not all connectors are available: {dict(sorted(rig.csms.statuses.items()))}")

    def _quiet(self) -> None:
        """Wait until the station has nothing more to say."""
        rig = self.rig
        for _ in range(int(SETTLE_S)):
            said = len(rig.csms.log)
            rig.run(QUIET_S)
            if all(row["action"] in IDLE_TALK for row in rig.csms.log[said:]):
                rig.csms.pending.clear()
                return
        raise NotBasic("the station does not stop talking")

    def _hard_reset(self) -> None:
        self._ask("Reset", {"type": self.HARD})
        self.rig.run(60.0)

    def _power_cycle(self) -> None:
        self.rig.mains(False)
        self.rig.run(60.0)
        self.rig.mains(True)
        self.rig.run(60.0)

    # -- the tool's own calls

    def _ask(self, action: str, payload: dict[str, Any], seconds: float = ANSWER_S) -> Mapping[str, Any] | None:
        """A call whose answer may be anything; None without one, {} for a CALLERROR."""
        rig = self.rig
        message_id = rig.fleet.call(rig.station, action, payload)
        if seconds == ANSWER_S:
            seconds = max(seconds, rig.patience_s)
        if not rig.wait_for(lambda: message_id in rig.csms.results, seconds):
            return None
        heard = rig.csms.results.pop(message_id)
        return heard.payload if heard.kind == RESULT and isinstance(heard.payload, dict) else {}

    def read_writable(self) -> dict[str, tuple[str | None, bool]]:
        """At least all that can be set back."""
        return self.read_all()

    def read_all(self) -> dict[str, tuple[str | None, bool]]:
        """The whole configuration, as GetConfiguration without keys tells it; from a station that does not answer that,
        all standard keys by name."""
        if not self.by_name:
            answer = self._ask("GetConfiguration", {})
            if answer:
                return _values(answer)
            self.by_name = True
        names = list(keys())
        found: dict[str, tuple[str | None, bool]] = {}
        for start in range(0, len(names), KEYS_AT_ONCE):
            answer = self._ask("GetConfiguration", {"key": names[start : start + KEYS_AT_ONCE]})
            found |= _values(answer or {})
        if not found:
            raise NotBasic("the configuration cannot be read")
        return found


def _values(answer: Mapping[str, Any]) -> dict[str, tuple[str | None, bool]]:
    return {row["key"]: (row.get("value"), bool(row["readonly"])) for row in answer.get("configurationKey", ())}
