"""A file that an answer was saved to."""

from pathlib import Path

import attrs

from refold_async.models.response_meta import ResponseMeta

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
    meta: ResponseMeta = attrs.field(default=ResponseMeta(), repr=False, eq=False, kw_only=True)
    """What became of the call that gave this: attempts, seconds, and the status and headers of its response."""

    @property
    def request_id(self) -> str | None:
        """Refold's id of the request whose response this is, to quote to support; None where Refold gave none."""
        return self.meta.request_id
