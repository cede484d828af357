"""`docs/reference/operations.md` names every public operation of Refold, and what serves it."""

import importlib
import inspect
import pkgutil
import re
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import pytest

import refold_async.resources
from refold_async import AsyncRefold
from refold_async.protocol import requests
from refold_async.protocol.endpoints import Endpoint

_PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "reference" / "operations.md"
TABLE: Final = _PAGE.read_text(encoding="utf-8")
ROWS: Final = dict(re.findall(r"^\| `([A-Z]+ /\S+)` \| (.+) \|$", TABLE, re.MULTILINE))
SERVING: Final = set(re.findall(r"`(\w+\.[\w.]+)\(\)`", "".join(ROWS.values())))
REFOLD: Final = AsyncRefold("tk_test")
OWNERS: Final[dict[str, Any]] = {"account": REFOLD.account("user_1"), "refold": REFOLD}


def without_names(operation: str) -> str:
    """Return an operation with its ids unnamed: Refold names some of them otherwise."""
    return re.sub(r"{\w+}", "{}", operation)


def endpoints() -> list[Endpoint]:
    """Return every endpoint that is declared."""
    modules = [
        importlib.import_module(f"refold_async.resources.{module.name}")
        for module in pkgutil.iter_modules(refold_async.resources.__path__)
    ]
    return [value for module in [requests, *modules] for value in vars(module).values() if isinstance(value, Endpoint)]


def method(path: str) -> Any:
    """Return the method or the resource that the table names, such as `account.workflows.list`."""
    return attrgetter(path.partition(".")[2])(OWNERS[path.partition(".")[0]])


def test_all_operations_are_there() -> None:
    """As many as Refold's description has, and one that it has not, each once."""
    described, _, beyond = TABLE.partition("## Beyond the description")
    assert [len(re.findall(r"^\| `[A-Z]+ /", part, re.MULTILINE)) for part in (described, beyond)] == [102, 1]
    assert len(ROWS) == 103


def test_what_is_served_is_declared() -> None:
    """An endpoint that is declared is named as served, and none that is not."""
    declared = {without_names(f"{endpoint.method} {endpoint.path}") for endpoint in endpoints()}
    served = {without_names(operation) for operation, by in ROWS.items() if by != "`request()`"}
    assert declared == served


def test_what_serves_them_is_there() -> None:
    """Every method that the table names exists, and says which page of Refold's it follows."""
    for name in SERVING:
        assert re.search(r"Refold pages?: \*", inspect.getdoc(method(name)) or ""), name


RESOURCES: Final = [
    *("account.applications", "account.events", "account.executions", "account.workflows"),
    *("refold.linked_accounts", "refold.session_tokens", "refold.webhooks"),
]


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_method_is_there(resource: str) -> None:
    """The table names every method of every resource."""
    public = {
        f"{resource}.{name}"
        for name, _ in inspect.getmembers(method(resource), inspect.ismethod)
        if not name.startswith("_")
    }
    assert public == {name for name in SERVING if name.startswith(f"{resource}.")}
