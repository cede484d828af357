"""Writes the reference page of operations, docs/reference/operations.md: what each method sends, and how it is retried.

It reads the code: the endpoints that are declared, and the public methods whose code leads to them.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, cast

import attrs

import refold_async.resources
from refold_async import AsyncRefold
from refold_async.protocol import requests
from refold_async.protocol.endpoints import Endpoint
from refold_async.resources.resource import Resource

__all__ = ["PAGE", "Served", "endpoints", "namespaces", "page", "served"]

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "reference" / "operations.md"

_INTRODUCTION: Final = """\
# Refold operations

Find the method for each operation of Refold's REST API, and how the client retries it.

`refold` is an `AsyncRefold`, `account` one of its scopes, such as `refold.account("user_12345")`. Operations that
Refold adds later have no method: use `account.request(...)` for those about one linked account, and
`refold.request(...)` for those about the organisation. They have the same pool, deadlines, limits, retries and errors
as all others. Every `request()` except GET and HEAD is a write, unless you pass `idempotent=True`.

<!-- run: mock.script(Answer(200, json=[])) -->

```python
added_later = await account.request("GET", "/api/v2/public/added-later")
```

Each operation is of one of three kinds, by what it does. [Retries and deadlines](../guides/retries.md) has the details.

| kind | which operations | after a lost response or an HTTP 5xx |
|---|---|---|
| read | those that change nothing, also by POST, such as a search | it is retried |
| idempotent | those that have the same effect twice as once, by Refold's documentation | it is retried |
| write | all others | it is not retried, and the error's `effect` is `"unknown"` |

`execute_action()` is idempotent if you pass `idempotent=True`.
"""

_LONGEST_PATH: Final = 66
"""The longest path that fits on a tablet in one piece, with its method and its kind."""
_ASKED_FIRST: Final = "/api/v2/public/session/active-linked-account"
"""What some methods ask for before they send their own request."""
_INDIRECT: Final = frozenset(
    {
        "account.applications.ensure_connected",
        "account.applications.wait_connected",
        "account.executions.wait",
        "account.executions.watch",
        "account.run_workflow",
        "refold.fan_out_action",
        "refold.session_tokens.account",
    }
)
"""Methods that use the operation of another method, listed after it."""


@attrs.frozen
class Served:
    """An endpoint, and the public methods that use it.

    Attributes:
        endpoint: The endpoint.
        methods: The one method that is for its operation.
        others: The methods that use it for something else.
    """

    endpoint: Endpoint
    methods: Sequence[str]
    others: Sequence[str]


def _modules() -> Iterator[ModuleType]:
    yield requests
    for module in pkgutil.iter_modules(refold_async.resources.__path__):
        yield importlib.import_module(f"{refold_async.resources.__name__}.{module.name}")


@cache
def endpoints() -> tuple[Endpoint, ...]:
    """Return every endpoint that is declared."""
    found = (value for module in _modules() for value in vars(module).values() if isinstance(value, Endpoint))
    return tuple(dict.fromkeys(found))


@cache
def namespaces() -> Mapping[str, object]:
    """Return what has public methods, by name: the client, a scope, and their resources."""
    refold = AsyncRefold("tk_test")
    owners: dict[str, object] = {"account": refold.account("user_12345"), "refold": refold}
    for name, owner in list(owners.items()):
        members = inspect.getmembers(owner, lambda member: isinstance(member, Resource))
        owners |= {f"{name}.{member}": resource for member, resource in members if not member.startswith("_")}
    return dict(sorted(owners.items()))


def _public_methods(owner: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, method in inspect.getmembers(owner, inspect.ismethod):
        if not name.startswith("_"):
            yield name, method


@cache
def _functions() -> Mapping[str, object]:
    """Return the functions of the modules that declare endpoints, by name."""
    return {
        name: value
        for module in _modules()
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)


def _uses(function: FunctionType, owner: type, seen: set[object]) -> Iterator[Endpoint]:
    """Yield the endpoints to which the code of a function leads."""
    if function in seen:
        return
    seen.add(function)
    for name in _names(function.__code__):
        value = function.__globals__.get(name) or _functions().get(name)
        private = inspect.getattr_static(owner, name, None) if name.startswith("_") else None
        if isinstance(value, Endpoint):
            yield value
        for called in (value, private):
            if inspect.isfunction(called) and called.__module__.startswith("refold_async."):
                yield from _uses(called, owner, seen)


@cache
def served() -> tuple[Served, ...]:
    """Return every endpoint with the methods that use it, in the order of the page."""
    users: dict[Endpoint, dict[str, None]] = {endpoint: {} for endpoint in endpoints()}
    for namespace, owner in namespaces().items():
        for name, method in _public_methods(owner):
            function = cast("FunctionType", inspect.unwrap(getattr(method, "__func__")))  # noqa: B009
            for endpoint in _uses(function, type(owner), set()):
                users[endpoint][f"{namespace}.{name}"] = None
    return tuple(_served(endpoint, list(names)) for endpoint, names in users.items())


def _served(endpoint: Endpoint, names: Sequence[str]) -> Served:
    direct = [name for name in names if name not in _INDIRECT]
    if endpoint.path == _ASKED_FIRST and len(direct) > 1:
        direct = [name for name in direct if "linked_account" in name]
    return Served(endpoint, direct, [name for name in names if name not in direct])


def page() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *filter(None, map(_section, namespaces()))])


def _section(namespace: str) -> str:
    """Return the part of the page about a namespace; an empty text if none of its methods is for an operation."""
    rows = [_row(each, namespace) for each in served() if each.methods[0].rpartition(".")[0] == namespace]
    if not rows:
        return ""
    about = (inspect.getdoc(namespaces()[namespace]) or "").partition("\n")[0]
    head = [f"| operation | method of `{namespace}` | kind |", "|---|---|---|"]
    return "\n".join([f"## {namespace}\n", f"{about}\n", *head, *rows, ""])


def _row(one: Served, namespace: str) -> str:
    """Return the line about an endpoint. Only methods of other namespaces have their whole names."""
    names = [
        name if owner != namespace else last
        for name in [*one.methods, *one.others]
        for owner, _, last in [name.rpartition(".")]
    ]
    methods = ", ".join(f"`{name}()`" for name in names)
    return f"| {_operation(one.endpoint)} | {methods} | {one.endpoint.kind} |"


def _operation(endpoint: Endpoint) -> str:
    """Return an operation as code. A path that is too long for a tablet may be broken in its middle."""
    operation = f"{endpoint.method} {endpoint.path}"
    if len(endpoint.path) <= _LONGEST_PATH:
        return f"`{operation}`"
    *start, last, name = operation.split("/")
    return f"<code>{'/'.join(start)}<wbr>/{last}/{name}</code>"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
