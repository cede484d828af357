"""Which methods of a scope need an API key: Refold accepts no session token for their operations."""

from functools import cache

from contract.facts import OPERATIONS
from contract.facts.shared import BY_KEY
from contract.facts.table import unnamed
from operations_page import served

__all__ = ["methods_by_key_alone"]


@cache
def methods_by_key_alone() -> frozenset[str]:
    """Return the methods of scopes that need an API key."""
    by_key = {unnamed(operation.name) for operation in OPERATIONS if operation.security == BY_KEY}
    return frozenset(
        method
        for one in served()
        if unnamed(f"{one.endpoint.method} {one.endpoint.path}") in by_key
        for method in [*one.methods, *one.others]
        if method.startswith("account.")
    )
