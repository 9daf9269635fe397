"""B Who a station says it is: patterns of its product filled with its own number and id."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.core.station import Station


def identify(st: Station, pattern: str) -> str:
    """A serial or identity pattern (``{n:06d}``, ``{id}``) filled for this station; profiles check patterns."""
    return pattern.format(n=st.number, id=st.id) if "{" in pattern else pattern


def serial_of(st: Station) -> str | None:
    """The station's serial number: its own from a list of stations, else the product's pattern; ends tell apart."""
    pattern = st.model.identity.serial
    if st.serial is None and pattern is None:
        return None
    return (st.serial if st.serial is not None else identify(st, pattern or ""))[-25:]
