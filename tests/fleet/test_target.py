"""Target files: rules, secrets, addresses, and the guards before any connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.errors import TargetError
from simulator.fleet.environment import expand
from simulator.fleet.operations import Operations
from simulator.fleet.target import (
    Target,
    guard,
    is_near,
    load_target,
    make_target,
    refuse_unsupported,
    schema_json,
    station_url,
    target_from_flags,
)
from simulator.fleet.target_file import TargetFile
from simulator.profile.checks import csms_actions
from simulator.resources import scenarios_dir
from simulator.yamlfile import load_text

SECRET = "correct-horse-battery"


def target(
    text: str = "url: ws://127.0.0.1:9000", environ: dict[str, str] | None = None, base: Path = Path()
) -> Target:
    return make_target(load_text(text, "t.yaml"), environ or {}, base_dir=base)


def headers(found: Target) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in found.fields.headers.items()}


def refused(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(TargetError) as caught:
        target(text, environ)
    assert SECRET not in str(caught.value)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("headers: {}", "t.yaml:1: url: is required"),
        ("ulr: ws://h\nurl: ws://h", "t.yaml:1: ulr: unknown key; did you mean 'url'?"),
        ("url: http://h/", "t.yaml:1: url: must begin with ws:// or wss://"),
        ("url: ws:///x", "t.yaml:1: url: names no host to connect to"),
        ("url: ws://h:99999/", "t.yaml:1: url: is not a valid address"),
        (f"url: ws://u:{SECRET}@h/", "t.yaml:1: url: must not hold a password; put it under auth"),
        ("url: ws://h/#x", "t.yaml:1: url: must not have a fragment (#)"),
        ("url: ws://h/{station}", "t.yaml:1: url: may hold {id} in its path or query, and no other placeholder"),
        ("url: ws://{id}.h/", "t.yaml:1: url: may hold {id} in its path or query, and no other placeholder"),
        ("url: ws://h\nsecurity_profile: 4", "t.yaml:2: security_profile: 4 is not one of 0, 1, 2, 3"),
        ("url: ws://h\nsecurity_profile: 2", "t.yaml:2: security_profile: security profile 2 needs a wss:// address"),
        ("url: wss://h\nsecurity_profile: 1",
         "t.yaml:2: security_profile: security profile 1 is without TLS; use 2 for a wss:// address"),
        ("url: wss://h\nsecure_url: wss://h", "t.yaml:2: secure_url: is for a url without TLS; url itself begins with wss://"),
        ("url: ws://h\nsecure_url: ws://h", "t.yaml:2: secure_url: must begin with wss://"),
        (f"url: ws://h\nproxy: ftp://u:{SECRET}@p", "t.yaml:2: proxy: must be an HTTP proxy, http://host:port"),
        ("url: wss://h\ntls: {versions: ssl}",
         "t.yaml:2: tls.versions: there is no TLS version 'ssl'; there are 1.2, 1.3"),
        ("url: wss://h\ntls: {suites: TLS_RSA_WITH_AES_128_GCM_SHA25}",
         "t.yaml:2: tls.suites: there is no cipher suite 'TLS_RSA_WITH_AES_128_GCM_SHA25'; "
         "did you mean 'TLS_RSA_WITH_AES_128_GCM_SHA256'?"),
        ("url: wss://h\ntls: {cert: x.pem}", "t.yaml:2: tls: cert and key go together"),
        ("url: wss://h\ntls: {cert: '{n}', key: k}", "t.yaml:2: tls.cert: may hold {id} and no other placeholder"),
        (f"url: ws://h\nauth: {{password: {SECRET}}}", "t.yaml:2: auth.format: is required"),
        (f"url: ws://h\nauth: {SECRET}", "t.yaml:2: auth: must be a mapping of keys to values"),
        (f"url: ws://h\nauth:\n  password: {SECRET}\n  format: hex",
         "t.yaml:3: auth.password: is not hexadecimal, as format: hex says"),
        ("url: ws://h\nauth:\n  password: 0x12\n  format: txt",
         "t.yaml:4: auth.format: 'txt' is not one of text, hex; did you mean 'text'?"),
        ("url: ws://h\nauth: {password: 12345, format: text}",
         "t.yaml:2: auth.password: must be a text; put quotes around a number"),
        ("url: ws://h\nauth: {password: a, password_file: b, format: text}",
         "t.yaml:2: auth: password and password_file exclude each other"),
        ("url: ws://h\nauth: {password: '', format: text}", "t.yaml:2: auth.password: is empty"),
        ("url: ws://h\nauth: {password_file: none.txt, format: text}",
         "t.yaml:2: auth.password_file: cannot be read: No such file or directory"),
        ("url: ws://h\nheaders:\n  X-A: 5", "t.yaml:3: headers.X-A: must be a text; put quotes around a number"),
        (f'url: ws://h\nheaders:\n  X-A: "{SECRET}\\r\\nX-B: 1"', "t.yaml:3: headers.X-A: is not a valid header"),
        ("url: ws://h\nconnect_timeout: 10", "t.yaml:2: connect_timeout: 10 has no unit; write 10s for seconds"),
        ("url: ws://h\nconnect_timeout: 0s", "t.yaml:2: connect_timeout: must be above 0"),
        ("url: ws://h\nsubprotocols: [a b]", "t.yaml:2: subprotocols: 'a b' is no name of a header or subprotocol"),
        ('url: ws://h\nheaders: {"X Y": a}', "t.yaml:2: headers: 'X Y' is no name of a header or subprotocol"),
        ("url: ws://h\nsource_addresses: [127.0.0.1, here]", "t.yaml:2: source_addresses: 'here' is not an IP address"),
        ("url: ws://h\ntokens: {vaild: X}", "t.yaml:2: tokens.vaild: unknown key; did you mean 'valid'?"),
        ("url: ws://h\ntokens: {valid: 4711}", "t.yaml:2: tokens.valid: must be a list"),
        (f"url: ws://h\ntokens: {{valid: {'A' * 37}}}",
         f"t.yaml:2: tokens.valid: the token '{'A' * 37}' must have 1 to 36 characters"),
        ("url: ws://h\noperations:\n  Rest: {url: http://h}",
         "t.yaml:3: operations.Rest: unknown action 'Rest'; did you mean 'Reset'?"),
        ("url: ws://h\noperations:\n  Reset: {url: h}",
         "t.yaml:3: operations.Reset.url: must begin with http:// or https://"),
        ("url: ws://h\noperations:\n  Reset: {url: 'http://h/{acton}'}",
         "t.yaml:3: operations.Reset.url: has no {acton} to fill in; there are"
         " {action}, {connector}, {payload}, {station}"),
        ("url: ws://h\noperations:\n  '*': {url: 'http://h', poll: {url: 'http://h/{x}', state: a, done: b}}",
         "t.yaml:3: operations.*.poll.url: has no {x} to fill in; there are"
         " {action}, {connector}, {payload}, {result}, {station}"),
        ("url: ws://h\noperations:\n  Reset: {url: http://h, method: PSOT}",
         "t.yaml:3: operations.Reset.method: 'PSOT' is not one of GET, POST, PUT, PATCH, DELETE; did you mean 'POST'?"),
        ("url: ws://h\ntransfers: {mode: reel}",
         "t.yaml:2: transfers.mode: 'reel' is not one of real, headers-only, simulated; did you mean 'real'?"),
    ],
)  # fmt: skip
def test_each_rule_says_where_and_why(text: str, line: str) -> None:
    assert refused(text) == [line]


def test_defaults() -> None:
    fields = target().fields
    assert (fields.connect_timeout_us, fields.authorised, fields.transfers.mode) == (10_000_000, False, "real")
    assert (fields.transfers.max_size_bytes, fields.transfers.at_once) == (5_000_000, 20)
    assert target("url: ws://h\ntokens: {valid: A, blocked: [B, C]}").fields.tokens.blocked == ("B", "C")


# --- environment -----------------------------------------------------------------------------------------------------


def test_environment() -> None:
    document = load_text("a: x${A}y${B}\nb: ['$${A}', 5, '${A}${A}']\nc: {d: '${EMPTY}'}", "t.yaml")
    data = expand(document, {"A": "1", "B": "${A}", "EMPTY": ""}, TargetError).data
    # What a variable holds is not looked at again.
    assert data == {"a": "x1y${A}", "b": ["${A}", 5, "11"], "c": {"d": ""}}


def test_unset_variable_is_named_and_no_value_shown() -> None:
    text = "url: ws://h\nauth:\n  password: ${CSMS_PASSWRD}\n  format: text"
    assert refused(text, {"CSMS_PASSWORD": SECRET}) == [
        "t.yaml:3: auth.password: the environment variable CSMS_PASSWRD is not set; did you mean 'CSMS_PASSWORD'?"
    ]
    assert refused("url: ws://${}") == ["t.yaml:1: url: ${} does not name a variable"]


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_secrets_do_not_show() -> None:
    text = f"""
url: ws://h/
auth: {{password: "${{P}}", format: text}}
headers: {{Authorization: "Bearer {SECRET}2"}}
proxy: http://u:{SECRET}3@p:1
operations:
  Reset: {{url: http://h/r, headers: {{X-Key: {SECRET}4}}, body: '{{"key": "{SECRET}5"}}'}}
"""
    found = target(text, {"P": SECRET})
    shown = (
        repr(found)
        + repr(found.fields)
        + str(found.fields)
        + repr(found.fields.model_dump())
        + repr(vars(found.fields))
    )
    assert SECRET not in shown
    assert found.secrets() == (
        SECRET,
        f"http://u:{SECRET}3@p:1",
        f"Bearer {SECRET}2",
        f"{SECRET}3",
        f"{SECRET}4",
        f'{{"key": "{SECRET}5"}}',
    )
    assert found.basic_password() == SECRET.encode()


def test_password_forms(tmp_path: Path) -> None:
    assert target("url: ws://h\nauth: {password: '00ff10', format: hex}").basic_password() == b"\x00\xff\x10"
    assert target("url: ws://h\nauth: {password: '00ff10', format: text}").basic_password() == b"00ff10"
    (tmp_path / "pw").write_text("grüße\n")
    text = "url: ws://h\nauth: {password_file: pw, format: text}"
    assert target(text, base=tmp_path).basic_password() == "grüße".encode()
    (tmp_path / "pw").write_text("one\ntwo\n")
    with pytest.raises(TargetError, match="must hold one line, the password"):
        target(text, base=tmp_path)
    assert target("url: ws://h").basic_password() is None


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "station_id", "joined"),
    [
        ("ws://h:9000", "CP1", "ws://h:9000/CP1"),
        ("ws://h:9000/", "CP1", "ws://h:9000/CP1"),
        ("ws://h/ocpp", "CP1", "ws://h/ocpp/CP1"),
        ("ws://h/ocpp/", "CP 1/ä", "ws://h/ocpp/CP%201%2F%C3%A4"),
        ("ws://h/ocpp?tenant=7&x=/", "CP1", "ws://h/ocpp/CP1?tenant=7&x=/"),
        ("ws://h?tenant=7", "CP1", "ws://h/CP1?tenant=7"),
        ("ws://h/{id}/ocpp?x={id}", "a?b", "ws://h/a%3Fb/ocpp?x=a%3Fb"),
        ("wss://[::1]:9/x", "CP1", "wss://[::1]:9/x/CP1"),
    ],
)
def test_station_url(url: str, station_id: str, joined: str) -> None:
    assert station_url(url, station_id) == joined
    assert target(f"url: '{url}'").station_url(station_id) == joined


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ("url: ws://h", 0),
        ("url: ws://h\nauth: {password: a, format: text}", 1),
        ("url: wss://h\nauth: {password: a, format: text}", 2),
        ("url: wss://h\ntls: {cert: c, key: k}", 3),
        ("url: wss://h", 0),
        ("url: wss://h\nsecurity_profile: 0\nauth: {password: a, format: text}", 0),
    ],
)
def test_security_profile(text: str, profile: int) -> None:
    assert target(text).security_profile == profile


def test_files_belong_to_the_target_file(tmp_path: Path) -> None:
    found = target("url: wss://h\ntls: {cert: 'c/{id}.pem', key: k}", base=tmp_path)
    assert found.file(found.fields.tls.cert or "", "CP1") == tmp_path / "c/CP1.pem"
    assert found.file("k", "../x") == tmp_path / "k"
    with pytest.raises(TargetError, match="cannot be part of the file name"):
        found.file("c/{id}.pem", "../../x")


def test_an_address_is_shown_without_its_query() -> None:
    assert target(f"url: ws://h/ocpp?key={SECRET}").display_url == "ws://h/ocpp?..."
    assert target("url: ws://h/ocpp").display_url == "ws://h/ocpp"


# --- flags -----------------------------------------------------------------------------------------------------------


def test_flags_are_a_target() -> None:
    flags = target_from_flags(
        csms="ws://h/x", security_profile=1, password=SECRET, headers=["X-A: b: c", "X-D:"], i_may_test_this=True
    )
    found = make_target(flags, {}, base_dir=Path())
    assert (found.fields.url, found.security_profile, found.fields.authorised) == ("ws://h/x", 1, True)
    assert {name: value.get_secret_value() for name, value in found.fields.headers.items()} == {
        "X-A": "b: c",
        "X-D": "",
    }
    assert found.basic_password() == SECRET.encode()
    with pytest.raises(TargetError, match=r"^--header: must be written as 'Name: value'$"):
        target_from_flags(headers=["nocolon"])
    with pytest.raises(TargetError) as caught:
        make_target(target_from_flags(csms="h:9000"), {}, base_dir=Path())
    assert str(caught.value) == "command line: url: must begin with ws:// or wss://"


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("url: ws://a/\nauth: {password_file: nowhere, format: hex}\nheaders: {A: '1', B: '2'}\n")
    found = load_target(path, {}, target_from_flags(csms="ws://b/", password="xyz", headers=["B: 3"]))
    assert found.fields.url == "ws://b/"
    assert found.basic_password() == b"xyz"
    assert headers(found) == {"A": "1", "B": "3"}
    with pytest.raises(TargetError) as caught:
        load_target(path, {}, {**target_from_flags(csms="x://b"), "auth": {"password": "a", "format": "text"}})
    assert str(caught.value) == "command line: url: must begin with ws:// or wss://"


# --- guards ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("LOCALHOST.", True),
        ("csms.localhost", True), ("10.1.2.3", True), ("172.16.0.1", True), ("172.31.255.255", True),
        ("192.168.1.1", True), ("169.254.1.1", True), ("fd00::1", True), ("fe80::1%eth0", True),
        ("::ffff:127.0.0.1", True), ("::ffff:8.8.8.8", False), ("172.32.0.1", False), ("11.0.0.1", False),
        ("8.8.8.8", False), ("2001:db8::1", False), ("0.0.0.0", False), ("100.64.0.1", False), ("192.0.2.1", False),
        ("csms.example", False), ("10.0.0.1.example", False), ("localhost.example", False), ("2130706433", False),
        ("127.1", False),
    ],
)  # fmt: skip
def test_is_near(host: str, near: bool) -> None:
    assert is_near(host) is near


def test_a_name_is_as_near_as_its_farthest_address() -> None:
    assert is_near("csms", lambda _: ["10.0.0.1", "fd00::1"])
    assert not is_near("csms", lambda _: ["10.0.0.1", "8.8.8.8"])
    assert not is_near("csms", lambda _: [])


FAR = "url: wss://csms.example/ocpp"


@pytest.mark.parametrize(
    ("count", "hostile", "faults", "reason"),
    [
        (51, (), (), "51 stations (more than 50) need"),
        (1, (), ("modem.outage", "meter.noise"), "network faults (modem.outage) need"),
        (1, ("tx-flood",), (), "hostile quirks (tx-flood) need"),
        (99, ("b", "a"), ("modem.slow",),
         "99 stations (more than 50) and network faults (modem.slow) and hostile quirks (a, b) need"),
    ],
)  # fmt: skip
def test_guard_of_somebody_elses_system(
    count: int, hostile: tuple[str, ...], faults: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(TargetError) as caught:
        guard(target(FAR), count, hostile, faults)
    assert reason in str(caught.value) and "csms.example" in str(caught.value)
    guard(target(FAR + "\nauthorised: true"), count, hostile, faults)
    guard(target(), count, hostile, faults)
    guard(target(FAR), count, hostile, faults, resolve=lambda _: ["10.0.0.1"])


def test_guard_lets_a_small_polite_test_pass() -> None:
    guard(target(FAR), 50, (), ("meter.noise",))


@pytest.mark.parametrize(
    ("text", "uses", "missing"),
    [
        ("url: ws://h", ("operations", "transfers"), "operations"),
    ],
)
def test_what_is_not_built_is_refused(text: str, uses: tuple[str, ...], missing: str) -> None:
    with pytest.raises(TargetError) as caught:
        refuse_unsupported(target(text), uses)
    assert str(caught.value) == f"t.yaml: not supported yet: {missing}"


def test_what_is_built_passes() -> None:
    refuse_unsupported(target("url: ws://h\nauth: {password: a, format: text}\noperations: {Reset: {url: http://h}}"))
    refuse_unsupported(target("url: wss://h\ntls: {cert: c, key: k}\nproxy: http://p:1"))


def test_where_a_station_goes_that_is_told_to_use_tls() -> None:
    assert target("url: ws://h:9000/a?b={id}").secure_url("x y") == "wss://h:9000/a?b=x%20y"
    assert target("url: ws://h/a\nsecure_url: wss://h:1/b").secure_url("x") == "wss://h:1/b/x"
    assert target("url: wss://h/a").secure_url("x") == target("url: wss://h/a").station_url("x")
    far = target("url: ws://127.0.0.1/\nsecure_url: wss://csms.example/")
    assert not far.is_near() and far.is_near(lambda _: ["10.0.0.1"])


def test_the_proxy_and_its_credentials() -> None:
    assert target().proxy is None
    proxy = target("url: ws://h\nproxy: http://u:p@p:3128").proxy
    assert proxy is not None and (proxy.host, proxy.port, proxy.credentials) == ("p", 3128, ("u", "p"))


# --- the shipped template, the schema --------------------------------------------------------------------------------


def test_the_template_is_a_target() -> None:
    path = scenarios_dir() / "targets" / "reference.yaml"
    found = load_target(path, {})
    assert found.is_near() and found.security_profile == 0
    tokens = found.fields.tokens
    assert all(getattr(tokens, role) for role in type(tokens).model_fields), "the template shows every role"
    operations = Operations(found.fields.operations)
    assert all(action in operations for action in csms_actions()), "no scenario is skipped for want of an operation"
    refuse_unsupported(found)


def test_the_template_still_is_one_with_every_comment_taken_away(tmp_path: Path) -> None:
    # Each commented example must be right: uncomment them one by one.
    lines = (scenarios_dir() / "targets" / "reference.yaml").read_text().splitlines()
    keys = set(TargetFile.model_fields) | {info.alias for info in TargetFile.model_fields.values()}
    examples = [i for i, line in enumerate(lines) if line.startswith("# ") and line[2:].partition(":")[0] in keys]
    assert len(examples) >= 6
    environ = {"TENANT": "t", "CSMS_PASSWORD": "p", "API_TOKEN": "a"}
    (tmp_path / "password.txt").write_text("00ff\n")
    for index in examples:
        example = lines[index][2:]
        key = example.partition(":")[0]
        kept = [line for line in lines if not line.startswith(f"{key}:")]
        text = "\n".join([*kept, example])
        if key == "tls":
            text = text.replace("url: ws://", "url: wss://")
        found: Any = make_target(load_text(text, "t.yaml"), environ, base_dir=tmp_path)
        assert getattr(found.fields, key), example
    text = "\n".join(lines).replace("\n#   ", "\n  ")
    fields = make_target(load_text(text, "t.yaml"), environ, base_dir=tmp_path).fields
    unlock = fields.operations["UnlockConnector"]
    assert unlock.poll is not None and unlock.poll.timeout_us == 30_000_000
    assert unlock.headers["Authorization"].get_secret_value() == "Bearer a"


def test_schema_lists_every_key() -> None:
    schema = schema_json()
    assert schema["required"] == ["url"] and not schema["additionalProperties"]
    assert {"url", "connect_timeout", "tokens", "authorised"} <= set(schema["properties"])
