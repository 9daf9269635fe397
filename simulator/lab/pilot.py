"""A cable that overheats, as a story in memory: what really happens, what the CSMS hears of it, and how early.

The contacts of a connector wear from day to day; under load they get hotter. The CSMS has set monitors: the temperature
every few minutes while somebody charges, and an alert above a threshold. Protection reduces the power, at last the part
fails. The story is deterministic, and its point is one figure: how long before the failure the first alert came.

``python -m simulator.lab.pilot`` tells it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.core import inputs as i
from simulator.core.records import FaultBegan, HeatChanged
from simulator.core.station import Station
from simulator.fleet.virtual import VirtualFleet
from simulator.lab.csms import LabCsms
from simulator.profile.compiled import compile_profile

DAY_S = 86_400
EVSE, CONNECTOR = 1, 1
#: a car that takes as much as there is, and is never full
CAR = i.EvSpec(battery_wh=2_000_000.0, soc=0.1, max_dc_w=1_000_000.0, max_ac_w=22_000.0, curve="flat")
TARGET: dict[str, Any] = {
    "component": {"name": "TemperatureSensor", "evse": {"id": EVSE, "connectorId": CONNECTOR}},
    "variable": {"name": "Temperature"},
}


@dataclass(frozen=True)
class Moment:
    """Something that happened: ``source`` truth (of the hardware) or message (heard by the CSMS)."""

    at_s: float
    source: str
    what: str
    value: float | str


@dataclass
class Story:
    """A pilot as it went; seconds since its beginning."""

    onset_s: float | None = None
    alert_s: float | None = None
    derated_s: float | None = None
    failed_s: float | None = None
    moments: list[Moment] = field(default_factory=list)

    @property
    def lead_s(self) -> float | None:
        """How long before the failure the first alert was heard."""
        if self.alert_s is None or self.failed_s is None:
            return None
        return self.failed_s - self.alert_s

    def of(self, what: str) -> list[Moment]:
        """Everything of one kind, in order."""
        return [moment for moment in self.moments if moment.what == what]


def play(
    *,
    profile: str = "generic/dc-fast",
    version: str = "2.0.1",
    days: int = 25,
    sessions_per_day: int = 2,
    session_s: int = 2_400,
    alert_c: float = 85.0,
    report_every_s: int = 300,
    growth_mohm_per_day: float = 0.05,
    fails_mohm: float = 1.0,
    seed: int = 1,
) -> Story:
    """Let it happen: so many days, with so many sessions of the same length each.

    ``alert_c`` is the threshold the CSMS sets, ``growth_mohm_per_day`` and ``fails_mohm`` are the wear. Raises
    ProfileError for a profile that does not speak ``version``, ValueError for monitors the station does not take.
    """
    fleet = VirtualFleet()
    station = Station("PILOT-1", compile_profile(profile, version), seed=seed, epoch_us=fleet.epoch_us)
    csms = fleet.add(station)
    fleet.feed(station, i.PowerOn())
    fleet.run(300)
    rows: list[dict[str, Any]] = [
        {"type": "Periodic", "value": report_every_s, "severity": 8, "transaction": True} | TARGET,
        {"type": "UpperThreshold", "value": alert_c, "severity": 3} | TARGET,
    ]
    answer = fleet.ask(station, "SetVariableMonitoring", {"setMonitoringData": rows})
    if any(result["status"] != "Accepted" for result in answer["setMonitoringResult"]):
        raise ValueError(f"the station refuses the monitors: {answer}")
    worn = {"growth_mohm_per_day": growth_mohm_per_day, "fails_mohm": fails_mohm}
    fleet.feed(station, i.Inject("worn", "thermal.contact_worn", EVSE, worn))
    for _ in range(days):
        for _ in range(sessions_per_day):
            fleet.run(DAY_S / sessions_per_day - session_s - 60)
            fleet.feed(station, i.Plug(EVSE, CAR))
            fleet.feed(station, i.Present("TAG", EVSE))
            fleet.run(session_s)
            if station.evses[EVSE - 1].tx is not None:
                fleet.feed(station, i.Present("TAG", EVSE))
            fleet.run(30)
            fleet.feed(station, i.Unplug(EVSE, "both"))
            fleet.run(30)
    return _told(fleet, csms)


def _told(fleet: VirtualFleet, csms: LabCsms) -> Story:
    story = Story()
    for at_us, _, record in fleet.records:
        if isinstance(record, FaultBegan):
            story.moments.append(Moment(at_us / 1e6, "truth", "wear begins", record.fault))
            story.onset_s = at_us / 1e6 if story.onset_s is None else story.onset_s
        elif isinstance(record, HeatChanged) and record.evse_id == EVSE:
            story.moments.append(Moment(at_us / 1e6, "truth", record.state, record.temperature_c))
            if record.state == "derated" and story.derated_s is None:
                story.derated_s = at_us / 1e6
            if record.state == "failed":
                story.failed_s = at_us / 1e6
    for seen in csms.seen:
        if seen.direction != "cp" or seen.kind != 2 or seen.action != "NotifyEvent":
            continue
        for event in seen.payload["eventData"]:
            _heard(story, seen.now / 1e6, event)
    story.moments.sort(key=lambda moment: moment.at_s)
    return story


def _heard(story: Story, at_s: float, event: dict[str, Any]) -> None:
    if event["variable"]["name"] == "Problem":
        text = f"{event['component']['name']}: {event.get('techInfo', '')}".rstrip(": ")
        story.moments.append(Moment(at_s, "message", "problem over" if event.get("cleared") else "problem", text))
    elif event["trigger"] == "Periodic":
        story.moments.append(Moment(at_s, "message", "temperature", float(event["actualValue"])))
    elif event["trigger"] == "Alerting":
        what = "alert over" if event.get("cleared") else "alert"
        story.moments.append(Moment(at_s, "message", what, float(event["actualValue"])))
        if what == "alert" and story.alert_s is None:
            story.alert_s = at_s


def main() -> None:
    """Tell the story: everything but the readings, and the hottest reading of each day."""
    story = play()
    hottest: dict[int, float] = {}
    for moment in story.of("temperature"):
        day = int(moment.at_s // DAY_S)
        hottest[day] = max(hottest.get(day, 0.0), float(moment.value))
    for day, celsius in hottest.items():
        print(f"day {day:3d}            hottest reading {celsius:.1f} degrees Celsius")
    for moment in story.moments:
        if moment.what != "temperature":
            value = moment.value if isinstance(moment.value, str) else f"{moment.value:.1f} degrees Celsius"
            print(f"day {moment.at_s / DAY_S:7.3f}  {moment.source:8s} {moment.what}: {value}")
    if story.lead_s is not None:
        print(f"lead time: {story.lead_s / DAY_S:.2f} days from the first alert to the failure")


if __name__ == "__main__":
    main()
