"""The commands, by the functions that run them. Those are loaded when they are run."""

from typing import Final

from cyclopts import App, Group, Parameter

from refold_async.cli.bulk import help as help_of_jobs
from refold_async.version import __version__

__all__ = ["make_app"]

_COMMANDS: Final = "refold_async.cli.commands"

_HELP: Final = """\
Act in your customers' apps through Refold.

See what an app can do, what one of its actions takes, and execute it:

  refold actions hubspot -a user_12345
  refold params hubspot create_contact -a user_12345
  refold execute hubspot create_contact -a user_12345 email=ada@example.com

The API key is REFOLD_API_KEY's; without one, try `refold mock`. REFOLD_LINKED_ACCOUNT_ID may stand for -a. On a \
terminal lists are tables, elsewhere JSON. COMMAND --help tells what a command takes.
"""
_EXIT_CODES: Final = """\
Exit codes: 0 it did what was asked; 1 it failed, and nothing happened; 2 the command is wrong, and nothing was sent; \
3 a write may have happened: look before you run it again; 4 it happened, and what came of it could not be used: do \
not run it again; 130 Ctrl-C before a write was sent (129 and 143: SIGHUP and SIGTERM); 141 a reader such as head took \
only the beginning.
"""

_EXIT_CODES_OF_READING: Final = """\
Exit codes: 0 it did what was asked; 1 the journal could not be read, or what was asked for could not be written; \
2 the command is wrong; 130 Ctrl-C; 141 a reader such as head took only the beginning.
"""

_WATCH: Final = """\
Fails if it does not complete. Prints a JSON object per line where it does not print to a terminal.
"""
_CONNECT: Final = "Whoever has the link acts for the account there: give it to nobody else."
_REQUEST: Final = "All methods but GET and HEAD count as writes."
_MOCK: Final = "It runs on this machine until Ctrl-C, holds sample data only, and forgets all at its end."
_SHELLS: Final = """\
bash: refold completion bash > ~/.local/share/bash-completion/completions/refold

zsh: refold completion zsh > _refold, in a directory of $fpath

fish: refold completion fish > ~/.config/fish/completions/refold.fish
"""


def make_app() -> App:
    """Return the application, with all its commands."""
    app = App(
        name="refold",
        help=_HELP,
        help_epilogue=_EXIT_CODES,
        help_format="plaintext",
        version=__version__,
        default_parameter=Parameter(negative=(), show_default=False),
        suppress_keyboard_interrupt=False,  # what Ctrl-C ends with depends on what was sent
    )
    calls = Group("Actions of apps", sort_key=1)
    _add(app, calls, "apps", "apps:apps", "List the apps, and whether they are connected.")
    _add(app, calls, "actions", "actions:actions", "List the actions of an app.")
    _add(app, calls, "params", "actions:params", "Show which parameters an action takes.")
    _add(app, calls, "execute", "actions:execute", "Execute an action.")
    _add(app, calls, "generate", "generate:generate", "Write a typed Python module of an app's actions.")

    jobs = Group("Bulk jobs", sort_key=2)
    _add(app, jobs, "fan-out", "fan_out:fan_out", help_of_jobs.FAN_OUT)
    journal = App(
        name="journal",
        group=jobs,
        sort_key=len(list(app)),
        help="Read the journal of a job, also while it runs. Nothing is sent.",
        help_epilogue=_EXIT_CODES_OF_READING,
    )
    _add(journal, None, "summary", "journal:summary", "Show how many items ended how, and how many are left.")
    _add(journal, None, "entries", "journal:entries", "List the items, all or some of them.")
    _add(journal, None, "report", "journal:report", "Tell how the job went; as a page with --html, or --csv.")
    app.command(journal)

    runs = Group("Workflows", sort_key=3)
    workflows = App(name="workflows", help="List, show and run workflows.", group=runs, sort_key=len(list(app)))
    _add(workflows, None, "list", "workflows:list_workflows", "List the workflows of a linked account.")
    _add(workflows, None, "get", "workflows:get", "Show a workflow.")
    _add(workflows, None, "params", "workflows:params", "Show what payload a workflow takes.")
    _add(workflows, None, "run", "workflows:run", "Run a workflow, and print what it gives back.")
    app.command(workflows)
    executions = App(
        name="executions", help="Follow, stop and repeat runs of workflows.", group=runs, sort_key=len(list(app))
    )
    _add(executions, None, "list", "executions:list_executions", "List the executions of a linked account.")
    _add(executions, None, "get", "executions:get", "Show an execution with its nodes.")
    _add(executions, None, "watch", "executions:watch", "Print an execution's status whenever it changes.", _WATCH)
    _add(executions, None, "wait", "executions:wait", "Wait for an execution, and print what it gives back.")
    _add(executions, None, "response", "executions:response", "Print what an execution gave back.")
    _add(executions, None, "stop", "executions:stop", "Have an execution stopped.", "What it has done is not undone.")
    _add(executions, None, "rerun", "executions:rerun", "Start a workflow again with what an execution was given.")
    app.command(executions)

    customers = Group("Customers", sort_key=4)
    accounts = App(
        name="accounts", help="List, show and create linked accounts.", group=customers, sort_key=len(list(app))
    )
    _add(accounts, None, "list", "accounts:list_accounts", "List the linked accounts of your organisation.")
    _add(accounts, None, "get", "accounts:get", "Show a linked account.")
    _add(accounts, None, "upsert", "accounts:upsert", "Create a linked account, or change its name.")
    app.command(accounts)
    _add(app, customers, "connect", "connect:connect", "Print the link by which a customer connects an app.", _CONNECT)

    others = Group("Everything else", sort_key=5)
    _add(app, others, "request", "request:request", "Call any endpoint of Refold's REST API.", _REQUEST)
    webhooks = App(name="webhooks", help="List, make, delete and test webhooks.", group=others, sort_key=len(list(app)))
    _add(webhooks, None, "list", "webhooks:list_webhooks", "List where Refold sends webhooks.")
    _add(webhooks, None, "get", "webhooks:get", "Show a webhook.")
    _add(webhooks, None, "create", "webhooks:create", "Have Refold send events to a URL.")
    _add(webhooks, None, "delete", "webhooks:delete", "Have Refold send no more events to a URL.")
    _add(webhooks, None, "sign", "webhooks:sign", "Print the signature of a webhook, to test your receiver with.")
    _add(webhooks, None, "verify", "webhooks:verify", "Check the signature of a webhook, and print its event.")
    app.command(webhooks)
    _add(app, others, "mock", "mock:mock", "Serve a mock Refold to try things with.", _MOCK)
    _add(
        app,
        others,
        "completion",
        "completion:completion",
        "Print the script by which a shell completes commands.",
        _SHELLS,
    )
    app["--help"].group = app["--version"].group = Group("Options", sort_key=100)
    return app


def _add(app: App, group: Group | None, name: str, function: str, summary: str, details: str = "") -> None:
    """Add a command, run by a function of `refold_async.cli.commands` that is loaded when it is needed.

    What its help tells is here, not in that function's docstring: a list of commands shows the summary alone.
    """
    text = f"{summary}\n\n{details}".strip()
    # Help shows the commands in this order, also those that are groups of others.
    app.command(f"{_COMMANDS}.{function}", name=name, group=group, help=text, sort_key=len(list(app)))
