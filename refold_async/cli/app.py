"""The commands, by the functions that run them. Those are loaded when they are run."""

from typing import Final

from cyclopts import App, Group, Parameter

from refold_async.version import __version__

__all__ = ["make_app"]

_COMMANDS: Final = "refold_async.cli.commands"

_HELP: Final = """\
Act in your customers' apps through Refold: one linked account or a file of them at a time.

Reads REFOLD_API_KEY, REFOLD_BASE_URL and REFOLD_LINKED_ACCOUNT_ID. Prints tables on a terminal, else JSON.
"""
_EXIT_CODES: Final = """\
Exit codes: 0 it did what was asked; 1 it failed, and nothing happened; 2 the command is wrong, and nothing was sent; \
3 a write may have happened: look before you run it again; 4 it happened, and what came of it could not be used: do \
not run it again; 130 Ctrl-C before a write was sent.
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
    app.command(
        f"{_COMMANDS}.apps:apps", name="apps", group=calls, help="List the apps, and whether they are connected."
    )
    app.command(f"{_COMMANDS}.actions:actions", name="actions", group=calls, help="List the actions of an app.")
    app.command(
        f"{_COMMANDS}.actions:params", name="params", group=calls, help="Show which parameters an action takes."
    )
    app.command(f"{_COMMANDS}.actions:execute", name="execute", group=calls, help="Execute an action.")
    app.command(
        f"{_COMMANDS}.generate:generate", name="generate", group=calls, help="Write a typed Python module of an app."
    )
    return app
