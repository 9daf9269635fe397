"""Quirks of the boot: what BootNotification says of the product, and what is made of its connectors.

The texts of a profile are the product's facts; these are habits of putting them together, so that they fit any profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from simulator.core.release import release
from simulator.core.reports import StatusChanged
from simulator.core.wiring import PERFORMED
from simulator.quirks.payload import knows, plain
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.station import Station

_VERBATIM = (
    "Store boot texts word for word, compare vendors in lower case with their aliases, never cut model or firmware into"
    " parts, know a station by the identity of its connection."
)
_EMPTY = "Take an empty text for an absent one, and do not refuse a boot for empty texts."
_TOPOLOGY = (
    "Build connectors from the configuration and the ids you see, make unknown ids when they come, model shared power"
    " per station."
)
_TOO_LONG = "Take texts that are longer than the specification allows, and cut them where they are stored."
#: neutral name -> (fields of the flat and of the nested message, longest text that fits both)
_FIELDS: dict[str, tuple[tuple[str, str], int]] = {
    "vendor": (("charge_point_vendor", "vendor_name"), 20),
    "model": (("charge_point_model", "model"), 20),
    "firmware": (("firmware_version", "firmware_version"), 50),
    "serial": (("charge_point_serial_number", "serial_number"), 25),
}


def _body(payload: Any) -> tuple[Any, int]:
    """The part of the message that describes the product, and which of the two shapes it has."""
    nested = getattr(payload, "charging_station", None)
    return (payload, 0) if nested is None else (nested, 1)


def told(payload: Any, name: str) -> str:
    """What the message says: vendor, model, firmware or serial; "" when it does not."""
    body, shape = _body(payload)
    text = getattr(body, _FIELDS[name][0][shape], "")
    return text if isinstance(text, str) else ""


def tell(payload: Any, **texts: str) -> Any:
    """The message with other texts by neutral name, cut to what fits; further names are fields of the flat message."""
    if not isinstance(payload, Struct):
        return payload
    body, shape = _body(payload)
    known = {field.name for field in structs.fields(type(body))}
    changes = {}
    for name, text in texts.items():
        attributes, limit = _FIELDS.get(name, ((name, name), 25))
        if attributes[shape] in known:
            changes[attributes[shape]] = text[:limit]
    body = structs.replace(body, **changes)
    return body if shape == 0 else structs.replace(payload, charging_station=body)


@quirk(
    "boot-composite-model-string",
    vendors=("ABB Terra AC",),
    sources=("evcc-io/evcc#17979", "lbbrhzn/ocpp#1275", "mikuso/ocpp-rpc#76"),
    survive=_VERBATIM,
    params={"variant": ("NET_WIFI",)},
)
class CompositeModel(Quirk):
    """The model text is hardware and network in one, with a double colon between them.

    ``variant``: the network part.
    """

    variant: str

    def boot(self, st: Station, payload: Any) -> Any:
        """Model, two colons, network; the model is cut if both do not fit."""
        end = f"::{self.variant}"
        return tell(payload, model=told(payload, "model")[: max(0, 20 - len(end))] + end)


@quirk(
    "boot-composite-firmware-string",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp#1275", "mikuso/ocpp-rpc#76"),
    survive=_VERBATIM,
    params={"part": ("TAC3Z9119006710273",)},
)
class CompositeFirmware(Quirk):
    """The firmware text is a part number and the version, as in TAC3Z9119006710273::V1.8.21.

    ``part``: the part number.
    """

    part: str

    def boot(self, st: Station, payload: Any) -> Any:
        """Part number, two colons, version."""
        version = told(payload, "firmware")
        return tell(payload, firmware=f"{self.part}::V{version}") if version else payload


@quirk(
    "boot-firmware-dash-build",
    vendors=("Bender/Ebee",),
    sources=("sap-labs-france/ev-server@01dd2be6b",),
    survive=_VERBATIM,
    params={"build": (5_419, 0, 999_999)},
)
class FirmwareDashBuild(Quirk):
    """The firmware text is a version of two numbers, a dash and a build number, as in 4.52-5419.

    ``build``: the build number.
    """

    build: int

    def boot(self, st: Station, payload: Any) -> Any:
        """Two numbers of the version, and the build."""
        numbers = (*release(told(payload, "firmware")), 0, 0)
        return tell(payload, firmware=f"{numbers[0]}.{numbers[1]:02d}-{self.build}")


@quirk(
    "boot-firmware-freeform",
    vendors=("Teison",),
    sources=("lbbrhzn/ocpp#1617",),
    survive=_VERBATIM,
    params={"rest": ("@25238bf+100,F8.gl,ws,ESP32,RN8213@V31",)},
)
class FirmwareFreeform(Quirk):
    """The firmware text lists versions, commit, chips and protocols with commas, plus and at signs between them.

    ``rest``: what follows the version.
    """

    rest: str

    def boot(self, st: Station, payload: Any) -> Any:
        """V, version, and the rest."""
        return tell(payload, firmware=f"V{told(payload, 'firmware')}{self.rest}")


@quirk(
    "boot-empty-optional-fields",
    vendors=("Wallbox", "Cahors"),
    sources=("lbbrhzn/ocpp#1510", "sap-labs-france/ev-server@4a2636985"),
    survive=_EMPTY,
)
class EmptyOptionalFields(Quirk):
    """The numbers of the SIM card and the meter's serial are sent although they are empty."""

    def boot(self, st: Station, payload: Any) -> Any:
        """Empty texts instead of absent fields."""
        payload = tell(payload, iccid="", imsi="", meter_serial_number="")
        body, shape = _body(payload)
        if shape == 0:
            return payload
        modem = st.dialect.messages.ModemType(iccid="", imsi="")
        return structs.replace(payload, charging_station=structs.replace(body, modem=modem))


@quirk(
    "boot-empty-vendor",
    vendors=("Huawei",),
    sources=("evcc-io/evcc#32170", "evcc-io/evcc@496c834f0"),
    survive=_EMPTY,
)
class EmptyVendor(Quirk):
    """The vendor is an empty text."""

    def boot(self, st: Station, payload: Any) -> Any:
        """Nobody made it."""
        return tell(payload, vendor="")


@quirk(
    "boot-identity-configurable",
    vendors=("Bender/Ebee",),
    sources=("sap-labs-france/ev-server@01dd2be6b", "evcc-io/evcc@365fcb99d", "manual: Bender parameter list"),
    survive=_VERBATIM,
    vendor_keys={"ChargePointVendor": ("Bender GmbH Co. KG", True), "ChargePointModel": ("CC612_2S0R", True)},
)
class IdentityConfigurable(Quirk):
    """Vendor and model are configuration keys: whoever writes them gives the station another name at its next boot."""

    def boot(self, st: Station, payload: Any) -> Any:
        """What the keys say."""
        port = QuirkPort(st, self)
        return tell(payload, vendor=port.vendor_key("ChargePointVendor"), model=port.vendor_key("ChargePointModel"))


@quirk(
    "boot-meter-noncompliant",
    vendors=("Wallbox",),
    sources=("lbbrhzn/ocpp#1510", "evcc-io/evcc#28541"),
    survive=_VERBATIM,
    params={"text": ("Internal NON compliant",)},
)
class MeterNoncompliant(Quirk):
    """The type of the meter is a remark, that it does not comply with metering law."""

    text: str

    def boot(self, st: Station, payload: Any) -> Any:
        """The remark."""
        return tell(payload, meter_type=self.text)


@quirk(
    "boot-numeric-model",
    vendors=("Delta",),
    sources=("sap-labs-france/ev-server@01dd2be6b",),
    survive=_VERBATIM,
    params={"number": (10_616, 0, 999_999_999)},
)
class NumericModel(Quirk):
    """The model is a bare number."""

    number: int

    def boot(self, st: Station, payload: Any) -> Any:
        """The number, as a text."""
        return tell(payload, model=str(self.number))


@quirk(
    "boot-serial-duplicated",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp#1275", "mikuso/ocpp-rpc#76"),
    survive=_VERBATIM,
    params={"meter": ("V1",)},
)
class SerialDuplicated(Quirk):
    """The same serial stands for the charge point and for the charge box, and the meter type is a version.

    ``meter``: the meter type.
    """

    meter: str

    def boot(self, st: Station, payload: Any) -> Any:
        """One number twice."""
        return tell(payload, charge_box_serial_number=told(payload, "serial"), meter_type=self.meter)


@quirk(
    "boot-vendor-string-variants",
    vendors=("Circontrol", "Delta"),
    sources=(
        "sap-labs-france/ev-server@5cd4d3b2b",
        "sap-labs-france/ev-server:src/integration/charging-station-vendor/ChargingStationVendorFactory.ts",
    ),
    survive=_VERBATIM,
    params={"other": ("",)},
)
class VendorVariants(Quirk):
    """Stations of one maker spell its name differently: in capitals and as usual, or long and short.

    ``other``: what every second station says, such as DELTA for Delta Electronics; empty for capitals.
    """

    other: str

    def boot(self, st: Station, payload: Any) -> Any:
        """Each station keeps to its own spelling."""
        name = told(payload, "vendor")
        return tell(payload, vendor=name if st.number % 2 else self.other or name.upper())


@quirk(
    "boot-model-too-long",
    vendors=("Grizzl-E",),
    sources=("lbbrhzn/ocpp#899",),
    breaks=("schema",),
    survive=_TOO_LONG,
    params={"text": ("Grizzl-E Smart Connect",)},
    order=20,  # the others know the message as it should be
)
class ModelTooLong(Quirk):
    """The model text is longer than the 20 characters that are allowed.

    ``text``: the model.
    """

    text: str

    def boot(self, st: Station, payload: Any) -> Any:
        """As it stands on the box."""
        flat = knows(payload, "chargePointModel")
        return {**plain(payload), "chargePointModel": self.text} if flat else payload


@quirk(
    "boot-serial-too-long",
    vendors=("Schneider",),
    sources=("lbbrhzn/ocpp#213", "mobilityhouse/ocpp#273", "lbbrhzn/ocpp#1622"),
    breaks=("schema",),
    survive=_TOO_LONG,
    params={"code": ("EVB1A22P2RI",)},
    order=20,
)
class SerialTooLong(Quirk):
    """The serial of the charge box is order code and number in one: 33 characters where 25 are allowed.

    ``code``: the order code. An installer can switch the cutting of it on, in a file.
    """

    code: str

    def boot(self, st: Station, payload: Any) -> Any:
        """Both parts, uncut."""
        flat = knows(payload, "chargeBoxSerialNumber")
        return {**plain(payload), "chargeBoxSerialNumber": f"{self.code}3N18{st.number:018d}"} if flat else payload


@quirk(
    "connector-id-unexpected-high",
    vendors=("Schneider",),
    sources=("sap-labs-france/ev-server@6af562bc4",),
    breaks=("status_true",),
    survive=_TOPOLOGY,
    params={"connector": (11, 2, 99)},
)
class ConnectorElsewhere(Quirk):
    """After the boot it also tells the status of a connector it does not have, with a high number.

    ``connector``: the number.
    """

    connector: int

    def moment(self, st: Station, name: str, now: int) -> None:
        """One status more."""
        if name == "accepted" and st.evse(self.connector) is None:
            QuirkPort(st, self).publish(StatusChanged(self.connector, 1, "Available", False, "", "", st.stamp()))


@quirk(
    "power-shared-across-satellites",
    vendors=("Kempower",),
    sources=(
        "tkk2018/node-kempower-api-types:src/ChargingStation.ts",
        "tkk2018/node-kempower-api-types:src/Connector.ts",
    ),
    survive=_TOPOLOGY,
    params={"every_s": (60.0, 1.0, 3_600.0), "least_percent": (25, 1, 100)},
)
class PowerShared(Quirk):
    """The station is one of several at a power unit: the most it can give goes up and down with what the others take.

    ``every_s``: time between changes. ``least_percent``: of its power, the least that is left.
    """

    every_s: float
    least_percent: int

    def moment(self, st: Station, name: str, now: int) -> None:
        """The power unit begins to share."""
        if name == "accepted":
            QuirkPort(st, self).wake_in(self.every_s)

    def timer(self, st: Station, now: int) -> None:
        """The others take another part."""
        percent = self.least_percent + st.rng.below("quirk.satellites", 101 - self.least_percent)
        full_w = sum(evse.spec.max_power_w for evse in st.evses)
        PERFORMED["charging_limit"](st, {"limit_w": full_w * percent / 100, "source": "Other"}, now)
        QuirkPort(st, self).wake_in(self.every_s)
