"""Words and phrases that we do not write, each with what to write instead."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["ROOT", "UNWANTED", "passages_of_markdown", "passages_of_python", "prose", "unwanted_in"]

ROOT: Final = Path(__file__).parent.parent.parent

UNWANTED: Final = {
    # What a stranger reads twice: old, bookish or translated English.
    r"(?:re|fore)?(?:tell|tells|told|telling)": "say, show, report, return, mean; for 'tell apart': distinguish",
    r"whom|whoever|whomever|whosever": "name them: the caller, the user, the account",
    r"(?:of|to) (?:yours|ours|theirs)": "your own, our own, their own",
    r"but for": "except",
    r"beside": "next to, with, as well as, compared with",
    r"anew": "again",
    r"at once": "immediately, or: at the same time",
    r"by (?:itself|themselves)": "automatically, alone, on its own",
    r"holds? for": "applies to",
    r"in vain": "without success",
    r"take[ns]? for|took for": "treated as, mistaken for",
    r"comes? to the same": "is equivalent to",
    r"in all(?=[,.;:)])": "in total",
    r"where that": "if that, when that",
    r"vouch(?:es|ed)?": "confirm",
    r"look(?:s|ed|ing)? (?:at|whether|into|again)|look(?:s|ed)? if": "check, read, poll, examine",
    r"st(?:ands?|ood) for": "represents, means",
    r"(?:sen[dt]s?|called|calls) again": "retry, repeat",
    r"(?:of|from) then(?! on\b)": "of that time, from then on",
    r"there(?:of|by|upon|in|with|from)|where(?:by|upon|in|of)|here(?:by|with)": "a shorter sentence",
    r"hence|thus|albeit|lest|whilst|amongst|upon": "a word of today",
    r"dear(?:er|est)": "more expensive, costs more",
    r"(?<=[.!?:] )So many": "start with the noun: 'so many' is read as a number",
    r"clos(?:es|ing) (?:it )?closes nothing": "you need not close it",
    r"good for": "valid for, useful for",
    r"nothing but": "only",
    r"as good as": "almost",
    r"(?:is|are|was|were) to (?:be|do|go|have|run|come)": "must, should, will",
    r"of which": "a second sentence",
    r"suffices?": "is enough",
    r"known by": "identified by",
    r"go(?:es|ing)? on|went on": "continue, still run",
    r"can be had": "is available",
    r"shall": "must, will",
    r"naught|nought": "nothing, zero",
    r"(?<!there )(?:is|are) no (?!longer|more|less|different|other|better|way|need)\w+": "is not a, has no",
    r"in this wise|of a kind": "like this",
    r"those there are": "all of them, the existing ones",
    r"names? it by|name for people": "the id to pass, the display name",
    r"as (?:it|they) came": "as received, unchanged",
    r"all the same": "anyway, even so, still",
    r"heed(?:s|ed|ing)?": "follow, react to",
    r"put(?:s|ting)? up with": "accept, tolerate",
    r"handed to the network": "sent; or count attempts",
    r"of (?:one's|your|his|their) own (?:choosing|accord)": "that the caller chose, automatically",
    # What says nothing, or too much.
    r"simply|easily|obviously|of course|please": "leave it out",
    r"seamless(?:ly)?|blazing(?:ly)?|powerful|effortless(?:ly)?": "leave it out",
    r"in order to": "to",
    r"in such (?:a |an )?(?:case|time|event|situation)s?": "then, within that time",
    r"(?:stop|end|close)(?:s|ed)? (?:\w+ ){0,2}in order(?! to)": "say what happens to what is in flight",
    r"for whatever reason|as the case may be": "leave it out",
    r"utili[sz]e[sd]?|leverage[sd]?": "use",
    r"whether or not": "whether",
    # What a beginner must look up.
    r"e\.g\.|i\.e\.|etc\.|cf\.|viz\.|vs\.": "for example, that is, and so on",
}

_UNWANTED: Final = {
    re.compile(rf"(?<![\w-])(?:{phrase})(?![\w-])", re.IGNORECASE): instead for phrase, instead in UNWANTED.items()
}
_CODE: Final = re.compile(
    r"^ *```.*?^ *```$|``[^`]+``|`[^`]*`|<!--.*?-->|\]\([^)]*\)|https?://\S+", re.DOTALL | re.MULTILINE
)


def prose(text: str) -> str:
    """Return a text without its code, links' addresses and comments; its lines keep their numbers."""
    return _CODE.sub(lambda code: "`…`" + "\n" * code[0].count("\n"), text)


def passages_of_markdown(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs, table rows and items of a page, each with the number of its first line."""
    line = 1
    for passage in re.split(r"(\n(?=\n|[ ]*[-*|#]|[ ]*\d+\. ))", prose(path.read_text(encoding="utf-8"))):
        if passage.strip():
            yield line + len(passage) - len(passage.lstrip("\n")), passage
        line += passage.count("\n")


def passages_of_python(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the docstrings of a module and its other texts that are several words, such as messages."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.lineno, prose(node.value)


def unwanted_in(passage: str) -> Iterator[tuple[int, str, str]]:
    """Yield what we do not write: how many lines into the passage, the words, and what to write instead."""
    text = re.sub(r"[ \t]+", " ", passage)
    for pattern, instead in _UNWANTED.items():
        for found in pattern.finditer(text.replace("\n", " ")):
            yield text.count("\n", 0, found.start()), found[0], instead
