"""Asking for a certificate: how often, and when without being asked."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simulator.blocks import signing
from simulator.blocks.product_settings import ORGANIZATION
from simulator.core import inputs as i
from simulator.core.link_policy import PING_INTERVAL
from simulator.core.model import FlashSpec, HardwareSpec, RtcSpec
from simulator.lab.csms import SILENT, CallError
from simulator.pki.authority import DAY_US, YEAR_US
from tests.bench import AT_ONCE
from tests.secure import delivered, secured


def test_without_the_operators_name_nothing_is_asked() -> None:
    lab = secured(profile=3)
    lab.configure(ORGANIZATION, "")
    answer = lab.ask("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
    assert answer == {"status": "Rejected"}
    lab.run(5)
    assert lab.csms.sent("SignCertificate") == []


def test_an_unanswered_request_is_repeated_and_then_given_up() -> None:
    lab = secured(profile=3)
    lab.csms.script["SignCertificate"] = lambda csms, payload: SILENT
    assert lab.ask("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")["status"] == "Accepted"
    lab.run(3_000)
    asked = [seen.now / 1e6 for seen in lab.csms.seen if seen.action == "SignCertificate" and seen.kind == 2]
    gaps = [round(b - a) for a, b in pairwise(asked)]
    assert gaps == [60, 90, 150], "a time-out of 30 s, then 30, 60 and 120 s"
    assert len({payload["csr"] for payload in lab.csms.sent("SignCertificate")}) == 1


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported"])
def test_a_csms_that_does_not_know_the_message_is_not_asked_again(code: str) -> None:
    lab = secured(profile=3)
    lab.csms.script["SignCertificate"] = lambda csms, payload: CallError(code)
    lab.ask_for_csr()
    lab.run(3_000)
    assert len(lab.csms.sent("SignCertificate")) == 1


def test_a_rejected_request_is_an_operators_business() -> None:
    lab = secured(profile=3)
    lab.csms.script["SignCertificate"] = lambda csms, payload: {"status": "Rejected"}
    lab.ask_for_csr()
    lab.run(3_000)
    assert len(lab.csms.sent("SignCertificate")) == 1


def test_asked_again_while_waiting_a_new_key_is_made() -> None:
    lab = secured(profile=3)
    first = lab.ask_for_csr()
    second = lab.ask_for_csr()
    assert first != second
    assert lab.certificate_signed(lab.sign(first)) == "Rejected"
    assert lab.certificate_signed(lab.sign(second)) == "Accepted"


def test_a_certificate_that_ends_in_a_month_is_renewed_without_being_asked() -> None:
    """A03.FR.02."""
    lab = delivered(profile=3, settings={PING_INTERVAL: 0})
    lab.csms.interval_s = 86_400
    lab.boot()
    lab.run((365 - 31) * 86_400)
    assert lab.csms.sent("SignCertificate") == []
    lab.run(4.5 * 86_400)
    asked = lab.csms.sent("SignCertificate")
    assert asked
    assert lab.certificate_signed(lab.sign(asked[-1]["csr"], not_after_us=3 * YEAR_US)) == "Accepted"
    count = len(lab.csms.sent("SignCertificate"))
    lab.run(5 * 86_400)
    assert len(lab.csms.sent("SignCertificate")) == count


def test_a_short_lived_certificate_is_renewed_while_it_is_good() -> None:
    """A03.FR.02: what ends within a month is renewed at once, and again in time when little is left."""
    lab = secured(profile=3, settings={PING_INTERVAL: 0})
    assert lab.certificate_signed(lab.sign(lab.ask_for_csr(), not_after_us=DAY_US // 4)) == "Accepted"
    lab.run(30)
    lab.forget()
    lab.feed(i.PowerOff())
    lab.feed(i.PowerOn())
    lab.run(30)
    assert len(lab.csms.sent("SignCertificate")) == 1
    lab.run(5 * 3600)
    assert len(lab.csms.sent("SignCertificate")) > 3


def test_a_small_memory_cannot_keep_the_key_of_a_request() -> None:
    hardware = HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=0.0), flash=FlashSpec())
    lab = secured(profile=3, hardware=hardware)
    lab.inject("flash.read_only")
    assert lab.ask("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")["status"] == "Accepted"
    lab.run(5)
    assert lab.csms.sent("SignCertificate") == []
    assert any("cannot be remembered" in text for text in lab.remarks())


def test_how_often_is_no_configuration_key() -> None:
    """The white paper has no such keys: the station decides."""
    assert signing.REPEAT_TIMES.key16 is None and signing.WAIT_MINIMUM.key16 is None
