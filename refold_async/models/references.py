"""How an object of Refold refers to another one that it belongs to."""

import attrs

from refold_async.models.model import Model, named

__all__ = ["Reference"]


@attrs.frozen(eq=False, repr=False)
class Reference(Model):
    """The app or workflow that an object belongs to."""

    id: str | None = attrs.field(default=None, metadata=named("_id", "id"))
    """Refold's id for the app or workflow."""
    name: str | None = None
    """The display name."""
    icon: str | None = None
    """The URL of the icon."""
    description: str | None = None
    """What the app or workflow does."""
