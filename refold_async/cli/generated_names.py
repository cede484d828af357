"""Names for what a generated module defines: ASCII, no keyword, unique, and the same every time."""

import keyword
import re
import unicodedata

__all__ = ["class_name", "method_name", "plain_name", "unique"]


def plain_name(text: str) -> bool:
    """Tell whether a text can be the name of a member as it is, and would be none of Python's own."""
    return text.isascii() and text.isidentifier() and not keyword.iskeyword(text) and not text.startswith("_")


def method_name(text: str) -> str:
    """Return the name of a method that stands for a text, the text itself where it can be one."""
    if plain_name(text):
        return text
    name = "_".join(_words(text))
    if not name or name[0].isdigit():
        name = f"action_{name}".rstrip("_")
    return f"{name}_" if keyword.iskeyword(name) else name


def class_name(text: str, other: str, suffix: str) -> str:
    """Return the name of a class that stands for a text.

    Args:
        text: The text.
        other: What to begin with where the text gives nothing that a name can begin with.
        suffix: What to end with.
    """
    words = [part for word in _words(text) for part in word.split("_") if part]
    if not words or words[0][0].isdigit():
        words.insert(0, other)
    return "".join(word[0].upper() + word[1:] for word in words) + suffix


def unique(name: str, taken: set[str]) -> str:
    """Return a name, with a number if it is taken, and take it."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name.rstrip('_')}_{number}"
    taken.add(free)
    return free


def _words(text: str) -> list[str]:
    """Return the words of a text: without accents, and what has no ASCII by its number in Unicode."""
    letters = [letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter)]
    spelled = "".join(
        letter if letter.isascii() else f" u{ord(letter):04x} " if letter.isalnum() else " " for letter in letters
    )
    return [word for part in re.findall(r"[A-Za-z0-9_]+", spelled) if (word := part.strip("_"))]
