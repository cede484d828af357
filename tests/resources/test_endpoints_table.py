"""Every endpoint is declared in one place, used by one public method, and listed in `docs/reference/operations.md`."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import pytest

import refold_async
from operations_page import PAGE, Served, endpoints, namespaces, page, served
from refold_async.protocol.endpoints import Endpoint

ROOT: Final = Path(refold_async.__file__).parent
SENDING_NOTHING: Final = {"refold.session_tokens.account"}
"""Methods of resources that only make a scope."""
DOING_MORE: Final = {"account.execute_action", "refold.session_tokens.revoke"}
"""Methods that do more than one call: one may be reconciled, the other sends what it revokes in place of the key."""
every_endpoint: Final = pytest.mark.parametrize(
    "one", served(), ids=lambda one: f"{one.endpoint.method} {one.endpoint.path}"
)


def method(name: str) -> Any:
    """Return a method by its name, such as `account.workflows.list`."""
    namespace, _, last = name.rpartition(".")
    return attrgetter(last)(namespaces()[namespace])


def statements(name: str) -> int:
    """Count the statements of a method beside its docstring, those inside others too."""
    function = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(method(name))))).body[0]
    return sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 2


def declared_paths() -> Iterator[ast.expr]:
    """Return what the package passes as the path of each endpoint."""
    for module in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Endpoint.__name__:
                yield node.args[1]


def test_the_page_is_up_to_date() -> None:
    """Run `python scripts/docs/operations_page.py` after a change of an endpoint or of a method."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_paths_are_literals() -> None:
    """Each path is written out in one piece, so that a search for it finds its endpoint."""
    paths = [ast.literal_eval(path) for path in declared_paths() if isinstance(path, ast.Constant)]
    assert len(paths) == len([*declared_paths()]), "a path is put together"
    assert sorted(paths) == sorted(endpoint.path for endpoint in endpoints())


@every_endpoint
def test_one_method_is_for_each_endpoint(one: Served) -> None:
    """An endpoint that no public method uses is dead, and one that two are for has two places to change."""
    assert len(one.methods) == 1, one


@every_endpoint
def test_a_method_takes_five_statements(one: Served) -> None:
    """Beside its declaration and its docstring, an endpoint takes no more: what several need is in one place."""
    [name] = one.methods
    assert statements(name) <= 5 or name in DOING_MORE, statements(name)


@every_endpoint
def test_methods_name_their_page(one: Served) -> None:
    """Every method says which page of Refold's documentation it follows."""
    for name in [*one.methods, *one.others]:
        assert re.search(r"Refold pages?: \*", inspect.getdoc(method(name)) or ""), name


def test_every_method_sends_something() -> None:
    """Every public method of a resource leads to an endpoint."""
    public = {
        f"{namespace}.{name}"
        for namespace, owner in namespaces().items()
        if "." in namespace
        for name, _ in inspect.getmembers(owner, inspect.ismethod)
        if not name.startswith("_")
    }
    assert public - SENDING_NOTHING <= {name for one in served() for name in [*one.methods, *one.others]}
