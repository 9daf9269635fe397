"""Roots and the station's own certificate in 2.x. Tests with an id in their name are cases of part 6."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import certificates
from simulator.blocks.certificates import ADDITIONAL_CHECK, MAX_CHAIN, STORE_LENGTH
from simulator.blocks.network_profiles import NetworkProfile
from simulator.blocks.product_settings import NETWORK_PRIORITY, ORGANIZATION
from simulator.blocks.signing import REPEAT_TIMES, WAIT_MINIMUM
from simulator.core import certificate_store as store
from simulator.core import inputs as i
from simulator.core.certificate_store import CSMS_ROOT, MANUFACTURER_ROOT, STATION
from simulator.core.link_policy import NETWORK_ATTEMPTS, PING_INTERVAL
from simulator.lab.csms import LabCsms
from simulator.ocpp2x import certificates as dialect
from simulator.pki import work
from simulator.pki.authority import DAY_US
from tests.bench import each_2x, frames
from tests.secure import EPOCH_US, SecureLab, authority, delivered, secured

V2G_ROOT, MO_ROOT = "V2GRootCertificate", "MORootCertificate"


def hashed(pem: str) -> dict[str, str]:
    """Hash data as a CSMS computes it by itself."""
    facts = work.inspect_certificate(pem)
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": facts["issuer_name_hash"],
        "issuerKeyHash": facts["issuer_key_hash"],
        "serialNumber": facts["serial_number"],
    }


def install(lab: SecureLab, name: str, use: str = CSMS_ROOT, **times: int) -> str:
    return lab.install(authority(name, **times).pem, use)


def listed(lab: SecureLab, *uses: str) -> list[tuple[str, dict[str, str]]]:
    answer = lab.ask("GetInstalledCertificateIds", **({"certificateType": list(uses)} if uses else {}))
    rows = answer.get("certificateHashDataChain", [])
    assert (answer["status"] == "Accepted") == bool(rows)
    return [(row["certificateType"], row["certificateHashData"]) for row in rows]


def csr_of(lab: SecureLab) -> str:
    """TriggerMessage, and the request that follows."""
    before = len(lab.csms.sent("SignCertificate"))
    assert lab.ask("TriggerMessage", requestedMessage="SignChargingStationCertificate") == {"status": "Accepted"}
    lab.run(1)
    (asked,) = lab.csms.sent("SignCertificate")[before:]
    assert asked["certificateType"] == STATION
    return str(asked["csr"])


def logged(lab: SecureLab) -> str:
    """The security log."""
    return str(lab.station.board.flash.get("facts", "security_log"))


@each_2x
@pytest.mark.parametrize("use", [CSMS_ROOT, MANUFACTURER_ROOT, V2G_ROOT, MO_ROOT])
def test_tc_m_01_to_04_and_12_to_16_install_and_list(version: str, use: str) -> None:
    """M03.FR.01-04, M05.FR.01-02, FR.17."""
    lab = secured(version)
    assert listed(lab, use) == []
    assert install(lab, "second", use) == install(lab, "second", use) == "Accepted"
    assert listed(lab, use) == [(use, hashed(authority("second").pem))]
    assert listed(lab, "V2GCertificateChain") == []  # TC_M_17
    assert lab.events() == [] and logged(lab).count(f"ReconfigurationOfSecurityParameters {use} installed") == 1


@each_2x
def test_tc_m_18_19_of_all_uses(version: str) -> None:
    """Without a type everything is listed, but not the station's own certificate."""
    lab = secured(version, profile=3)
    install(lab, "maker", MANUFACTURER_ROOT)
    both = [(CSMS_ROOT, hashed(authority("operator").pem)), (MANUFACTURER_ROOT, hashed(authority("maker").pem))]
    assert listed(lab) == both == listed(lab, MANUFACTURER_ROOT, CSMS_ROOT)
    assert len(certificates.installed(lab.station, STATION)) == 1


@each_2x
def test_tc_m_05_06_07_refused(version: str) -> None:
    """M05.FR.06-07."""
    lab = secured(version, settings={STORE_LENGTH: 1})
    assert install(lab, "old", before_us=-10 * DAY_US, after_us=-DAY_US) == "Rejected"
    assert lab.install("no certificate", MANUFACTURER_ROOT) == "Rejected"
    assert install(lab, "second") == "Accepted" and install(lab, "third") == "Rejected"
    lab.run(1)
    assert lab.events() == []  # that event is about the certificate by which a CSMS is connected
    assert listed(lab) == [(CSMS_ROOT, hashed(authority("second").pem))]
    entries = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "CertificateEntries"}}
    assert lab.ask("GetReport", requestId=1, componentVariable=[entries])["status"] == "Accepted"
    (row,) = lab.csms.sent("NotifyReport")[-1]["reportData"]
    assert (row["variableAttribute"][0]["value"], row["variableCharacteristics"]["maxLimit"]) == ("1", 1)
    if version == "2.1":
        answer = lab.ask("InstallCertificate", certificateType="OEMRootCertificate", certificate="x")
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedParam")


@each_2x
def test_tc_m_20_to_23_delete(version: str) -> None:
    """M04.FR.01-06."""
    lab = secured(version, profile=3)
    install(lab, "second")
    (_, used), (_, second) = listed(lab, CSMS_ROOT)
    own = hashed(certificates.installed(lab.station, STATION)[0])
    assert lab.delete(second) == "Accepted" and lab.delete(second) == "NotFound"
    assert lab.delete(own) == "Failed" and len(certificates.installed(lab.station, STATION)) == 1
    assert [row for _, row in listed(lab)] == [used]
    assert lab.delete(used) == "Accepted" and not listed(lab)  # it is in use, but the CSMS has been warned (remarks)
    assert lab.station.link.is_up


@each_2x
def test_with_the_additional_check(version: str) -> None:
    """TC_M_09, M05.FR.10-11."""
    lab = secured(version, profile=2, settings={ADDITIONAL_CHECK: True})
    assert install(lab, "second") == "Rejected" and len(listed(lab)) == 1


@each_2x
@pytest.mark.parametrize("profile", [0, 3])
def test_tc_a_11_the_certificate_is_renewed(version: str, profile: int) -> None:
    """A02.FR.02-03, FR.06, FR.08."""
    lab = secured(version, profile=profile, roots=(authority("operator").pem,))
    before = lab.links()
    csr = csr_of(lab)
    answer = lab.ask("CertificateSigned", certificateChain=lab.sign(csr), certificateType=STATION)
    assert answer["status"] == "Accepted"
    lab.run(30)
    assert lab.links() == before + (profile == 3) and lab.station.gate == "accepted"
    assert lab.events() == [] and "certificate of the station renewed" in logged(lab)
    assert lab.run(3600).csms.sent("SignCertificate")[1:] == []  # it has come: nothing is asked for again
    assert not lab.csms.sent("GetCertificateStatus", "GetCertificateChainStatus")  # M06 is for V2G certificates


@each_2x
def test_tc_a_14_an_invalid_certificate(version: str) -> None:
    """A02.FR.07, FR.16, FR.20: refused with an event, and not asked for again by itself."""
    lab = secured(version, profile=3)
    csr = csr_of(lab)
    for chain in (lab.sign(csr, authority("stranger")), "x" * (int(lab.station.settings[MAX_CHAIN]) + 1), "no"):
        answer = lab.ask("CertificateSigned", certificateChain=chain[:10_000])
        assert answer["status"] == "Rejected"
    lab.run(3600)
    assert set(lab.events()) == {"InvalidChargingStationCertificate"} and len(lab.events()) == 3
    assert len(lab.csms.sent("SignCertificate")) == 1
    assert lab.certificate_signed(lab.sign(csr)) == "Accepted"


@each_2x
def test_a_certificate_that_is_not_in_force_yet_is_refused(version: str) -> None:
    """Errata 2.9, A02.FR.06."""
    lab = secured(version, profile=3)
    links, chain = lab.links(), lab.sign(csr_of(lab), not_before_us=DAY_US)
    assert lab.certificate_signed(chain) == "Rejected"
    lab.run(2 * 86_400)
    assert lab.events() == ["InvalidChargingStationCertificate"]
    assert lab.links() == links and lab.stored()[STATION] == 1


@each_2x
def test_a_new_certificate_is_used_whenever_its_validity_began(version: str) -> None:
    """Errata 2.9, A02.FR.08: also one that was issued for an earlier day than the one it replaces."""
    lab = secured(version, profile=3)
    before, chain = lab.dial.refs["key"], lab.sign(csr_of(lab), not_before_us=-30 * DAY_US)
    assert lab.certificate_signed(chain) == "Accepted"
    lab.run(30)
    assert lab.dial.refs["key"] != before and lab.station.link.is_up and lab.stored()[STATION] == 1
    assert lab.events() == []


@pytest.mark.parametrize("renewed", [True, False], ids=["the new one works", "the old one works"])
def test_old_and_new_are_tried_in_turn_until_one_works(renewed: bool) -> None:
    """Errata 2.9, A02.FR.10, FR.28-29: neither is discarded before the other one has worked."""
    lab = secured("2.0.1", profile=3, settings={NETWORK_ATTEMPTS: 2})
    before, known = lab.dial.refs["key"], lab.door.client_roots
    other = authority("second")
    assert install(lab, "second") == "Accepted"
    csr = csr_of(lab)
    lab.door.client_roots = (authority("third").pem,)  # nobody's
    assert lab.certificate_signed(lab.sign(csr, other)) == "Accepted"
    lab.run(400)
    keys = [dial.refs["key"] == before for dial in lab.path.dials[1:]]
    assert keys[:6] == [False, False, True, True, False, False] and lab.stored()[STATION] == 2
    assert lab.links() < 10, "the waits grow"
    lab.door.client_roots = (other.pem,) if renewed else known
    lab.run(1200)
    assert lab.station.link.is_up and lab.stored()[STATION] == 1
    assert (lab.dial.refs["key"] != before) == renewed
    assert lab.events() == ([] if renewed else ["DiscardedRenewedClientCertificate"])
    lab.feed(i.PowerOff())
    lab.feed(i.PowerOn())
    lab.run(120)
    assert lab.station.link.is_up and (lab.dial.refs["key"] != before) == renewed


def test_the_new_one_is_tried_with_every_network_profile() -> None:
    """Errata 2.9, A02.FR.28."""
    lab = secured("2.0.1", profile=3, settings={NETWORK_ATTEMPTS: 1, NETWORK_PRIORITY: ("1", "2")})
    before, csr = lab.dial.refs["key"], csr_of(lab)
    url = "wss://other.test"
    lab.station.board.flash.write("network", 2, NetworkProfile(url, 3), 64)
    lab.fleet.elsewhere(lab.station, url, LabCsms(lab.station.dialect.subprotocol))
    lab.feed(i.PowerOff())
    lab.feed(i.PowerOn())
    lab.run(60)
    lab.door.client_roots = (authority("third").pem,)
    assert lab.certificate_signed(lab.sign(csr)) == "Accepted"
    lab.run(100)
    tried = [(dial.slot, dial.refs["key"] == before) for dial in lab.path.dials]
    first = next(n for n, (_, own) in enumerate(tried) if not own)
    (one, _), (other, _), _ = tried[first : first + 3]
    assert {one, other} == {0, 2} and [own for _, own in tried[first : first + 3]] == [False, False, True], tried


@each_2x
def test_a_certificate_that_has_expired_is_still_shown(version: str) -> None:
    """Errata 2.6, A00.FR.430: who lets it in is the server's business. Another one is asked for at once (A03.FR.02)."""
    lab = secured(version, profile=3)
    old = lab.dial.refs["key"]
    lab.feed(i.PowerOff())
    facts = certificates.listed(lab.station, (STATION,))[0][1]
    name = store.name_of(STATION, facts)
    lab.station.board.flash.write(store.AREA, name, {**facts, "not_after_us": facts["not_before_us"] + 1}, 1)
    lab.feed(i.PowerOn())
    lab.run(25)
    assert lab.dial.refs["key"] == old and lab.station.gate == "accepted"
    (asked,) = lab.csms.sent("SignCertificate")
    assert lab.certificate_signed(lab.sign(asked["csr"])) == "Accepted"
    lab.run(30)
    assert lab.dial.refs["key"] != old and lab.station.link.is_up and lab.stored()[STATION] == 1


@each_2x
def test_tc_a_15_not_passed_on(version: str) -> None:
    """A02.FR.12: a request that the CSMS refuses is not repeated."""
    lab = secured(version)
    lab.csms.script["SignCertificate"] = lambda csms, payload: {"status": "Rejected"}
    csr_of(lab)
    assert len(lab.run(3600).csms.sent("SignCertificate")) == 1


@each_2x
def test_tc_a_23_no_certificate_comes(version: str) -> None:
    """A02.FR.17-19: asked again after a wait that doubles so many times."""
    lab = secured(version, settings={WAIT_MINIMUM: 10, REPEAT_TIMES: 1})
    csr = csr_of(lab)
    lab.run(600)
    moments = [second for second, _, _ in frames(lab.csms, "SignCertificate")]
    assert [round(later - moments[0]) for later in moments] == [0, 10, 30]
    assert {payload["csr"] for payload in lab.csms.sent("SignCertificate")} == {csr}
    assert csr_of(lab) != csr  # the CSMS may always ask


@each_2x
@pytest.mark.parametrize("comes", ["nothing", "a bad one"])
def test_who_has_given_up_asks_only_when_told_to(version: str, comes: str) -> None:
    """A02.FR.19-20, A03.FR.19: not even because the present certificate is about to end."""
    lab = delivered(version, profile=3, settings={WAIT_MINIMUM: 10, REPEAT_TIMES: 0, PING_INTERVAL: 0})
    lab.csms.interval_s = 86_400
    facts = certificates.listed(lab.station, (STATION,))[0][1]
    soon = {**facts, "not_after_us": EPOCH_US + 20 * DAY_US}
    lab.station.board.flash.write(store.AREA, store.name_of(STATION, facts), soon, 1)
    lab.boot()
    lab.run(2)
    (first,) = lab.csms.sent("SignCertificate")
    if comes == "a bad one":
        assert lab.certificate_signed(lab.sign(first["csr"], authority("stranger"))) == "Rejected"
    lab.run(60)
    lab.forget()
    lab.run(5 * 86_400)
    assert lab.csms.sent("SignCertificate") == []
    assert csr_of(lab) != first["csr"]


@each_2x
def test_other_certificates_are_not_asked_for(version: str) -> None:
    lab = secured(version)
    answer = lab.ask("CertificateSigned", certificateChain="x", certificateType="V2GCertificate")
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedParam")
    assert lab.ask("TriggerMessage", requestedMessage="SignV2GCertificate")["status"] == "NotImplemented"
    assert lab.events() == [] and not dialect.table.feature


@each_2x
def test_without_the_name_of_the_operator(version: str) -> None:
    """A02: the request would have to name it."""
    lab = secured(version, settings={ORGANIZATION: ""})
    assert lab.ask("TriggerMessage", requestedMessage="SignChargingStationCertificate") == {"status": "Rejected"}


@each_2x
def test_hash_data_of_a_chain(version: str) -> None:
    """M03.FR.04: what came with it is listed under it."""
    lab = secured(version)
    facts = work.inspect_certificate(authority("second").pem)
    child: dict[str, Any] = {**work.inspect_certificate(authority("third").pem)}
    certificates.deliver(lab.station, CSMS_ROOT, {**facts, "children": [child]})
    (row,) = lab.ask("GetInstalledCertificateIds")["certificateHashDataChain"]
    assert row["childCertificateHashData"] == [hashed(authority("third").pem)]


def test_a_certificate_of_another_request() -> None:
    """2.1 A02.FR.24, FR.26."""
    lab = secured("2.1", profile=3)
    csr = csr_of(lab)
    number = lab.csms.sent("SignCertificate")[-1]["requestId"]
    wrong = lab.ask("CertificateSigned", certificateChain=lab.sign(csr), requestId=number + 1)
    assert (wrong["status"], wrong["statusInfo"]["reasonCode"]) == ("Rejected", "NotFound") and lab.events() == []
    assert lab.ask("CertificateSigned", certificateChain=lab.sign(csr), requestId=number)["status"] == "Accepted"
