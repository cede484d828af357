"""What a job is called, and whether a journal belongs to it."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from refold_async.errors import ConfigurationError, JournalError
from refold_async.journal.store import JobIdentity

__all__ = ["check_identity", "check_job", "checked_by"]

_FIELDS: Final = ("job", *(field.name for field in attrs.fields(JobIdentity)))


def checked_by(check: Callable[[str, Any], object]) -> Callable[[object, "attrs.Attribute[Any]", Any], None]:
    """Return a validator of an argument of a class, which the check gets as `Class(argument=)`, for messages."""

    def validate(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        check(f"{type(instance).__name__}({attribute.name}=)", value)

    return validate


def check_job(argument: str, value: Any) -> str | None:
    """Return the name of a job, or None; `argument` is what it was passed as, for messages.

    Raises:
        ConfigurationError: It is not a name.
    """
    if value is not None and (not isinstance(value, str) or not value.strip() or not value.isprintable()):
        raise ConfigurationError(f"{argument} must be a name for the job, such as 'june sync', got {value!r}.")
    return value


def check_identity(location: str, recorded: Sequence[str | None], job: str, identity: JobIdentity) -> None:
    """Check that a journal belongs to the job that is about to run.

    Args:
        location: Where the journal is, for messages.
        recorded: The first values of the journal's `JobRow`: the name of its job, and what identifies it.
        job: The name of the job that is about to run.
        identity: What identifies that job, with its name.

    Raises:
        JournalError: It belongs to another job.
    """
    differing = [
        "its parameters are not those of this run"
        if field == "parameters_sha256"
        else f"{field} is {then!r} in the journal and {now!r} in this run"
        for field, then, now in zip(_FIELDS, recorded, (job, *attrs.astuple(identity)), strict=True)
        if then != now
    ]
    if differing:
        raise JournalError(
            f"The journal {location!r} belongs to another job: {', '.join(differing)}. Use a separate journal for each "
            "job."
        )
