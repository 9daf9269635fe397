"""The rules of the house, as tests.

A rule is a function from the tree's files to findings, each `path:line: what is wrong`. Every rule is run twice: over
the real tree, where it must find nothing, and over a planted offence, which it must find; so no rule can rot into one
that never fires. Rules read the files git knows or would add; what is ignored is nobody's business.

An exception is written down in EXCEPTIONS with its reason. The best number of exceptions is none.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Rule name -> paths it leaves alone, each with a comment that says why.
EXCEPTIONS: dict[str, frozenset[str]] = {}

# Pure by decree: these are given the time and every random number, and touch nothing outside.
PURE = (
    *(f"simulator.{name}" for name in ("core", "blocks", "hardware", "world", "quirks", "ocpp16", "ocpp2x")),
    *(f"simulator.{name}" for name in ("wire.rpc", "wire.codec", "registry", "errors", "__version__")),
)
NEUTRAL = ("simulator/core/", "simulator/blocks/", "simulator/hardware/")  # know no protocol version
STATION = (*NEUTRAL, "simulator/world/", "simulator/quirks/", "simulator/wire/", "simulator/fleet/")
GENERATED = ("simulator/ocpp16/messages.py", "simulator/ocpp2x/messages_201.py", "simulator/ocpp2x/messages_21.py")
LINES_MAX = 450

# fmt: off
AMBIENT = frozenset(
    {
        "asyncio", "concurrent", "contextvars", "ctypes", "datetime", "http", "importlib", "locale", "logging",
        "multiprocessing", "os", "pathlib", "platform", "random", "sched", "secrets", "select", "selectors", "shutil",
        "signal", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "uuid",
        "zoneinfo",
    }
)
# fmt: on
AMBIENT_CALLS = frozenset({"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"})
# Who may not know whom, beyond "pure knows only pure".
DIALECTS = ("simulator.ocpp16", "simulator.ocpp2x")
STRANGERS: dict[str, tuple[str, ...]] = {
    "simulator.blocks": (*DIALECTS, "simulator.quirks", "simulator.wire", "simulator.fleet"),
    "simulator.hardware": (*DIALECTS, "simulator.blocks", "simulator.quirks", "simulator.wire"),
    "simulator.world": (*DIALECTS, "simulator.quirks", "simulator.wire"),
    "simulator.core": DIALECTS,
}
VERSION_TEXT = re.compile(r"(?<![\d.])(1\.6J?|2\.0\.1|2\.1)(?![\d\w]|\.\d)")
VERSION_NAME = re.compile(r"ocpp_?[12]|(?<![a-z])v_?(1_?6|2_?0_?1|2_?1|2x)(?![0-9])|ocpp_?version", re.IGNORECASE)
BRANCH_WORDS = frozenset({"vendor", "vendor_name", "charge_point_vendor", "testing", "is_testing"})
# Written so that this file does not contain what it looks for.
UNFINISHED = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")
REGISTRIES = re.compile(r"\b(pypi\.org|pythonhosted\.org|registry\.npmjs\.org|crates\.io|proxy\.golang\.org)\b")
MACHINE_PATHS = [r"/(?:home|Users)/[a-z]\w*/", r"/r[o]ot/"]
if len(ROOT.parts) > 2 and ROOT.parts[1] not in {
    "tmp",
    "usr",
    "var",
    "home",
    "opt",
    "etc",
    "srv",
    "app",
    "src",
    "mnt",
    "private",
    "build",
}:
    MACHINE_PATHS.append(rf"(?<![\w.]){re.escape('/' + ROOT.parts[1])}/\w")  # the folder this checkout lives under
MACHINE_PATH = re.compile("|".join(MACHINE_PATHS))


@dataclass(frozen=True)
class Source:
    """One file: its path from the top of the tree, and what it says."""

    path: str
    text: str

    @cached_property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(ast.parse(self.text, self.path))) if self.path.endswith(".py") else ()

    @cached_property
    def imports(self) -> tuple[tuple[int, str], ...]:
        """(line, dotted name) of what is imported at run time; `from a import b` gives a.b."""
        typing_only = {
            id(inner)
            for node in self.nodes
            if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
            for statement in node.body
            for inner in ast.walk(statement)
        }
        found: list[tuple[int, str]] = []
        for node in self.nodes:
            if id(node) in typing_only:
                continue
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                package = self.module if self.path.endswith("/__init__.py") else self.module.rpartition(".")[0]
                up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                base = ".".join([*up, *([node.module] if node.module else [])])
                found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
        return tuple(found)

    @cached_property
    def pure(self) -> bool:
        return self.path.endswith(".py") and within(self.module, PURE)


Tree = tuple[Source, ...]
Rule = Callable[[Tree], Iterator[str]]


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@cache
def tree() -> Tree:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    sources = []
    for path in sorted(set(listed.stdout.split("\0")) - {""}):
        try:
            sources.append(Source(path, (ROOT / path).read_text(encoding="utf-8")))
        except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
            continue  # deleted but not yet committed, a nested repository, or an image
    return tuple(sources)


def pure_modules_stay_pure(files: Tree) -> Iterator[str]:
    for source in (file for file in files if file.pure):
        for line, name in source.imports:
            top = name.partition(".")[0]
            if top in AMBIENT and not name.startswith("urllib.parse"):
                yield f"{source.path}:{line}: a pure module imports '{top}'"
            elif top == "simulator" and not within(name, PURE):
                yield f"{source.path}:{line}: a pure module imports '{name}', which is not pure"
            elif top not in sys.stdlib_module_names and top not in ("simulator", "msgspec"):
                yield f"{source.path}:{line}: a pure module imports '{top}'; msgspec is the only library allowed"
        for node in source.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in AMBIENT_CALLS:
                yield f"{source.path}:{node.lineno}: a pure module calls {node.func.id}()"


def packages_keep_their_distance(files: Tree) -> Iterator[str]:
    for package, strangers in STRANGERS.items():
        for source in files:
            if within(source.module, (package,)):
                for line, name in source.imports:
                    if within(name, strangers):
                        yield f"{source.path}:{line}: {package} may not import '{name}'"


def names_of(node: ast.AST) -> Iterator[str]:
    """Every identifier this one node carries."""
    for field in ("id", "attr", "arg", "name", "asname", "module"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value


def neutral_modules_name_no_version(files: Tree) -> Iterator[str]:
    for source in (file for file in files if file.path.startswith(NEUTRAL)):
        prose = {id(node.value) for node in source.nodes if isinstance(node, ast.Expr)}  # docstrings may cite the spec
        for node in source.nodes:
            line = getattr(node, "lineno", 1)
            for name in names_of(node):
                if VERSION_NAME.search(name):
                    yield f"{source.path}:{line}: the name '{name}' belongs to a dialect"
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                found = VERSION_TEXT.search(node.value) or VERSION_NAME.search(node.value)
                if found:
                    yield f"{source.path}:{line}: '{found[0]}' belongs to a dialect"


def no_branch_on_vendor_or_testing(files: Tree) -> Iterator[str]:
    for source in files:
        if not (source.pure or source.path.startswith(STATION)):
            continue
        for node in source.nodes:
            tests: list[ast.expr] = []
            if isinstance(node, ast.If | ast.IfExp | ast.While):
                tests = [node.test]
            elif isinstance(node, ast.Match):
                tests = [node.subject]
            elif isinstance(node, ast.comprehension):
                tests = node.ifs
            words = {name for test in tests for inner in ast.walk(test) for name in names_of(inner)}
            for word in sorted(words & BRANCH_WORDS):
                line = getattr(node, "lineno", tests[0].lineno)
                yield f"{source.path}:{line}: a decision by '{word}'; make it a quirk or a port"


def nothing_is_skipped_in_silence(files: Tree) -> Iterator[str]:
    for source in (file for file in files if file.path.startswith("tests/")):
        called = {id(node.func) for node in source.nodes if isinstance(node, ast.Call)}
        for node in source.nodes:
            if isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant) and node.test.value:
                yield f"{source.path}:{node.lineno}: this assertion cannot fail"
            elif isinstance(node, ast.Attribute) and id(node) not in called:
                if re.fullmatch(r"(pytest\.)?mark\.(skip|skipif|xfail)", ast.unparse(node)):
                    yield f"{source.path}:{node.lineno}: {ast.unparse(node)} without a reason"
            elif isinstance(node, ast.Call):
                what = ast.unparse(node.func)
                given = {keyword.arg for keyword in node.keywords} & {"reason", "msg"}
                first_is_reason = what.endswith((".skip", ".xfail")) and bool(node.args)
                if re.fullmatch(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)", what) and not (
                    given or first_is_reason
                ):
                    yield f"{source.path}:{node.lineno}: {what} without a reason"


def files_stay_small(files: Tree) -> Iterator[str]:
    for source in files:
        lines = source.text.count("\n")
        if source.path.endswith(".py") and source.path not in GENERATED and lines > LINES_MAX:
            yield f"{source.path}:{LINES_MAX}: {lines} lines, more than {LINES_MAX}; split it along its subjects"


def every_module_has_a_test(files: Tree) -> Iterator[str]:
    """A test file names the module, by importing it or, for `python -m`, as a string."""
    known: set[str] = set()
    for source in (file for file in files if file.path.startswith("tests/")):
        for _, name in source.imports:
            known |= {name, name.rpartition(".")[0]}
        known |= {node.value for node in source.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for source in files:
        if not (source.path.startswith("simulator/") and source.path.endswith(".py")):
            continue
        if source.path.endswith(("/__init__.py", "/__main__.py")) and not any(
            isinstance(node, definition) for node in source.nodes
        ):
            continue  # re-exports, or the one call that starts a program
        if source.module not in known:
            yield f"{source.path}:1: no test imports {source.module}"


def nothing_is_left_unfinished(files: Tree) -> Iterator[str]:
    yield from grep(files, UNFINISHED, "finish it, or refuse it with a clear error")


def no_path_of_this_machine(files: Tree) -> Iterator[str]:
    yield from grep(files, MACHINE_PATH, "a path of somebody's machine")


def no_package_registry(files: Tree) -> Iterator[str]:
    yield from grep(files, REGISTRIES, "a registry host; that is the business of pip's own configuration")
    locks = tuple(file for file in files if re.search(r"(constraints|requirements)[^/]*\.txt$|\.lock$", file.path))
    yield from grep(locks, re.compile(r"://|^\s*-"), "a pinned version and nothing else belongs here")


def grep(files: Tree, pattern: re.Pattern[str], why: str) -> Iterator[str]:
    for source in files:
        if source.path != "LICENSE" and pattern.search(source.text):
            for number, line in enumerate(source.text.splitlines(), 1):
                if found := pattern.search(line):
                    yield f"{source.path}:{number}: '{found[0]}': {why}"


def every_dependency_is_pinned(files: Tree) -> Iterator[str]:
    texts = {file.path: file.text for file in files}
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    pinned = {normal(line) for line in texts["constraints.txt"].splitlines() if "==" in line}
    extras = [line for group in project.get("optional-dependencies", {}).values() for line in group]
    for dependency in [*project["dependencies"], *extras]:
        if normal(dependency) not in pinned:
            yield f"constraints.txt:1: {normal(dependency)} is not pinned; 'make constraints' writes it"


def normal(requirement: str) -> str:
    """Name of a requirement as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


# What each rule must see, and in which line; a ~ keeps the words apart that this file may not contain itself.
PLANTED: list[tuple[Rule, str, str, int]] = [
    (pure_modules_stay_pure, "simulator/core/x.py", "import msgspec\nimport time\n", 2),
    (pure_modules_stay_pure, "simulator/wire/rpc.py", "from datetime import UTC\n", 1),
    (pure_modules_stay_pure, "simulator/errors.py", "import os.path\n", 1),
    (pure_modules_stay_pure, "simulator/world/x.py", "import pydantic\n", 1),
    (pure_modules_stay_pure, "simulator/quirks/x.py", "from simulator.fleet import live\n", 1),
    (pure_modules_stay_pure, "simulator/ocpp16/x.py", "from ..fleet import live\n", 1),
    (pure_modules_stay_pure, "simulator/blocks/x.py", "def f():\n    print(1)\n", 2),
    (packages_keep_their_distance, "simulator/blocks/x.py", "from simulator.quirks import seams\n", 1),
    (packages_keep_their_distance, "simulator/core/x.py", "def f():\n    import simulator.ocpp16.messages\n", 2),
    (neutral_modules_name_no_version, "simulator/blocks/x.py", '"""1.6."""\nA = "2.0.1"\n', 2),
    (neutral_modules_name_no_version, "simulator/core/x.py", "def f(v16):\n    pass\n", 1),
    (neutral_modules_name_no_version, "simulator/hardware/x.py", "A = 1\nis_ocpp16 = A\n", 2),
    (no_branch_on_vendor_or_testing, "simulator/ocpp2x/x.py", "def f(p):\n    if p.vendor == 'A':\n        pass\n", 2),
    (no_branch_on_vendor_or_testing, "simulator/fleet/x.py", "A = [p for p in () if not p.testing]\n", 1),
    (nothing_is_skipped_in_silence, "tests/x.py", "@pytest.mark.skip\ndef f(): ...\n", 1),
    (nothing_is_skipped_in_silence, "tests/x.py", "@pytest.mark.skipif(True)\ndef f(): ...\n", 1),
    (nothing_is_skipped_in_silence, "tests/x.py", "x = 1\npytest.importorskip('x')\n", 2),
    (nothing_is_skipped_in_silence, "tests/x.py", "assert True\n", 1),
    (files_stay_small, "simulator/x.py", "#\n" * (LINES_MAX + 1), LINES_MAX),
    (every_module_has_a_test, "simulator/x.py", "A = 1\n", 1),
    (nothing_is_left_unfinished, "README.md", "fine\nTO~DO: more\n", 2),
    (no_path_of_this_machine, "a.yaml", "a: 1\nca: /ro~ot/ca.pem\n", 2),
    (no_path_of_this_machine, "a.yaml", "ca: /ho~me/me/ca.pem\n", 1),
    (no_package_registry, "constraints.txt", "a==1\n--index-url https://host/simple\n", 2),
    (no_package_registry, "Dockerfile", "RUN curl https://pyp~i.org/\n", 1),
]
RULES = [*dict.fromkeys(rule for rule, *_ in PLANTED), every_dependency_is_pinned]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    left_alone = EXCEPTIONS.get(rule.__name__, frozenset())
    findings = [finding for finding in rule(tree()) if finding.partition(":")[0] not in left_alone]
    assert not findings, "\n" + "\n".join(findings)


@pytest.mark.parametrize(
    ("rule", "path", "text", "line"), PLANTED, ids=[f"{rule.__name__}-{n}" for n, (rule, *_) in enumerate(PLANTED)]
)
def test_the_rule_sees_an_offence(rule: Rule, path: str, text: str, line: int) -> None:
    findings = list(rule((Source(path, text.replace("~", "")),)))
    assert [finding for finding in findings if finding.startswith(f"{path}:{line}: ")], findings


def test_an_unpinned_dependency_is_seen() -> None:
    project = Source("pyproject.toml", '[project]\ndependencies = ["ruamel.yaml>=1; os_name == \'nt\'", "other[x]"]\n')
    pins = Source("constraints.txt", "ruamel_yaml==0.19\n")
    assert [line.split(" ")[1] for line in every_dependency_is_pinned((project, pins))] == ["other"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("simulator/core/x.py", '"""Heartbeat, 1.6 section 4.6."""\nA = "12.1 V, 2.1.4"  # OCPP 2.0.1\nkey16 = A\n'),
        ("simulator/core/x.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import datetime\n"),
        ("simulator/blocks/x.py", "from ..core.rng import draw\nfrom simulator import errors\nimport urllib.parse\n"),
        ("simulator/cli.py", "import time\ndef f(vendor):\n    if vendor: print(1)\n"),
        ("tests/x.py", "@pytest.mark.skipif(True, reason='no TLS')\ndef f(): pytest.skip('no network')\n"),
    ],
)
def test_no_rule_cries_wolf(path: str, text: str) -> None:
    files = (Source(path, text), Source("tests/y.py", "import simulator.core.x, simulator.blocks.x, simulator.cli\n"))
    assert [finding for rule in RULES[:-1] for finding in rule(files)] == []


def test_every_exception_names_a_rule_and_a_file() -> None:
    paths = {source.path for source in tree()}
    assert set(EXCEPTIONS) <= {rule.__name__ for rule in RULES}
    assert {path for left_alone in EXCEPTIONS.values() for path in left_alone} <= paths


@pytest.mark.parametrize("tool", ["ruff check --quiet .", "ruff format --check .", "mypy"])
def test_lint_format_and_types(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *tool.split()], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, f"{tool}\n{done.stdout}{done.stderr}"
