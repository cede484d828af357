"""What the modules may import, what they export, and that everything public is described."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final, TypeGuard

import pytest

import refold_async

PACKAGE: Final = "refold_async"
TESTING: Final = f"{PACKAGE}.testing"
ROOT: Final = Path(refold_async.__file__).parent

# The floors, from the ground up: a module imports of those below its own floor, and of its own package.
FLOORS: Final = [
    {"version", "faults", "models", "runtime"},
    {"errors", "retry_table"},
    {"codec", "config"},
    {"protocol", "limits", "journal", "webhooks"},
    {"transport"},
    {"pipeline"},
    {"resources", "jobs"},
    {"client", "fan_out_methods", "observers", "telemetry", "__init__"},
]
# A program beside others: it stands on all of the client and on the mock, and nothing stands on it.
PROGRAM: Final = {"cli", "__main__"}
# Those of the mock, which stands beside the client.
MOCK_FLOORS: Final = [
    {"protocol"},
    {"catalogue", "faults"},
    {"state"},
    {"endpoints"},
    {"server"},
    {"mock_refold", "__init__", "serving", "__main__"},
]
# Each of these is known to one module alone, or to one package.
KNOWN_TO: Final = {
    "aiohttp": "transport",
    "backoff": "pipeline.retry",
    "cattrs": "codec.structuring",
    "jsonschema": "codec.json_schema",
    "logging": "runtime.log",  # others would let what filters raise out of their calls
    "opentelemetry": "telemetry",
    "orjson": "codec.json_codec",
    "psycopg": "journal.postgres.connection",
    "redis": "limits.redis.server",
    "rich": "jobs.report_table",
    "sqlite3": "journal.sqlite",
    "tqdm": "jobs.progress_bar",
}
LONGEST: Final = 300
LISTS: Final = {"__init__"}
"""Modules that are only lists of names, as long as there are names."""
TELLING_NOTHING: Final = {"utils", "util", "common", "base", "helpers", "helper", "misc", "core", "types"}


def short_name(path: Path) -> str:
    """Return the dotted name of the module in a file without the package's, such as `limits.pauses`."""
    *packages, name = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([*packages, name] if name != "__init__" or not packages else packages)


MODULES: Final = {short_name(path): path for path in sorted(ROOT.rglob("*.py"))}
MOCK: Final = {name: path for name, path in MODULES.items() if name.split(".")[0] == "testing"}
COMMAND_LINE: Final = {name: path for name, path in MODULES.items() if name.split(".")[0] in PROGRAM}
CLIENT: Final = {name: path for name, path in MODULES.items() if name not in MOCK | COMMAND_LINE}


def module_name(path: Path) -> str:
    """Return the dotted name of the module in a file."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def is_for_type_checkers(node: ast.AST) -> TypeGuard[ast.If]:
    """Tell whether a node is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports_of(tree: ast.AST, package: str) -> Iterator[str]:
    """Give the dotted name of whatever a module imports at run time, wherever in it; of `from x import y`, `x.y`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif is_for_type_checkers(node):
            yield from imports_of(ast.Module(node.orelse, []), package)
        else:
            yield from imports_of(node, package)


def package_of(path: Path) -> str:
    """Return the dotted name of the package that a file is in."""
    name = module_name(path)
    return name if path.name == "__init__.py" else name.rpartition(".")[0]


@cache
def imports_of_file(path: Path) -> list[str]:
    """Give whatever the module in a file imports at run time."""
    return list(imports_of(parsed(path), package_of(path)))


def all_imports_of_file(path: Path) -> list[str]:
    """Give whatever the module in a file imports, for type checkers alone too."""
    tree = parsed(path)
    for_checkers = [node for node in ast.walk(tree) if is_for_type_checkers(node)]
    package = package_of(path)
    return [
        *imports_of(tree, package),
        *(name for node in for_checkers for name in imports_of(ast.Module(node.body, []), package)),
    ]


def is_within(name: str, package: str) -> bool:
    """Tell whether a dotted name is that of a package or of something in it."""
    return name == package or name.startswith(f"{package}.")


def lines_for_users(tree: ast.Module) -> int:
    """Return how many lines the docstrings of public functions and classes take."""
    count = 0
    for _, node in public_definitions(tree):
        first = node.body[0]
        if ast.get_docstring(node) and first.end_lineno is not None:
            count += first.end_lineno - first.lineno + 1
    return count


def test_imports_are_found() -> None:
    """The search finds imports of every form, but those for type checkers alone."""
    source = """
import os.path, a.b as c
from d import e as f, g
from . import h
from .i import j
from ..k import l
if TYPE_CHECKING:
    import m
else:
    import n
def function():
    try:
        import o
    except ImportError:
        from p import q
"""
    found = ["os.path", "a.b", "d.e", "d.g", "x.y.h", "x.y.i.j", "x.k.l", "n", "o", "p.q"]
    assert list(imports_of(ast.parse(source), "x.y")) == found


def part_of(module: str) -> str:
    """Return the package, or the module beside the packages, that a module of client or mock is in."""
    first, *rest = module.split(".")
    return first if first != "testing" else rest[0] if rest else "__init__"


def floors_of(module: str) -> list[set[str]]:
    """Return the floors of what a module belongs to: the client or the mock."""
    return MOCK_FLOORS if module in MOCK else FLOORS


def floor_of(module: str) -> int:
    """Return the number of the floor that a module is on; the package's own module is on top."""
    return next(number for number, floor in enumerate(floors_of(module)) if part_of(module) in floor)


def module_imported(name: str) -> str:
    """Return the module that a dotted name of this package is of, as `MODULES` calls it."""
    module = name.removeprefix(PACKAGE).removeprefix(".")
    while module and module not in MODULES:  # what is imported from it
        module = module.rpartition(".")[0]
    return module or "__init__"


@cache
def own_imports(name: str) -> set[str]:
    """Return the modules of this package that one imports, for type checkers alone too."""
    found = {
        module_imported(imported) for imported in all_imports_of_file(MODULES[name]) if is_within(imported, PACKAGE)
    }
    return found - {name}


def test_every_module_has_its_floor() -> None:
    """A new package or module at the top is given a floor, one that went is taken out; no floor is left out."""
    assert {part_of(name) for name in CLIENT} == set[str]().union(*FLOORS)
    assert {part_of(name) for name in MOCK} == set[str]().union(*MOCK_FLOORS)
    assert len(FLOORS) <= 8


def points_down(name: str, imported: str) -> bool:
    """Tell whether a module may import another: from floors below its own, or from its own package."""
    parts = {part_of(imported), part_of(name)}
    same_package = len(parts) == 1 or parts <= floors_of(name)[-1]
    return same_package or floor_of(imported) < floor_of(name)


def test_imports_point_down() -> None:
    """A module imports from floors below its own, and of its own floor only from its own package."""
    imports = [(name, imported) for name in CLIENT | MOCK for imported in sorted(own_imports(name))]
    assert not [f"{name} imports {imported}" for name, imported in imports if not points_down(name, imported)]


def test_nothing_stands_on_the_command_line() -> None:
    """Who uses the library loads neither the command line nor what that alone needs."""
    imports = [(name, imported) for name, path in (CLIENT | MOCK).items() for imported in imports_of_file(path)]
    programs = [*(f"{PACKAGE}.{name}" for name in PROGRAM), "cyclopts"]
    assert not [
        f"{name} imports {imported}"
        for name, imported in imports
        if any(is_within(imported, program) for program in programs)
    ]


def test_no_circles() -> None:
    """No module imports itself by way of others, not even for type checkers."""
    graph = {name: own_imports(name) for name in MODULES}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_modules_are_short() -> None:
    """What grows longer holds more than one thing. Docstrings for users may take what they need."""
    lengths = {
        name: len(path.read_text(encoding="utf-8").splitlines()) - lines_for_users(parsed(path))
        for name, path in MODULES.items()
    }
    assert not {name: length for name, length in lengths.items() if length > LONGEST and name not in LISTS}


def test_the_mock_knows_nothing_of_the_client() -> None:
    """The mock would not show a mistake it shares with the client."""
    imports = [(name, imported) for name, path in MOCK.items() for imported in imports_of_file(path)]
    assert not [
        f"{name} imports {imported}"
        for name, imported in imports
        if is_within(imported, PACKAGE) and not is_within(imported, TESTING)
    ]


def classes_of(modules: dict[str, Path]) -> set[str]:
    """Return the names of the classes that modules define, private ones too."""
    return {node.name for path in modules.values() for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef)}


def test_client_and_mock_share_no_class_name() -> None:
    """A class name that both had would mean two things."""
    assert not classes_of(CLIENT | COMMAND_LINE) & classes_of(MOCK)


def test_the_client_knows_nothing_of_the_mock() -> None:
    """Who uses the client does not load the mock."""
    imports = [(name, imported) for name, path in CLIENT.items() for imported in imports_of_file(path)]
    assert not [f"{name} imports {imported}" for name, imported in imports if is_within(imported, TESTING)]


@pytest.mark.parametrize(("dependency", "knower"), KNOWN_TO.items())
def test_dependencies_known_to_one_module(dependency: str, knower: str) -> None:
    """What one module or package alone knows can be replaced in one place."""
    knowers = {
        name
        for name, path in CLIENT.items()
        if any(is_within(imported, dependency) for imported in imports_of_file(path))
    }
    assert knowers
    assert all(is_within(name, knower) for name in knowers)


@pytest.mark.parametrize("dependency", ["backoff", "cattrs", "orjson", "uvloop"])
def test_dependencies_unknown_to_the_mock(dependency: str) -> None:
    """The mock needs no more than a server does."""
    for path in MOCK.values():
        assert not [imported for imported in imports_of_file(path) if is_within(imported, dependency)]


def test_nothing_else_is_needed() -> None:
    """The client imports its declared dependencies, the standard library, and nothing else."""
    allowed = {
        PACKAGE,
        "aiohttp",
        "multidict",
        "yarl",
        "attrs",
        "cattrs",
        "backoff",
        "orjson",
        "psycopg",
        "redis",
        "tqdm",
        "jsonschema",
        "opentelemetry",
        "referencing",
        "rich",
    } | sys.stdlib_module_names
    imported = {name.split(".")[0] for path in CLIENT.values() for name in imports_of_file(path)}
    assert imported <= allowed
    imported = {name.split(".")[0] for path in COMMAND_LINE.values() for name in imports_of_file(path)}
    assert imported <= allowed | {"cyclopts"}


def test_module_names_tell_something() -> None:
    """A module is named for what it holds."""
    assert not [name for name in MODULES if set(name.split(".")) & TELLING_NOTHING]


def public_definitions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Give the public classes, functions and methods of a module, but overloads, with their names."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name, node
            for member in node.body if isinstance(node, ast.ClassDef) else []:
                if not isinstance(member, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                overload = any(isinstance(name, ast.Name) and name.id == "overload" for name in member.decorator_list)
                if not member.name.startswith("_") and not overload:
                    yield f"{node.name}.{member.name}", member


def test_public_definitions_are_found() -> None:
    """The search finds what users see."""
    source = """
class A:
    @overload
    def a(self): ...
    def b(self): ...
    async def c(self): ...
    def _d(self): ...
    def __repr__(self): ...
class _E:
    def f(self): ...
def g():
    def h(): ...
async def i(): ...
def _j(): ...
"""
    assert [name for name, _ in public_definitions(ast.parse(source))] == ["A", "A.b", "A.c", "g", "i"]


def test_everything_public_is_described() -> None:
    """Modules, and the classes, functions and methods that users see, have a docstring."""
    assert not [name for name, path in MODULES.items() if not ast.get_docstring(parsed(path))]
    definitions = [
        (name, *definition) for name, path in MODULES.items() for definition in public_definitions(parsed(path))
    ]
    assert not [f"{name}: {defined}" for name, defined, node in definitions if not ast.get_docstring(node)]


def order_of_exports(name: str) -> tuple[int, str]:
    """Sort constants before classes before the rest, each by name."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_exports() -> None:
    """`__all__` is sorted, without doubles, and everything in it is there; a module with public names has one."""
    for path in MODULES.values():
        if path.name == "__main__.py":
            continue
        module = importlib.import_module(module_name(path))
        exported: list[str] | None = getattr(module, "__all__", None)
        if exported is None:
            assert not list(public_definitions(parsed(path))), module
            continue
        assert exported == sorted(set(exported), key=order_of_exports), module
        assert not [name for name in exported if not hasattr(module, name)], module


@pytest.mark.parametrize(
    "name",
    [
        *("AccountScope", "AsyncRefold", "FanOut", "FanOutReport", "Limiter"),
        *("Failed", "Ok", "Outcome", "OutcomeWriter", "Unknown"),
        *("Journal", "JournalSummary", "Progress"),
        *("Action", "ActionParameter", "ActionParameters", "ActionResult", "WorkflowExecution"),
        *("RateLimit", "RetryPolicy", "Timeout"),
        *("RefoldError", "APIStatusError", "ActionFailedError", "ReconnectRequiredError"),
        "__version__",
    ],
)
def test_what_users_need_is_exported(name: str) -> None:
    """Users import from `refold_async` and nowhere else."""
    assert name in refold_async.__all__
    assert hasattr(refold_async, name)


def test_everything_imported_is_exported() -> None:
    """What the package takes from its modules, at once or when it is used, it takes for its users."""
    package = parsed(CLIENT["__init__"])
    for_checkers = next(node for node in package.body if is_for_type_checkers(node))
    later = [alias.name for node in for_checkers.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    at_once = [name for name in imports_of_file(CLIENT["__init__"]) if is_within(name, PACKAGE)]
    assert sorted([*later, *(name.rpartition(".")[2] for name in at_once)]) == sorted(refold_async.__all__)
    assert set(later) == refold_async._LOADED_WHEN_USED.keys()  # pyright: ignore[reportPrivateUsage]


def test_what_is_not_used_is_not_loaded() -> None:
    """A program that makes calls pays for neither jobs nor journals, other resources nor cattrs.

    Nor for webhooks until it names them, which it can without an import of its own.
    """
    program = """
import sys
import refold_async
refold_async.AsyncRefold("tk_test").account("user_1")
unused = {"backoff", "cattrs", "sqlite3", "psycopg", "redis", "jsonschema", "opentelemetry", "tqdm"}
unused |= {"refold_async.jobs", "refold_async.journal", "refold_async.resources.actions"}
unused |= {"refold_async.protocol.redaction", "refold_async.models.executions", "refold_async.webhooks"}
unused |= {"refold_async.models.workflow_execution"}
unused |= {f"refold_async.pipeline.{name}" for name in ("retry", "error_details", "credentials", "observers")}
unused |= {"refold_async.protocol.error_mapping", "refold_async.protocol.pages", "refold_async.codec.excerpts"}
print(*sorted(unused & set(sys.modules)))
assert refold_async.webhooks is sys.modules["refold_async.webhooks"]
"""
    ran = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    assert ran.stdout.strip() == ""


def test_a_fan_out_without_a_journal_loads_none() -> None:
    """What records items is loaded where there is a journal."""
    program = """
import asyncio
import sys
from refold_async import AsyncRefold
async def call(scope, item): ...
async def main():
    async with AsyncRefold("tk_test") as refold:
        await refold.fan_out(["user_1"], call).collect()
asyncio.run(main())
assert "refold_async.jobs.fan_out" in sys.modules
unused = {"csv", "html", "rich", "sqlite3", "psycopg", "refold_async.journal", "refold_async.jobs.journal_recorder"}
print(*sorted(unused & set(sys.modules)))
"""
    ran = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    assert ran.stdout.strip() == ""


def test_misspelled_names_are_told() -> None:
    """What is loaded when it is used hides no mistake."""
    with pytest.raises(AttributeError, match="FanOwt"):
        refold_async.FanOwt  # type: ignore[attr-defined]  # pyright: ignore  # noqa: B018
