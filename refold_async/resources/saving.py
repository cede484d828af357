"""`save_to=`: save the response to a file. Loaded by the first call that uses it."""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from refold_async.errors import ConfigurationError, RefoldError
from refold_async.models.results import ActionResult
from refold_async.models.saved_file import SavedFile
from refold_async.protocol.action_results import parse_action_file, parse_saved_action_file
from refold_async.protocol.endpoints import Request
from refold_async.protocol.files import SaveTo, says_it_is_a_file
from refold_async.protocol.parsers import parse_saved
from refold_async.protocol.responses import Parser, Response

__all__ = ["save_action_file", "save_response"]


def save_response(request: Request, into: Any, save_to: str | os.PathLike[str]) -> Parser[SavedFile]:
    """Save the response to a request, whatever it is; return its parser.

    Raises:
        ConfigurationError: The file cannot be saved there.
    """
    request.save_to = SaveTo(*_checked(into, save_to), is_file=lambda headers: True)
    return parse_saved


def save_action_file(request: Request, into: Any, save_to: str | os.PathLike[str]) -> Parser[ActionResult[SavedFile]]:
    """Save the file that an action returns; return the parser of the response.

    Raises:
        ConfigurationError: The file cannot be saved there.
    """

    def content(headers: Mapping[str, str], body: bytes) -> bytes | None:
        try:
            return parse_action_file(Response(200, headers, body), request).data
        except RefoldError:  # the parser of the response raises it again
            return None

    request.save_to = SaveTo(*_checked(into, save_to), is_file=says_it_is_a_file, content=content)
    return parse_saved_action_file


def _checked(into: Any, save_to: Any) -> tuple[Path, str]:
    """Return the path of a writable file: as the caller wrote it, and as an absolute path without symbolic links."""
    if into is not None:
        raise ConfigurationError("into= and save_to= cannot be combined: save_to= writes the response unchanged.")
    name: object = None
    with suppress(TypeError):
        name = os.fspath(cast("str", save_to))
    if not isinstance(name, str):
        raise ConfigurationError(f"save_to must be a path, a str or os.PathLike[str], not {type(save_to).__name__}.")
    target = problem = ""
    try:
        target = os.path.realpath(name)
        problem = _problem_with(target) if os.path.basename(name) else "it does not name a file"
    except (OSError, ValueError) as error:  # ValueError for a NUL character
        problem = getattr(error, "strerror", None) or str(error)
    if problem:
        raise ConfigurationError(f"save_to={name!r} cannot be written: {problem}.")
    return Path(name), target


def _problem_with(target: str) -> str:
    """Return why a file cannot be created or replaced, or an empty text."""
    directory = os.path.dirname(target)
    if not os.path.isdir(directory):
        return f"there is no directory {directory!r}"
    if not _allowed(directory, os.W_OK | os.X_OK):
        return f"the directory {directory!r} is not writable"
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return ""
    if stat.S_ISDIR(mode):
        return "it is a directory"
    if not stat.S_ISREG(mode):
        return "it is not a regular file, so it cannot be replaced"
    return "" if _allowed(target, os.W_OK) else "it is read-only"


def _allowed(path: str, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)
