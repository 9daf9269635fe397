"""A security event that the CSMS does not know must not hold up the sessions behind it."""

from __future__ import annotations

from simulator.core import inputs as i
from simulator.core.records import MessageFate
from simulator.core.reports import SecurityEvent
from simulator.core.station import Station
from simulator.fleet.virtual import VirtualFleet
from simulator.lab.csms import CallError
from simulator.profile.compiled import compile_profile


def test_an_unknown_message_is_given_up_at_once_and_transactions_go_on() -> None:
    fleet = VirtualFleet()
    station = Station("CP1", compile_profile("generic/ac-single", "1.6"), seed=1, epoch_us=fleet.epoch_us)
    csms = fleet.add(station)
    csms.script["SecurityEventNotification"] = lambda _, __: CallError("NotSupported")
    fleet.feed(station, i.PowerOn())
    fleet.run(2)
    station.outbox.publish(station, SecurityEvent(kind="StartupOfTheDevice", at=station.stamp()), fleet.now)
    fleet.feed(station, i.Plug(1))
    fleet.feed(station, i.Present("TAG"))
    fleet.run(5)
    assert len(csms.sent("SecurityEventNotification")) == 1
    assert len(csms.sent("StartTransaction")) == 1
    fates = [fate for fate in fleet.recorded(MessageFate) if fate.action == "SecurityEvent"]
    assert [(fate.fate, fate.why) for fate in fates] == [("answered_with_error", "NotSupported")]
