"""I Tariff and cost: what the display tells the driver, and when it has nothing of the CSMS to tell (I01 to I06).

Prices are texts and totals that come from the CSMS; nothing is computed here. What was shown is on record, and the last
of each kind stays on the display of its EVSE until the next driver identifies: ``data["display"]``. A product shows
tariffs, costs, both or nothing (``Model.shows``); with nothing it has none of this block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks import transaction_record
from simulator.blocks.setting_values import exists_in
from simulator.blocks.transactions import TX_STOP_POINT
from simulator.core.records import DriverShown
from simulator.core.settings import setting
from simulator.core.wiring import at, drain

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.model import Model
    from simulator.core.settings import Setting
    from simulator.core.station import Station

TARIFF, COST = "tariff", "cost"
#: kinds of what is shown
PERSONAL, TARIFF_FALLBACK, RUNNING, TOTAL, TOTAL_FALLBACK = (
    "tariff",
    "tariff_fallback",
    "running_cost",
    "total_cost",
    "total_cost_fallback",
)
DISPLAY = "display"
#: longest text of the CSMS that the display takes (MessageContentType has at most so much)
MAX_TEXT = 1_024


def shows_tariff(model: Model) -> bool:
    """Can the product show tariffs?"""
    return TARIFF in model.shows


def shows_cost(model: Model) -> bool:
    """Can it show costs?"""
    return COST in model.shows


def shows_any(model: Model) -> bool:
    """Can it show either?"""
    return shows_tariff(model) or shows_cost(model)


def _currency_problem(value: str) -> str | None:
    if len(value) == 3 and value.isascii() and value.isalpha() and value.isupper():
        return None
    return f"{value!r} is no currency of ISO 4217, such as EUR"


TARIFF_ENABLED = setting(
    "TariffCostCtrlr.Enabled[Tariff]", "bool", True, when=shows_tariff, description="tariffs are shown"
)
COST_ENABLED = setting("TariffCostCtrlr.Enabled[Cost]", "bool", True, when=shows_cost, description="costs are shown")
TARIFF_FALLBACK_TEXT = setting(
    "TariffCostCtrlr.TariffFallbackMessage",
    "str",
    "",
    max_len=255,
    required=True,
    when=shows_any,
    description="shown when there is no tariff for the driver",
)
TOTAL_FALLBACK_TEXT = setting(
    "TariffCostCtrlr.TotalCostFallbackMessage",
    "str",
    "",
    max_len=255,
    required=True,
    when=shows_any,
    description="shown when the total cost cannot be had",
)
CURRENCY = setting(
    "TariffCostCtrlr.Currency",
    "str",
    "EUR",
    max_len=3,
    required=True,
    when=shows_any,
    check=_currency_problem,
    description="of tariffs and costs (ISO 4217)",
)


class Screen:
    """The display of one EVSE: the last text of each kind in ``texts``, for the driver who identified at ``since_us``
    (-1: somebody who was not let in)."""

    __slots__ = ("awaits", "key", "since_us", "texts")

    def __init__(self, since_us: int) -> None:
        self.since_us = since_us
        #: the transaction that is running
        self.key = ""
        #: the transaction of which the total is asked for
        self.awaits = ""
        self.texts: dict[str, str] = {}


def shown(st: Station, evse_id: int) -> dict[str, str]:
    """What stands on the display of an EVSE, by kind."""
    found: Screen | None = st.data.get(DISPLAY, {}).get(evse_id)
    return {} if found is None else dict(found.texts)


def _screens(st: Station) -> dict[int, Screen]:
    found: dict[int, Screen] = st.data.setdefault(DISPLAY, {})
    return found


def _screen(st: Station, evse: Evse) -> Screen:
    """The display of an EVSE, wiped when another driver has come."""
    screens = _screens(st)
    found = screens.get(evse.evse_id)
    since_us = -1 if evse.grant is None else evse.grant.at_us
    if found is None or (since_us not in (-1, found.since_us) and not found.key):
        found = screens[evse.evse_id] = Screen(since_us)
    return found


def _show(st: Station, evse_id: int, screen: Screen, kind: str, text: str, key: str = "") -> None:
    if not text or screen.texts.get(kind) == text:
        return
    screen.texts[kind] = text[:MAX_TEXT]
    st.record(DriverShown(evse_id, kind, text[:MAX_TEXT], key))


def _on(st: Station, switch: Setting) -> bool:
    return exists_in(st.model, switch) and bool(st.settings[switch])


def _amount(st: Station, cost: float) -> str:
    return f"{cost:.2f} {st.settings[CURRENCY]}"


# -- what the CSMS says ------------------------------------------------------------------------------------------------


def personal(st: Station, evse_id: int, text: str) -> None:
    """The CSMS has a message for whoever has just identified, let in or not (I01.FR.03)."""
    if _on(st, TARIFF_ENABLED):
        evse = st.evses[evse_id - 1]
        if evse.grant is None and evse.tx is None:
            _screens(st)[evse_id] = Screen(-1)
        _show(st, evse_id, _screen(st, evse), PERSONAL, text)


def updated(st: Station, key: str, text: str) -> None:
    """The tariff of a running transaction has changed (I06.FR.03), or its driver has a message of his own."""
    evse = transaction_record.running(st, key)
    if evse is not None and _on(st, TARIFF_ENABLED):
        _show(st, evse.evse_id, _screen(st, evse), PERSONAL, text, key)


def running(st: Station, key: str, cost: float) -> bool:
    """What a running transaction has cost so far (I02.FR.03-04); False when there is no such transaction."""
    evse = transaction_record.running(st, key)
    if evse is not None and _on(st, COST_ENABLED):
        _show(st, evse.evse_id, _screen(st, evse), RUNNING, _amount(st, cost), key)
    return evse is not None


def total(st: Station, key: str, cost: float | None) -> None:
    """The answer to the end of a transaction (I03.FR.03): its driver is told, if he is still there.

    None: the CSMS did not say; that does not mean that it was free (I03.FR.04), so nothing is shown."""
    for evse_id, screen in st.data.get(DISPLAY, {}).items():
        if screen.awaits == key:
            screen.awaits = ""
            if cost is not None:
                _show(st, evse_id, screen, TOTAL, _amount(st, cost), key)


# -- what the station finds out by itself ------------------------------------------------------------------------------


@drain(45)
def tell(st: Station, now: int) -> None:
    """Drivers that have come, and transactions that have begun and ended."""
    if not shows_any(st.model):
        return
    for evse in st.evses:
        if evse.grant is None and evse.evse_id not in _screens(st):
            continue
        screen = _screen(st, evse)
        if evse.grant is not None and PERSONAL not in screen.texts and _on(st, TARIFF_ENABLED):
            _show(st, evse.evse_id, screen, TARIFF_FALLBACK, st.settings[TARIFF_FALLBACK_TEXT])  # I04.FR.01
        if evse.tx is not None:
            screen.key = evse.tx.key
        elif screen.key:
            _ended(st, evse.evse_id, screen)


def _ended(st: Station, evse_id: int, screen: Screen) -> None:
    key, screen.key = screen.key, ""
    if not _on(st, COST_ENABLED) or st.settings[TX_STOP_POINT] == ("ParkingBayOccupancy",):
        return  # I03.FR.05: the driver has left already
    if st.link.is_up:
        screen.awaits = key
    else:
        _show(st, evse_id, screen, TOTAL_FALLBACK, st.settings[TOTAL_FALLBACK_TEXT], key)  # I05.FR.02


@at("link_down")
def gone(st: Station, now: int) -> None:
    """The total that somebody waits for will not come in time (I05.FR.02)."""
    for evse_id, screen in st.data.get(DISPLAY, {}).items():
        if screen.awaits:
            key, screen.awaits = screen.awaits, ""
            _show(st, evse_id, screen, TOTAL_FALLBACK, st.settings[TOTAL_FALLBACK_TEXT], key)
