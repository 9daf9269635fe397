"""A socket without control pilot (Mode 1 or 2): the flow of appendix D of the certification procedure."""

from __future__ import annotations

from tests.bench import Lab, build, each_version


def mode2(version: str = "1.6") -> Lab:
    return Lab(build(version, evse={"pilot": False, "phases": 1, "max_current_a": 10.0, "max_power_w": 2300.0}))


def told(lab: Lab) -> list[str]:
    return lab.statuses()


def test_a_plug_is_felt_for_a_moment_then_the_socket_is_dead() -> None:
    lab = mode2()
    lab.boot()
    before = len(told(lab))
    lab.plug()
    lab.run(10)
    assert told(lab)[before:] == ["Preparing", "Available"]
    assert lab.station.evses[0].power_w == 0.0


def test_authorisation_wakes_the_socket() -> None:
    lab = mode2()
    lab.boot()
    lab.plug()
    lab.run(10)
    before = len(told(lab))
    lab.present("TAG")
    lab.run(10)
    assert told(lab)[before:] == ["Preparing", "Charging"]
    assert 0 < lab.station.evses[0].power_w <= 2300.0


@each_version
def test_a_session_ends_when_the_load_is_gone(version: str) -> None:
    lab = mode2(version)
    lab.boot()
    lab.present("TAG")
    lab.plug()
    lab.run(60)
    assert lab.station.evses[0].tx is not None
    lab.unplug()
    lab.run(10)
    assert lab.session().reason == "EVDisconnected"
    assert told(lab)[-1] == "Available"


def test_the_plug_of_a_session_is_noticed_until_it_is_out() -> None:
    lab = mode2()
    lab.boot()
    lab.plug()
    lab.present("TAG")
    lab.run(30)
    lab.present("TAG")
    lab.run(30)
    assert told(lab)[-1] == "Finishing"
    lab.unplug()
    lab.run(5)
    assert told(lab)[-1] == "Available"
    lab.plug()  # the next one is felt anew
    lab.run(1)
    assert told(lab)[-1] == "Preparing"
