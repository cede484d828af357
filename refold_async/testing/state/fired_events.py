"""Events that were fired, for tests to check."""

from typing import Any

import attrs

__all__ = ["FiredEvent"]


@attrs.frozen
class FiredEvent:
    """One event that your application fired.

    Attributes:
        event: Its name.
        payload: Its payload; None if it had none.
        linked_account_id: The linked account it was fired for.
        slug: The app it was meant for; None for all apps.
        config_id: The value of the request's `config_id` header.
        instance_tag: The value of the request's `instance_tag` header.
        execution_ids: The executions that it started.
    """

    event: str
    payload: Any
    linked_account_id: str
    slug: str | None
    config_id: str | None
    instance_tag: str | None
    execution_ids: tuple[str, ...]
