"""A fault and its parameters, before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import AuthorError, FleetError, UnknownName
from simulator.fleet.fault_params import check_fault, known_actions
from tests.fleet.manual import plan_of_file


def test_actions_of_all_versions_are_known() -> None:
    assert {"StartTransaction", "TransactionEvent", "NotifyDERAlarm", "Reset"} <= known_actions()
    check_fault("frame.truncated", {"actions": "StartTransaction, TransactionEvent"})
    check_fault("meter.noise", {})


def test_what_is_wrong_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'frame\.truncated'"):
        check_fault("frame.trunkated", {})
    with pytest.raises(AuthorError) as caught:
        check_fault("frame.truncated", {"actions": "Heartbeat StartTransacton"})
    assert caught.value.field == "actions" and "did you mean 'StartTransaction'?" in str(caught.value)


def test_a_fleet_says_where(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"faults\[0\].params.actions: frame.binary knows no action 'Hartbeat'"):
        plan_of_file(tmp_path, {"faults": [{"fault": "frame.binary", "params": {"actions": "Hartbeat"}}]})
