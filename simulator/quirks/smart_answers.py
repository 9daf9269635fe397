"""Quirks of what a station says of smart charging: that it does none, and composite schedules that are not true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import charging_profiles
from simulator.blocks import charging_schedule as cs
from simulator.quirks.deeds import SET, answer, of_csms
from simulator.quirks.payload import edit, get, plain
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.station import Station

#: a schedule of the station's own has no more
_MOST_PERIODS = 50
_FINAL = "Take NotSupported, as a result or a CALLERROR, as the final word on what the station can do."


# -- support that is denied


@quirk(
    "smart-not-supported-callerror",
    vendors=("ABB Terra DC",),
    sources=("evcc-io/evcc#30114", "sap-labs-france/ev-server@01dd2be6b"),
    breaks=("no_callerror", "profile_accepted"),
    survive=_FINAL,
)
class NotSupportedError(Quirk):
    """SetChargingProfile is answered by a CALLERROR NotSupported, whatever features are advertised."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Every profile."""
        return QuirkPort(st, self).refuse(message_id, "not_supported", action) if action == SET else None


@quirk(
    "smart-not-supported-result",
    vendors=("Heidelberg/Amperfied",),
    sources=("evcc-io/evcc#17836",),
    breaks=("profile_accepted", "reads_back"),
    survive=_FINAL + " Trim the names of feature profiles.",
)
class NotSupportedResult(Quirk):
    """SetChargingProfile has the status NotSupported; the list of features lacks it, with a space after each comma."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """A version without that status says Rejected."""
        if action != SET:
            return None
        status = "NotSupported" if get(req, "csChargingProfiles") is not UNSET else "Rejected"
        return answer(st, self, SET, message_id, status, ("UnsupportedRequest", ""))

    def setting(self, st: Station, name: str, value: str) -> str:
        """As the product writes it."""
        if name != "SupportedFeatureProfiles":
            return value
        return ", ".join(part for part in value.split(",") if part != charging_profiles.FEATURE)


# -- what is told of a schedule


def _composite(reply: Any) -> str:
    """The field that holds the composite schedule, "" without one."""
    return next((name for name in ("chargingSchedule", "schedule") if get(reply, name) is not UNSET), "")


@quirk(
    "smart-composite-garbage-period",
    vendors=("Orbis",),
    sources=("evcc-io/evcc#20881",),
    breaks=("composite_true",),
    survive="Leave out periods of a composite schedule that begin after its end.",
    params={"start_s": (1_006_632_455, 1, 2_147_483_647)},
)
class GarbagePeriod(Quirk):
    """A composite schedule ends with a period that begins in thirty years.

    ``start_s``: seconds after the begin of the schedule.
    """

    start_s: int

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """One period more."""
        field = _composite(reply) if action == "GetCompositeSchedule" else ""

        def add(message: dict[str, Any]) -> None:
            periods = message[field]["chargingSchedulePeriod"]
            periods.append({**periods[-1], "startPeriod": self.start_s})

        return edit(reply, add) if field else reply


@quirk(
    "smart-composite-schedule-deviates",
    vendors=("Easee",),
    sources=("https://developer.easee.cloud/docs/ocpp-commands",),
    breaks=("composite_true",),
    survive="Work out the composite schedule from the profiles that were accepted, and compare.",
)
class CompositeIsOneProfile(Quirk):
    """A composite schedule is the limit of the one profile that wins, not what all of them allow together."""

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """A profile of the transaction wins, then a default one, then that of the station; the highest level of it."""
        field = _composite(reply) if action == "GetCompositeSchedule" else ""
        if not field:
            return reply
        schedule = plain(get(reply, field))
        evse_id = get(reply, "connectorId") if field == "chargingSchedule" else schedule["evseId"]
        ranks = {cs.TX: 2, cs.TX_DEFAULT: 1, cs.STATION_MAX: 0}
        there = [one for one in of_csms(st) if one.profile.purpose in ranks and one.evse_id in (0, evse_id)]
        if not there:
            return reply
        wins = max(there, key=lambda one: (ranks[one.profile.purpose], one.profile.stack_level))
        spec = st.evses[max(evse_id, 1) - 1].spec
        hardware = cs.Bound(int(spec.max_current_a * 10), int(spec.max_power_w * 10))

        def level(at_us: int) -> tuple[cs.Level, int]:
            bound, until_us = cs.leading([(wins.profile, wins.at_us)], at_us)
            free = bound.current is None and bound.power is None
            amount = hardware if free else bound
            return (cs.express(amount, schedule["chargingRateUnit"], spec.phases, spec.voltage_v) or 0, None), until_us

        periods, _ = cs.walk(level, st.board.rtc.wall(st.now), schedule["duration"], _MOST_PERIODS)
        told = [{"startPeriod": period.start_s, "limit": period.limit / 10} for period in periods]
        return edit(reply, lambda message: message[field].update(chargingSchedulePeriod=told))


@quirk(
    "smart-composite-rejected",
    vendors=("Delta",),
    sources=("steve-community/steve#44",),
    survive="Do not take a composite schedule that is refused for a profile that was not accepted.",
)
class CompositeRejected(Quirk):
    """GetCompositeSchedule is rejected, although the profiles it is about were accepted."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Always."""
        if action != "GetCompositeSchedule":
            return None
        return answer(st, self, action, message_id, "Rejected", ("UnsupportedRequest", ""))


@quirk(
    "smart-composite-no-unit",
    vendors=("ABL",),
    sources=("evcc-io/evcc#15559",),
    breaks=("composite_true", "schema"),
    survive="Take a composite schedule without a unit for one in the unit that was asked for, and -1 for no limit.",
)
class CompositeWithoutUnit(Quirk):
    """A composite schedule does not say its unit, and without any profile its limit is -1."""

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """Only in the older shape."""
        if action != "GetCompositeSchedule" or _composite(reply) != "chargingSchedule":
            return reply
        message = plain(reply)
        schedule = message["chargingSchedule"]
        schedule.pop("chargingRateUnit", None)
        if not of_csms(st):
            schedule["chargingSchedulePeriod"] = [{"startPeriod": 0, "limit": -1.0}]
        return message
