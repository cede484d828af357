"""What must be done before actions of an app can be executed for a linked account."""

from typing import Literal

__all__ = ["ConnectionState"]

ConnectionState = Literal["connect", "connected", "reconnect"]
"""`connect` or `reconnect`: what the owner of the linked account must do with the app. `connected`: nothing."""
