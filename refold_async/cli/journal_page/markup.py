"""Texts from anywhere, made safe to show in a page."""

from html import escape

from refold_async.cli.terminal import plain

__all__ = ["text"]


def text(value: object) -> str:
    """Return markup that shows a text, also between the quotes of an attribute.

    Characters that would reverse the text around them, hide in it or end a line of a script are escaped.
    """
    return escape(plain(str(value)), quote=True)
