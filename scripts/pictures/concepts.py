"""The concepts of Refold, and how they relate."""

from typing import Final

from pictures.picture import Picture

__all__ = ["draw"]

_LABELS: Final = 24
_LEFT: Final = 206
_RIGHT: Final = 744
_DESCRIPTION: Final = (
    "Your organisation has an API key. It has linked accounts, one for each of your customers. A linked account has "
    "connections, each to an app, such as HubSpot or Slack; a connection can expire, and the customer then reconnects. "
    "A connection lets you execute actions of its app, such as get_contact. A workflow is several steps, over one app "
    "or several. Each run of a workflow for a linked account is an execution, with a status."
)


def draw() -> str:
    """Draw them from the organisation down to actions and executions."""
    picture = Picture("How organisation, linked accounts, connections, actions and workflows relate", _DESCRIPTION, 610)

    _level(picture, 62, "Organisation", "your product")
    picture.card(_LEFT, 16, _RIGHT - _LEFT, 66, "Your organisation", "one API key")

    _level(picture, 182, "Linked accounts", "one per customer")
    picture.card(_LEFT, 136, 204, 66, "user_12345", mono=True, fill="ours-box", stroke="ours")
    picture.card(_LEFT + 230, 136, 204, 66, "user_67890", mono=True)
    picture.text(_LEFT + 490, 176, "…", size=28, colour="muted", anchor="middle")
    for middle in (_LEFT + 102, _LEFT + 332, _LEFT + 490):
        picture.arrow((middle, 82), (middle, 136))

    _level(picture, 302, "Connections", "each to one app")
    picture.card(_LEFT, 256, 204, 66, "HubSpot", "connected", fill="ours-box", stroke="ours")
    picture.card(_LEFT + 230, 256, 204, 66, "Slack", "must reconnect", fill="hand-box", stroke="hand")
    picture.arrow((_LEFT + 60, 202), (_LEFT + 60, 256))
    picture.arrow((_LEFT + 150, 202), (_LEFT + 150, 229), (_LEFT + 332, 229), (_LEFT + 332, 256))

    _level(picture, 442, "What you run", "for an account")
    picture.card(_LEFT, 376, 248, 116, "Actions", "one step in one app:", "get_contact,", "create_contact, …")
    picture.card(
        _LEFT + 290, 376, 248, 116, "Workflows", "several steps, in one", "app or several:", "welcome_contact, …"
    )
    picture.arrow((_LEFT + 102, 322), (_LEFT + 102, 376))
    picture.arrow((_LEFT + 190, 322), (_LEFT + 190, 349), (_LEFT + 375, 349), (_LEFT + 375, 376))
    picture.arrow((_LEFT + 410, 322), (_LEFT + 410, 376))

    _level(picture, 562, "What you get", "")
    picture.card(_LEFT, 532, 248, 62, "A result", "the app's own data")
    picture.card(_LEFT + 290, 532, 248, 62, "An execution", "one run, with a status")
    picture.arrow((_LEFT + 124, 492), (_LEFT + 124, 532))
    picture.arrow((_LEFT + 414, 492), (_LEFT + 414, 532))
    return picture.markup()


def _level(picture: Picture, middle: float, name: str, meaning: str) -> None:
    picture.text(_LABELS, middle - (7 if meaning else -7), name, bold=True, size=18)
    if meaning:
        picture.text(_LABELS, middle + 18, meaning, size=18, colour="muted")
