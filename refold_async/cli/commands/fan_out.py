"""`refold fan-out`."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
from cyclopts import Group, Parameter

from refold_async.cli.bulk.checks import CheckedRows, RowPlan, check_rows
from refold_async.cli.bulk.displays import open_display
from refold_async.cli.bulk.job import GRACE, JobEnd, run_job
from refold_async.cli.bulk.outcome_file import OutcomeFile
from refold_async.cli.bulk.rows import open_rows
from refold_async.cli.bulk.summary import JobSummary
from refold_async.cli.bulk.templates import Template
from refold_async.cli.commands.actions import suggesting
from refold_async.cli.confirmation import confirm_write
from refold_async.cli.dry_run import print_request
from refold_async.cli.failures import ExitCode, StoppedError, UsageError, say, say_command
from refold_async.cli.options import Options, WriteOptions
from refold_async.cli.output import print_json, wants_json
from refold_async.cli.session import open_client
from refold_async.errors import BadRequestError, JournalError, ParameterError, PermissionDeniedError

if TYPE_CHECKING:
    from refold_async import ActionParameters, AsyncRefold, Journal

__all__ = ["JobOptions", "fan_out"]

_ROWS = Group("Rows", sort_key=1)
_JOB = Group("Job", sort_key=2)
_PARAMETERS = (
    "name=@COLUMN for a row's text in that column, name:=@COLUMN for its JSON, name=text and name:=JSON for what is "
    "the same in all rows, @FILE for a JSON object of such parameters. An empty cell leaves its parameter out."
)
_HANDFUL = 10
_ACCOUNTS_ASKED = 3


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class JobOptions:
    """What a job takes beside its action."""

    accounts: Annotated[
        str,
        Parameter(
            group=_ROWS,
            allow_leading_hyphen=True,  # for - by itself
            help="The file of rows: CSV whose first line names the columns, or JSON objects, one a line; - is stdin.",
        ),
    ]
    account_column: Annotated[str, Parameter(group=_ROWS, help="The column of the linked account.")] = (
        "linked_account_id"
    )
    limit: Annotated[int | None, Parameter(group=_ROWS, help="Take only so many rows, from the first on.")] = None
    journal: Annotated[
        Path | None,
        Parameter(
            group=_JOB,
            help="Record here what becomes of each row. The same command goes on after Ctrl-C, kill -9 or a crash, and "
            "sends nothing twice.",
        ),
    ] = None
    key: Annotated[
        str | None,
        Parameter(group=_JOB, help="The column by which the journal tells rows apart; by default the account's."),
    ] = None
    output: Annotated[
        Path | None,
        Parameter(
            group=_JOB,
            help="Write a CSV file with the outcome of each row, as the job runs. With --journal it takes the place of "
            "the one of an earlier run.",
        ),
    ] = None
    concurrency: Annotated[int, Parameter(group=_JOB, help="How many rows to work on at once; by default 50.")] = 50
    rate: Annotated[
        float | None,
        Parameter(group=_JOB, help="Calls per second; by default what Refold is found to accept."),
    ] = None
    retry_failed: Annotated[
        bool, Parameter(group=_JOB, help="Try again what failed without effect in an earlier run.")
    ] = False
    resend_unknown: Annotated[
        bool, Parameter(group=_JOB, help="Send again what may have run in an earlier run, so perhaps twice.")
    ] = False
    stop_after: Annotated[
        str | None,
        Parameter(
            group=_JOB,
            help="Stop once so many rows, or such a share of them, did not succeed: 50 or 20%. By default after 100 in "
            "a row, or when the key is refused.",
        ),
    ] = None
    job_timeout: Annotated[float | None, Parameter(group=_JOB, help="Stop after so many seconds.")] = None


def fan_out(
    slug: str,
    action_id: str,
    /,
    *parameters: Annotated[str, Parameter(help=_PARAMETERS)],
    job: JobOptions,
    options: Options = Options(),
    write: WriteOptions = WriteOptions(),
    dry_run: Annotated[bool, Parameter(group=_JOB)] = False,
) -> None:
    """Execute an action for each row of a file, many at a time.

    Args:
        slug: The app, such as hubspot.
        action_id: The action, such as create_contact.
        dry_run: Send nothing to the app: check all rows, and print the first request with the key hidden.
    """
    chosen = _check(job)
    plan = RowPlan(
        template=Template(parameters),
        account_column=job.account_column,
        key_column=job.key,
        distinct=job.journal is not None,
    )
    with open_rows(job.accounts) as file:
        rows = check_rows(file, plan, job.limit)
        asyncio.run(_Command(slug, action_id, plan, rows, job, options, write, chosen).run(dry_run=dry_run))


@attrs.frozen
class _Command:
    """The command, with all that was given and read."""

    slug: str
    action_id: str
    plan: RowPlan
    rows: CheckedRows
    job: JobOptions
    options: Options
    write: WriteOptions
    chosen: Mapping[str, Any]

    async def run(self, *, dry_run: bool) -> None:
        with ExitStack() as signals:  # which are heeded until all is told
            async with open_client(self.options, rate=self.job.rate) as refold:
                await self._check_parameters(refold)
                if dry_run:
                    self._show_first(refold)
                    return
                self._confirm(refold)
                began = time.monotonic()
                with ExitStack() as stack:
                    end = await self._run(refold, stack, signals)
            self._tell(end, time.monotonic() - began)

    async def _check_parameters(self, refold: "AsyncRefold") -> None:
        """Check the parameters of all rows against the action's schema."""
        schema = await self._fetch_schema(refold)
        complete = self.plan.template.complete
        schema.validate(complete)
        for name, line in self.rows.left_out.items():
            try:
                schema.validate({other: value for other, value in complete.items() if other != name})
            except ParameterError as error:
                raise self.rows.file.refusal(line, error.message) from None

    async def _fetch_schema(self, refold: "AsyncRefold") -> "ActionParameters":
        """Fetch the action's schema. Where an account is refused, that is its row's failure: another is asked."""
        first, *others = islice(self.rows, _ACCOUNTS_ASKED)
        try:
            return await self._schema_for(refold, first)
        except (BadRequestError, PermissionDeniedError):
            for row in others:
                with suppress(BadRequestError, PermissionDeniedError):
                    return await self._schema_for(refold, row)
            raise

    async def _schema_for(self, refold: "AsyncRefold", row: Mapping[str, Any]) -> "ActionParameters":
        account = refold.account(self.plan.account_of(row))
        async with suggesting(account, self.slug, self.action_id):
            return await account.get_action_parameters(self.slug, self.action_id)

    def _show_first(self, refold: "AsyncRefold") -> None:
        from refold_async.protocol import requests

        values = self.plan.template.parameters_of(self.rows.first)
        account = self.plan.account_of(self.rows.first)
        print_request(refold, requests.execute_action(self.slug, self.action_id, values), account)
        say(
            f"{self.rows.file.name} is in order ({len(self.rows):,} row{'' if len(self.rows) == 1 else 's'}); this is "
            "the first request. Nothing was sent."
        )

    def _confirm(self, refold: "AsyncRefold") -> None:
        if self.write.read:
            return
        count = len(self.rows)
        whom = f"{count:,} account{'' if count == 1 else 's'}"
        if not self.plan.distinct or self.plan.key_column is not None:
            whom = f"the accounts of {count:,} row{'' if count == 1 else 's'}"
        confirm_write(refold.environment, f"Execute {self.action_id} of {self.slug} for {whom}", yes=self.write.yes)
        if self.job.journal is None and count > _HANDFUL:
            say(
                "Without --journal FILE this job cannot be resumed: if it is interrupted or killed, running it again "
                "acts again for rows that are done."
            )

    async def _run(self, refold: "AsyncRefold", stack: ExitStack, signals: ExitStack) -> JobEnd:
        plan, journal = self.plan, self.job.journal
        output = None
        if self.job.output is not None:
            output = stack.enter_context(OutcomeFile(self.job.output, self.rows.file, journal))
        display = open_display(len(self.rows))
        stack.callback(display.close)
        constant = plan.template.constant
        job = refold.fan_out_action(
            self.rows,
            self.slug,
            self.action_id,
            plan.template.parameters_of if constant is None else constant,
            account=plan.account_of,
            key=plan.key_of,
            journal=None if journal is None else self._journal(journal),
            idempotent=self.write.read,
            progress=display.show,
            grace=GRACE,
            **self.chosen,
        )
        try:
            return await run_job(job, display, output, signals, watches_streaks=self.job.stop_after is None)
        except JournalError as error:
            if "belongs to another job" in error.message:
                error.add_note("A job is another one, too, where its columns or its parameters are.")
            raise

    def _journal(self, path: Path) -> "Journal":
        from refold_async import Journal

        plan = self.plan
        told = plan.template.fingerprint(plan.account_column, plan.key_column or "")
        return Journal(path, job=f"{self.slug} {self.action_id} of rows {told}")

    def _tell(self, end: JobEnd, seconds: float) -> None:
        job = self.job
        summary = JobSummary(
            end=end,
            total=len(self.rows),
            slug=self.slug,
            journal=None if job.journal is None else str(job.journal),
            output=None if job.output is None else str(job.output),
            reads=self.write.read,
            rows_from=self.rows.file.name,
            rows_stay=Path(job.accounts).is_file() and not job.accounts.startswith("/dev/"),
            seconds=seconds,
        )
        for text, command in summary.paragraphs():
            say(text)
            if command is not None:
                say_command(command)
        try:
            if wants_json(self.options):
                print_json(summary.as_json())
        except OSError:
            if summary.exit_code is ExitCode.OK:  # else that counts more
                raise
        if summary.exit_code is not ExitCode.OK:
            raise StoppedError(summary.exit_code)


def _check(job: JobOptions) -> dict[str, Any]:
    """Check what does not need the rows, and return the job's options as the library takes them."""
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
            raise UsageError(f"{name} is about what a journal has of earlier runs: pass --journal FILE with it.")
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
    if text.endswith("%") or value < 1 or not value.is_integer():  # infinity and no number are none
        raise problem
    return int(value)
