"""The registry of faults, their parameters, and what is written about them."""

import ast
import importlib
import json
import math
import pkgutil
from pathlib import Path

import pytest

import simulator.hardware as hardware
from simulator.errors import AuthorError, UnknownName
from simulator.hardware.fault import CODES, FAULTS, Fault
from simulator.hardware.meter import DropOuts, RegisterFrozen

COMPONENTS = {
    "Connector", "ConnectorPlugRetentionLock", "Controller", "CPPWMController", "DataLink", "ElectricalFeed",
    "EmergencyStopSensor", "ExternalTemperatureSensor", "FiscalMetering", "OverCurrentProtection", "PowerContactor",
    "RCD", "RealTimeClock", "TemperatureSensor", "TokenReader",
}  # fmt: skip
ALL = [FAULTS.get(name) for name in FAULTS]


def test_the_package_imports_every_module_of_its_folder() -> None:
    assert sorted(name for _, name, _ in pkgutil.iter_modules(hardware.__path__)) == sorted(hardware.__all__)


def test_the_registry_is_frozen_and_names_the_nearest() -> None:
    with pytest.raises(AssertionError):
        FAULTS.add("meter.late", Fault)
    with pytest.raises(UnknownName, match=r"did you mean 'meter\.register_frozen'"):
        FAULTS.get("meter.register_frozn")


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.name)
def test_every_fault_is_described_in_full(cls: type[Fault]) -> None:
    about = cls.describe()
    assert json.loads(json.dumps(about)) == about
    assert about["name"] == cls.name and about["part"] == cls.name.split(".")[0]
    assert about["summary"].endswith(".") and len(about["summary"]) <= 120
    assert about["component"] in COMPONENTS
    assert about["code"] is None or about["code"] in CODES
    assert (about["code"] is None) == (cls().text() == "") and len(cls().text()) <= 50
    assert about["code"] or not about["blocks"], "what blocks has a reason"
    assert about["wire16"] and about["wire2x"] and "\n" not in about["wire16"] + about["wire2x"]
    for param in about["params"]:
        assert param["text"], param
        assert param["type"] in ("boolean", "integer", "number", "choice", "text")
        if param["type"] in ("integer", "number"):
            assert math.isfinite(param["minimum"]) and math.isfinite(param["maximum"])
            assert param["minimum"] <= param["default"] <= param["maximum"]
        if param["type"] == "choice":
            assert param["default"] in param["choices"]


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.name)
def test_every_fault_takes_its_own_defaults_and_bounds(cls: type[Fault]) -> None:
    params = cls.describe()["params"]
    assert cls.from_params({p["name"]: p["default"] for p in params}).params() == cls().params()
    for param in params:
        if param["type"] in ("integer", "number"):
            for edge in (param["minimum"], param["maximum"]):
                assert cls.from_params({param["name"]: edge}).params()[param["name"]] == edge
            for beyond in (param["minimum"] - 1, param["maximum"] + 1):
                with pytest.raises(AuthorError) as caught:
                    cls.from_params({param["name"]: beyond})
                assert caught.value.field == param["name"] and cls.name in str(caught.value)


def test_every_fault_is_shown_to_have_its_effect() -> None:
    called = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert [name for name in FAULTS if name not in called] == []


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("meter.drop_outs", {"shar": 0.5}, "shar: meter.drop_outs has no such parameter; did you mean 'share'?"),
        ("meter.drop_outs", {"seed": 1}, "seed: meter.drop_outs has no such parameter; it takes share, period_s"),
        ("reader.dead", {"x": 1}, "x: reader.dead has no such parameter; it takes no parameters"),
        ("meter.drop_outs", {"share": 1.5}, "share: meter.drop_outs takes a number from 0 to 1, not 1.5"),
        ("meter.drop_outs", {"share": "half"}, "share: meter.drop_outs takes a number from 0 to 1, not 'half'"),
        ("meter.drop_outs", {"share": True}, "share: meter.drop_outs takes a number from 0 to 1, not True"),
        ("meter.drop_outs", {"share": math.nan}, "share: meter.drop_outs needs a finite number, not nan"),
        (
            "rtc.battery_dead",
            {"year": 1e9},
            "year: rtc.battery_dead takes a whole number from 1970 to 2100, not 1000000000.0",
        ),
        ("meter.register_frozen", {"catches_up": 1}, "catches_up: meter.register_frozen takes true or false, not 1"),
        (
            "lock.jammed",
            {"stuck": "close"},
            "stuck: lock.jammed takes 'as_is' or 'closed' or 'open', not 'close'; did you mean 'closed'?",
        ),
        ("lock.jammed", {"stuck": 3}, "stuck: lock.jammed takes 'as_is' or 'closed' or 'open', not 3"),
    ],
)
def test_wrong_parameters_are_refused_by_field(name: str, params: dict[str, object], message: str) -> None:
    with pytest.raises(AuthorError) as caught:
        FAULTS.get(name).from_params(params)
    assert str(caught.value) == message


def test_parameters_are_told_from_memory() -> None:
    assert RegisterFrozen.from_params({"catches_up": False}).params() == {"catches_up": False}
    assert DropOuts.from_params({"share": 1}).params() == {"share": 1.0, "period_s": 0.0}


def test_a_lot_depends_on_seed_name_and_number_only() -> None:
    one, other = DropOuts(seed=1), DropOuts(seed=2)
    assert one.lot("a", 5) == one.lot("a", 5) == DropOuts(seed=1).lot("a", 5)
    assert len({one.lot("a", 5), one.lot("a", 6), one.lot("b", 5), other.lot("a", 5)}) == 4


@pytest.mark.parametrize("jitter", [0.0, 0.3, 1.0])
def test_a_duty_cycle_begins_off_and_tells_its_next_change(jitter: float) -> None:
    fault = DropOuts(seed=3, since=1_000)
    now, on_us, seen = 1_000, 0, []
    while now < 1_000 + 100 * 5_000_000:
        on, until = fault.duty(4.0, 1.0, jitter, now)
        assert until > now and fault.duty(4.0, 1.0, jitter, until - 1) == (on, until)
        assert fault.duty(4.0, 1.0, jitter, until)[0] is not on
        on_us += (until - now) * on
        seen.append(on)
        now = until
    assert seen == [False, True] * 100
    assert on_us / (100 * 5_000_000) == pytest.approx(0.8, abs=0.0001 if jitter == 0 else 0.03)


def test_the_modules_can_be_imported_alone() -> None:
    assert importlib.import_module("simulator.hardware.fault").FAULTS is FAULTS
