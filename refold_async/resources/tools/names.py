"""Names that every API of language models accepts, for tools and for their parameters. Pure functions.

The rules are those of the strictest API. A name that breaks them is changed, and gets a hash of the original, so that
two names never become one.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["LONGEST_NAME", "parameter_names", "tool_names"]

LONGEST_NAME: Final = 64
_SEPARATOR: Final = "__"
_NOT_IN_TOOLS: Final = re.compile(r"[^A-Za-z0-9_-]")
_NOT_IN_PARAMETERS: Final = re.compile(r"[^A-Za-z0-9_.-]")


def tool_names(slug: str, action_ids: Iterable[str]) -> dict[str, str]:
    """Return the name of the tool for each action of an app, such as `hubspot__create_contact`."""
    wanted = {action_id: f"{slug}{_SEPARATOR}{action_id}" for action_id in action_ids}
    # From a name that is not changed, the app and the action can be read: so no other action has the same name.
    kept = {
        action_id
        for action_id, name in wanted.items()
        if _fits(name, _NOT_IN_TOOLS) and name.partition(_SEPARATOR)[::2] == (slug, action_id)
    }
    return _named(wanted, kept, _NOT_IN_TOOLS)


def parameter_names(names: Iterable[str]) -> dict[str, str]:
    """Return the name that a model sees for each parameter of an action."""
    wanted = {name: name for name in names}
    return _named(wanted, {name for name in wanted if _fits(name, _NOT_IN_PARAMETERS)}, _NOT_IN_PARAMETERS)


def _fits(name: str, forbidden: "re.Pattern[str]") -> bool:
    return 0 < len(name) <= LONGEST_NAME and not forbidden.search(name)


def _named(wanted: Mapping[str, str], kept: set[str], forbidden: "re.Pattern[str]") -> dict[str, str]:
    taken = {wanted[key] for key in kept}
    named: dict[str, str] = {}
    for key, name in wanted.items():
        if key not in kept:
            name = _changed(key, name, forbidden, taken)
            taken.add(name)
        named[key] = name
    return named


def _changed(key: str, name: str, forbidden: "re.Pattern[str]", taken: set[str]) -> str:
    seed = f"{name}\0{key}"
    while True:
        digest = hashlib.sha256(seed.encode(errors="surrogatepass")).hexdigest()[:8]
        changed = f"{forbidden.sub('_', name)[: LONGEST_NAME - 9]}_{digest}"
        if changed not in taken:
            return changed
        seed += "\0"
