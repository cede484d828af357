"""`refold generate`."""

import errno
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import attrs
from cyclopts import Parameter

from refold_async.cli.commands.actions import suggesting
from refold_async.cli.failures import ExitCode, StoppedError, UsageError, say
from refold_async.cli.generated_module import DescribedAction, is_generated, module_source
from refold_async.cli.options import AccountOptions
from refold_async.cli.output import print_text
from refold_async.cli.rewording import reworded
from refold_async.cli.session import open_client
from refold_async.cli.terminal import is_terminal, takes_unicode
from refold_async.cli.words import counted
from refold_async.errors import ConfigurationError, NotFoundError
from refold_async.transport.partial_file import PartialFile

if TYPE_CHECKING:
    from refold_async import AccountScope, AsyncRefold

__all__ = ["generate"]

_CONCURRENCY: Final = 8
_ENOUGH_OF_IT: Final = 1000
"""How many characters of a file show whether this command wrote it."""


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ModuleOptions(AccountOptions):
    """The options of a command that prints Python and not JSON."""

    json: Annotated[bool, Parameter(parse=False)] = False


async def generate(
    slug: str,
    /,
    *,
    options: ModuleOptions,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    action: Annotated[tuple[str, ...], Parameter(name="--action")] = (),
    force: bool = False,
) -> None:
    """Write a Python module with a typed method for each action of an app.

    Args:
        slug: The app, such as hubspot.
        output: The file to write, such as hubspot_actions.py; by default the module is printed.
        action: Write only this action; may be given several times.
        force: Replace the file even if refold generate did not write it.
    """
    target = None if output is None else _checked(output, force=force)
    async with open_client(options) as refold:
        described = await _describe(refold, options.account, slug, action)
    if not described:
        say(f"refold: {slug} has no actions, so there is nothing to write.")
        raise StoppedError(ExitCode.FAILED)
    source = module_source(slug, described, chosen=bool(action))
    if target is None:
        if not takes_unicode(sys.stdout):  # only string literals have other characters than ASCII
            source = source.encode("ascii", "backslashreplace").decode()
        print_text(source.removesuffix("\n"))
        return
    _write(target, source)
    if is_terminal(sys.stderr):
        say(f"{output} has {counted(len(described), 'action')} of {slug}.")


async def _describe(
    refold: "AsyncRefold", account_id: str, slug: str, chosen: tuple[str, ...]
) -> list[DescribedAction]:
    """Return the actions of an app with their parameters. It reads the parameters of several actions at a time."""
    from refold_async import Ok

    async with suggesting(refold.account(account_id), slug):
        listed = {action.action_id: action for action in await refold.account(account_id).list_actions(slug)}

    async def describe(account: "AccountScope", action_id: str) -> DescribedAction | None:
        known = listed.get(action_id)
        try:
            parameters = await account.get_action_parameters(slug, action_id)
        except (ConfigurationError, NotFoundError) as error:
            if action_id in chosen:
                raise
            say(f"refold: Left out {action_id!r}, which cannot be executed: {reworded(error.message)}")
            return None
        if known is None:
            return DescribedAction(action_id, parameters)
        return DescribedAction(action_id, parameters, known.name, known.description)

    # As the items of a fan-out, which slows down when Refold answers that requests come too fast.
    reading = refold.fan_out(
        list(dict.fromkeys(chosen)) or list(listed),
        describe,
        account=lambda _: account_id,
        concurrency=_CONCURRENCY,
        grace=0,
    )
    described = list[DescribedAction]()
    async with reading as outcomes:
        async for outcome in outcomes:
            if not isinstance(outcome, Ok):
                async with suggesting(refold.account(account_id), slug, outcome.item):
                    raise outcome.error
            if outcome.value is not None:
                described.append(outcome.value)
    return described


def _checked(output: Path, *, force: bool) -> str:
    """Return where to write, an absolute path without symbolic links.

    Raises:
        UsageError: The file must not be replaced, or cannot be written.
    """
    try:
        target = os.path.realpath(output)
        problem = _problem_with(output, target, force=force)
    except (OSError, ValueError) as error:  # ValueError for a NUL
        raise UsageError(f"{output} cannot be written: {getattr(error, 'strerror', None) or error}.") from None
    if problem:
        raise UsageError(f"{output} {problem}")
    return target


def _problem_with(output: Path, target: str, *, force: bool) -> str:
    """Return why a file must not be created or replaced, or an empty text."""
    if not os.path.isdir(directory := os.path.dirname(target)):
        return f"cannot be written: there is no directory {directory}."
    if not os.access(directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        return f"cannot be written: {os.strerror(errno.EACCES)} in {directory}."
    try:
        mode = os.stat(output).st_mode  # the target of a pipe such as /dev/stdout is not a path
    except FileNotFoundError:
        return ""
    if not stat.S_ISREG(mode):
        return "cannot be written: it is not a regular file. Without -o, the module is printed."
    with open(target, encoding="utf-8", errors="replace") as file:
        if force or is_generated(file.read(_ENOUGH_OF_IT)):
            return ""
    return "exists, and refold generate did not write it: pass --force to replace it."


def _write(target: str, source: str) -> None:
    """Write a file, whole or not at all. A file that is already the same stays unchanged."""
    content = source.encode()
    try:
        if Path(target).read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    file = PartialFile(target)
    try:
        file.write(content)
        file.replace_target()
    except BaseException as error:
        file.discard()
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(
                error.errno, error.strerror, target
            ) from error  # names the target, and not the partial file or no file
        raise
