"""The exception tree: one root, whose fault it is, and one line a person understands."""

from __future__ import annotations

import inspect

import pytest

from simulator import errors
from simulator.errors import AuthorError, CpfarmError, ProfileError, RemoteProtocolError, UnknownName

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, Exception)]


def test_every_error_has_one_root_and_stands_in_the_printed_tree() -> None:
    assert errors.__doc__ is not None
    for cls in CLASSES:
        assert issubclass(cls, CpfarmError)
        assert cls.__name__ in errors.__doc__, "the tree in the module's text is the documentation"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "no"),
        ({"field": "a.b"}, "a.b: no"),
        ({"file": "x.yaml"}, "x.yaml: no"),
        ({"file": "x.yaml", "line": 7}, "x.yaml:7: no"),
        ({"file": "x.yaml", "line": 7, "field": "a"}, "x.yaml:7: a: no"),
    ],
)
def test_an_author_reads_file_line_field_and_reason(fields: dict[str, object], text: str) -> None:
    error = ProfileError("no", **fields)  # type: ignore[arg-type]
    assert str(error) == text and isinstance(error, AuthorError)
    assert (error.file, error.line, error.field) == (fields.get("file"), fields.get("line"), fields.get("field"))


def test_a_peer_s_error_carries_the_answer_it_deserves() -> None:
    error = RemoteProtocolError("formation", "broken", message_id="7")
    assert (error.kind, error.description, error.message_id, str(error)) == ("formation", "broken", "7", "broken")
    assert RemoteProtocolError("protocol", "x").message_id is None


def test_an_unknown_name_says_the_nearest() -> None:
    assert str(UnknownName("quirk", "a", "b")) == "unknown quirk 'a'; did you mean 'b'?"
    assert str(UnknownName("quirk", "a", None)) == "unknown quirk 'a'"
