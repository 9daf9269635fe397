"""The generator, the files it wrote, and what the generated modules offer besides structs."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from simulator import generate
from simulator.generate import GeneratorError, Module
from simulator.ocpp2x import messages_21, messages_201
from simulator.ocpp16 import messages as messages_16

MODULES = [messages_16, messages_201, messages_21]
HOME = Path(generate.__file__).parent


def test_generating_again_gives_the_same_files() -> None:
    texts = generate.generate()
    assert [(HOME / path).read_text(encoding="utf-8") == text for path, text in texts.items()] == [True] * 3
    assert generate.generate() == texts


def test_check_tells_what_is_stale_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "__file__", str(tmp_path / "generate.py"))
    assert generate.main(["--check"]) == 1
    assert "ocpp2x/messages_21.py: not up to date, run python -m simulator.generate" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "ocpp16" / "messages.py").write_text("edited")
    assert generate.main(["--check"]) == 1
    assert "messages_21" not in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("wire", "attribute"),
    [
        ("idTag", "id_tag"),
        ("evseId", "evse_id"),
        ("iso15118CertificateHashData", "iso15118_certificate_hash_data"),
        ("prioritizedEMAIDs", "prioritized_emaids"),
        ("v2xChargingParameters", "v2x_charging_parameters"),
        ("evMinV2XEnergyRequest", "ev_min_v2x_energy_request"),
        ("setpointReactive_L2", "setpoint_reactive_l2"),
        ("fixedPFAbsorb", "fixed_pf_absorb"),
        ("targetSoC", "target_soc"),
        ("from", "from_"),
    ],
)
def test_attribute_names(wire: str, attribute: str) -> None:
    assert generate.snake(wire) == attribute


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"properties": {"a": {"type": "array", "items": {"type": "string", "format": "date-time"}}}}, "X.a"),
        ({"properties": {"a": {"type": "string", "enum": ["b"]}}}, "X.a: an inline type without a name"),
        ({"properties": {"a": {"type": "integer", "minimum": 0.5}}}, "X.a: an integer bounded by 0.5"),
        ({"properties": {"a": {"oneOf": []}}}, "X.a: no rule"),
        ({"properties": {"aB": {"type": "string"}, "a_b": {"type": "string"}}}, "same attribute name"),
        ({"properties": {}, "required": ["a"]}, r"requires \['a'\]"),
    ],
)
def test_a_schema_without_a_rule_is_refused(schema: dict[str, Any], words: str) -> None:
    with pytest.raises(GeneratorError, match=words):
        Module("v21").add_struct("X", schema, {}, "X")


def test_shapes_of_one_name_must_be_equal() -> None:
    module = Module("v21")
    module.add_struct("X", {"properties": {"a": {"type": "string"}}}, {}, "first")
    module.add_enum("E", ["a", "b"], "first")
    module.add_enum("E", ["b", "a"], "second")
    with pytest.raises(GeneratorError, match="second: X has other fields"):
        module.add_struct("X", {"properties": {"a": {"type": "integer"}}}, {}, "second")
    with pytest.raises(GeneratorError, match="third: E has other values"):
        module.add_enum("E", ["a"], "third")


def test_nested_types_of_the_oldest_version_are_merged_under_the_names_of_the_specification() -> None:
    m = messages_16
    for cls in (m.AuthorizeResponse, m.StartTransactionResponse, m.StopTransactionResponse, m.AuthorizationData):
        assert "IdTagInfo" in cls.__annotations__["id_tag_info"]
    assert m.SetChargingProfileRequest.__annotations__["cs_charging_profiles"] == "ChargingProfile"
    assert "Hertz" in m.UnitOfMeasure.__args__
    assert "Hertz" not in m.TransactionUnitOfMeasure.__args__


@pytest.mark.parametrize("m", MODULES, ids=lambda m: m.VERSION)
def test_structs_are_light_and_strict(m: ModuleType) -> None:
    for cls in (*m.REQUESTS.values(), *m.RESPONSES.values()):
        config = cls.__struct_config__
        assert (config.gc, config.forbid_unknown_fields, config.omit_defaults) == (False, True, False)
        if cls.__struct_fields__:
            with pytest.raises(TypeError, match="positional"):
                cls("by position")
        assert cls.__name__.startswith(tuple(m.REQUESTS))
    assert m.VERSION in (m.__doc__ or "")


@pytest.mark.parametrize("m", MODULES, ids=lambda m: m.VERSION)
def test_make_refuses_what_is_not_a_field(m: ModuleType) -> None:
    assert m.make(m.HeartbeatResponse, current_time="now").current_time == "now"
    with pytest.raises(AssertionError, match=r"HeartbeatResponse: .*currentTime"):
        m.make(m.HeartbeatResponse, current_time="now", currentTime="now")
    with pytest.raises(AssertionError, match=r"HeartbeatResponse: .*current_time"):
        m.make(m.HeartbeatResponse)


def test_what_only_the_later_version_has_is_unset_and_left_out() -> None:
    fields = {"type": "OnIdle", "tariff": None}
    with pytest.raises(AssertionError, match="tariff"):
        messages_201.make(messages_201.ResetRequest, **fields)
    token: dict[str, Any] = {"id_token_info": messages_201.IdTokenInfoType(status="Accepted")}
    made = messages_201.make(messages_201.AuthorizeResponse, tariff="dropped", allowed_energy_transfer=["DC"], **token)
    assert msgspec.json.encode(made) == b'{"idTokenInfo":{"status":"Accepted"}}'
    assert made.tariff is UNSET
    kept = messages_21.make(messages_21.AuthorizeResponse, allowed_energy_transfer=["DC"], **token)
    assert kept.allowed_energy_transfer == ["DC"]


def test_the_table_of_later_fields_is_exactly_the_difference() -> None:
    table = messages_201.ONLY_21
    assert table["ChargingSchedulePeriodType"] >= {"setpoint", "operation_mode", "limit_l2"}
    for name, cls in vars(messages_201).items():
        later = getattr(messages_21, name, None)
        if not (isinstance(cls, type) and issubclass(cls, messages_201.Message) and later):
            continue
        extra = set(later.__struct_fields__) - set(cls.__struct_fields__)
        assert table.get(name, frozenset()) == extra, name
        assert all(getattr(cls, attribute) is UNSET for attribute in extra)
        assert not set(cls.__struct_fields__) - set(later.__struct_fields__), "nothing was taken away in 2.1"


def test_the_tables_name_attributes_that_exist() -> None:
    for m in MODULES:
        for name, attributes in m.DATETIMES.items():
            assert set(attributes) <= set(getattr(m, name).__struct_fields__)
            assert {getattr(m, name).__annotations__[a].split(" ")[0] for a in attributes} == {"DateTime"}
    assert messages_16.DATETIMES["IdTagInfo"] == ("expiry_date",)


def test_the_three_modules_import_quickly() -> None:
    code = (
        "import sys, types, msgspec, typing, time, importlib.util as u\n"
        "codes = [compile(open(p).read(), p, 'exec') for p in sys.argv[1:]]\n"
        "def run():\n"
        "    started = time.process_time()\n"
        "    for n, c in enumerate(codes):\n"
        "        m = types.ModuleType(f'm{n}'); sys.modules[m.__name__] = m; exec(c, m.__dict__)\n"
        "    return time.process_time() - started\n"
        "print(min(run() for _ in range(3)))\n"
    )
    paths = [str(HOME / path) for _, path, *_ in generate.VERSIONS]
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True, timeout=60)
    assert float(done.stdout) < 0.15  # compiled, as they are from the second import on
