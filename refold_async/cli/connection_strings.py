"""Connection strings of databases on the command line: recognizing one, and never showing it."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

__all__ = ["is_connection_string", "without_connection_strings"]

# With one slash too, as a path has it. A drive of Windows has only one letter.
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_PAIRS: Final = re.compile(
    r"\s*(?:host|hostaddr|port|dbname|user|password|passfile|service|options|application_name|connect_timeout|"
    r"target_session_attrs|ssl\w+)\s*="
)
_POSTGRES: Final = re.compile(r"\s*postgres\w*:/", re.IGNORECASE)
_PASSWORD: Final = re.compile(r"\bpassword\s*=")
_HIDDEN: Final = "***"


def is_connection_string(text: str) -> bool:
    """Return whether a text looks like a connection string, such as `postgresql://…` or `service=refold`."""
    return bool(_URL.match(text) or _PAIRS.match(text))


def without_connection_strings(text: str, typed: Sequence[str]) -> str:
    """Return a message without the connection strings of PostgreSQL that were typed: they may contain passwords.

    Args:
        text: The message.
        typed: The words of the command line.
    """
    values = [value for word in typed for value in (word, word.partition("=")[2])]
    urls = [value for value in values if _POSTGRES.match(value)]
    # A password with spaces, or pairs, that lack their quotes are several words.
    hidden = [value for value in values if value in urls or _PASSWORD.search(value) or (urls and "@" in value)]
    for shown in sorted({shown for value in hidden for shown in _as_shown(value)}, key=len, reverse=True):
        text = text.replace(shown, _HIDDEN)
    return text


def _as_shown(value: str) -> set[str]:
    """Return the ways in which messages show a value."""
    return {value, " ".join(value.split()), str(Path(value)), repr(value)[1:-1], shlex.quote(value)}
