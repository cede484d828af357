"""A file to which a response was saved."""

from pathlib import Path

import attrs

from refold_async.models.response_meta import ResponseMeta

__all__ = ["SavedFile"]


@attrs.frozen
class SavedFile:
    """A file that `save_to=` wrote."""

    path: Path
    """The path, as you passed it."""
    size: int
    """The length of the file in bytes."""
    content_type: str | None = None
    """The `Content-Type` of the response, such as `application/pdf`. None if the response has none, or if the file was
    a text inside Refold's own JSON response."""
    meta: ResponseMeta = attrs.field(default=ResponseMeta(), repr=False, eq=False, kw_only=True)
    """How the call went: attempts, duration in seconds, and the status and headers of the response."""

    @property
    def request_id(self) -> str | None:
        """Refold's id for the request, to quote when you contact support; None if the response has none."""
        return self.meta.request_id
