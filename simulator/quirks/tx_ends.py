"""Quirks of how transactions are told: twice, not at all, too early, for ever, or with another reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, structs

from simulator.blocks import transaction_record
from simulator.core.power_path import SUSPENDED_EV
from simulator.core.reports import (
    MeterSampled,
    StatusChanged,
    TransactionEnded,
    TransactionReport,
    TransactionStarted,
)
from simulator.quirks import deeds
from simulator.quirks.payload import get, plain
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.reports import Report
    from simulator.core.station import Station

_IDEMPOTENT = "Make StartTransaction idempotent on connector, token, timestamp and register; give the same id again."
_ANSWER = (
    "Answer messages of boots and transactions always by a valid CALLRESULT, for unknown ids too; one CALLERROR must"
    " not spoil the session."
)
_ORPHANS = "Close orphaned sessions by values and statuses when a start or a stop is lost or never sent."
_REASONS = "Read the reasons of vendors loosely, and combine them with who has sent a stop."
START, STOP = "StartTransaction", "StopTransaction"


@quirk(
    "tx-start-duplicate-repeat",
    vendors=("Legacy AC (generic)",),
    sources=("steve-community/steve#955",),
    breaks=("every_fate", "one_start"),
    survive=_IDEMPOTENT,
    params={"times": (3, 2, 8)},
    order=10,  # what is repeated is what the others have made of it
)
class StartRepeated(Quirk):
    """The start of a session is sent three times.

    ``times`` in all.
    """

    times: int

    def report(self, st: Station, report: Report) -> Report:
        """All of them at once, one after the other."""
        if isinstance(report, TransactionStarted):
            for _ in range(self.times - 1):
                QuirkPort(st, self).publish(report)
        return report


@quirk(
    "tx-start-instead-of-stop",
    vendors=("Schneider",),
    sources=("ChargeTimeEU/Java-OCA-OCPP#74",),
    breaks=("every_fate", "register_never_falls", "sessions_told"),
    survive=_IDEMPOTENT + " " + _ORPHANS,
)
class StartForStop(Quirk):
    """A session ends with another StartTransaction, whose meterStart is 0, in the place of StopTransaction (2018)."""

    def report(self, st: Station, report: Report) -> Report:
        """Only where both are messages of their own."""
        if not isinstance(report, TransactionReport) or not st.dialect.codec.knows(STOP):
            return report
        memory = QuirkPort(st, self).memory
        if isinstance(report, TransactionStarted):
            memory[report.evse_id] = report
            if "ghost" in memory:  # the id given to what never was
                transaction_record.forget_name(st, memory.pop("ghost"))
        elif isinstance(report, TransactionEnded) and report.evse_id in memory:
            begun: TransactionStarted = memory.pop(report.evse_id)
            memory["ghost"] = report.key
            return structs.replace(begun, register_wh=0.0, at=report.at, seq_no=report.seq_no, readings=())
        return report


@quirk(
    "tx-stop-retry-until-answered",
    vendors=("Legacy AC (generic)",),
    sources=("steve-community/steve#156",),
    breaks=("attempts",),
    survive=_ANSWER,
)
class StopForEver(Quirk):
    """The stop of a session is repeated for as long as the CSMS answers it by an error, whatever the settings say."""

    def moment(self, st: Station, name: str, now: int) -> None:
        """The attempt that has just failed was the first one."""
        waiting = st.outbox.durable[:1]
        if name == "callerror" and st.outbox.action in (STOP, "TransactionEvent"):
            for entry in waiting:
                if isinstance(entry.report, TransactionEnded):
                    entry.attempts = min(entry.attempts, 1) - 1


@quirk(
    "tx-offline-queue-after-boot",
    vendors=("Alfen", "Enercab/ELEDIO"),
    sources=("steve-community/steve#1347", "evcc-io/evcc@68cc29a96"),
    survive="Accept transactions of the past that are delivered after a boot, and book them by their own timestamps.",
    params={"hold_s": (2.0, 0.1, 60.0)},
)
class HistoryFirst(Quirk):
    """After a boot or a reconnect the first thing told is what happened offline; statuses wait.

    ``hold_s``: seconds for which they do.
    """

    hold_s: float

    def report(self, st: Station, report: Report) -> Report | tuple[int, Report]:
        """Statuses keep their order among each other."""
        if not isinstance(report, StatusChanged):
            return report
        port = QuirkPort(st, self)
        if any(entry.offline for entry in st.outbox.durable) and "until" not in port.memory:
            port.memory["until"] = port.hold(self.hold_s)
        until_us = port.memory.get("until", 0)
        return (until_us, report) if until_us > st.now else report

    def moment(self, st: Station, name: str, now: int) -> None:
        """Each time anew."""
        if name == "link_down":
            QuirkPort(st, self).memory.pop("until", None)


@quirk(
    "free-charging-no-transaction",
    vendors=("Bender/Ebee",),
    sources=(
        "manual: help text of the Ebee firmware 5.31.3 (package of ionix.de)",
        "sap-labs-france/ev-server@01dd2be6b",
    ),
    breaks=("sessions_told",),
    survive=_ORPHANS,
    params={"mode": ("status",)},
)
class FreeUntold(Quirk):
    """A session of free charging is no transaction to the CSMS: only its statuses are told, or nothing.

    ``mode``: status or nothing.
    """

    mode: str

    def refuse_text(self, name: str, value: str) -> str | None:
        """Two words."""
        return None if value in ("status", "nothing") else "is neither status nor nothing"

    def report(self, st: Station, report: Report) -> Report | None:
        """Is it about such a session?"""
        if not isinstance(report, TransactionReport | StatusChanged | MeterSampled) or not report.evse_id:
            return report
        tx = st.evses[report.evse_id - 1].tx
        if tx is None or tx.id_token != st.model.free_vend_token:
            return report
        if isinstance(report, MeterSampled):
            return structs.replace(report, key=None)
        return report if isinstance(report, StatusChanged) and self.mode == "status" else None


@quirk(
    "tx-continues-after-rejected-start",
    vendors=("Circontrol",),
    sources=("manual: Circontrol Master/Slave manual, p. 66-67 (manualslib 2836664)",),
    breaks=("refusal_obeyed",),
    survive="Stop a session whose token was refused remotely, and bill nothing for it.",
)
class RefusalIgnored(Quirk):
    """A session goes on when the answer to its start refuses the token; the installer has chosen so."""

    def heard(self, st: Station, action: str, reply: Any) -> Any:
        """Any verdict is a yes."""
        for field in ("idTagInfo", "idTokenInfo"):
            info = get(reply, field) if action in (START, "TransactionEvent") else UNSET
            if info is not UNSET and info.status != "Accepted":
                name = "id_tag_info" if field == "idTagInfo" else "id_token_info"
                reply = structs.replace(reply, **{name: structs.replace(info, status="Accepted")})
        return reply


# -- reasons


@quirk(
    "stop-reason-deauthorized",
    vendors=("ABB Terra AC",),
    sources=("mikuso/ocpp-rpc#76",),
    breaks=("stop_reason",),
    survive=_ANSWER,
)
class ErrorDeauthorizes(Quirk):
    """A StartTransaction that is answered by an error ends the session with the reason DeAuthorized.

    That the answer was the cause of it is likely, not proven.
    """

    def moment(self, st: Station, name: str, now: int) -> None:
        """Whatever has no id by now."""
        if name != "callerror" or st.outbox.action != START:
            return
        for evse in st.evses:
            if evse.tx is not None and transaction_record.csms_id(st, evse.tx.key) is None:
                deeds.stop(st, evse, "DeAuthorized", "Deauthorized")


@quirk(
    "stop-reason-local-for-normal-end",
    vendors=("Tritium",),
    sources=("public: a session of a US network in a blog of its operator",),
    breaks=("stop_reason",),
    survive=_REASONS,
)
class RemoteIsLocal(Quirk):
    """The end of a session that was started remotely has the reason Local, also when the CSMS has ended it."""

    def report(self, st: Station, report: Report) -> Report:
        """Who started it is known as long as it runs."""
        if isinstance(report, TransactionReport):
            memory = QuirkPort(st, self).memory
            grant = st.evses[report.evse_id - 1].grant
            if grant is not None and grant.source == "remote":
                memory[report.evse_id] = report.key
            ends = isinstance(report, TransactionEnded) and memory.get(report.evse_id) == report.key
            if isinstance(report, TransactionEnded) and ends and report.reason == "Remote":
                return structs.replace(report, reason="Local")
        return report


@quirk(
    "stop-reason-201-vocabulary",
    vendors=("Kempower",),
    sources=(
        "tkk2018/node-kempower-api-types:src/EndReason.ts",
        "tkk2018/node-kempower-api-types:src/TransactionBase.ts",
    ),
    breaks=("schema", "stop_reason"),
    survive=_REASONS,
)
class NewerReasons(Quirk):
    """StopTransaction gives its reason in words of OCPP 2.0.1, such as StoppedByEV, GroundFault or ImmediateReset.

    They are the words of the maker's cloud; that its stations send them in 1.6 is our reading.
    """

    def report(self, st: Station, report: Report) -> Report:
        """The words are known until the message is rendered."""
        if isinstance(report, TransactionReport):
            memory = QuirkPort(st, self).memory
            if isinstance(report, TransactionEnded):
                told = "ImmediateReset" if report.reason in ("HardReset", "SoftReset") else report.reason
                if told == "Local" and memory.pop(report.evse_id, None) == SUSPENDED_EV:
                    told = "StoppedByEV"
                deeds.note(st, self, (report.key, told))
            elif report.charging_state is not None:
                memory[report.evse_id] = report.charging_state
        return report

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Find the transaction by its id."""
        known = get(payload, "transactionId") if action == STOP else UNSET
        for key, told in deeds.noted(st, self):
            if transaction_record.csms_id(st, key) == str(known) and told != get(payload, "reason"):
                return {**plain(payload), "reason": told}
        return payload
