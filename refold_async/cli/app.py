"""The commands, by the functions that run them. Those are loaded when they are run."""

from typing import Final

from cyclopts import App, Group, Parameter

from refold_async.version import __version__

__all__ = ["make_app"]

_COMMANDS: Final = "refold_async.cli.commands"

_HELP: Final = """\
Act in your customers' apps through Refold.

See what an app can do, what one of its actions takes, and execute it:

  refold actions hubspot -a user_12345
  refold params hubspot create_contact -a user_12345
  refold execute hubspot create_contact -a user_12345 email=ada@example.com

The API key is REFOLD_API_KEY's; REFOLD_LINKED_ACCOUNT_ID may stand for -a. On a terminal lists are tables, elsewhere \
JSON. COMMAND --help tells what a command takes.
"""
_EXIT_CODES: Final = """\
Exit codes: 0 it did what was asked; 1 it failed, and nothing happened; 2 the command is wrong, and nothing was sent; \
3 a write may have happened: look before you run it again; 4 it happened, and what came of it could not be used: do \
not run it again; 130 Ctrl-C before a write was sent (129 and 143: SIGHUP and SIGTERM).
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
        suppress_keyboard_interrupt=False,
    )
    calls = Group("Actions of apps", sort_key=1)
    _add(app, calls, "apps", "apps:apps", "List the apps, and whether they are connected.")
    _add(app, calls, "actions", "actions:actions", "List the actions of an app.")
    _add(app, calls, "params", "actions:params", "Show which parameters an action takes.")
    _add(app, calls, "execute", "actions:execute", "Execute an action.")
    _add(app, calls, "generate", "generate:generate", "Write a typed Python module of an app's actions.")
    app["--help"].group = app["--version"].group = Group("Options", sort_key=100)
    return app


def _add(app: App, group: Group | None, name: str, function: str, summary: str) -> None:
    """Add a command, run by a function of `refold_async.cli.commands` that is loaded when it is needed."""
    # Help shows the commands in this order.
    app.command(f"{_COMMANDS}.{function}", name=name, group=group, help=summary, sort_key=len(list(app)))
