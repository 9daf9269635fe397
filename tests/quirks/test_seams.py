"""The registry of quirks, their parameters, what they say of themselves, and how they live together."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from simulator.core import inputs as i
from simulator.core.records import Booted
from simulator.dialects import VERSIONS
from simulator.errors import AuthorError, UnknownName
from simulator.lab.checkers import Checkers
from simulator.ocpp16 import messages as m16
from simulator.profile.compiled import compile_profile
from simulator.profile.load import profile_paths
from simulator.quirks import BREAKS, CATEGORIES, QUIRKS, SEAMS, Quirk, category, compile_quirks, describe, seams_of
from simulator.quirks.payload import each_sample, edit, get, knows, put
from simulator.quirks.seams import quirk
from tests.quirks.checks import CHECKS, broken, schema_errors
from tests.quirks.rig import ENERGY, Bench, build

_THREAD = re.compile(
    r"[\w.-]+/[\w.-]+(#\d+|@[0-9a-f]{7,40}|:[\w./-]+)|https://[\w./#?=&%-]+|(manual|public): \S.{5,120}"
)


@pytest.mark.parametrize("name", QUIRKS)
def test_a_quirk_says_all_there_is_to_know(name: str) -> None:
    told = describe(QUIRKS.get(name))
    assert json.loads(json.dumps(told)) == told
    assert told["name"] == name and told["category"] in {category(module.__name__) for module in CATEGORIES}
    assert told["vendors"] and told["summary"].endswith(".") and told["survive"].endswith(".")
    assert told["sources"] and all(_THREAD.fullmatch(source) for source in told["sources"]), told["sources"]
    assert told["seams"] or told["listens"]
    assert set(told["seams"]) <= set(SEAMS) and set(told["breaks"]) <= set(BREAKS)
    cls = QUIRKS.get(name)
    assert set(cls.params) == {key for key in cls.__annotations__ if key not in Quirk.__annotations__}
    assert cls().describe()["params"] == told["params"]


def test_every_quirk_is_compared_on_the_wire() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    uncompared = [name for name in QUIRKS if f'"{name}"' not in text]
    assert uncompared == [] and len(QUIRKS) >= 48


def test_every_word_has_a_judge_and_a_quirk() -> None:
    assert set(CHECKS) == set(BREAKS) == {word for name in QUIRKS for word in QUIRKS.get(name).breaks}


# -- names and parameters


def test_an_unknown_name_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'status-no-timestamp'"):
        compile_quirks([("status-no-timestmp", {})])


@pytest.mark.parametrize(
    ("name", "params", "reason"),
    [
        ("ws-flapping", {"evry_s": 3}, "ws-flapping.evry_s: unknown parameter; did you mean 'every_s'"),
        ("ws-flapping", {"every_s": 0.5}, "ws-flapping.every_s: 0.5 is not within 1.0 to 3600.0"),
        ("ws-flapping", {"every_s": "often"}, "ws-flapping.every_s: 'often' is not a float"),
        ("ws-flapping", {"every_s": True}, "ws-flapping.every_s: True is not a float"),
        ("msgid-compound", {"prefix": 1.5}, "msgid-compound.prefix: 1.5 is not a int"),
        ("meter-voltage-phase-ln", {"raw": 1}, "meter-voltage-phase-ln.raw: 1 is not a bool"),
        (
            "meter-voltage-phase-ln",
            {"location": "Roof"},
            "'Roof' is not one of Body, Cable, EV,",
        ),
        ("meter-phase-rotation-applied", {"rotation": "RSR"}, "'RSR' is no order of R, S and T"),
        ("status-info-literal-null", {"text": "x" * 51}, "is longer than 50 characters"),
    ],
)
def test_a_wrong_parameter_is_refused(name: str, params: dict[str, Any], reason: str) -> None:
    with pytest.raises(AuthorError, match=re.escape(reason)):
        compile_quirks([(name, params)])


def test_a_whole_number_is_a_float_too() -> None:
    _, (made,) = compile_quirks([("ws-flapping", {"every_s": 3})])
    assert made.describe()["params"] == {"every_s": 3, "redial_s": 0.8}


def test_the_table_is_closed() -> None:
    with pytest.raises(AssertionError, match="frozen"):
        quirk("too-late", sources=("a/b#1",))(type("Late", (Quirk,), {"__doc__": "Late."}))


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"sources": ("a/b#1",), "breaks": ("hearts",)},
        {"sorces": ("a/b#1",)},
        {"sources": ("a/b#1",), "fixed_in": "soon"},
        {"sources": ("a/b#1",), "fixed_in": "1.9", "settings": {"HeartbeatInterval": "5"}},
    ],
)
def test_a_quirk_without_its_facts_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="quirk bare"):
        quirk("bare", **facts)(type("Bare", (Quirk,), {"__doc__": "Bare."}))


# -- seams


def test_each_seam_holds_the_quirks_that_use_it() -> None:
    wanted = [("status-no-timestamp", {}), ("remote-silent-no-answer", {}), ("msgid-compound", {})]
    seams, made = compile_quirks(wanted)
    assert [q.name for q in made] == [name for name, _ in wanted]
    assert (seams.send, seams.request, seams.link) == ((made[0],), (made[1],), (made[2],))
    assert seams.boot == seams.sample == seams.answer == seams.report == seams.clock == seams.setting == ()
    assert {seam for name in QUIRKS for seam in seams_of(QUIRKS.get(name))} == set(SEAMS)


def test_named_twice_counts_once_with_the_last_parameters() -> None:
    seams, made = compile_quirks([("msgid-compound", {}), ("msgid-compound", {"prefix": 7})])
    assert len(made) == len(seams.link) == 1 and made[0].describe()["params"] == {"prefix": 7}


@pytest.mark.parametrize("name", profile_paths())
def test_any_profile_takes_any_quirk(name: str) -> None:
    for version in VERSIONS:
        try:
            model = compile_profile(name, version, extra_quirks=list(QUIRKS))
        except AuthorError as error:
            assert "does not speak" in str(error)
            continue
        assert {q.name for q in model.quirks} == set(QUIRKS)


def test_the_boot_seam_changes_what_is_said() -> None:
    class Loud(Quirk):
        """Shouts."""

        name = "loud"

        def boot(self, st: Any, payload: Any) -> Any:
            return put(payload, charge_point_vendor="LOUD")

    loud, model = Loud(), build()
    bench = Bench(replace(model, seams=replace(model.seams, boot=(loud,)), quirks=(loud,))).boot()
    assert bench.sent("BootNotification")[0]["chargePointVendor"] == "LOUD"


# -- together


def test_two_quirks_change_the_same_message() -> None:
    b = Bench(build("status-no-timestamp", "status-vendor-error-code-on-noerror", "status-info-literal-null")).smoke()
    expected = {"connectorId": 1, "errorCode": "NoError", "vendorErrorCode": "0x0000", "info": "null"}
    assert [{**expected, "status": s} for s in b.statuses()] == [
        p for p in b.sent("StatusNotification") if p["connectorId"]
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_a_message_that_left_its_schema_is_still_changed(turned: bool) -> None:
    uses = ["meter-nonstandard-context", "meter-three-decimal-strings", "txid-int64-max", "meter-missing-measurand"]
    b = Bench(build(*(reversed(uses) if turned else uses))).boot().session(250)
    for number, payload in enumerate(b.sent("MeterValues")):
        samples = payload["meterValue"][0]["sampledValue"]
        assert len(samples) == 3 and all(s["value"][-4] == "." for s in samples)
        assert (payload["transactionId"] == 1) == (number < 2)
    assert set(broken(b)) == {"schema", "measurand_unit", "own_transaction_id"}


def test_line_breaks_come_last_wherever_they_are_named() -> None:
    b = Bench(build("frame-pretty-printed-json", "status-info-literal-null", "status-no-timestamp")).boot()
    assert [q.name for q in b.station.model.seams.send][-1] == "frame-pretty-printed-json"
    assert b.sent("StatusNotification")[0].get("info") == "null"
    assert any(b'\n  "info": "null"' in data for _, data in b.frames)


def test_a_session_register_with_a_zero_start_is_the_energy() -> None:
    b = Bench(build("tx-meterstart-always-zero", "meter-energy-session-reset")).smoke()
    assert b.sent("StartTransaction")[0]["meterStart"] == 0
    assert b.sent("StopTransaction")[0]["meterStop"] == pytest.approx(389, abs=3)


def test_stations_of_one_model_keep_their_memories_apart() -> None:
    model = build("txid-int64-max")
    first, second = Bench(model), Bench(model)
    first.boot().plug().token("TAG", 250)
    second.boot().plug().token("TAG", 65)
    assert [p["transactionId"] for p in second.sent("MeterValues")] == [1]
    assert len({p["transactionId"] for p in first.sent("MeterValues")}) == 2


def test_two_quirks_have_a_timer_each() -> None:
    uses = (("ws-drop-after-heartbeat", {"after_s": 30}), ("meter-foreign-transaction-id", {"every_s": 100}))
    b = Bench(build(*uses, settings={"HeartbeatInterval": 90})).boot()
    b.csms.interval_s = 90
    b.run(450)
    assert len(b.sent("MeterValues")) >= 3 and b.fleet.recorded(Booted)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", QUIRKS)
def test_a_quirk_is_harmless_where_its_message_has_another_shape(name: str, version: str) -> None:
    """A whole session in each version: nothing raises, and the schema holds unless the quirk says otherwise."""
    b = Bench(build(name, version=version, settings={"ClockAlignedDataInterval": 40, "MeterValueSampleInterval": 20}))
    b.boot().session(70).drop_link(5)
    b.ask("TriggerMessage", requestedMessage="MeterValues")
    b.ask("TriggerMessage", requestedMessage="BootNotification")
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    errors = [e for s in b.csms.seen if s.direction == "cp" for e in schema_errors(version, s)]
    # whether what is declared also shows is seen where each quirk is compared with its absence
    assert not errors or ("schema" in QUIRKS.get(name).breaks and version == "1.6"), errors[:3]
    assert b.csms.transactions or "token_asked" in QUIRKS.get(name).breaks


@pytest.mark.parametrize(("name", "version"), [(name, version) for name in QUIRKS for version in VERSIONS])
def test_the_rules_of_the_farm_hold_but_for_what_is_declared(name: str, version: str) -> None:
    """The checkers of ``simulator.lab`` waive what a quirk declares, and find nothing else."""
    b = Bench(build(name, version=version, settings={"ClockAlignedDataInterval": 40, "MeterValueSampleInterval": 20}))
    checkers = Checkers()
    b.watch(checkers.observe)
    b.boot(20).session(190)
    b.plug().token("TAG", 70).drop_link(20).token("TAG", 10).unplug()
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    b.session(70).run(240)  # what was spoilt is offered again after a minute
    assert checkers.finish([b.station], b.fleet.now) == []


# -- payloads


def test_fields_of_structs_and_dictionaries_alike() -> None:
    struct = m16.StatusNotificationRequest(connector_id=1, error_code="NoError", status="Available", info="x")
    plain = {"connectorId": 1, "info": "x"}
    for payload in (struct, plain):
        assert get(payload, "info") == "x" and get(payload, "vendorId") is UNSET
        changed = put(payload, info=UNSET, vendor_error_code="0x00")
        assert get(changed, "info") is UNSET and get(changed, "vendorErrorCode") == "0x00"
        assert get(payload, "info") == "x", "the original is left alone"
    assert put(struct, colour="red") is struct and not knows(struct, "colour")


def test_a_change_that_leaves_the_schema_by_mistake_is_seen() -> None:
    struct = m16.AuthorizeRequest(id_tag="A")
    with pytest.raises(msgspec.ValidationError, match="length <= 20"):
        edit(struct, lambda message: message.update(idTag="A" * 21))


def test_samples_are_changed_in_place_of_a_copy() -> None:
    value = {"timestamp": "2026-03-01T00:00:00Z", "sampledValue": [{"value": "1", "measurand": ENERGY}]}
    payload = {"connectorId": 1, "meterValue": [value]}
    changed = each_sample(payload, lambda sample: sample.update(value="2"))
    assert changed["meterValue"][0]["sampledValue"][0]["value"] == "2"
    assert value["sampledValue"][0]["value"] == "1"
