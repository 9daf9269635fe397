"""OCMF: how a meter writes down a register reading that it signs (Open Charge Metering Format, version 1.0).

A dataset is a text of three sections, ``OCMF|<payload>|<signature>``. Payload and signature section are JSON objects;
what is signed is the text of the payload exactly as it stands between the bars. One dataset holds one reading here, so
that each can be handed on and checked by itself.

The pagination counts the datasets of a meter: it belongs to the meter and goes on through reboots and power cuts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulator.core.wall import format_wall

if TYPE_CHECKING:
    from simulator.hardware.meter import Meter

ENCODING = "OCMF"
VERSION = "1.0"
#: OBIS code of the imported active energy, all tariffs (IEC 62056-61)
IMPORT_REGISTER = "1-0:1.8.0"
#: context of a reading -> its place in the transaction
PHASES = {"Transaction.Begin": "B", "Transaction.End": "E"}
#: type of a token in OCPP 2.x -> type of identification
IDENTIFICATIONS = {
    "Central": "CENTRAL",
    "ISO14443": "ISO14443",
    "ISO15693": "ISO15693",
    "KeyCode": "KEY_CODE",
    "Local": "LOCAL",
    "eMAID": "EMAID",
}


class NamePlate(msgspec.Struct, frozen=True):
    """Which meter it is, as far as that is known; what is not known is left out."""

    model: str | None = None
    serial: str | None = None


class Session(msgspec.Struct, frozen=True):
    """The session a reading belongs to: the token and its type (empty: not identified)."""

    id_token: str = ""
    token_type: str = ""


def dataset(
    meter: Meter,
    handle: str,
    energy_wh: float,
    wall_us: int,
    *,
    synced: bool,
    context: str,
    direct: bool,
    name_plate: NamePlate,
    session: Session | None,
) -> str:
    """Sign a reading of the register with the key of the meter. ``session`` None: a reading outside of any.

    ``direct``: the meter measures direct current. ``synced``: the clock is known to be right; if it is not, the reading
    says so in its time status and carries the error flag for time.
    """
    signer = meter.spec.signer
    assert signer is not None, "a meter that cannot sign was asked to"
    meter.page += 1
    reading: dict[str, Any] = {"TM": _time(wall_us, synced)}
    if session is not None:
        reading["TX"] = PHASES.get(context, "C")
    reading |= {
        "RV": energy_wh,
        "RI": IMPORT_REGISTER,
        "RU": "Wh",
        "RT": "DC" if direct else "AC",
        "EF": "" if synced else "t",
        "ST": "G",
    }
    payload: dict[str, Any] = {"FV": VERSION, "PG": f"{'F' if session is None else 'T'}{meter.page}"}
    payload |= {name: text for name, text in (("MM", name_plate.model), ("MS", name_plate.serial)) if text}
    if session is None or not session.id_token:
        payload |= {"IS": False, "IT": "NONE"}
    else:
        kind = IDENTIFICATIONS.get(session.token_type, "UNDEFINED")
        payload |= {"IS": True, "IT": kind, "ID": session.id_token}
    payload["RD"] = [reading]
    text = msgspec.json.encode(payload)
    signature = {"SA": signer.method, "SD": signer.sign(handle, text).hex()}
    return f"{ENCODING}|{text.decode()}|{msgspec.json.encode(signature).decode()}"


def _time(wall_us: int, synced: bool) -> str:
    """A moment with its status: S synchronised, U of unknown quality."""
    return f"{format_wall(wall_us)[:-1].replace('.', ',')}+0000 {'S' if synced else 'U'}"
