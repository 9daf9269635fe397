"""Lines, surprises of YAML, bounds, and how complaints read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from simulator.errors import AuthorError, FleetError
from simulator.yamlfile import MAX_BYTES, Closed, field_path, load, load_text, validate
from simulator.yamltypes import DurationUs, Share, SizeBytes


class Inner(Closed):
    colour: Literal["red", "green"] = "red"
    wait_us: DurationUs = Field(default=0, alias="wait", le=90_000_000)
    share: Share = 0.0


class Outer(Closed):
    name: str
    count: int = Field(default=1, ge=1, le=10)
    flag: bool = False
    size: SizeBytes = 0
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()
    table: dict[str, Inner] = Field(default_factory=dict)


def refused(text: str) -> str:
    with pytest.raises(AuthorError) as caught:
        load_text(text, "f.yaml")
    return str(caught.value)


def invalid(text: str) -> list[str]:
    with pytest.raises(FleetError) as caught:
        validate(load_text(text, "f.yaml"), Outer, FleetError)
    return str(caught.value).splitlines()


def test_plain_data_and_lines() -> None:
    document = load_text("a: 1\nb:\n  - x: 2.5\n  -   y: [true, null]\nc: >\n  long\n  text\n", "f.yaml")
    assert document.data == {"a": 1, "b": [{"x": 2.5}, {"y": [True, None]}], "c": "long text\n"}
    assert [document.line_of(loc) for loc in [(), ("a",), ("b",), ("b", 1), ("b", 1, "y", 1), ("c",)]] == [
        1, 1, 2, 4, 4, 5,
    ]  # fmt: skip
    # What is not there stands where its owner does.
    assert document.line_of(("b", 0, "missing", "deeper")) == 3
    assert document.part("b", 1).line_of(("y",)) == 4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0123", "0123"), ("04E1", "04E1"), ("00", "00"), ("0", 0), ("-7", -7), ("+7", 7), ("1_000", "1_000"),
        ("0x1F", "0x1F"), ("yes", "yes"), ("on", "on"), ("True", True), ("FALSE", False), ("tRUE", "tRUE"),
        ("2020-01-01", "2020-01-01"), ("12:30", "12:30"), ("1.6", 1.6), ("2.0.1", "2.0.1"), ("1e3", 1000.0),
        (".5", 0.5), ("5.", 5.0), (".inf", ".inf"), (".nan", ".nan"), ("~", None), ("", None), ("'1'", "1"),
        ('"true"', "true"), ("!!str 12", "12"), ("é", "é"),
    ],
)  # fmt: skip
def test_scalars_without_surprises(text: str, value: object) -> None:
    found = load_text(f"a: {text}\n", "f.yaml").data["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: a: the key stands twice, first in line 1"),
        ("a:\n  x: 1\n  x: 1\n", "f.yaml:3: a.x: the key stands twice, first in line 2"),
        ("a:\n\tb: 1\n", "f.yaml:2: a tab in the indentation; use spaces"),
        ("a: [1, 2\n", "f.yaml:2: expected ',' or ']', but got '<stream end>'"),
        ("a: b: c\n", "f.yaml:1: mapping values are not allowed here"),
        ("a: *nobody\n", "f.yaml:1: a: the alias *nobody stands for nothing above it"),
        ("- 1\n", "f.yaml:1: must be a mapping of keys to values at its top"),
        ("# nothing\n", "f.yaml: is empty"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: a second document begins; a file holds one"),
        ("a: !!python/x y\n", "f.yaml:1: a: the tag 'tag:yaml.org,2002:python/x' is not supported"),
        ("a: !secret x\n", "f.yaml:1: a: the tag '!secret' is not supported"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "f.yaml:3: c: merge keys (<<) are not supported"),
        ("? [a, b]\n: 1\n", "f.yaml:1: a key must be a single word or text"),
        ("a: 12345678901234567890\n", "f.yaml:1: a: a number this long must be put in quotes to stay as it is"),
        ("a: 1e999\n", "f.yaml:1: a: 1e999 is too large a number"),
    ],
)  # fmt: skip
def test_refused(text: str, line: str) -> None:
    assert refused(text) == line


def test_every_tag_beyond_the_core_is_refused_even_known_ones() -> None:
    assert "not supported" in refused("a: !!binary aGk=\n")
    assert "not supported" in refused("a: !!set {x, y}\n")


def test_an_alias_is_a_copy_and_has_the_line_of_its_use() -> None:
    document = load_text("a: &x {k: 1}\n\nb: *x\n", "f.yaml")
    assert document.data["b"] == {"k": 1}
    assert document.line_of(("b",)) == 3
    assert document.line_of(("b", "k")) == 1


def test_billion_laughs_is_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "more than 100000 values once its aliases are expanded" in refused("\n".join(lines))


def test_an_alias_to_itself_is_stopped() -> None:
    assert refused("a: &x [*x]\n") == "f.yaml:1: a[0]: the alias *x stands for nothing above it"


@pytest.mark.parametrize("depth", [80, 500_000])
def test_deep_nesting_is_stopped(depth: int) -> None:
    assert "nested more than 64 levels deep" in refused("a: " + "[" * depth + "]" * depth)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with pytest.raises(AuthorError, match="cannot be read: No such file"):
        load(path)
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(AuthorError) as caught:
        load(path)
    assert str(caught.value) == f"{path}:2: is not UTF-8 text"
    path.write_bytes(b"a: " + b"x" * MAX_BYTES)
    with pytest.raises(AuthorError, match="is larger than 1048576 bytes"):
        load(path)
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load(path).data == {"a": 1}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("cuont: 2\nname: x", "f.yaml:1: cuont: unknown key; did you mean 'count'?"),
        ("name: x\nzzz: 2", "f.yaml:2: zzz: unknown key"),
        ("count: 2", "f.yaml:1: name: is required"),
        ("name: 12", "f.yaml:1: name: must be a text; put quotes around a number"),
        ("name: x\ncount: 11", "f.yaml:2: count: must be at most 10"),
        ("name: x\ncount: 0", "f.yaml:2: count: must be at least 1"),
        ("name: x\ncount: many", "f.yaml:2: count: must be a whole number"),
        ("name: x\ncount: 1.5", "f.yaml:2: count: must be a whole number"),
        ("name: x\nflag: perhaps", "f.yaml:2: flag: must be true or false"),
        ("name: x\ninner: 5", "f.yaml:2: inner: must be a mapping of keys to values"),
        ("name: x\nmany: 5", "f.yaml:2: many: must be a list"),
        ("name: x\ninner: {colour: gren}",
         "f.yaml:2: inner.colour: 'gren' is not one of red, green; did you mean 'green'?"),
        ("name: x\nmany:\n- {}\n- colour: 7", "f.yaml:4: many[1].colour: 7 is not one of red, green"),
        ("name: x\nmany:\n- {}\n- {colr: red}", "f.yaml:4: many[1].colr: unknown key; did you mean 'colour'?"),
        ("name: x\ntable:\n  k:\n    wiat: 1s", "f.yaml:4: table.k.wiat: unknown key; did you mean 'wait'?"),
        ("name: x\ninner:\n  wait: 20", "f.yaml:3: inner.wait: 20 has no unit; write 20s for seconds"),
        ("name: x\ninner: {wait: 2m}", "f.yaml:2: inner.wait: must be at most 1m30s"),
        ("name: x\ninner: {share: 30}", "f.yaml:2: inner.share: 30 is more than the whole; write 30% for a percentage"),
        ("name: x\nsize: 3 apples", "f.yaml:2: size: '3 apples' is not a size; write it like 64KiB, 5MB or 512B"),
    ],
)  # fmt: skip
def test_one_line_for_a_problem(text: str, line: str) -> None:
    assert invalid(text) == [line]


def test_all_problems_in_order_of_the_file() -> None:
    assert invalid("count: 99\nnaem: x\ninner: {wait: soon}\n") == [
        "f.yaml:1: name: is required",
        "f.yaml:1: count: must be at most 10",
        "f.yaml:2: naem: unknown key; did you mean 'name'?",
        "f.yaml:3: inner.wait: 'soon' is not a duration; write it like 45s, 20m, 1h30m, 500ms or 2d",
    ]


def test_many_problems_are_counted_not_listed() -> None:
    lines = invalid("name: x\n" + "".join(f"zz{n}: 1\n" for n in range(50)))
    assert len(lines) == 21 and lines[-1] == "... and 30 more"


def test_the_error_knows_its_first_place() -> None:
    with pytest.raises(FleetError) as caught:
        validate(load_text("name: x\ncount: 11\ninner: {colour: blue}", "f.yaml"), Outer, FleetError)
    assert (caught.value.file, caught.value.line, caught.value.field) == ("f.yaml", 2, "count")


def test_checks_run_after_the_schema() -> None:
    document = load_text("name: x\nmany:\n- {wait: 1m}", "f.yaml")
    with pytest.raises(FleetError) as caught:
        validate(document, Outer, FleetError, lambda o: [(("many", 0, "wait"), f"{o.many[0].wait_us} is odd")])
    assert str(caught.value) == "f.yaml:3: many[0].wait: 60000000 is odd"
    assert validate(document, Outer, FleetError, lambda _: []).many[0].wait_us == 60_000_000


def test_field_path() -> None:
    assert field_path(("a", 0, "b", 1, 2)) == "a[0].b[1][2]"
    assert field_path(()) == ""
