"""`refold fan-out`."""

import asyncio
import re
import shlex
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
from cyclopts import Parameter

from refold_async.cli.bulk.checks import CheckedRows, Problems, RowPlan, check_rows
from refold_async.cli.bulk.displays import open_display
from refold_async.cli.bulk.job import GRACE, JobEnd, run_job
from refold_async.cli.bulk.options import JOB, JobOptions, checked_settings
from refold_async.cli.bulk.outcome_file import OutcomeFile
from refold_async.cli.bulk.rows import open_rows
from refold_async.cli.bulk.summary import JobSummary
from refold_async.cli.bulk.templates import Template
from refold_async.cli.commands.actions import suggesting
from refold_async.cli.confirmation import confirm_write
from refold_async.cli.dry_run import print_request
from refold_async.cli.failures import ExitCode, StoppedError, say, say_command
from refold_async.cli.options import Options, WriteOptions
from refold_async.cli.output import print_json, wants_json
from refold_async.cli.session import open_client
from refold_async.cli.words import counted
from refold_async.errors import BadRequestError, JournalError, ParameterError, PermissionDeniedError

if TYPE_CHECKING:
    from refold_async import ActionParameters, AsyncRefold, Journal

__all__ = ["fan_out"]

_PARAMETERS = (
    "name=@COLUMN takes each row's text from that column, name:=@COLUMN its JSON. name=text and name:=JSON are the "
    "same in all rows, as are the members of @FILE, a JSON object. An empty cell leaves its parameter out."
)
_HANDFUL = 10
_OTHER_ROWS = re.compile(r"job is '([^']*) of rows \w+' in the journal and '\1 of rows \w+' in this run")
"""How a journal says that two jobs differ only in the hash of their parameters and columns."""
_ACCOUNTS_ASKED = 3


def fan_out(
    slug: str,
    action_id: str,
    /,
    *parameters: Annotated[str, Parameter(help=_PARAMETERS)],
    job: JobOptions,
    options: Options = Options(),
    write: WriteOptions = WriteOptions(),
    dry_run: Annotated[bool, Parameter(group=JOB)] = False,
) -> None:
    """Execute an action for each row of a file, many at a time.

    Args:
        slug: The app, such as hubspot.
        action_id: The action, such as create_contact.
        dry_run: Send nothing to the app. Check all rows, and print the first request, without the API key.
    """
    chosen = checked_settings(job)
    plan = RowPlan(
        template=Template(parameters),
        account_column=job.account_column,
        key_column=job.key,
        distinct=job.journal is not None,
    )
    with open_rows(str(job.accounts)) as file:
        rows = check_rows(file, plan, job.limit)
        asyncio.run(_Command(slug, action_id, plan, rows, job, options, write, chosen).run(dry_run=dry_run))


@attrs.frozen
class _Command:
    """The command, with its options and rows."""

    slug: str
    action_id: str
    plan: RowPlan
    rows: CheckedRows
    job: JobOptions
    options: Options
    write: WriteOptions
    chosen: Mapping[str, Any]

    async def run(self, *, dry_run: bool) -> None:
        with ExitStack() as signals:  # handled until the job is reported
            async with open_client(self.options, rate=self.job.rate) as refold:
                await self._check_parameters(refold)
                if dry_run:
                    self._show_first(refold)
                    return
                self._confirm(refold)
                began = time.monotonic()
                with ExitStack() as stack:
                    end = await self._run(refold, stack, signals)
            self._report(end, time.monotonic() - began)

    async def _check_parameters(self, refold: "AsyncRefold") -> None:
        """Check the parameters of all rows against the action's schema."""
        schema = await self._fetch_schema(refold)
        complete = self.plan.template.complete
        try:
            schema.validate(complete)
        except ParameterError as error:
            account = shlex.quote(self.plan.account_of(self.rows.first))
            error.add_note(f"`refold params {self.slug} {self.action_id} -a {account}` lists its parameters.")
            raise
        problems = Problems(self.rows.file)
        for name, lines in self.rows.left_out.items():
            try:
                schema.validate({other: value for other, value in complete.items() if other != name})
            except ParameterError as error:
                problems.add_lines(lines, error.message)
        problems.raise_if_any()

    async def _fetch_schema(self, refold: "AsyncRefold") -> "ActionParameters":
        """Fetch the action's schema, with another account if one is refused: that is a failure of its row only."""
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
            f"{self.rows.file.name} is valid ({counted(len(self.rows), 'row')}). Above is the first "
            "request. Nothing was sent."
        )

    def _confirm(self, refold: "AsyncRefold") -> None:
        if self.write.read:
            return
        count = len(self.rows)
        accounts = counted(count, "account")
        if not self.plan.distinct or self.plan.key_column is not None:
            accounts = f"the accounts of {counted(count, 'row')}"
        confirm_write(refold.environment, f"Execute {self.action_id} of {self.slug} for {accounts}", self.write)
        if self.job.journal is None and count > _HANDFUL:
            say(
                "Without --journal FILE, this job cannot be resumed: if it is interrupted or killed, running it again "
                "repeats the rows that are done."
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
            if "belongs to another job" not in error.message:
                raise
            other = JournalError(_OTHER_ROWS.sub("its parameters or columns are not the same", error.message))
            other.effect = error.effect
            other.add_note("If you change a parameter or a column, the command is a new job.")
            raise other from error

    def _journal(self, path: Path) -> "Journal":
        from refold_async import Journal

        plan = self.plan
        fingerprint = plan.template.fingerprint(plan.account_column, plan.key_column or "")
        return Journal(path, job=f"{self.slug} {self.action_id} of rows {fingerprint}")

    def _report(self, end: JobEnd, seconds: float) -> None:
        job = self.job
        summary = JobSummary(
            end=end,
            total=len(self.rows),
            slug=self.slug,
            journal=None if job.journal is None else str(job.journal),
            output=None if job.output is None else str(job.output),
            reads=self.write.read,
            rows_from=self.rows.file.name,
            rows_stay=Path(job.accounts).is_file() and not str(job.accounts).startswith("/dev/"),
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
            if summary.exit_code is ExitCode.OK:  # any other exit code matters more
                raise
        if summary.exit_code is not ExitCode.OK:
            raise StoppedError(summary.exit_code)
