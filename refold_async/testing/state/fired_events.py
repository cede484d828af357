"""Events that were fired, for a test to look at."""

from typing import Any

import attrs

__all__ = ["FiredEvent"]


@attrs.frozen
class FiredEvent:
    """One event that the caller's application fired.

    Attributes:
        event: Its name.
        payload: What came with it; None when nothing did.
        linked_account_id: For whom.
        slug: The app it was meant for; None for all.
        config_id: From the request's `config_id` header.
        instance_tag: From the request's `instance_tag` header.
        execution_ids: The executions it started.
    """

    event: str
    payload: Any
    linked_account_id: str
    slug: str | None
    config_id: str | None
    instance_tag: str | None
    execution_ids: tuple[str, ...]
