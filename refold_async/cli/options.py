"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Group, Parameter

__all__ = ["AccountOptions", "Options", "OutputOptions", "WriteOptions"]

_SHARED = Group("Shared options", sort_key=100)


@Parameter(name="*", group=_SHARED)
@attrs.frozen(kw_only=True)
class OutputOptions:
    """What every command takes that prints something."""

    json: Annotated[bool, Parameter(help="Print JSON, also on a terminal.")] = False


@Parameter(name="*", group=_SHARED)
@attrs.frozen(kw_only=True)
class Options(OutputOptions):
    """What every command takes that talks to Refold."""

    api_key_file: Annotated[
        Path | None, Parameter(help="Read the API key from this file; by default it is REFOLD_API_KEY's.")
    ] = None
    base_url: Annotated[
        str | None, Parameter(help="Where Refold is; by default REFOLD_BASE_URL's, else https://app.refold.ai.")
    ] = None
    timeout: Annotated[float | None, Parameter(help="Seconds for each call, retries included; by default 60.")] = None


@Parameter(name="*", group=_SHARED)
@attrs.frozen(kw_only=True)
class AccountOptions(Options):
    """What every command takes that acts for a linked account."""

    account: Annotated[
        str,
        Parameter(name=["--account", "-a"], env_var="REFOLD_LINKED_ACCOUNT_ID", help="The linked account to act for."),
    ]


@Parameter(name="*", group=_SHARED)
@attrs.frozen(kw_only=True)
class WriteOptions:
    """What every command takes that may write."""

    yes: Annotated[bool, Parameter(name=["--yes", "-y"], help="Write with a production key without asking.")] = False
    read: Annotated[bool, Parameter(help="It only reads: it may be tried again, and needs no confirmation.")] = False
