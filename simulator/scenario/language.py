"""The language of scenarios as data: JSON Schema for editors and other programs, and a row for each step.

Everything is derived from the step functions and the models; nothing is written twice. What the models accept beyond
their types is put into the schema here: a bare value for a step's first parameter, a bare name for a step without any,
and ``$name`` wherever a value may stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.report.summary import published_schema
from simulator.scenario.schema import scenario_model
from simulator.scenario.step import STEPS, Step, body_model, item_model
from simulator.scenario.words import MESSAGES, VERBS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VERSIONS = {
    "description": "protocol versions: 1.6, 2.0.1, 2.1; 2.x means both of the latter",
    "anyOf": [{"$ref": "#/$defs/Version"}, {"type": "array", "items": {"$ref": "#/$defs/Version"}}],
}


def schema_json() -> dict[str, Any]:
    """The JSON Schema of a scenario file."""
    from simulator.profile.schema import schema_json as profile_schema

    schema = scenario_model().model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema["$defs"]
    definitions["QuirkUse"] = profile_schema()["$defs"]["QuirkUse"]
    definitions["Version"] = {"enum": ["1.6", 1.6, "2.0.1", "2.1", 2.1, "2.x"]}
    definitions["Variable"] = {"type": "string", "pattern": r"\$", "description": "a text with $name in it"}
    definitions["Step"] = {"anyOf": [{"enum": list(STEPS)}, {"$ref": "#/$defs/StepItem"}]}
    item = definitions["StepItem"]
    item.pop("title", None)
    item["properties"]["ocpp"] = _VERSIONS
    item["oneOf"] = [{"required": [name]} for name in STEPS]
    for name in STEPS:
        _step(STEPS.get(name), item["properties"], definitions)
    top = schema["properties"]
    top["ocpp"] = _VERSIONS
    top["steps"] |= {"items": {"$ref": "#/$defs/Step"}}
    top["checks"] = {"anyOf": [{"enum": ["default", "none"]}, {k: top["checks"][k] for k in ("items", "type")}]}
    message = {"anyOf": [{"enum": list(MESSAGES)}, {"type": "string"}]}
    definitions["Message"] = message | {"description": "a message by its meaning, or an action of OCPP"}
    for body in ("Expect", "WaitFor"):
        for key in ("message", "no"):
            if key in definitions[body]["properties"]:
                definitions[body]["properties"][key]["examples"] = list(MESSAGES)
    definitions["Operator"]["properties"]["do"]["examples"] = list(VERBS)
    return {"$schema": DIALECT, **schema, "title": "cpfarm scenario"}


def _step(found: Step, properties: dict[str, Any], definitions: dict[str, Any]) -> None:
    """A step in the schema: its object, or what its bare value may be."""
    body = definitions[body_model(found).__name__]
    body["description"] = found.doc
    body.pop("title", None)
    for key, value in body.get("properties", {}).items():
        value.pop("title", None)
        if key == "steps":
            value["items"] = {"$ref": "#/$defs/Step"}
            continue
        told = {name: value.pop(name) for name in ("description", "default") if name in value}
        body["properties"][key] = {"anyOf": [value, {"$ref": "#/$defs/Variable"}], **told}
    forms: list[dict[str, Any]] = [{"$ref": f"#/$defs/{body_model(found).__name__}"}]
    if found.bare:
        bare = {k: v for k, v in body["properties"][found.bare].items() if k not in ("description", "default")}
        if found.whole:
            forms = [bare]
        else:
            forms.append(bare)
    if not body.get("required"):
        forms.append({"type": "null"})
    properties[found.name] = {"description": found.doc.split("\n")[0], "anyOf": forms}


def steps_table() -> list[tuple[str, str]]:
    """Name and purpose of every step, for lists."""
    item_model()
    return [(name, STEPS.get(name).doc.split("\n")[0]) for name in STEPS]


def _fleet() -> dict[str, Any]:
    from simulator.fleet.schema import schema_json as fleet

    return fleet()


def _target() -> dict[str, Any]:
    from simulator.fleet.target import schema_json as target

    return target()


def _profile() -> dict[str, Any]:
    from simulator.profile.schema import schema_json as profile

    return profile()


#: the kinds of files people write, and what runs of scenarios, of fleets and replays write as --summary -> their schema
SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "scenario": schema_json,
    "fleet": _fleet,
    "target": _target,
    "profile": _profile,
    "summary": lambda: published_schema("scenarios"),
    "run": lambda: published_schema("summary"),
    "replay": lambda: published_schema("replay"),
}
