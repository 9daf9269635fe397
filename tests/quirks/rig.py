"""One station with quirks and the same without them, driven alike and judged alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core.model import EvseSpec, HardwareSpec, Identity, Model, ModemSpec, RtcSpec
from simulator.core.power_path import offer
from simulator.core.settings import KEYS, defaults
from simulator.core.station import Station
from simulator.dialects import DIALECTS
from simulator.fleet.virtual import Observer, VirtualFleet
from simulator.lab.csms import LabCsms, Seen
from simulator.quirks import QUIRKS, compile_quirks
from tests.traces.law import judge
from tests.traces.wire import WireLog

#: a constant 11 kW on three phases, or 3.7 kW on one
CAR = i.EvSpec(curve="flat", soc=0.0)
ONE_PHASE = i.EvSpec(curve="flat", soc=0.0, phases=1)
ENERGY = "Energy.Active.Import.Register"

Use = str | tuple[str, dict[str, Any]]


def build(
    *quirks: Use,
    version: str = "1.6",
    settings: Mapping[str, Any] | None = None,
    evse: Mapping[str, Any] | None = None,
    evses: int = 1,
    rtc: RtcSpec | None = None,
    **model: Any,
) -> Model:
    """A plain product with these quirks. ``settings`` by 1.6 key; ``evse``: fields of every EvseSpec."""
    uses = [(use, {}) if isinstance(use, str) else use for use in quirks]
    seams, made = compile_quirks(uses)
    values = defaults()
    for key, value in (settings or {}).items():
        found = KEYS.get(key)
        found.validate(value)
        values[found.index] = value
    for made_quirk in made:
        for key, text in made_quirk.settings.items():
            values[KEYS.get(key).index] = KEYS.get(key).parse(text)
    return Model(
        name="bench",
        dialect=DIALECTS[version],
        identity=Identity("Maker", "Model", firmware="1.0", serial="S{n:05d}"),
        evses=tuple(EvseSpec(number, **(evse or {})) for number in range(1, evses + 1)),
        hardware=model.pop("hardware", None)
        or HardwareSpec(modem=ModemSpec(rtt_ms=(10, 10)), rtc=rtc or RtcSpec(drift_ppm=0.0)),
        defaults=tuple(values),
        seams=seams,
        quirks=made,
        vendor_keys={key: value for q in made for key, value in q.vendor_keys.items()} | model.pop("vendor_keys", {}),
        **model,
    )


class Bench:
    """A station in the virtual driver, with a note of everything a judge needs to know."""

    def __init__(self, model: Model, *, seed: int = 1) -> None:
        self.fleet = VirtualFleet(observer=self._look)
        self.station = Station("CP1", model, seed=seed, epoch_us=self.fleet.epoch_us)
        self.csms: LabCsms = self.fleet.add(self.station)
        #: (now, bytes) of everything the station sent
        self.frames: list[tuple[int, bytes]] = []
        #: (now, dial) of every connection it wanted; (now, how, does it run on) of those it gave up
        self.dials: list[tuple[int, e.Dial]] = []
        self.hangups: list[tuple[int, str, bool]] = []
        #: (from, EVSE, status) as derived from the facts
        self.derived: list[tuple[int, int, str]] = []
        #: (from, EVSE, ampere on a phase) that limits allow
        self.offers: list[tuple[int, int, float]] = []
        #: (from, EVSE, watts) that flow in truth
        self.power: list[tuple[int, int, float]] = []
        #: (now, input) of everything that was done to the station
        self.inputs: list[tuple[int, i.Input]] = []
        #: (now, token, was a connector free) of every token at the reader
        self.presented: list[tuple[int, str, bool]] = []
        self.car = CAR
        #: the bench itself cut the power, the link, or asked for a reset
        self.disturbed = False
        #: what a CSMS would have logged
        self.log = WireLog(self.fleet.epoch_us)
        self._watchers: list[Observer] = [self.log]

    def watch(self, observer: Observer) -> None:
        """Somebody else looks at every feed, too."""
        self._watchers.append(observer)

    def _look(self, st: Station, event: i.Input, effects: list[e.AnyEffect], now: int) -> None:
        for watcher in self._watchers:
            watcher(st, event, effects, now)
        self.dials += [(now, effect) for effect in effects if isinstance(effect, e.Dial)]
        # the power was not cut: whoever hangs up now does so by himself
        hangups = [effect.how for effect in effects if isinstance(effect, e.Hangup) and st.powered]
        self.hangups += [(now, how, st.running) for how in hangups]
        self.frames += [(now, effect.data) for effect in effects if isinstance(effect, e.Send)]
        if not isinstance(event, i.Tick | i.Frame):
            self.inputs.append((now, event))
        for evse in st.evses:
            flowing = next((row[2] for row in reversed(self.power) if row[1] == evse.evse_id), None)
            if flowing != evse.power_w:
                self.power.append((now, evse.evse_id, evse.power_w))
            last = next((row[2] for row in reversed(self.derived) if row[1] == evse.evse_id), None)
            if last != evse.status:
                self.derived.append((now, evse.evse_id, evse.status))
            amps = offer(evse)[1]
            if amps != next((row[2] for row in reversed(self.offers) if row[1] == evse.evse_id), None):
                self.offers.append((now, evse.evse_id, amps))

    # -- doing

    def feed(self, event: i.Input, seconds: float = 0.0) -> Bench:
        """An input, then time."""
        self.fleet.feed(self.station, event)
        self.fleet.run(seconds)
        return self

    def run(self, seconds: float) -> Bench:
        """Time passes."""
        self.fleet.run(seconds)
        return self

    def boot(self, seconds: float = 5.0) -> Bench:
        """Power on."""
        return self.feed(i.PowerOn(), seconds)

    def plug(self, seconds: float = 5.0, evse_id: int = 1) -> Bench:
        """The car of this bench is connected."""
        return self.feed(i.Plug(evse_id, self.car), seconds)

    def token(self, token: str = "TAG", seconds: float = 0.0, evse_id: int = 0) -> Bench:
        """A token at the reader."""
        st = self.station
        free = st.gate == "accepted" and st.link.is_up and all(evse.grant is None for evse in st.evses)
        self.presented.append((self.fleet.now, token, free))
        return self.feed(i.Present(token, evse_id), seconds)

    def unplug(self, seconds: float = 5.0) -> Bench:
        """At the car, a moment later at the socket."""
        self.feed(i.Unplug(1, "ev"), 2.0)
        return self.feed(i.Unplug(1, "station"), seconds)

    def session(self, seconds: float = 130.0, token: str = "TAG") -> Bench:
        """Plug, token, so much time, token, unplug."""
        return self.plug().token(token, seconds).token(token, 5.0).unplug()

    def smoke(self) -> Bench:
        """Boot and one session."""
        return self.boot().session()

    def ask(self, action: str, **payload: Any) -> Any:
        """The CSMS calls; its answer's payload, None when there was none."""
        return self.fleet.ask(self.station, action, payload)

    def remote_start(self, token: str = "REMOTE", **more: Any) -> Any:
        """The CSMS starts a session at connector 1."""
        self.presented.append((self.fleet.now, token, False))
        return self.ask("RemoteStartTransaction", connectorId=1, idTag=token, **more)

    def drop_link(self, seconds: float = 30.0) -> Bench:
        """The network fails and is mended."""
        self.disturbed = True
        self.fleet.cut(self.station)
        self.fleet.run(seconds)
        self.fleet.mend(self.station)
        return self.run(60.0)

    # -- reading

    def sent(self, *actions: str) -> list[dict[str, Any]]:
        """Payloads of the station's CALLs."""
        return self.csms.sent(*actions)

    def calls(self) -> list[Seen]:
        """The station's CALLs, with time and id."""
        return [s for s in self.csms.seen if s.direction == "cp" and s.kind == 2]

    def statuses(self) -> list[str]:
        """Statuses told about connector 1."""
        return [p["status"] for p in self.sent("StatusNotification") if p["connectorId"] == 1]

    def samples(self) -> list[dict[str, Any]]:
        """All sampled values of MeterValues, in order."""
        return [s for p in self.sent("MeterValues") for m in p["meterValue"] for s in m["sampledValue"]]

    def energies(self) -> list[float]:
        """The energy registers of MeterValues, in order."""
        return [float(s["value"]) for s in self.samples() if s.get("measurand") == ENERGY]


Scenario = Callable[[Bench], Any]


def compare(
    name: str,
    scenario: Scenario,
    *,
    without: Any,
    with_: Any,
    params: dict[str, Any] | None = None,
    car: i.EvSpec = CAR,
    **model: Any,
) -> Bench:
    """Play ``scenario`` without and with quirk ``name``, and compare what it returns; a callable judges instead.

    Without the quirk nothing may be broken; with it exactly what the quirk declares. A quirk that logs can be matched
    with is seen in the log of the run with it, and not in the other. Returns the bench with it.
    """
    from tests.quirks.checks import broken

    plain = Bench(build(**model))
    plain.car = car
    quirked = Bench(build((name, params or {}), **model))
    quirked.car = car
    for bench, expected in ((plain, without), (quirked, with_)):
        seen = scenario(bench)
        which = "with" if bench is quirked else "without"
        if callable(expected):
            assert expected(seen), f"{which} {name}: {seen}"
        else:
            assert seen == expected, f"{which} {name}: {seen}"
    found = broken(plain)
    assert not found, f"without {name}: {found}"
    found = broken(quirked)
    assert set(found) == set(QUIRKS.get(name).breaks), f"with {name}: {found}"
    judge(name, plain.log.trace(), quirked.log.trace())
    return quirked
