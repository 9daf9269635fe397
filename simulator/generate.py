"""Writes the three message modules from the JSON schemas that the installed ``ocpp`` package ships.

Run ``python -m simulator.generate`` to write them and ``python -m simulator.generate --check`` to learn whether the
committed files are what the schemas give.

A schema becomes a `msgspec.Struct`, named as the specification names it. The struct carries what a strict decoder can
check while it reads: required and optional, unknown fields, types, enumerations, lengths, bounds. Two rules of the
schemas stay outside: ``multipleOf`` (binary floats make it lie; tenths are checked where they are used) and the
formats ``uri`` (the schemas' own validators do not check it either) and ``date-time`` (date-times stay strings; the
table ``DATETIMES`` says which fields they are).

OCPP 1.6 writes its nested types inline and without names. `NAMES_16` gives each the name of the 1.6 specification;
shapes under one name must be equal, which is checked here, so that a new edition of the schemas cannot merge by
accident what has become different.

2.0.1 and 2.1 are rendered by one dialect. Whatever field only 2.1 has exists in the 2.0.1 class as a class attribute
that is always ``UNSET``, and stands in ``ONLY_21``, by which ``make`` knows what it may leave out.
"""

from __future__ import annotations

import argparse
import json
import keyword
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import metadata, resources
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

COMMAND = "python -m simulator.generate"
WIDTH = 120

# Name of the module, its file, the folder of its schemas in the `ocpp` package, what OCPP calls the version, and
# whether the JSON Schema draft it is written in counts 1.0 as an integer (draft 6 does, draft 4 does not; the
# security messages of 1.6 are in draft 6, but a version has one rule, and it is that of its core messages).
VERSIONS = (
    ("16", "ocpp16/messages.py", "v16", "1.6", False),
    ("201", "ocpp2x/messages_201.py", "v201", "2.0.1", True),
    ("21", "ocpp2x/messages_21.py", "v21", "2.1", True),
)

# 1.6: property of an inline object or enumeration -> its name in the specification (chapter 7). A name that depends
# on the message is listed as "Message.property", Message being the name of the struct.
NAMES_16 = {
    "BootNotificationResponse.status": "RegistrationStatus",
    "CancelReservationResponse.status": "CancelReservationStatus",
    "ChangeAvailabilityRequest.type": "AvailabilityType",
    "ChangeAvailabilityResponse.status": "AvailabilityStatus",
    "ChangeConfigurationResponse.status": "ConfigurationStatus",
    "ClearCacheResponse.status": "ClearCacheStatus",
    "ClearChargingProfileResponse.status": "ClearChargingProfileStatus",
    "DataTransferResponse.status": "DataTransferStatus",
    "DiagnosticsStatusNotificationRequest.status": "DiagnosticsStatus",
    "FirmwareStatusNotificationRequest.status": "FirmwareStatus",
    "GetCompositeScheduleResponse.status": "GetCompositeScheduleStatus",
    "IdTagInfo.status": "AuthorizationStatus",
    "RemoteStartTransactionResponse.status": "RemoteStartStopStatus",
    "RemoteStopTransactionResponse.status": "RemoteStartStopStatus",
    "ReserveNowResponse.status": "ReservationStatus",
    "ResetRequest.type": "ResetType",
    "ResetResponse.status": "ResetStatus",
    "SendLocalListRequest.updateType": "UpdateType",
    "SendLocalListResponse.status": "UpdateStatus",
    "SetChargingProfileResponse.status": "ChargingProfileStatus",
    "StatusNotificationRequest.errorCode": "ChargePointErrorCode",
    "StatusNotificationRequest.status": "ChargePointStatus",
    # In the schema of StopTransaction, unlike that of MeterValues, a meter value may have no samples and Hertz is no
    # unit. The specification knows one MeterValue and one SampledValue; here there are two of each.
    "StopTransactionRequest.transactionData": "TransactionData",
    "TransactionData.sampledValue": "TransactionSampledValue",
    "TransactionSampledValue.unit": "TransactionUnitOfMeasure",
    "TriggerMessageRequest.requestedMessage": "MessageTrigger",
    "TriggerMessageResponse.status": "TriggerMessageStatus",
    "UnlockConnectorResponse.status": "UnlockStatus",
    "chargingProfile": "ChargingProfile",
    "chargingProfileKind": "ChargingProfileKindType",
    "chargingProfilePurpose": "ChargingProfilePurposeType",
    "chargingRateUnit": "ChargingRateUnitType",
    "chargingSchedule": "ChargingSchedule",
    "chargingSchedulePeriod": "ChargingSchedulePeriod",
    "configurationKey": "KeyValue",
    "context": "ReadingContext",
    "csChargingProfiles": "ChargingProfile",
    "format": "ValueFormat",
    "idTagInfo": "IdTagInfo",
    "localAuthorizationList": "AuthorizationData",
    "location": "Location",
    "measurand": "Measurand",
    "meterValue": "MeterValue",
    "phase": "Phase",
    "reason": "Reason",
    "recurrencyKind": "RecurrencyKindType",
    "sampledValue": "SampledValue",
    "unit": "UnitOfMeasure",
}

# Words that the general rule for snake_case would tear apart.
WORDS = {"V2X": "V2x", "EMAIDs": "Emaids", "EMAID": "Emaid", "SoC": "Soc", "SoH": "Soh", "VRef": "Vref"}


class GeneratorError(Exception):
    """A schema holds something the generator has no rule for; the message names schema and place."""


def load(folder: str) -> dict[str, Schema]:
    """Every schema of one version by the name of its file without ``.json``, in alphabetical order."""
    found = {}
    for entry in resources.files("ocpp").joinpath(folder, "schemas").iterdir():
        if entry.name.endswith(".json"):
            name = entry.name.removesuffix(".json")
            found[name] = json.loads(entry.read_text(encoding="utf-8-sig"))
    return dict(sorted(found.items()))


def struct_name(folder: str, name: str) -> str:
    """Name of a message's struct: the file's, and in 1.6, whose requests carry no suffix, ``Request`` behind it."""
    return f"{name}Request" if folder == "v16" and not name.endswith("Response") else name


def action(name: str) -> str:
    """The action a message struct belongs to, as the RPC frame spells it."""
    return name.removesuffix("Request").removesuffix("Response")


def snake(name: str) -> str:
    """Attribute name of a wire name: ``iso15118CertificateHashData`` -> ``iso15118_certificate_hash_data``."""
    for word, plain in WORDS.items():
        name = name.replace(word, plain)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return f"{name}_" if keyword.iskeyword(name) else name


@dataclass
class Attribute:
    """One field of a struct: attribute name, name on the wire, type as Python source, whether it must be there."""

    name: str
    wire: str
    type: str
    required: bool

    def line(self) -> str:
        """The field as one line of a class body."""
        options = [f'name="{self.wire}"'] if self.wire != self.name else []
        if self.required:
            return f"    {self.name}: {self.type}" + (f" = field({options[0]})" if options else "")
        value = f" = field(default=UNSET, {options[0]})" if options else " = UNSET"
        return f"    {self.name}: {self.type} | UnsetType{value}"


@dataclass
class Module:
    """Everything one generated file says, gathered from the schemas of one version."""

    folder: str
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    structs: dict[str, list[Attribute]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    messages: list[str] = field(default_factory=list)

    def add_enum(self, name: str, values: Iterable[str], where: str) -> str:
        """Enters an enumeration, or refuses one that has other values than an earlier one of the same name."""
        values = tuple(values)
        if set(self.enums.setdefault(name, values)) != set(values):
            raise GeneratorError(f"{where}: {name} has other values than elsewhere")
        return name

    def add_struct(self, name: str, schema: Schema, definitions: Schema, where: str) -> str:
        """Enters an object and all it refers to, or refuses one that differs from an earlier one of its name."""
        required = set(schema.get("required", ()))
        properties: Schema = schema.get("properties", {})
        if missing := required - properties.keys():
            raise GeneratorError(f"{where}: requires {sorted(missing)}, which it does not define")
        attributes = [
            Attribute(snake(wire), wire, self.type_of(part, definitions, f"{name}.{wire}"), wire in required)
            for wire, part in properties.items()
        ]
        attributes.sort(key=lambda a: not a.required)
        by_name = {a.name: a for a in attributes}
        if len(by_name) != len(attributes):
            raise GeneratorError(f"{where}: two fields of {name} get the same attribute name")
        known = self.structs.setdefault(name, attributes)
        if {a.name: a for a in known} != by_name:
            raise GeneratorError(f"{where}: {name} has other fields than elsewhere")
        if schema.get("additionalProperties", True) is not False:
            self.open.add(name)
        return name

    def name_of(self, where: str) -> str:
        """Name of an inline type of 1.6 at ``Struct.property``."""
        found = NAMES_16.get(where) or NAMES_16.get(where.partition(".")[2])
        if self.folder != "v16" or found is None:
            raise GeneratorError(f"{where}: an inline type without a name")
        return found

    def type_of(self, schema: Schema, definitions: Schema, where: str) -> str:
        """The Python source of a property's type; `where` is ``Struct.property``."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/definitions/")
            if name == "CustomDataType":
                self.add_struct(name, definitions[name], definitions, where)
                return "CustomData"
            target = definitions[name]
            if "enum" in target:
                return self.add_enum(name, target["enum"], where)
            return self.add_struct(name, target, definitions, where)
        match schema.get("type"):
            case "object":
                return self.add_struct(self.name_of(where), schema, definitions, where)
            case "array":
                item = self.type_of(schema["items"], definitions, where)
                if item == "DateTime":
                    raise GeneratorError(f"{where}: DATETIMES has no rule for lists")
                limits = meta(min_length=schema.get("minItems"), max_length=schema.get("maxItems"))
                return f"Annotated[list[{item}], {limits}]" if limits else f"list[{item}]"
            case "string" if "enum" in schema:
                return self.add_enum(self.name_of(where), schema["enum"], where)
            case "string" if schema.get("format") == "date-time":
                return "DateTime"
            case "string":
                return self.alias("Str", "str", {"max_length": schema.get("maxLength")})
            case "integer":
                low, high = whole(schema.get("minimum"), where), whole(schema.get("maximum"), where)
                return self.alias("Int", "int", {"ge": low, "le": high})
            case "number":
                return self.alias("Float", "float", {"ge": schema.get("minimum"), "le": schema.get("maximum")})
            case "boolean":
                return "bool"
            case None if not schema.keys() - {"description"}:
                return "Raw"
        raise GeneratorError(f"{where}: no rule for {schema.keys()}")

    def alias(self, prefix: str, base: str, limits: dict[str, Any]) -> str:
        """Name of the constrained type, entered as an alias; the plain type if nothing limits it."""
        given = {word: limit for word, limit in limits.items() if limit is not None}
        if not given:
            return base
        words = {"max_length": "", "ge": "From", "le": "To"}
        name = prefix + "".join(f"{words[w]}{limit:g}".replace("-", "Minus") for w, limit in given.items())
        self.aliases[name] = f"Annotated[{base}, {meta(**given)}]"
        return name


def meta(**limits: Any) -> str:
    """Source of a ``Meta(...)`` with the limits that are there, or nothing."""
    given = ", ".join(f"{word}={limit!r}" for word, limit in limits.items() if limit is not None)
    return f"Meta({given})" if given else ""


def whole(bound: float | None, where: str) -> int | None:
    """A bound of an integer as an integer (the schemas write 0.0)."""
    if bound is not None and bound != int(bound):
        raise GeneratorError(f"{where}: an integer bounded by {bound}")
    return None if bound is None else int(bound)


def gather(folder: str) -> Module:
    """All enumerations, types and messages of one version."""
    module = Module(folder)
    for name, schema in load(folder).items():
        message = struct_name(folder, name)
        module.messages.append(message)
        module.add_struct(message, schema, schema.get("definitions", {}), name)
    return module


def wrapped(head: str, items: Iterable[str], tail: str) -> Iterator[str]:
    """``head item, item, tail`` on one line, or filled into indented lines of its own."""
    items = list(items)
    line = f"{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH:
        yield line
        return
    margin = " " * (len(head) - len(head.lstrip()))
    text = textwrap.fill(
        ", ".join(items) + ",", WIDTH - 4 - len(margin), break_long_words=False, break_on_hyphens=False
    )
    yield head
    yield textwrap.indent(text, margin + "    ")
    yield margin + tail


MAKE = {
    False: '''\
def make(cls: type[T], **fields: Any) -> T:
    """Builds a struct of this module; a field it does not have, or lacks, is an error of ours (AssertionError)."""
    try:
        return cls(**fields)
    except TypeError as error:
        raise AssertionError(f"{cls.__name__}: {error}") from error''',
    True: '''\
def make(cls: type[T], **fields: Any) -> T:
    """Builds a struct of this module, leaving out the fields that only 2.1 has.

    Any other field it does not have, or lacks, is an error of ours (AssertionError).
    """
    later = ONLY_21.get(cls.__name__)
    if later is not None:
        fields = {name: value for name, value in fields.items() if name not in later}
    try:
        return cls(**fields)
    except TypeError as error:
        raise AssertionError(f"{cls.__name__}: {error}") from error''',
}


def lines(module: Module, version: str, integral: bool, later: Module | None) -> Iterator[str]:
    """The lines of a generated file; `later` is the module of 2.1 when this is that of 2.0.1."""
    only_21 = {} if later is None else differences(module, later)
    has_raw = "CustomDataType" in module.structs
    yield f'"""The messages of OCPP {version} as structs.'
    yield ""
    yield f"Generated by `{COMMAND}` from the JSON schemas of the `ocpp` package, version"
    yield f"{metadata.version('ocpp')}. Do not edit: change simulator/generate.py and run it again."
    yield ""
    yield "Constructors do not validate; decoding does. A field that is left out is UNSET, and null is refused."
    if has_raw:
        yield "CustomData and the data of DataTransfer are raw: their bytes are kept and sent again as they came."
    yield '"""'
    yield ""
    yield "from __future__ import annotations"
    yield ""
    yield f"from typing import Annotated, Any, {'ClassVar, ' if only_21 else ''}Literal, TypeVar"
    yield ""
    yield f"from msgspec import UNSET, Meta, {'Raw, ' if has_raw else ''}Struct, UnsetType, field"
    yield ""
    yield f'VERSION = "{version}"'
    yield ""
    yield "#: Whether a number like 1.0 passes as an integer (it does in the JSON Schema draft of this version)."
    yield f"INTEGRAL_FLOATS = {integral}"
    yield ""
    yield "DateTime = str"
    if has_raw:
        yield "CustomData = Raw"
    for name, source in sorted(module.aliases.items(), key=lambda item: natural(item[0])):
        yield f"{name} = {source}"
    yield ""
    for name, values in sorted(module.enums.items()):
        yield from wrapped(f"{name} = Literal[", (f'"{value}"' for value in values), "]")
    yield ""
    yield ""
    yield "class Message(Struct, gc=False, forbid_unknown_fields=True):"
    yield '    """Base of every struct here. Structs hold no reference cycles, so the collector need not track them."""'
    yield ""
    yield ""
    yield 'T = TypeVar("T", bound=Message)'
    messages = set(module.messages)
    for name in sorted(module.structs.keys() - messages) + module.messages:
        attributes = module.structs[name]
        yield ""
        yield ""
        yield f"class {name}(Message, kw_only=True{', forbid_unknown_fields=False' if name in module.open else ''}):"
        yield from (attribute.line() for attribute in attributes)
        yield from (f"    {extra}: ClassVar[UnsetType] = UNSET" for extra in only_21.get(name, ()))
        if not attributes and name not in only_21:
            yield "    pass"
    yield ""
    yield ""
    requests = [name for name in module.messages if not name.endswith("Response")]
    responses = [name for name in module.messages if name.endswith("Response")]
    for table, names in (("REQUESTS", requests), ("RESPONSES", responses)):
        yield f"{table}: dict[str, type[Message]] = {{"
        yield from (f'    "{action(name)}": {name},' for name in names)
        yield "}"
        yield ""
    unanswered = sorted({action(n) for n in requests} - {action(n) for n in responses})
    yield "#: Actions that are sent without expecting an answer."
    inner = ", ".join(f'"{name}"' for name in unanswered)
    yield f"SENDS: frozenset[str] = frozenset({f'{{{inner}}}' if inner else ''})"
    yield ""
    yield "#: Struct -> its attributes that are date-times (RFC 3339)."
    yield "DATETIMES: dict[str, tuple[str, ...]] = {"
    for name, attributes in sorted(module.structs.items()):
        if stamps := [f'"{a.name}"' for a in attributes if a.type == "DateTime"]:
            yield f'    "{name}": ({", ".join(stamps)}{"," if len(stamps) == 1 else ""}),'
    yield "}"
    if later is not None:
        yield ""
        yield "#: Struct -> the attributes that only 2.1 has."
        yield "ONLY_21: dict[str, frozenset[str]] = {"
        for name, extras in only_21.items():
            yield from wrapped(f'    "{name}": frozenset({{', (f'"{extra}"' for extra in extras), "}),")
        yield "}"
    yield ""
    yield ""
    yield MAKE[later is not None]


def differences(earlier: Module, later: Module) -> dict[str, list[str]]:
    """Struct -> attributes that the later version adds to it."""
    found = {}
    for name, attributes in sorted(earlier.structs.items()):
        have = {attribute.name for attribute in attributes}
        if extras := sorted(a.name for a in later.structs.get(name, ()) if a.name not in have):
            found[name] = extras
    return found


def natural(name: str) -> tuple[str, int, str]:
    """Sort key that puts Str20 before Str100."""
    number = re.search(r"\d+", name)
    return (name.rstrip("0123456789"), int(number[0]) if number else 0, name)


def generate() -> dict[str, str]:
    """The generated files: path below ``simulator/`` -> text."""
    modules = {key: gather(folder) for key, _, folder, _, _ in VERSIONS}
    return {
        path: "\n".join([*lines(modules[key], version, integral, modules["21"] if key == "201" else None), ""])
        for key, path, _, version, integral in VERSIONS
    }


def main(arguments: list[str] | None = None) -> int:
    """Writes the files, or with ``--check`` compares; 1 if one is not what it should be."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Writes the OCPP message structs.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not up to date")
    check = parser.parse_args(arguments).check
    home = Path(__file__).parent
    stale = []
    for path, text in generate().items():
        target = home / path
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not check:
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path}: {f'not up to date, run {COMMAND}' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
