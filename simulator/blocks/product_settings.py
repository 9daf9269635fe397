"""B Settings that describe the product: how many connectors, how long its messages may be, what it can transfer.

Blocks declare the settings they decide by; these are read by whoever asks for them and change nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.settings import READ_ONLY, setting
from simulator.core.wiring import FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.core.model import Model

#: settings (by key) whose largest value follows from the product: filled by the block that knows
MAXIMA: dict[str, Callable[[Model], float]] = {}

NUMBER_OF_CONNECTORS = setting(
    None,
    "int",
    1,
    key16="NumberOfConnectors",
    mutability=READ_ONLY,
    required16=True,
    minimum=1,
    maximum=64,
    description="count of connectors",
)
MAX_KEYS_SETTING = setting(
    None,
    "int",
    50,
    key16="GetConfigurationMaxKeys",
    mutability=READ_ONLY,
    required16=True,
    minimum=1,
    maximum=1000,
    description="most keys one GetConfiguration may ask for",
)
FEATURE_PROFILES = setting(
    None,
    "list",
    (
        "Core",
        "FirmwareManagement",
        "LocalAuthListManagement",
        "Reservation",
        "SmartCharging",
        "RemoteTrigger",
    ),
    key16="SupportedFeatureProfiles",
    mutability=READ_ONLY,
    required16=True,
    description="feature profiles the station implements",
)


#: the feature of a product that publishes firmware for others
LOCAL_CONTROLLER = "LocalController"


def features(model: Model) -> frozenset[str]:
    """The optional features of a product: what it says of itself is what it can do. Requests of one it lacks are
    answered as not supported (``core/inbound``), and the settings of that feature do not exist."""
    named = frozenset(model.defaults[FEATURE_PROFILES.index])
    return named | {LOCAL_CONTROLLER} if model.local_controller else named


FEATURES.append(features)

ROTATIONS = ("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR")


def _rotation_problem(value: tuple[str, ...]) -> str | None:
    for item in value:
        number, _, rotation = item.partition(".")
        if not (number.isascii() and number.isdigit()) or rotation not in ROTATIONS:
            return f"{item!r} is not connector.rotation, such as 1.RST"
    numbers = rotated(value)
    return "a connector is named twice" if len(set(numbers)) < len(numbers) else None


def rotated(value: tuple[str, ...]) -> tuple[int, ...]:
    """The connectors whose phases a value of ConnectorPhaseRotation names; 0 is the grid connection."""
    return tuple(int(item.partition(".")[0]) for item in value)


PHASE_ROTATION = setting(
    None,
    "list",
    ("0.Unknown", "1.Unknown"),
    key16="ConnectorPhaseRotation",
    required16=True,
    max_items=65,
    check=_rotation_problem,
    description="phase wiring of each connector",
)
PHASE_ROTATION_MAX = setting(
    None,
    "int",
    2,
    key16="ConnectorPhaseRotationMaxLength",
    mutability=READ_ONLY,
    minimum=1,
    maximum=65,
    description="most items of ConnectorPhaseRotation: the connectors and the station",
)
FEATURE_PROFILES_MAX = setting(
    None,
    "int",
    6,
    key16="SupportedFeatureProfilesMaxLength",
    mutability=READ_ONLY,
    minimum=1,
    maximum=20,
    description="most items of SupportedFeatureProfiles",
)
BLINK_REPEAT = setting(
    None,
    "int",
    3,
    key16="BlinkRepeat",
    minimum=0,
    maximum=100,
    unit="times",
    description="how often the light blinks when it signals",
)
LIGHT_INTENSITY = setting(
    None,
    "int",
    100,
    key16="LightIntensity",
    minimum=0,
    maximum=100,
    unit="%",
    description="brightness of the lights",
)
ITEMS_PER_MESSAGE = setting(
    "DeviceDataCtrlr.ItemsPerMessage[GetReport]",
    "int",
    40,
    mutability=READ_ONLY,
    required=True,
    minimum=1,
    description="most items of one report message",
)
ITEMS_PER_GET = setting(
    "DeviceDataCtrlr.ItemsPerMessage[GetVariables]",
    "int",
    50,
    mutability=READ_ONLY,
    required=True,
    minimum=1,
    description="most items of one GetVariables",
)
ITEMS_PER_SET = setting(
    "DeviceDataCtrlr.ItemsPerMessage[SetVariables]",
    "int",
    50,
    mutability=READ_ONLY,
    required=True,
    minimum=1,
    description="most items of one SetVariables",
)
BYTES_PER_MESSAGE = setting(
    "DeviceDataCtrlr.BytesPerMessage[GetReport]",
    "int",
    32_768,
    mutability=READ_ONLY,
    required=True,
    unit="B",
    description="longest report message",
)
BYTES_PER_GET = setting(
    "DeviceDataCtrlr.BytesPerMessage[GetVariables]",
    "int",
    32_768,
    mutability=READ_ONLY,
    required=True,
    unit="B",
    description="longest GetVariables",
)
BYTES_PER_SET = setting(
    "DeviceDataCtrlr.BytesPerMessage[SetVariables]",
    "int",
    32_768,
    mutability=READ_ONLY,
    required=True,
    unit="B",
    description="longest SetVariables",
)
ORGANIZATION = setting(
    "SecurityCtrlr.OrganizationName",
    "str",
    "cpfarm",
    key16="CpoName",
    max_len=255,
    required=True,
    description="operator's name in certificate requests",
)
CERTIFICATE_ENTRIES = setting(
    "SecurityCtrlr.CertificateEntries",
    "int",
    0,
    mutability=READ_ONLY,
    required=True,
    minimum=0,
    maximum=100,
    description="installed certificates",
)
TIME_SOURCE = setting(
    "ClockCtrlr.TimeSource",
    "list",
    ("Heartbeat",),
    # what this station really has; the others would leave its clock to nobody
    values=("Heartbeat", "RealTimeClock"),
    required=True,
    description="where the clock takes its time from",
)
FILE_PROTOCOLS = setting(
    "OCPPCommCtrlr.FileTransferProtocols",
    "list",
    ("HTTP", "HTTPS", "FTP", "FTPS", "SFTP"),
    key16="SupportedFileTransferProtocols",
    mutability=READ_ONLY,
    values=("FTP", "FTPS", "HTTP", "HTTPS", "SFTP"),
    required=True,
    description="protocols for firmware and logs",
)
NETWORK_PRIORITY = setting(
    "OCPPCommCtrlr.NetworkConfigurationPriority",
    "list",
    ("1",),
    # slots are 1 to 5 (2.x part 6 TC_B_53), at least two (B09.FR.06)
    values=("1", "2", "3"),
    max_items=3,
    required=True,
    reboot=True,
    description="order in which network profiles are tried",
)
