"""Names for the members of a generated module: ASCII, not keywords, unique, and the same every time."""

import keyword
import re
import unicodedata

__all__ = ["class_name", "method_name", "plain_name", "unique"]


def plain_name(text: str) -> bool:
    """Return whether a text can be the name of a member unchanged, without the leading underscore of private ones."""
    return text.isascii() and text.isidentifier() and not keyword.iskeyword(text) and not text.startswith("_")


def method_name(text: str) -> str:
    """Return the name of a method for a text: the text itself if it can be a name."""
    if plain_name(text):
        return text
    name = "_".join(_words(text))
    if not name or name[0].isdigit():
        name = f"action_{name}".rstrip("_")
    return f"{name}_" if keyword.iskeyword(name) else name


def class_name(text: str, other: str, suffix: str) -> str:
    """Return the name of a class for a text.

    Args:
        text: The text.
        other: The first word, if the text has none that a name can begin with.
        suffix: The last word.
    """
    words = [part for word in _words(text) for part in word.split("_") if part]
    if not words or words[0][0].isdigit():
        words.insert(0, other)
    return "".join(word[0].upper() + word[1:] for word in words) + suffix


def unique(name: str, taken: set[str]) -> str:
    """Return a name, with a number if it is taken, and mark it as taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name.rstrip('_')}_{number}"
    taken.add(free)
    return free


def _words(text: str) -> list[str]:
    """Return the words of a text, without accents. Letters that are not ASCII become their Unicode numbers."""
    letters = [letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter)]
    spelled = "".join(
        letter if letter.isascii() else f" u{ord(letter):04x} " if letter.isalnum() else " " for letter in letters
    )
    return [word for part in re.findall(r"[A-Za-z0-9_]+", spelled) if (word := part.strip("_"))]
