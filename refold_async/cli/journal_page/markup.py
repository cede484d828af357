"""Texts as they may stand in a page, whoever wrote them."""

from html import escape

from refold_async.cli.terminal import plain

__all__ = ["text"]


def text(value: object) -> str:
    """Return a text as markup that shows it, also within the quotes of an attribute.

    What would turn the text around it, hide in it or end a line of a script is spelled out.
    """
    return escape(plain(str(value)), quote=True)
