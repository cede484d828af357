"""The table of facts: what each operation of Refold takes, answers and refuses, a module for each group.

A fact is one line. It says where it comes from unless that is Refold's description, with which a test compares it
where that is at hand.
"""

import importlib
import pkgutil
from typing import Final

from contract.facts.table import Operation

__all__ = ["OPERATIONS"]

OPERATIONS: Final[tuple[Operation, ...]] = tuple(
    operation
    for module in pkgutil.iter_modules(__path__)
    if module.name not in {"shared", "table"}
    for operation in importlib.import_module(f"{__name__}.{module.name}").OPERATIONS
)
