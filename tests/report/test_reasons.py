"""Every way not to get to work has a reason and something that usually helps."""

import pytest

from simulator.core import records as r
from simulator.report.reasons import dial_reason, failure_reason, what_helps

CAUSES = (
    "dns refused timeout tls_server_cert tls_version tls_cipher tls_client_cert subprotocol closed reset local_limit"
)


def test_every_cause_of_the_link_has_a_reason_and_a_text_of_its_own() -> None:
    reasons = [dial_reason(cause, 0) for cause in CAUSES.split()]
    reasons += ["http_401", "http_403", "http_404", "http_429", "http_503", "boot_rejected", "boot_pending", "kicked"]
    texts = [what_helps(reason) for reason in reasons]
    assert len(set(texts)) == len(texts)
    assert {"dns", "refused", "timeout", "tls_untrusted", "tls_client_rejected", "no_subprotocol"} <= set(reasons)


def test_other_statuses_have_a_text_by_their_class() -> None:
    assert dial_reason("http_status", 418) == "http_418"
    assert what_helps("http_302") != what_helps("http_502") != what_helps("http_418")


def test_an_unknown_cause_is_our_bug() -> None:
    with pytest.raises(AssertionError, match="'gremlins'"):
        dial_reason("gremlins", 0)


@pytest.mark.parametrize(
    ("record", "booted", "reason"),
    [
        (r.ConnectFailed("tls_server_cert", 0), False, "tls_untrusted"),
        (r.BootRefused("Pending"), False, "boot_pending"),
        (r.BootRefused("Rejected"), True, "boot_rejected"),
        (r.Disconnected("closed", 1008), False, "kicked"),
        (r.Disconnected("closed", 1008), True, None),
        (r.Disconnected("local_reset", 0), False, "kicked"),
        (r.Disconnected("local_close", 1000), False, None),
        (r.Disconnected("local_vanish", 0), False, None),
        (r.Remark("x"), False, None),
    ],
)
def test_which_records_are_failures_to_connect(record: object, booted: bool, reason: str | None) -> None:
    assert failure_reason(record, booted=booted) == reason
