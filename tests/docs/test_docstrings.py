"""Editors show a docstring where a function is called: it must say what to pass, what comes back and what is raised."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import pytest

import refold_async
from refold_async import observers, telemetry, testing, webhooks
from refold_async.resources.account_resources import AccountResources
from refold_async.resources.organisation_resources import OrganisationResources
from refold_async.resources.resource import Resource

NAMESPACES: Final = tuple(
    member
    for resources in (AccountResources, OrganisationResources)
    for _, member in inspect.getmembers(resources, lambda member: isinstance(member, property))
)
PROTOCOLS_OF_PYTHON: Final = {"asend", "athrow", "send", "throw", "close", "aclose"}
"""What coroutines and generators have, which nobody calls by hand."""
CALLS: Final = re.compile(r"\b_send(?:_by_\w+)?\(|\b_paginate\(|\b_list_whole\(")
"""How a method makes a call to Refold."""


def classes() -> Iterator[type]:
    """Give the public classes, and those of the client's namespaces."""
    for module in (refold_async, observers, telemetry, testing, webhooks):
        for name in module.__all__:
            if inspect.isclass(found := getattr(module, name)):
                yield found
    for namespace in NAMESPACES:
        assert isinstance(namespace, property)
        yield returned_class(namespace)


def returned_class(namespace: property) -> type:
    """Return the class of the object that a property of the client returns."""
    assert namespace.fget is not None
    [imported] = [
        node
        for node in ast.walk(syntax(namespace.fget))
        if isinstance(node, ast.ImportFrom) and node.module is not None
    ]
    module = __import__(imported.module or "", fromlist=["*"])
    found: type = getattr(module, imported.names[0].name)
    return found


def functions() -> dict[str, Callable[..., Any]]:
    """Return the public functions and methods, each by its qualified name."""
    found: dict[str, Callable[..., Any]] = {}
    for module in (testing, webhooks):
        for name in module.__all__:
            if inspect.isfunction(function := getattr(module, name)):
                found[f"{module.__name__}.{name}"] = function
    for public in classes():
        for name, member in inspect.getmembers(public, inspect.isroutine):
            if not name.startswith("_") and name not in PROTOCOLS_OF_PYTHON and is_ours(member):
                found[f"{member.__module__}.{member.__qualname__}"] = member
    return found


def is_ours(member: Any) -> bool:
    """Return whether a member is a function of this library: neither inherited from Python nor added by attrs."""
    return inspect.isfunction(inspect.unwrap(member)) and member.__module__.startswith("refold_async")


@cache
def syntax(function: Callable[..., Any]) -> ast.AST:
    """Return a function's source, parsed."""
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def section(doc: str, *names: str) -> str:
    """Return the lines of one of a docstring's sections, or an empty text."""
    found = re.search(rf"^(?:{'|'.join(names)}):\n((?:[ ]+.*\n?|\n)*)", doc, re.MULTILINE)
    return "" if found is None else found[1]


def entries(lines: str) -> set[str]:
    """Return the names that the entries of a section begin with."""
    return set(re.findall(r"^ {4}\*{0,2}(\w+):", lines, re.MULTILINE))


def returns_nothing(function: Callable[..., Any]) -> bool:
    """Return whether a function returns None, by its annotation."""
    return inspect.signature(function).return_annotation in (None, "None")


def raised_here(function: Callable[..., Any]) -> set[str]:
    """Return the names of the error classes that the body of a function itself raises."""
    raising = [node.exc for node in ast.walk(syntax(function)) if isinstance(node, ast.Raise)]
    called = {exc.func.id for exc in raising if isinstance(exc, ast.Call) and isinstance(exc.func, ast.Name)}
    return {name for name in called if name[0].isupper()}


FUNCTIONS: Final = functions()


def test_there_are_many() -> None:
    """The search for them finds those of all kinds."""
    assert len(FUNCTIONS) > 100
    assert {
        "refold_async.webhooks.unwrap",
        "refold_async.client.AsyncRefold.check",
        "refold_async.fan_out_methods.FanOutMethods.fan_out_action",
        "refold_async.resources.executions.Executions.wait",
        "refold_async.testing.mock_refold.MockRefold.script",
    } <= FUNCTIONS.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring(name: str) -> None:
    """Each says what every argument means, what is returned, and what is raised."""
    function = FUNCTIONS[name]
    doc = inspect.getdoc(function) or ""
    assert doc
    parameters = inspect.signature(function).parameters.keys() - {"self"}
    assert entries(section(doc, "Args")) >= parameters
    summary = doc.partition("\n")[0]
    if not returns_nothing(function):
        assert section(doc, "Returns", "Yields") or re.match(r"Return|Yield|Decorate|Whether", summary)
    raised = entries(section(doc, "Raises"))
    assert raised >= raised_here(function) - {"StopAsyncIteration", "NotImplementedError"}
    if CALLS.search(inspect.getsource(function)):
        assert raised


CALLS_OF_GROUPS: Final = [
    f"{function.__module__}.{function.__qualname__}"
    for group in map(returned_class, NAMESPACES)
    for name, function in inspect.getmembers(group, inspect.isfunction)
    if issubclass(group, Resource) and not name.startswith("_") and "timeout" in inspect.signature(function).parameters
]


@pytest.mark.parametrize("name", CALLS_OF_GROUPS)
def test_calls_of_groups_say_alike_what_they_raise(name: str) -> None:
    """Wrong arguments come first, since nothing was sent then; what any call may raise comes last."""
    function = FUNCTIONS[name]
    raised = re.findall(r"^ {4}(\w+):", section(inspect.getdoc(function) or "", "Raises"), re.MULTILINE)
    takes = inspect.signature(function).parameters.keys() - {"self", "timeout"}
    assert raised[-1] == "RefoldError", raised
    if takes:
        assert raised[0] == "ConfigurationError", raised
