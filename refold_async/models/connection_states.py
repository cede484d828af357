"""What has to be done before a linked account can be acted for in an app."""

from typing import Literal

__all__ = ["ConnectionState"]

ConnectionState = Literal["connect", "connected", "reconnect"]
"""What the owner of a linked account has to do, or `connected` where there is nothing to do."""
