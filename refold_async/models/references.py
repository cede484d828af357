"""What an object of Refold's says of another that it belongs to."""

import attrs

from refold_async.models.model import Model, named

__all__ = ["Reference"]


@attrs.frozen(eq=False, repr=False)
class Reference(Model):
    """An app or a workflow that something belongs to."""

    id: str | None = attrs.field(default=None, metadata=named("_id", "id"))
    """Refold's id of it."""
    name: str | None = None
    """Its name for people."""
    icon: str | None = None
    """The URL of its icon."""
    description: str | None = None
    """What it is."""
