"""What is retried, as questions. The answers come from the retry table of the library."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

from pictures.picture import Picture
from refold_async import RetryPolicy
from refold_async.faults import Effect, Fault, Kind
from refold_async.retry_table import RULES

__all__ = ["GROUPS", "Group", "draw", "effects_of", "is_retried"]

_NAMES: Final[dict[Kind, str]] = {"read": "reads", "write": "writes", "idempotent": "idempotent writes"}
_LEFT: Final = 16
_QUESTION: Final = 336
_ANSWER: Final = 424
_ROW: Final = 136
_HIGH: Final = 106
_TOP: Final = 86


@dataclass(frozen=True)
class Group:
    """Faults after which the same calls are retried, and the question that finds them."""

    question: str
    lines: Sequence[str]
    faults: frozenset[Fault]
    kinds: Sequence[Kind] = ("read", "write", "idempotent")
    """The kinds of call that can meet these faults."""
    causes: Mapping[Fault, str] = field(default_factory=dict[Fault, str])
    """Short names of the faults, where their effects differ."""


GROUPS: Final = (
    Group(
        "Refused before it ran?",
        ("No connection was made,", "or Refold answered 429."),
        frozenset({Fault.NEVER_SENT, Fault.RATE_LIMITED}),
    ),
    Group(
        "Lost, or a server error?",
        ("Response lost or too late, or", "HTTP 408 or 5xx (except 501)."),
        frozenset({Fault.LOST, Fault.SERVER_ERROR}),
    ),
    Group(
        "App busy or down?",
        ("The app behind the action", "answered 429 or 5xx."),
        frozenset({Fault.APP_RATE_LIMITED, Fault.APP_FAILED}),
        ("write", "idempotent"),
        {Fault.APP_RATE_LIMITED: "429", Fault.APP_FAILED: "5xx"},
    ),
)
"""In the order they are asked. After all other faults, nothing is retried."""


def is_retried(group: Group, kind: Kind) -> bool:
    """Return whether calls of this kind are retried after the faults of a group."""
    (retried,) = {getattr(RULES[fault], kind) for fault in group.faults}
    return bool(retried)


def effects_of(group: Group) -> list[Effect]:
    """Return the effects that the faults of a group have on a write."""
    return _ordered(RULES[fault].effect for fault in group.faults)


def draw() -> str:
    """Draw the questions from top to bottom, each with the calls that are retried."""
    policy = RetryPolicy()
    asked = frozenset[Fault]().union(*(group.faults for group in GROUPS))
    rest = _ordered(rule.effect for fault, rule in RULES.items() if fault not in asked)
    notes = (
        "Reads have no effect. Idempotent: called with idempotent=True.",
        f"At most {policy.max_retries} retries, within the deadline, and none if Retry-After",
        f"asks for more than {policy.max_retry_after:g} seconds. RetryPolicy sets these limits,",
        "and can exclude writes from retries after a 429.",
        "In a fan-out, a 429 from Refold uses up no retry.",
        "An error status that a synchronous workflow may have set itself",
        "is “anything else”.",
    )
    picture = Picture("What is retried", f"{_describe(rest)} {' '.join(notes)}", _TOP + 3 * _ROW + 302)
    picture.card(_LEFT, 16, _QUESTION, 44, "An attempt failed")
    picture.text(_ANSWER + 6, 45, "Then retried:", bold=True)
    middle = _LEFT + _QUESTION / 2
    picture.arrow((middle, 60), (middle, _TOP))
    for number, group in enumerate(GROUPS):
        top = _TOP + _ROW * number
        picture.card(_LEFT, top, _QUESTION, _HIGH, group.question, *group.lines)
        picture.arrow((_LEFT + _QUESTION, top + _HIGH / 2), (_ANSWER, top + _HIGH / 2))
        picture.text((_LEFT + _QUESTION + _ANSWER) / 2 - 4, top + _HIGH / 2 - 10, "yes", size=18, anchor="middle")
        picture.arrow((middle, top + _HIGH), (middle, top + _ROW))
        picture.text(middle + 12, top + _HIGH + 21, "no", size=18)
        _answer(picture, top, group)
    top = _TOP + _ROW * len(GROUPS)
    picture.open_group("card")
    picture.box(_LEFT, top, 728, 96, fill="hand-box", stroke="hand")
    picture.cross(_LEFT + 20, top + 18)
    picture.text(_LEFT + 48, top + 32, "Anything else: no retry, an error immediately", bold=True)
    for number, line in enumerate(
        ("another 4xx, an app's refusal, an unreadable response, …", f"effect: {_either(rest)}")
    ):
        picture.text(_LEFT + 48, top + 58 + 25 * number, line, size=18, colour="muted")
    picture.close_group()
    for number, note in enumerate(notes):
        picture.text(_LEFT + 4, top + 128 + 26 * number, note, size=18, colour="muted")
    return picture.markup()


def _answer(picture: Picture, top: float, group: Group) -> None:
    """Draw which calls are retried after the faults of a group."""
    picture.open_group("card")
    picture.box(_ANSWER, top, 744 - _ANSWER, _HIGH, fill="ours-box", stroke="ours")
    baseline = top + _HIGH / 2 - 13.5 * sum(len(_lines(group, kind)) for kind in group.kinds) + 19
    for kind in group.kinds:
        retried = is_retried(group, kind)
        (picture.tick if retried else picture.cross)(_ANSWER + 18, baseline - 13)
        for line in _lines(group, kind):
            picture.text(_ANSWER + 44, baseline, line, size=18, colour="ink" if retried else "hand")
            baseline += 27
    picture.close_group()


def _lines(group: Group, kind: Kind) -> list[str]:
    """Return the text for this kind of call. A write that is not retried has its effect there too."""
    if is_retried(group, kind) or kind == "read":
        return [_NAMES[kind]]
    if not group.causes:
        return [f"{_NAMES[kind]}, effect {_either(effects_of(group))}"]
    effects = [f"{RULES[fault].effect} ({cause})" for fault, cause in group.causes.items()]
    return [f"{_NAMES[kind]}, effect {effects[0]}", f"or {effects[1]}"]


def _ordered(effects: Iterable[Effect]) -> list[Effect]:
    found = set(effects)
    return [effect for effect in get_args(Effect) if effect in found]


def _either(effects: Sequence[str]) -> str:
    return effects[0] if len(effects) == 1 else f"{', '.join(effects[:-1])} or {effects[-1]}"


def _describe(rest: Sequence[str]) -> str:
    sentences: list[str] = []
    for group in GROUPS:
        retried = [_NAMES[kind] for kind in group.kinds if is_retried(group, kind)]
        others = [_NAMES[kind] for kind in group.kinds if not is_retried(group, kind)]
        refused = f" not {' and '.join(others)}, whose effect is {_either(effects_of(group))}" if others else ""
        sentences.append(
            f"{group.question} {' '.join(group.lines)} Then {', '.join(retried)} are retried{',' * bool(refused)}"
            f"{refused}."
        )
    return f"{' '.join(sentences)} After anything else nothing is retried, and the effect is {_either(rest)}."
