"""Compares a newer description of Refold's API with what we have, and prints what to add, and in which files.

`scripts/drift.py NEWER` compares it with the table of facts, and `scripts/drift.py OLDER NEWER` with an older
description. The exit code is 1 if anything differs.
"""

import argparse
import importlib
import inspect
import pkgutil
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

import attrs

import contract.facts
import refold_async.resources
from contract.described_operations import operations_of, read_description
from contract.deviations import DEVIATIONS
from contract.facts.table import Operation, unnamed
from contract.problems import Problem
from contract.table_differences import differences
from refold_async.models.model import Model
from refold_async.protocol import requests
from refold_async.protocol.endpoints import Endpoint
from refold_async.testing import ROUTES

__all__ = ["drift", "files_of", "main"]

_SHARED_MODELS: Final = frozenset({"confirmations", "model", "pages"})


def drift(known: Iterable[Operation], described: Iterable[Operation]) -> Iterator[Problem]:
    """Tell what is described otherwise than we know it.

    Args:
        known: The operations as we know them.
        described: The operations of the newer description.
    """
    ours = {unnamed(operation.name): operation for operation in known}
    for operation in described:
        told = ours.pop(unnamed(operation.name), None)
        if told is None:
            yield Problem(operation.name, f"is new, and answers {operation.status}: {operation.answer}")
            told = Operation(operation.method, operation.path, (), operation.answer, status=operation.status)
            told = attrs.evolve(told, optional_body=operation.optional_body, free_body=operation.free_body)
        elif told.source != "description":
            yield Problem(operation.name, "is described now, and the table has it from elsewhere")
            continue
        yield from (Problem(operation.name, what) for what in differences(told, operation))
    for operation in ours.values():
        if operation.source == "description":
            yield Problem(operation.name, "is no longer described")


def files_of(operation: str) -> Sequence[str]:
    """Return our files about an operation or, for a new one, about the one whose path is most like its own."""
    method, _, path = operation.partition(" ")
    facts = [
        (one, module)
        for module in _modules_of(contract.facts)
        for one in getattr(module, "OPERATIONS", ())
        if module is not contract.facts
    ]
    nearest, its_facts = max(
        facts, key=lambda fact: (len(posixpath.commonpath([fact[0].path, path])), fact[0].method == method)
    )
    name = unnamed(nearest.name)
    resources = [module for module in [requests, *_modules_of(refold_async.resources)] if name in _endpoints(module)][
        :1
    ]
    models = {
        value.__module__
        for module in resources
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Model)
    }
    mocks = [route.endpoint.__module__ for route in ROUTES if unnamed(f"{route.method} {route.path}") == name]
    ours = [module.__name__ for module in resources]
    ours += sorted(model for model in models if model.rpartition(".")[2] not in _SHARED_MODELS)
    files = [f"{module.replace('.', '/')}.py" for module in [*ours, *mocks]]
    group = its_facts.__name__.rpartition(".")[2]
    return [*files, *(f"tests/contract/{folder}/{group}.py" for folder in ("facts", "calls"))]


def _modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{module.name}")


def _endpoints(module: ModuleType) -> Sequence[str]:
    return [unnamed(f"{one.method} {one.path}") for one in vars(module).values() if isinstance(one, Endpoint)]


def _report(problems: Sequence[Problem]) -> Iterator[str]:
    by_operation: Mapping[str, list[str]] = {problem.operation: [] for problem in problems}
    for problem in problems:
        by_operation[problem.operation].append(problem.what)
    for operation, whats in by_operation.items():
        yield "\n".join([operation, *(f"  {what}" for what in whats), f"  see {', '.join(files_of(operation))}", ""])
    if problems:
        yield f"{len(problems)} differences in {len(by_operation)} operations. CONTRIBUTING.md says how to add them."
    else:
        yield "Nothing has changed."


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, and print the differences.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("older", nargs="?", type=Path, help="an older description; by default the table of facts")
    parser.add_argument("newer", type=Path, help="the newer description, a file in YAML or JSON")
    given = parser.parse_args(arguments)
    described = operations_of(read_description(given.newer)).values()
    if given.older is None:
        found = drift(contract.facts.OPERATIONS, described)
        problems = [problem for problem in found if not any(each.covers(problem) for each in DEVIATIONS)]
    else:
        problems = list(drift(operations_of(read_description(given.older)).values(), described))
    for line in _report(problems):
        print(line)
    return 1 if problems else 0
