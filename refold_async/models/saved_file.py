"""A file that an answer was saved to."""

from pathlib import Path

import attrs

__all__ = ["SavedFile"]


@attrs.frozen
class SavedFile:
    """A file that `save_to=` has made of an answer."""

    path: Path
    """Where it is, as it was asked for."""
    size: int
    """Its length in bytes."""
    content_type: str | None = None
    """The answer's `Content-Type`, such as `application/pdf`; None where it named none, and where the file was a text
    in an answer of Refold's own."""
