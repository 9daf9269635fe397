"""Quirks of configuration keys: lists that accept everything, values without effect, and a reboot for a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, structs

from simulator.blocks.metering import SAMPLE_MEASURANDS
from simulator.core.readings import CURRENT, CURRENT_OFFERED, ENERGY, POWER, VOLTAGE
from simulator.quirks.deeds import answer
from simulator.quirks.payload import get
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.reports import MeterReading
    from simulator.core.station import Station

NO_PROBING = (
    "Never probe measurands blindly; set one list that is known to be good for the vendor, once, and verify it by what"
    " arrives."
)
#: flash area of the texts that a quirk keeps beside the real settings
AREA = "quirks"
MEASURANDS_KEY = "MeterValuesSampledData"
_WAYS = ("Import", "Export")
#: every measurand OCPP has
_MEASURANDS = {
    *("Current.Offered", "Power.Offered", "Power.Factor", "Frequency", "Voltage", "Temperature", "SoC", "RPM"),
    *(f"{quantity}.{way}" for quantity in ("Current", "Power.Active", "Power.Reactive") for way in _WAYS),
    *(f"Energy.{kind}.{way}.Register" for kind in ("Active", "Reactive") for way in _WAYS),
    *(f"Energy.{kind}.{way}.Interval" for kind in ("Active", "Reactive") for way in _WAYS),
}
_METERING_KEYS = frozenset(
    {
        "ClockAlignedDataInterval",
        "MeterValueSampleInterval",
        "MeterValuesAlignedData",
        "MeterValuesSampledData",
        "StopTxnAlignedData",
        "StopTxnSampledData",
    }
)


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_measurands(key: str) -> bool:
    return key.lower() == MEASURANDS_KEY.lower()


@quirk(
    "reboot-on-getconfiguration-after-measurand-set",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md", "lbbrhzn/ocpp#1275"),
    breaks=("stays_connected",),
    survive=NO_PROBING,
    fixed_in=">1.8.21",
    params={"after_s": (1.0, 0.1, 60.0)},
)
class RebootOnReadBack(Quirk):
    """Reading MeterValuesSampledData after it was written makes the station reboot (firmware up to 1.8.21).

    ``after_s``: seconds from the answer to the reboot.
    """

    after_s: float

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Remember the write."""
        if action == "ChangeConfiguration" and _is_measurands(req.key):
            QuirkPort(st, self).memory["written"] = True
        return None

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """The answer still goes out."""
        port = QuirkPort(st, self)
        if action == "GetConfiguration" and port.memory.get("written"):
            rows = () if reply.configuration_key is UNSET else reply.configuration_key
            if any(_is_measurands(row.key) for row in rows):
                port.wake_in(self.after_s)
        return reply

    def timer(self, st: Station, now: int) -> None:
        """Down."""
        QuirkPort(st, self).reboot()


@quirk(
    "config-accepted-without-effect",
    vendors=("Wallbox",),
    sources=("evcc-io/evcc#28539",),
    breaks=("configured_samples",),
    survive=NO_PROBING,
)
class NoSamples(Quirk):
    """Measurands, interval and trigger are accepted, yet no MeterValues ever come (firmware 6.11.16)."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """A trigger that has nothing to send would be refused."""
        asked = action == "TriggerMessage" and get(req, "requestedMessage") == "MeterValues"
        return answer(st, self, action, message_id, "Accepted") if asked else None

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Only the begin and the end of a session are read."""
        return reading if context.startswith("Transaction.") else None


@quirk(
    "getconfiguration-no-standard-keys",
    vendors=("Wallbox",),
    sources=("evcc-io/evcc#28539",),
    breaks=("required_keys",),
    survive="Ask for the keys you need by name; do not take a missing key for a missing ability.",
)
class NoMeteringKeys(Quirk):
    """The list of all keys has none of the metering keys; asked by name they are there (firmware 6.11.16)."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Remember whether everything was asked for."""
        if action == "GetConfiguration":
            QuirkPort(st, self).memory["all"] = message_id if req.key is UNSET or not req.key else None
        return None

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """Take them out."""
        if action != "GetConfiguration" or QuirkPort(st, self).memory.get("all") != message_id:
            return reply
        return structs.replace(
            reply, configuration_key=[row for row in reply.configuration_key if row.key not in _METERING_KEYS]
        )


@quirk(
    "measurands-accept-all-report-some",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md", "evcc-io/evcc#17979"),
    breaks=("configured_samples",),
    survive=NO_PROBING,
)
class AcceptAllReportSome(Quirk):
    """Every measurand is accepted and read back, but only five kinds are ever delivered."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Keep the text for reading back; what is delivered becomes the setting."""
        if action != "ChangeConfiguration" or not _is_measurands(req.key):
            return None
        wanted = _names(req.value)
        if not set(wanted) <= _MEASURANDS:
            return None  # no measurand at all: refused as usual
        delivered = tuple(name for name in wanted if name in _DELIVERED)
        kept = st.board.flash.write(AREA, self.name, ",".join(wanted), 16 + len(req.value))
        word = "Accepted" if kept and st.write_setting(SAMPLE_MEASURANDS, delivered) else "Rejected"
        reply = st.dialect.messages.ChangeConfigurationResponse(status=word)
        return QuirkPort(st, self).answer(message_id, reply)

    def setting(self, st: Station, name: str, value: str) -> str:
        """What was written is what is read."""
        kept = st.board.flash.get(AREA, self.name) if name == MEASURANDS_KEY else None
        return kept if isinstance(kept, str) else value


_DELIVERED = (CURRENT, CURRENT_OFFERED, ENERGY, POWER, VOLTAGE)


@quirk(
    "measurands-phase-suffixed-names",
    vendors=("EVBox",),
    sources=("lbbrhzn/ocpp#221", "evcc-io/evcc:charger/ocpp/cp_setup.go"),
    breaks=("reads_back",),
    survive="Read the list of supported measurands, accept a phase at the end of a name, and try that spelling.",
)
class PhaseSuffixedNames(Quirk):
    """Current is named with its phase, Current.Import.L1 and so on; the standard name is rejected."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Only the product's own names are taken."""
        if action != "ChangeConfiguration" or not _is_measurands(req.key):
            return None
        port, responses = QuirkPort(st, self), st.dialect.messages.ChangeConfigurationResponse
        wanted = _names(req.value)
        standard = dict.fromkeys(_standard(name) for name in wanted)
        if CURRENT in wanted or not set(standard) <= set(SAMPLE_MEASURANDS.values):
            return port.answer(message_id, responses(status="Rejected"))
        kept = st.board.flash.write(AREA, self.name, ",".join(wanted), 16 + len(req.value))
        word = "Accepted" if kept and st.write_setting(SAMPLE_MEASURANDS, tuple(standard)) else "Rejected"
        return port.answer(message_id, responses(status=word))

    def setting(self, st: Station, name: str, value: str) -> str:
        """Read as written, or with the suffixes of all three phases."""
        if name != MEASURANDS_KEY:
            return value
        kept = st.board.flash.get(AREA, self.name)
        if isinstance(kept, str):
            return kept
        own = (f"{CURRENT}.L1", f"{CURRENT}.L2", f"{CURRENT}.L3")
        return ",".join(part for known in _names(value) for part in (own if known == CURRENT else (known,)))


def _standard(name: str) -> str:
    stem, _, phase = name.rpartition(".")
    return stem if phase in ("L1", "L2", "L3") and stem == CURRENT else name


@quirk(
    "config-scrambled-after-backend-change",
    vendors=("EVBox",),
    sources=("lbbrhzn/ocpp#2",),
    breaks=("reads_back",),
    survive="Build the list of connectors from the ids that are seen, not from NumberOfConnectors alone.",
    params={"connectors": (2, 1, 64)},
)
class ConnectorsScrambled(Quirk):
    """NumberOfConnectors reads 2 on a box with one socket, since it was moved from the vendor's own backend (2021)."""

    connectors: int

    def setting(self, st: Station, name: str, value: str) -> str:
        """A wrong number."""
        return str(self.connectors) if name == "NumberOfConnectors" else value
