"""Quirks of configuration keys, on the wire, with and without."""

from typing import Any

from simulator.quirks import config
from tests.quirks.rig import ENERGY, Bench, build, compare

KEY = "MeterValuesSampledData"


def write(b: Bench, value: str, key: str = KEY) -> str:
    return str(b.ask("ChangeConfiguration", key=key, value=value)["status"])


def read(b: Bench, key: str = KEY) -> Any:
    return b.ask("GetConfiguration", key=[key])["configurationKey"][0]["value"]


def measurands(b: Bench) -> set[str]:
    return {s["measurand"] for s in b.samples()}


def test_reboot_on_read_back() -> None:
    assert config.RebootOnReadBack.name == "reboot-on-getconfiguration-after-measurand-set"

    def scenario(b: Bench) -> list[int]:
        b.boot()
        boots = []
        for step in (lambda: read(b), lambda: write(b, ENERGY), lambda: read(b), lambda: read(b)):
            assert step()
            b.run(40)
            boots.append(b.csms.actions().count("BootNotification"))
        return boots

    name = "reboot-on-getconfiguration-after-measurand-set"
    compare(name, scenario, without=[1, 1, 1, 1], with_=[1, 1, 2, 2])


def test_no_samples() -> None:
    def scenario(b: Bench) -> tuple[str, str, int]:
        b.boot()
        set_ = write(b, ENERGY)
        b.plug().token("TAG", 130)
        triggered = b.ask("TriggerMessage", requestedMessage="MeterValues")["status"]
        b.token("TAG", 5).unplug()
        return set_, triggered, len(b.sent("MeterValues"))

    without, with_ = ("Accepted", "Accepted", 3), ("Accepted", "Accepted", 0)
    b = compare("config-accepted-without-effect", scenario, without=without, with_=with_)
    assert b.sent("StopTransaction")[0]["meterStop"] > b.sent("StartTransaction")[0]["meterStart"]


def test_no_metering_keys() -> None:
    def scenario(b: Bench) -> tuple[bool, bool, bool]:
        listed = {row["key"] for row in b.boot().ask("GetConfiguration")["configurationKey"]}
        return KEY in listed, "HeartbeatInterval" in listed, bool(read(b))

    compare("getconfiguration-no-standard-keys", scenario, without=(True, True, True), with_=(False, True, True))


def test_accept_all_report_some() -> None:
    def scenario(b: Bench) -> tuple[Any, ...]:
        b.boot()
        wanted = f"{ENERGY},Energy.Reactive.Import.Register,Voltage"
        answers = write(b, wanted), read(b) == wanted, write(b, "Nonsense")
        b.session()
        return *answers, measurands(b)

    b = compare(
        "measurands-accept-all-report-some", scenario,
        without=("Rejected", False, "Rejected", {ENERGY}), with_=("Accepted", True, "Rejected", {ENERGY, "Voltage"}),
    )  # fmt: skip
    assert b.station.board.flash.get(config.AREA, "measurands-accept-all-report-some")


def test_phase_suffixed_names() -> None:
    def scenario(b: Bench) -> tuple[Any, ...]:
        b.boot()
        before = read(b)
        answers = write(b, "Current.Import"), write(b, f"{ENERGY},Current.Import.L1"), write(b, "Nonsense.L1")
        after = read(b)
        b.session()
        return before, *answers, after, measurands(b)

    own = f"{ENERGY},Current.Import.L1,Current.Import.L2,Current.Import.L3"
    both = {ENERGY, "Current.Import"}
    compare(
        "measurands-phase-suffixed-names", scenario, settings={KEY: (ENERGY, "Current.Import")},
        without=(f"{ENERGY},Current.Import", "Accepted", "Rejected", "Rejected", "Current.Import", {"Current.Import"}),
        with_=(own, "Rejected", "Accepted", "Rejected", f"{ENERGY},Current.Import.L1", both),
    )  # fmt: skip


def test_scrambled_connectors() -> None:
    def scenario(b: Bench) -> tuple[str, str]:
        b.boot()
        return read(b, "NumberOfConnectors"), read(b, "ConnectionTimeOut")

    compare("config-scrambled-after-backend-change", scenario, without=("1", "60"), with_=("2", "60"))


def test_what_was_written_survives_a_reboot() -> None:
    b = Bench(build("measurands-accept-all-report-some")).boot()
    write(b, f"{ENERGY},RPM")
    b.ask("Reset", type="Hard")
    b.run(60)
    assert b.csms.actions().count("BootNotification") == 2
    assert read(b) == f"{ENERGY},RPM"
