"""The commands and the functions that run them. A function is loaded when its command runs."""

from typing import Final

from cyclopts import App, Group, Parameter

from refold_async.cli.bulk import help as help_of_jobs
from refold_async.version import __version__

__all__ = ["make_app"]

_COMMANDS: Final = "refold_async.cli.commands"

_HELP: Final = """\
Act in your customers' apps through Refold.

See what an app can do and which parameters an action takes, then execute it:

  refold actions hubspot -a user_12345
  refold params hubspot create_contact -a user_12345
  refold execute hubspot create_contact -a user_12345 email=ada@example.com

-a takes the id of a linked account: your own id for one of your customers. REFOLD_LINKED_ACCOUNT_ID can be set \
instead.

The API key is read from the environment variable REFOLD_API_KEY. To try commands without a key, run `refold mock`.

Lists are tables on a terminal, and JSON elsewhere. `refold COMMAND --help` explains a command.
"""
_EXIT_CODES: Final = """\
Exit codes:
  0    done
  1    failed, and nothing happened in the app
  2    the command is wrong; nothing was sent
  3    a write may have happened: check in the app before you run it again
  4    done, but the response could not be used: do not run it again
  130  Ctrl-C before a write was sent (129: SIGHUP, 143: SIGTERM)
  141  the reader of the output, such as head, stopped early
"""

_APPS: Final = "Apps with the state reconnect need new credentials: `refold connect` prints a link for the customer."
_GENERATE: Final = "Run it again to update the file, for example after Refold has added actions."
_WATCH: Final = "Fails if the execution ends without completing. Prints one JSON object per line unless on a terminal."
_TOOLS: Final = "It prints JSON. In Python, account.tools() returns them, and executes what the model calls."
_WATCH_JOB: Final = """\
It ends when all parts of the job are closed; if the job has no parts, when no process runs it. Prints one JSON object \
per line unless on a terminal.
"""
_INIT: Final = """\
Run it once before the first job, and after an update of refold_async while no job runs. Repeating it is harmless. The \
user of the connection needs the right to create a schema.
"""
_CONNECT: Final = "Anyone with the link can connect an app for this customer: give it to nobody else."
_REQUEST: Final = "Methods other than GET and HEAD count as writes."
_MOCK: Final = """\
Leave it running, and run commands in a second terminal, where you set the two variables that it prints. It works \
offline, knows any linked account, starts with sample data, and loses all changes when you stop it with Ctrl-C.
"""
_SHELLS: Final = """\
To use it in this bash only:

  source <(refold completion bash)

To use it in every zsh, put this into ~/.zshrc, below compinit:

  source <(refold completion zsh)

To install it in a file, for bash, for zsh (in a directory of $fpath), or for fish:

  refold completion bash > ~/.local/share/bash-completion/completions/refold
  refold completion zsh > _refold
  refold completion fish > ~/.config/fish/completions/refold.fish
"""


def make_app() -> App:
    """Return the application with all its commands."""
    app = App(
        name="refold",
        help=_HELP,
        help_epilogue=_EXIT_CODES,
        help_format="plaintext",
        version=__version__,
        group_parameters=Group("Options", sort_key=50),
        default_parameter=Parameter(negative=(), show_default=False),
        suppress_keyboard_interrupt=False,  # the exit code after Ctrl-C depends on what was sent
    )
    actions = Group("Actions of apps", sort_key=1)
    _add(app, actions, "apps", "apps:apps", "List the apps, and whether they are connected.", _APPS)
    _add(app, actions, "actions", "actions:actions", "List the actions of an app.")
    _add(app, actions, "params", "actions:params", "Show which parameters an action takes.")
    execute = "--account ID [OPTIONS] SLUG ACTION_ID [PARAMETERS...]"
    _add(app, actions, "execute", "actions:execute", "Execute an action.", usage=execute)
    summary = "Write a Python module with a typed method for each action of an app."
    _add(app, actions, "generate", "generate:generate", summary, _GENERATE)
    tools = "--account ID [OPTIONS] SLUG ACTION_ID..."
    _add(app, actions, "tools", "tools:tools", "Print actions as the tools of a language model.", _TOOLS, usage=tools)

    jobs = Group("Bulk jobs", sort_key=2)
    fan_out = "--accounts FILE [OPTIONS] SLUG ACTION_ID [PARAMETERS...]"
    _add(app, jobs, "fan-out", "fan_out:fan_out", help_of_jobs.FAN_OUT, usage=fan_out, ending=help_of_jobs.EXIT_CODES)
    journal = _group(app, jobs, "journal", "Read the journal of a job, also while it runs. Nothing is sent to Refold.")
    named = "[OPTIONS] [JOURNAL]"
    summary = "Show how many items ended in each way, and how many are left."
    _add(journal, None, "summary", "journal:summary", summary, usage=named)
    _add(journal, None, "entries", "journal:entries", "List the items, all or some of them.", usage=named)
    summary = "Report how the job went: as text, as a page or as CSV."
    _add(journal, None, "report", "journal:report", summary, usage=named)
    summary = "Show how far a job is, over all its workers."
    _add(journal, None, "watch", "journal:watch", summary, _WATCH_JOB, usage=named)
    summary = "Create the tables of journals in PostgreSQL."
    _add(journal, None, "init", "journal:init", summary, _INIT, usage="[OPTIONS] [DSN]")

    runs = Group("Workflows", sort_key=3)
    workflows = _group(app, runs, "workflows", "List, get and run workflows.")
    _add(workflows, None, "list", "workflows:list_workflows", "List the workflows of a linked account.")
    _add(workflows, None, "get", "workflows:get", "Get a workflow.")
    _add(workflows, None, "params", "workflows:params", "Show which payload a workflow takes.")
    run = "--account ID [OPTIONS] WORKFLOW_ID [PAYLOAD...]"
    _add(workflows, None, "run", "workflows:run", "Run a workflow, and print its return value.", usage=run)
    executions = _group(app, runs, "executions", "List, watch, stop and rerun executions, which are runs of workflows.")
    _add(executions, None, "list", "executions:list_executions", "List the executions of a linked account.")
    _add(executions, None, "get", "executions:get", "Get an execution with its nodes.")
    _add(executions, None, "watch", "executions:watch", "Print an execution's status whenever it changes.", _WATCH)
    _add(executions, None, "wait", "executions:wait", "Wait for an execution to end, and print its return value.")
    _add(executions, None, "response", "executions:response", "Print the return value of an execution.")
    _add(executions, None, "stop", "executions:stop", "Stop an execution.", "This does not undo what it has done.")
    _add(executions, None, "rerun", "executions:rerun", "Run a workflow again with the payload of an execution.")

    customers = Group("Customers", sort_key=4)
    accounts = _group(app, customers, "accounts", "List, get and upsert linked accounts, which are your customers.")
    _add(accounts, None, "list", "accounts:list_accounts", "List the linked accounts of your organisation.")
    _add(accounts, None, "get", "accounts:get", "Get a linked account.")
    _add(accounts, None, "upsert", "accounts:upsert", "Create a linked account, or change its name.")
    summary = "Print the link where a customer connects an app."
    link = "--account ID [OPTIONS] SLUG [FIELDS...]"
    _add(app, customers, "connect", "connect:connect", summary, _CONNECT, usage=link)

    others = Group("Everything else", sort_key=5)
    request = "[OPTIONS] METHOD PATH [CONTENT...]"
    summary = "Send a request to any endpoint of Refold's REST API."
    _add(app, others, "request", "request:request", summary, _REQUEST, usage=request)
    webhooks = _group(app, others, "webhooks", "List, get, create, delete, sign and verify webhooks.")
    _add(webhooks, None, "list", "webhooks:list_webhooks", "List the webhooks.")
    _add(webhooks, None, "get", "webhooks:get", "Get a webhook.")
    create = "[OPTIONS] URL EVENTS..."
    _add(webhooks, None, "create", "webhooks:create", "Create a webhook: Refold sends events to a URL.", usage=create)
    _add(webhooks, None, "delete", "webhooks:delete", "Delete a webhook.")
    _add(webhooks, None, "sign", "webhooks:sign", "Print the signature of a webhook, to test your receiver.")
    _add(webhooks, None, "verify", "webhooks:verify", "Check the signature of a webhook, and print its event.")
    _add(app, others, "mock", "mock:mock", "Run a mock Refold on this machine, to try commands.", _MOCK)
    _add(
        app, others, "completion", "completion:completion", "Print a script for the completion of your shell.", _SHELLS
    )
    app["--help"].group = app["--version"].group = Group("Options", sort_key=100)
    return app


def _group(app: App, group: Group, name: str, summary: str) -> App:
    """Add a command that has commands of its own, and return it."""
    added = App(name=name, help=summary, help_epilogue="", group=group, sort_key=len(list(app)))
    app.command(added)
    return added


def _add(
    app: App,
    group: Group | None,
    name: str,
    function: str,
    summary: str,
    details: str = "",
    *,
    usage: str = "",
    ending: str = "",
) -> None:
    """Add a command, whose function of `refold_async.cli.commands` is loaded when the command runs.

    Its help text is here and not in the docstring of the function, because a list of commands shows only the summary.

    Args:
        app: What to add it to: the application, or one of its commands that have commands.
        group: Under which heading the application lists it.
        name: Its name.
        function: The function, as `module:name`.
        summary: What it does, in one sentence.
        details: What else its help explains.
        usage: What follows its name in the line Usage. By default cyclopts makes it, and calls several values ARGS.
        ending: What stands below its options.
    """
    path = f"refold {name}" if app.name[0] == "refold" else f"refold {app.name[0]} {name}"
    app.command(
        f"{_COMMANDS}.{function}",
        name=name,
        group=group,
        help=f"{summary}\n\n{details}".strip(),
        help_epilogue=ending,  # an empty one replaces that of the application
        usage=f"Usage: {path} {usage}" if usage else None,
        sort_key=len(list(app)),  # lists keep the order of these lines
    )
