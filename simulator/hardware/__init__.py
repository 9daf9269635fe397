"""Emulated hardware: parts with ports, the faults that wrap them, and the board that holds them together.

Importing this package registers every fault; the list below is the whole of it, and a test holds it against the folder.
"""

from simulator.hardware import (
    ageing,
    board,
    comms,
    connector_lock,
    contactor,
    control_pilot,
    controller,
    cooling,
    fault,
    flash,
    meter,
    modem,
    network,
    ocmf,
    protection,
    rfid_reader,
    rtc,
    supply,
    thermal,
)

fault.FAULTS.freeze()

__all__ = [
    "ageing",
    "board",
    "comms",
    "connector_lock",
    "contactor",
    "control_pilot",
    "controller",
    "cooling",
    "fault",
    "flash",
    "meter",
    "modem",
    "network",
    "ocmf",
    "protection",
    "rfid_reader",
    "rtc",
    "supply",
    "thermal",
]
