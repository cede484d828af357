"""The options of `refold fan-out` that describe the job."""

from pathlib import Path
from typing import Annotated, Any, Final

import attrs
from cyclopts import Group, Parameter

from refold_async.cli.failures import UsageError
from refold_async.cli.journals import check_file
from refold_async.cli.options import FileOrText, WholeNumber

__all__ = ["JOB", "JobOptions", "checked_settings"]

_ROWS: Final = Group("Rows", sort_key=1)
JOB: Final = Group("Job", sort_key=2)
"""The group of the options in the help."""


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class JobOptions:
    """The options of a job."""

    accounts: Annotated[
        FileOrText,
        Parameter(
            group=_ROWS,
            allow_leading_hyphen=True,  # for - alone
            metavar="FILE",
            help="The file of rows, each with a linked account: CSV whose first line names the columns, or JSON "
            "objects, one a line; - is stdin.",
        ),
    ]
    account_column: Annotated[
        str,
        Parameter(
            group=_ROWS, metavar="COLUMN", help="The column of the linked account; by default linked_account_id."
        ),
    ] = "linked_account_id"
    account: Annotated[str | None, Parameter(name=["--account", "-a"], show=False)] = None
    """Not an option of fan-out; here so that its error can explain what to do."""
    limit: Annotated[WholeNumber | None, Parameter(group=_ROWS, metavar="N", help="Only the first N rows.")] = None
    journal: Annotated[
        Path | None,
        Parameter(
            group=JOB,
            metavar="FILE",
            help="Record the outcome of each row here. After Ctrl-C, kill -9 or a crash, the same command continues "
            "the job, and sends no row twice.",
        ),
    ] = None
    key: Annotated[
        str | None,
        Parameter(
            group=JOB,
            metavar="COLUMN",
            help="The column by which the journal identifies rows; by default that of the linked account.",
        ),
    ] = None
    output: Annotated[
        Path | None,
        Parameter(
            group=JOB,
            metavar="FILE",
            help="Write a CSV file with the outcome of each row, while the job runs; its index counts rows from 0. "
            "With --journal, it replaces that of an earlier run.",
        ),
    ] = None
    concurrency: Annotated[
        WholeNumber, Parameter(group=JOB, metavar="N", help="How many rows may be in flight; by default 50.")
    ] = 50
    rate: Annotated[
        float | None,
        Parameter(group=JOB, metavar="N", help="Requests per second; by default it adapts to what Refold accepts."),
    ] = None
    retry_failed: Annotated[
        bool, Parameter(group=JOB, help="Retry rows that failed and did nothing in an earlier run.")
    ] = False
    resend_unknown: Annotated[
        bool,
        Parameter(
            group=JOB, help="Send rows again that are unknown from an earlier run. This may execute the action twice."
        ),
    ] = False
    stop_after: Annotated[
        str | None,
        Parameter(
            group=JOB,
            metavar="N",
            help="Stop once N rows did not succeed, or a share of them such as 20%. By default the job stops after 100 "
            "consecutive rows did not succeed, or when the API key is refused.",
        ),
    ] = None
    job_timeout: Annotated[float | None, Parameter(group=JOB, metavar="SECONDS", help="Stop after this time.")] = None


def checked_settings(job: JobOptions) -> dict[str, Any]:
    """Check the options that do not need the rows, and return those that the library takes, by their names.

    Raises:
        UsageError: An option has a wrong value, or lacks another one.
    """
    if job.account is not None:
        raise UsageError(
            "fan-out has no --account: the linked account of each row is in the column linked_account_id of "
            "--accounts. --account-column names another column."
        )
    if job.journal is not None:
        check_file("--journal", job.journal)
    for name, count in (("--limit", job.limit), ("--concurrency", job.concurrency)):
        if count is not None and count < 1:
            raise UsageError(f"{name} must be 1 or more, not {count}.")
    for name, number in (("--rate", job.rate), ("--job-timeout", job.job_timeout)):
        if number is not None and not 0 < number < float("inf"):
            raise UsageError(f"{name} must be more than 0, not {number:g}.")
    for name, given in (
        ("--retry-failed", job.retry_failed),
        ("--resend-unknown", job.resend_unknown),
        ("--key", job.key),
    ):
        if given and job.journal is None:
            raise UsageError(f"{name} needs the journal of a job: pass --journal FILE, too.")
    return {
        "concurrency": job.concurrency,
        "retry_failed": job.retry_failed,
        "resend_unknown": job.resend_unknown,
        "stop_after": None if job.stop_after is None else _parse_stop_after(job.stop_after),
        "job_timeout": job.job_timeout,
    }


def _parse_stop_after(text: str) -> float:
    problem = UsageError(f"--stop-after must be a number of rows, or a share such as 20%, not {text!r}.")
    try:
        value = float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise problem from None
    if 0 < value < 1 or (value == 1 and text.endswith("%")):
        return value
    if text.endswith("%") or value < 1 or not value.is_integer():  # also infinity and NaN
        raise problem
    return int(value)
