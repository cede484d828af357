"""A sample app: Slack with a few message actions."""

from typing import Any, Final

from refold_async.testing.catalogue.catalogue import Catalogue
from refold_async.testing.catalogue.handlers import ActionContext, AppError

__all__ = ["add_slack"]

_CHANNELS: Final = [
    {"id": "C024BE91L", "name": "general", "is_channel": True, "is_archived": False},
    {"id": "C024BE92M", "name": "sales", "is_channel": True, "is_archived": False},
]
_CHANNEL_IDS: Final = {name: channel["id"] for channel in _CHANNELS for name in (channel["id"], channel["name"])}
_FIRST_SECOND: Final = 1782036251


def add_slack(catalogue: Catalogue) -> None:
    """Add the app `slack` with its actions.

    Args:
        catalogue: Where to add it.
    """
    catalogue.add_app(
        "slack",
        name="Slack",
        tags=["Communication"],
        description="Messages in channels.",
        expired_data={"ok": False, "error": "token_expired"},
        rate_limited_data={"ok": False, "error": "ratelimited"},
    )
    channel = {"name": "channel", "label": "Channel", "required": True, "type": "select"}
    catalogue.action(
        "slack",
        "send_message",
        description="Sends a message to a channel.",
        parameters=[channel, {"name": "text", "label": "Text", "required": True, "type": "textarea"}],
        tag="Messages",
    )(_send_message)
    catalogue.action(
        "slack",
        "list_messages",
        description="Lists the messages of a channel, newest first.",
        parameters=[channel],
        tag="Messages",
    )(_list_messages)
    catalogue.action("slack", "list_channels", description="Lists the channels.", tag="Channels")(_list_channels)


async def _send_message(context: ActionContext, parameters: dict[str, Any]) -> Any:
    channel_id = _channel_id(parameters)
    messages: list[dict[str, Any]] = context.store.setdefault("messages", [])
    number = len(messages)
    sent = {"type": "message", "text": parameters["text"], "ts": f"{_FIRST_SECOND + number}.{number:06d}"}
    messages.append({"channel": channel_id, "message": sent})
    return {"ok": True, "channel": channel_id, "ts": sent["ts"], "message": sent}


async def _list_messages(context: ActionContext, parameters: dict[str, Any]) -> Any:
    channel_id = _channel_id(parameters)
    messages: list[dict[str, Any]] = context.store.get("messages", [])
    return {"ok": True, "messages": [sent["message"] for sent in reversed(messages) if sent["channel"] == channel_id]}


async def _list_channels(_context: ActionContext, _parameters: dict[str, Any]) -> Any:
    return {"ok": True, "channels": _CHANNELS}


def _channel_id(parameters: dict[str, Any]) -> Any:
    channel_id = _CHANNEL_IDS.get(str(parameters["channel"]).removeprefix("#"))
    if channel_id is None:
        # Slack itself responds with 200 here, and says only in the body what is wrong.
        raise AppError(200, {"ok": False, "error": "channel_not_found"})
    return channel_id
