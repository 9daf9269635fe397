"""Roots and the station's own certificate in 1.6. Ids in names are cases of the certification tool."""

from __future__ import annotations

import pytest

from simulator.blocks import certificates
from simulator.blocks.certificates import ADDITIONAL_CHECK, MAX_CHAIN, STORE_LENGTH
from simulator.core.certificate_store import CSMS_ROOT, MANUFACTURER_ROOT, STATION
from simulator.core.inputs import PowerOff
from simulator.ocpp16 import certificates as dialect
from simulator.pki import work
from simulator.pki.authority import DAY_US, YEAR_US
from tests.bench import told
from tests.secure import (
    EPOCH_US,
    OPERATOR,
    SERIAL,
    SecureLab,
    authority,
    delivered,
    secured,
    server_chain,
    station_certificate,
)

ROOT = "CentralSystemRootCertificate"
MAKER = "ManufacturerRootCertificate"


def hashed(pem: str) -> dict[str, str]:
    """Hash data as a CSMS computes it by itself."""
    facts = work.inspect_certificate(pem)
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": facts["issuer_name_hash"],
        "issuerKeyHash": facts["issuer_key_hash"],
        "serialNumber": facts["serial_number"],
    }


# -- roots


@pytest.mark.parametrize("profile", [0, 1, 2, 3])
def test_tc_075_1_cs_install_a_manufacturer_root(profile: int) -> None:
    lab = secured(profile=profile)
    pem = authority("maker").pem
    assert lab.install(pem, MAKER) == "Accepted"
    assert lab.listed(MAKER) == [hashed(pem)]
    assert certificates.installed(lab.station, MANUFACTURER_ROOT) == [pem]


@pytest.mark.parametrize("profile", [2, 3])
def test_tc_075_2_cs_install_a_root_of_the_central_system(profile: int) -> None:
    lab = secured(profile=profile)
    pem = authority("second").pem
    assert lab.install(pem) == "Accepted"
    assert lab.listed() == [hashed(authority("operator").pem), hashed(pem)]
    assert lab.install(pem) == "Accepted", "the same again"
    assert len(lab.listed()) == 2


@pytest.mark.parametrize("profile", [2, 3])
def test_tc_076_cs_delete_a_certificate(profile: int) -> None:
    lab = secured(profile=profile)
    second = authority("second").pem
    assert lab.install(second) == "Accepted"
    (_, wanted) = lab.listed()
    upper = {key: value.upper() for key, value in wanted.items()}
    assert lab.delete(upper) == "Accepted", "hexadecimal text compares without case"
    assert lab.listed() == [hashed(authority("operator").pem)]
    assert lab.delete(wanted) == "NotFound"


@pytest.mark.parametrize("name, before, after", [("old", -2 * YEAR_US, -DAY_US), ("future", DAY_US, YEAR_US)])
def test_tc_078_cs_an_invalid_root_is_refused_with_an_event(name: str, before: int, after: int) -> None:
    lab = secured(profile=2)
    assert lab.install(authority(name, before, after).pem) == "Rejected"
    lab.run(1)
    assert lab.events() == ["InvalidCentralSystemCertificate"]
    assert len(lab.listed()) == 1


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(pem: str) -> None:
    lab = secured(profile=2)
    assert lab.install(pem) == "Rejected" and lab.install(server_chain()) == "Rejected"
    lab.run(1)
    assert lab.events() == ["InvalidCentralSystemCertificate"] * 2


def test_a_bad_manufacturer_root_is_no_event_about_the_central_system() -> None:
    lab = secured(profile=2)
    assert lab.install("nonsense", MAKER) == "Rejected"
    lab.run(1)
    assert lab.events() == []


def test_none_found() -> None:
    lab = secured(profile=1)
    assert lab.ask("GetInstalledCertificateIds", certificateType=ROOT) == {"status": "NotFound"}


def test_the_store_has_a_length() -> None:
    """M05.FR.03; what is there already does not count twice."""
    lab = secured(profile=2, settings={STORE_LENGTH: 2})
    assert lab.install(authority("second").pem) == "Accepted"
    assert lab.install(authority("third").pem) == "Rejected"
    assert lab.install(authority("maker").pem, MAKER) == "Rejected"
    assert lab.install(authority("second").pem) == "Accepted"
    assert lab.stored()[CSMS_ROOT] == 2


def test_a_full_memory_is_failed() -> None:
    """M05.FR.04."""
    lab = secured(profile=2)
    lab.inject("flash.full", free_bytes=100)
    assert lab.install(authority("second").pem) == "Failed"
    assert len(lab.listed()) == 1
    lab.clear()
    assert lab.install(authority("second").pem) == "Accepted"


def test_the_root_in_use_cannot_be_deleted_and_the_last_one_can_when_it_is_not() -> None:
    """M04.FR.06; AQ-1 of the declaration: without TLS the last root may go."""
    lab = secured(profile=2)
    assert lab.delete(lab.listed()[0]) == "Failed"
    plain = secured(profile=1)
    assert plain.install(authority("operator").pem) == "Accepted"
    assert plain.delete(plain.listed()[0]) == "Accepted" and plain.listed() == []


def test_a_memory_that_cannot_be_written_keeps_a_certificate() -> None:
    """M04.FR.03."""
    lab = secured(profile=2)
    assert lab.install(authority("second").pem) == "Accepted"
    lab.inject("flash.read_only")
    assert lab.delete(hashed(authority("second").pem)) == "Failed"
    assert len(lab.listed()) == 2


def test_the_stations_own_certificate_is_not_deleted_by_the_central_system() -> None:
    """M04.FR.05."""
    lab = secured(profile=3)
    own = work.inspect_certificate(station_certificate().chain, [authority("operator").pem])
    facts = certificates.listed(lab.station, (STATION,))[0][1]
    assert facts["serial_number"] == own["serial_number"]
    wanted = hashed(station_certificate().chain) | {"issuerKeyHash": facts["issuer_key_hash"]}
    assert lab.delete(wanted) == "Failed"
    assert lab.stored()[STATION] == 1


def test_certificates_survive_a_power_cut() -> None:
    lab = secured(profile=3)
    assert lab.install(authority("second").pem) == "Accepted"
    before = lab.listed()
    lab.feed(PowerOff())
    lab.boot().run(60)
    assert lab.listed() == before and lab.station.link.is_up


def test_a_link_that_goes_before_the_answer_leaves_everything_as_it_was() -> None:
    lab = secured(profile=2)
    lab.fleet.call(
        lab.station,
        "InstallCertificate",
        {"certificateType": ROOT, "certificate": authority("second").pem},
    )
    lab.run(0.01)
    lab.fleet.cut(lab.station)
    lab.run(5)
    lab.fleet.mend(lab.station)
    lab.run(120)
    assert len(lab.listed()) == 1


def test_an_answer_whose_job_never_ends_is_given_up() -> None:
    lab = secured(profile=2)
    lab.worker.lazy = True
    for _ in range(20):
        lab.fleet.call(lab.station, "InstallCertificate", {"certificateType": ROOT, "certificate": "x"})
    lab.run(2)
    refused = [seen.payload for seen in lab.csms.seen if seen.direction == "cp" and seen.kind == 3]
    assert refused == [{"status": "Failed"}] * 4, "sixteen jobs at a time"
    lab.run(60)
    assert not lab.station.later


# -- one root at a time


def crossed(name: str, by: str) -> str:
    """A new root whose certificate is signed by the present one."""
    return authority(by).intermediate(name, not_before_us=EPOCH_US - DAY_US, not_after_us=EPOCH_US + YEAR_US).pem


def test_with_the_additional_check_a_root_must_be_signed_by_the_one_it_replaces() -> None:
    """M05.FR.09-10."""
    lab = secured(profile=2, settings={ADDITIONAL_CHECK: True})
    assert lab.install(authority("second").pem) == "Rejected"
    lab.run(1)
    assert lab.events() == ["InvalidCentralSystemCertificate"] and len(lab.listed()) == 1


def test_the_old_root_is_the_fallback_until_the_new_one_has_worked() -> None:
    """M05.FR.11-13: the server still shows a certificate of the old root, then one of the new."""
    lab = secured(profile=2, settings={ADDITIONAL_CHECK: True})
    new = authority("operator").intermediate("next", not_before_us=EPOCH_US - DAY_US, not_after_us=EPOCH_US + YEAR_US)
    assert lab.install(new.pem) == "Accepted"
    assert lab.stored()[CSMS_ROOT] == 2
    lab.path.door.chain = server_chain()
    lab.fleet.cut(lab.station)
    lab.fleet.mend(lab.station)
    lab.run(120)
    assert lab.station.link.is_up and lab.dial.refs["trust"] == authority("operator").pem
    assert lab.stored()[CSMS_ROOT] == 2
    issued = new.server(["csms.test"], not_before_us=EPOCH_US - DAY_US, not_after_us=EPOCH_US + YEAR_US)
    lab.path.door.chain = issued.certificate
    lab.fleet.cut(lab.station)
    lab.fleet.mend(lab.station)
    lab.run(300)
    assert lab.station.link.is_up and lab.dial.refs["trust"] == new.pem
    assert certificates.installed(lab.station, CSMS_ROOT) == [new.pem]


# -- the station's own


@pytest.mark.parametrize("profile", [3])
def test_tc_074_cs_the_certificate_is_renewed_and_used(profile: int) -> None:
    lab = secured(profile=profile)
    links, before = lab.links(), lab.dial.refs["key"]
    csr = lab.ask_for_csr()
    assert lab.certificate_signed(lab.sign(csr)) == "Accepted"
    lab.run(5)
    assert lab.links() == links + 1 and lab.station.link.is_up, "one new connection"
    assert lab.dial.refs["key"] != before and lab.dial.security_profile == 3
    assert work.inspect_certificate(lab.dial.refs["certificate"])["common_name"] == SERIAL
    assert lab.stored()[STATION] == 1, "the old one is gone once the new one works"
    assert "BootNotification" not in lab.csms.actions(), "it is registered as it was"


def test_the_request_is_for_the_serial_number_and_the_operator() -> None:
    """A00.FR.509, FR.511, A02.FR.13."""
    lab = secured(profile=3)
    chain = lab.sign(lab.ask_for_csr())
    facts = work.inspect_certificate(chain)
    assert (facts["common_name"], facts["organization"]) == (SERIAL, OPERATOR)
    assert facts["key_bits"] == 256


INVALID = {
    "unreadable": lambda lab, csr: "nonsense",
    "untrusted": lambda lab, csr: lab.sign(csr, authority("stranger")),
    "expired": lambda lab, csr: lab.sign(csr, not_before_us=-2 * DAY_US, not_after_us=-DAY_US),
    "far in the future": lambda lab, csr: lab.sign(csr, not_before_us=60 * DAY_US, not_after_us=90 * DAY_US),
    "another key": lambda lab, csr: station_certificate().chain,
    "a server's": lambda lab, csr: server_chain(),
    "nothing asked": lambda lab, csr: lab.sign(csr),
}


@pytest.mark.parametrize("why", INVALID)
def test_tc_077_cs_an_invalid_certificate_is_refused_with_an_event(why: str) -> None:
    lab = secured(profile=3)
    csr = lab.ask_for_csr()
    if why == "nothing asked":
        assert lab.certificate_signed(lab.sign(csr)) == "Accepted"
        lab.run(5)
    links = lab.links()
    assert lab.certificate_signed(INVALID[why](lab, csr)) == "Rejected"
    lab.run(5)
    assert lab.events() == ["InvalidChargePointCertificate"]
    assert lab.links() == links and lab.stored()[STATION] == 1


def test_after_an_invalid_one_a_valid_one_is_still_taken() -> None:
    lab = secured(profile=3)
    csr = lab.ask_for_csr()
    assert lab.certificate_signed("nonsense") == "Rejected"
    assert lab.certificate_signed(lab.sign(csr)) == "Accepted"


def test_a_chain_that_is_too_long_is_not_even_read() -> None:
    lab = secured(profile=3, settings={MAX_CHAIN: 300})
    csr = lab.ask_for_csr()
    done = len(lab.worker.done)
    assert lab.certificate_signed(lab.sign(csr)) == "Rejected"
    lab.run(1)
    assert lab.events() == ["InvalidChargePointCertificate"] and len(lab.worker.done) == done


def test_a_certificate_the_csms_refuses_is_taken_back() -> None:
    """The previous one is kept until the new one has worked."""
    lab = secured(profile=3)
    csr = lab.ask_for_csr()
    before = lab.dial.refs["key"]
    strange = authority("second")
    assert lab.install(strange.pem) == "Accepted"  # the station trusts it, the server does not
    assert lab.certificate_signed(lab.sign(csr, strange)) == "Accepted"
    lab.run(2)
    assert not lab.station.link.is_up and lab.dial.refs["key"] != before
    lab.run(120)
    assert lab.station.link.is_up and lab.dial.refs["key"] == before
    assert lab.stored()[STATION] == 1
    failed = [d for d in lab.path.dials if d.refs["key"] != before]
    assert len(failed) == 3, "NetworkProfileConnectionAttempts"


def test_a_network_that_is_down_does_not_bring_the_old_certificate_back() -> None:
    lab = secured(profile=3)
    csr = lab.ask_for_csr()
    chain = lab.sign(csr)
    assert lab.certificate_signed(chain) == "Accepted"
    lab.path.refuse = "refused"
    lab.run(600)
    lab.path.refuse = ""
    lab.run(400)
    assert lab.station.link.is_up
    assert lab.dial.refs["certificate"] == work.inspect_certificate(chain)["pem"]


def test_below_profile_3_a_certificate_is_kept_for_later() -> None:
    lab = secured(profile=2)
    links = lab.links()
    for _ in range(2):
        assert lab.certificate_signed(lab.sign(lab.ask_for_csr())) == "Accepted"
        lab.run(5)
    assert lab.links() == links and lab.stored()[STATION] == 1


def test_a_certificate_that_begins_tomorrow_is_used_from_tomorrow() -> None:
    """A02.FR.08."""
    lab = secured(profile=3)
    before, links = lab.dial.refs["key"], lab.links()
    chain = lab.sign(lab.ask_for_csr(), not_before_us=DAY_US)
    assert lab.certificate_signed(chain) == "Accepted"
    lab.run(80_000)
    assert lab.links() == links
    lab.run(7_000)
    assert lab.links() == links + 1 and lab.dial.refs["key"] != before and lab.station.link.is_up


def test_the_key_waits_for_its_certificate_through_a_power_cut() -> None:
    lab = secured(profile=3)
    csr = lab.ask_for_csr()
    lab.feed(PowerOff())
    lab.boot().run(60)
    assert lab.certificate_signed(lab.sign(csr)) == "Accepted"


# -- the store


def test_1_6_words_stay_in_the_dialect() -> None:
    assert set(dialect.USES) == {ROOT, MAKER} and set(dialect.USES.values()) == {CSMS_ROOT, MANUFACTURER_ROOT}


def test_nothing_is_known_of_certificates_by_a_station_that_has_none() -> None:
    lab = delivered()
    assert "certificates" not in lab.station.board.flash.areas
    lab.boot().run(5)
    assert "certificates" not in lab.station.board.flash.areas and "signing" not in lab.station.data
    assert told(lab)[0].startswith("BootNotification")
    assert isinstance(lab, SecureLab)


def test_the_facts_of_a_delivered_root_are_shared_by_a_fleet() -> None:
    facts = work.inspect_certificate(authority("operator").pem)
    labs = [delivered(roots=()) for _ in range(2)]
    for lab in labs:
        assert certificates.deliver(lab.station, CSMS_ROOT, facts)
        assert certificates.deliver(lab.station, CSMS_ROOT, facts), "twice is once"
    kept = [certificates.listed(lab.station, (CSMS_ROOT,)) for lab in labs]
    assert [len(rows) for rows in kept] == [1, 1] and kept[0][0][1]["pem"] is kept[1][0][1]["pem"]


def test_a_certificate_issued_anew_goes_before_the_one_of_an_earlier_run() -> None:
    lab = delivered(profile=3)
    first = certificates.installed(lab.station, STATION)
    old = authority("operator").station(SERIAL, not_before_us=EPOCH_US - 9 * DAY_US, not_after_us=EPOCH_US + YEAR_US)
    assert certificates.deliver(lab.station, STATION, {**work.inspect_certificate(old.chain), "key": "old"})
    assert certificates.installed(lab.station, STATION) == first, "a store that has been used is not turned back"
    new = authority("operator").station(SERIAL, not_before_us=EPOCH_US - 1_000_000, not_after_us=EPOCH_US + YEAR_US)
    lab.worker.keys.put("new", new.key)
    assert certificates.deliver(lab.station, STATION, {**work.inspect_certificate(new.chain), "key": "new"})
    lab.boot().run(5)
    assert lab.dial.refs["key"] == "new" and lab.station.link.is_up
