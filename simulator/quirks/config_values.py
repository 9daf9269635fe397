"""Quirks of how the values of configuration keys are spelt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.blocks import device_model
from simulator.core.settings import KEYS
from simulator.quirks.config_keys import LENIENT, WRITE
from simulator.quirks.deeds import answer
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.station import Station

_STYLES = {"1/0": ("1", "0"), "True/False": ("True", "False"), "TRUE/FALSE": ("TRUE", "FALSE")}
_RATE_UNIT, _FEATURES = "ChargingScheduleAllowedChargingRateUnit", "SupportedFeatureProfiles"


def _is_list(name: str) -> bool:
    return name in KEYS and KEYS.get(name).type == "list"


@quirk(
    "config-boolean-spelling",
    vendors=("Legacy AC (generic)",),
    sources=(
        "sap-labs-france/ev-server@01dd2be6b",
        "SAP/e-mobility-charging-stations-simulator:src/assets/station-templates/chargex.station-template.json",
        "evcc-io/evcc#15726",
        "evcc-io/evcc#6774",
        "evcc-io/evcc#22563",
    ),
    breaks=("reads_back",),
    survive=LENIENT,
    params={"style": ("1/0",)},
)
class BooleanSpelling(Quirk):
    """Booleans read 1 and 0; on other products True and False, or TRUE and FALSE. They can be written like that too.

    ``style``: one of ``1/0``, ``True/False``, ``TRUE/FALSE``.
    """

    style: str

    def refuse_text(self, name: str, value: str) -> str | None:
        """One of three."""
        return None if value in _STYLES else f"{value!r} is not one of {', '.join(_STYLES)}"

    def setting(self, st: Station, name: str, value: str) -> str:
        """Keys of the standard only; those of the product are texts as they are."""
        if name not in KEYS or KEYS.get(name).type != "bool":
            return value
        yes, no = _STYLES[self.style]
        return yes if value == "true" else no

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """The station reads its own spelling."""
        if action != WRITE or req.key not in KEYS or KEYS.get(req.key).type != "bool":
            return None
        if req.value not in _STYLES[self.style]:
            return None
        plain = "true" if req.value == _STYLES[self.style][0] else "false"
        return answer(st, self, action, message_id, device_model.write_key(st, req.key, plain))


@quirk(
    "config-value-quoted-list",
    vendors=("Mennekes",),
    sources=("evcc-io/evcc@3ca395543", "evcc-io/evcc#16255"),
    breaks=("reads_back",),
    survive=LENIENT,
)
class QuotedList(Quirk):
    """Lists of measurands read with quotation marks around them, and spaces after the commas."""

    def setting(self, st: Station, name: str, value: str) -> str:
        """Every list of measurands."""
        if not _is_list(name) or "Energy.Active.Import.Register" not in KEYS.get(name).values:
            return value
        return '"' + ", ".join(value.split(",")) + '"'


@quirk(
    "feature-list-with-spaces",
    vendors=("Heidelberg/Amperfied", "Mennekes"),
    sources=("evcc-io/evcc#17836", "evcc-io/evcc#22563", "evcc-io/evcc:charger/ocpp/helper.go"),
    breaks=("reads_back",),
    survive=LENIENT,
)
class FeaturesWithSpaces(Quirk):
    """SupportedFeatureProfiles has a space after every comma."""

    def setting(self, st: Station, name: str, value: str) -> str:
        """This key only."""
        return ", ".join(value.split(",")) if name == _FEATURES else value


@quirk(
    "rate-unit-nonstandard-w",
    vendors=("some stations",),
    sources=("evcc-io/evcc:charger/ocpp/cp_setup.go",),
    breaks=("reads_back",),
    survive=LENIENT,
)
class RateUnitW(Quirk):
    """ChargingScheduleAllowedChargingRateUnit says W where the standard has Power."""

    def setting(self, st: Station, name: str, value: str) -> str:
        """The unit in the place of the quantity."""
        return ",".join("W" if unit == "Power" else unit for unit in value.split(",")) if name == _RATE_UNIT else value
