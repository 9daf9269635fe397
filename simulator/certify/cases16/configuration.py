"""Reading and changing keys."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.configuration import keys
from simulator.certify.rules import OMITTED, one_of, such_that
from simulator.certify.tester import Tester

FEATURES, MAX_KEYS = "SupportedFeatureProfiles", "GetConfigurationMaxKeys"
INTERVAL = "MeterValueSampleInterval"
NO_UNKNOWN = one_of(OMITTED, [])


@case("TC_019")
def read(t: Tester) -> None:
    """One key, all keys, as many keys as one request may name."""
    heard = t.call(
        2,
        "GetConfiguration",
        {"key": [FEATURES]},
        {"unknownKey": NO_UNKNOWN, "configurationKey.0.key": FEATURES, "configurationKey.1": OMITTED},
    )
    features = heard.payload["configurationKey"][0]["value"].split(",")
    heard = t.call(4, "GetConfiguration", {})
    told = [row["key"] for row in heard.payload["configurationKey"]]
    for key in keys().values():
        if not key.required or key.profile not in features:
            continue
        t.check(4, f"{key.name} of {key.profile} is told", key.name in told, "not told")
        access = {"RW": False, "R": True}.get(key.access)
        if access is not None:
            t.validate(4, heard, {f"configurationKey.{told.index(key.name)}.readonly": access})
    heard = t.call(6, "GetConfiguration", {"key": [MAX_KEYS]}, {"configurationKey.0.key": MAX_KEYS})
    most = int(heard.payload["configurationKey"][0]["value"])
    asked = told[:most]
    all_of_them = such_that(
        f"the {len(asked)} keys asked for", lambda rows: sorted(row["key"] for row in rows) == sorted(asked)
    )
    t.call(8, "GetConfiguration", {"key": asked}, {"unknownKey": NO_UNKNOWN, "configurationKey": all_of_them})


@case("TC_021", settings={INTERVAL: lambda t: t.tool.sample_interval_s + 1})
def change(t: Tester) -> None:
    """A change is taken and told."""
    value = str(t.tool.sample_interval_s)
    t.call(2, "ChangeConfiguration", {"key": INTERVAL, "value": value}, status="Accepted")
    told = {"configurationKey.0.key": INTERVAL, "configurationKey.0.value": value}
    t.call(4, "GetConfiguration", {"key": [INTERVAL]}, told)


@case("TC_040_1")
def unknown_key(t: Tester) -> None:
    """A key nobody has."""
    t.call(2, "ChangeConfiguration", {"key": "Testing", "value": "true"}, status="NotSupported")


@case("TC_040_2")
def impossible_value(t: Tester) -> None:
    """A value that cannot be."""
    change_ = {"key": INTERVAL, "value": "-1"}
    t.call(2, "ChangeConfiguration", change_, or_error="PropertyConstraintViolation", status="Rejected")
