"""Back to the basic state between two cases of 2.0.1.

What part 6 wants before every case (its section 2.1), reached by the messages of 2.0.1: no car, no transaction, no
reservation, no charging profile, no monitor of the tool, an empty list and cache, everything operative, every variable
that can be written as it was delivered, nothing waiting to be sent. The ladder when that fails is the one of
:mod:`simulator.certify.reset`.
"""

from __future__ import annotations

from typing import Any

from simulator.blocks.monitors import LEAST
from simulator.certify.reset import NotBasic, Reset
from simulator.certify.tester import ANSWER_S
from simulator.certify.variables201 import place, spelled
from simulator.core.settings import READ_ONLY

#: a report is told in at most so many pages
MAX_PAGES = 500
READ_WRITE = "ReadWrite"


class Reset201(Reset):
    """Keys are the names of variables, ``Component.Variable[Instance]``, with ``@evse.connector`` for those below the
    station. Only variables of the station as a whole can be set back."""

    SOFT, HARD = "OnIdle", "Immediate"
    WHOLE = ()

    def __init__(self, rig: Any) -> None:
        super().__init__(rig)
        self._reports = 0

    def _answers(self) -> bool:
        wanted = [place("OCPPCommCtrlr.OfflineThreshold")]
        return self._ask("GetVariables", {"getVariableData": wanted}, 2.0) is not None

    def _stop(self, transaction: Any) -> None:
        self._ask("RequestStopTransaction", {"transactionId": transaction})

    def _command(self) -> None:
        rig = self.rig
        served = rig.model.dialect.routes
        if "ClearChargingProfile" in served:
            self._ask("ClearChargingProfile", {"chargingProfileCriteria": {}})
        if "SendLocalList" in served:
            self._empty_list()
        if "SetMonitoringBase" in served:  # takes the tool's monitors away, too (N05)
            self._ask("SetMonitoringBase", {"monitoringBase": "FactoryDefault"})
            self._ask("SetMonitoringLevel", {"severity": LEAST})
        self._ask("ClearCache", {})
        if any(status == "Unavailable" for status in rig.csms.statuses.values()):
            self._ask("ChangeAvailability", {"operationalStatus": "Operative"})
            for evse in rig.connectors:
                for where in ({"id": evse}, {"id": evse, "connectorId": 1}):
                    self._ask("ChangeAvailability", {"operationalStatus": "Operative", "evse": where})

    def _empty_list(self) -> None:
        version = self._ask("GetLocalListVersion", {}) or {}
        if version.get("versionNumber", 0) > 0:
            self._ask("SendLocalList", {"versionNumber": 1, "updateType": "Full"})

    def _write(self, key: str, value: str) -> tuple[str, Any]:
        answer = self._ask("SetVariables", {"setVariableData": [{**place(key), "attributeValue": value}]}) or {}
        results = answer.get("setVariableResult") or [{}]
        return str(results[0].get("attributeStatus")), answer

    def read_writable(self) -> dict[str, tuple[str | None, bool]]:
        """All that can be set back."""
        return self._report("ConfigurationInventory")

    def read_all(self) -> dict[str, tuple[str | None, bool]]:
        """The whole inventory: name -> (value, read-only); the value is None where none is told."""
        return self._report("FullInventory")

    def _report(self, base: str) -> dict[str, tuple[str | None, bool]]:
        rig = self.rig
        self._reports += 1
        number = self._reports
        begun = len(rig.csms.log)
        answer = self._ask("GetBaseReport", {"requestId": number, "reportBase": base}) or {}
        if answer.get("status") != "Accepted":
            raise NotBasic(f"GetBaseReport {base} is not answered with a report: {answer or 'no answer'}")

        def pages() -> list[dict[str, Any]]:
            rows = rig.csms.log[begun:]
            return [row["payload"] for row in rows if row["kind"] == "call" and row["action"] == "NotifyReport"]

        def done() -> bool:
            told = pages()
            return len(told) >= MAX_PAGES or (bool(told) and not told[-1].get("tbc", False))

        if not rig.wait_for(done, max(ANSWER_S, rig.patience_s)):
            raise NotBasic(f"the report {base} does not end")
        found: dict[str, tuple[str | None, bool]] = {}
        for page in pages():
            for row in page.get("reportData", ()):
                actual = next((a for a in row["variableAttribute"] if a.get("type", "Actual") == "Actual"), None)
                if actual is not None:
                    read_only = actual.get("mutability", READ_WRITE) == READ_ONLY or "evse" in row["component"]
                    found[spelled(row)] = (actual.get("value"), read_only)
        return found
