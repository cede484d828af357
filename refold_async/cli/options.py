"""Options that several commands share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import attrs
from cyclopts import Group, Parameter, Token

from refold_async.cli.failures import UsageError
from refold_async.config.validation import check_header_value

__all__ = [
    "NO_ACCOUNT",
    "AccountOptions",
    "ConfirmationOptions",
    "FileOrText",
    "Options",
    "OutputOptions",
    "WaitOptions",
    "WholeNumber",
    "WriteOptions",
]

_SHARED = Group("Shared options", sort_key=100)


def _whole(_type: object, tokens: Sequence[Token]) -> int:
    return int(tokens[0].value)  # cyclopts would round 2.7 to 3


WholeNumber = Annotated[int, Parameter(converter=_whole)]
"""The type of every option that takes a whole number: a fraction is refused."""

NO_ACCOUNT: Final = "No linked account: pass --account (-a) with its id, or set REFOLD_LINKED_ACCOUNT_ID."
"""The error for a command without one. That of cyclopts would name neither -a nor the variable."""

FileOrText = str | Path
"""The type of arguments that take a file or something that is none, such as `-`. The value is a str. Shells complete
files because of Path, which would change some of the texts."""


def _an_account(_options: object, _attribute: object, account: str) -> None:
    if not account:
        raise UsageError(NO_ACCOUNT)
    check_header_value("--account", account)


def _positive(_options: object, _attribute: object, seconds: float) -> None:
    # Checked before anything is started: the library would check it afterwards.
    if not seconds > 0:
        raise UsageError(f"--max-wait must be more than 0 seconds, not {seconds:g}.")


@Parameter(name="*", group=_SHARED)
@attrs.frozen(kw_only=True)
class OutputOptions:
    """The options of every command that prints something."""

    json: Annotated[bool, Parameter(help="Print JSON, also on a terminal.")] = False


@Parameter(name="*", group=_SHARED)
@attrs.frozen(kw_only=True)
class Options(OutputOptions):
    """The options of every command that sends requests to Refold."""

    api_key_file: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Read the API key from this file; by default from the variable REFOLD_API_KEY."),
    ] = None
    base_url: Annotated[
        str | None,
        Parameter(
            metavar="URL", help="Refold's address; by default the variable REFOLD_BASE_URL, else https://app.refold.ai."
        ),
    ] = None
    timeout: Annotated[
        float | None, Parameter(metavar="SECONDS", help="Seconds for each call, including retries; by default 120.")
    ] = None


@Parameter(name="*", group=_SHARED)
@attrs.frozen(kw_only=True)
class AccountOptions(Options):
    """The options of every command that acts for a linked account."""

    account: Annotated[
        str,
        Parameter(
            name=["--account", "-a"],
            env_var="REFOLD_LINKED_ACCOUNT_ID",
            metavar="ID",
            help="The linked account to act for: your own id for one of your customers.",
        ),
    ] = attrs.field(validator=_an_account)


@Parameter(name="*", group=_SHARED)
@attrs.frozen(kw_only=True)
class ConfirmationOptions:
    """The options of every command that writes."""

    yes: Annotated[bool, Parameter(name=["--yes", "-y"], help="Write with a production key without asking first.")] = (
        False
    )


@Parameter(name="*", group=_SHARED)
@attrs.frozen(kw_only=True)
class WriteOptions(ConfirmationOptions):
    """The options of every command that may write."""

    read: Annotated[bool, Parameter(help="This only reads: it may be retried, and needs no confirmation.")] = False


@Parameter(name="*", group=_SHARED)
@attrs.frozen(kw_only=True)
class WaitOptions:
    """The options of every command that waits."""

    max_wait: Annotated[
        float,
        Parameter(metavar="SECONDS", help="Seconds to wait at most; by default 300; inf for no limit."),
    ] = attrs.field(default=300.0, validator=_positive)
