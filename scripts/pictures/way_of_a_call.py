"""The way of one call through the library."""

from typing import Final

from pictures.picture import Picture
from refold_async import Timeout

__all__ = ["draw"]

_LEFT: Final = 44
_WIDE: Final = 452
_MIDDLE: Final = _LEFT + _WIDE / 2
_LANE: Final = 634
_DESCRIPTION: Final = (
    "A call first checks its arguments; wrong ones raise an error here, and nothing is sent. Then it waits for a "
    "permit: for the rate limit, the limits of its account and a free connection. It makes one attempt, and reads the "
    "response. A success is a result. A failure after which a retry does no harm goes back to wait for a permit, "
    "after a pause; every other failure is an error, and its effect says whether the action ran. One deadline covers "
    "all that comes after the check: the waits, the attempts and the pauses. In a fan-out, the wait for a permit does "
    "not count."
)


def draw() -> str:
    """Draw it from top to bottom. On the right, a retry returns to the wait for a permit."""
    timeout = Timeout()
    picture = Picture("The way of a call", _DESCRIPTION, 790)
    picture.card(_LEFT, 16, _WIDE, 48, "await account.execute_action(…)", mono=True)
    picture.arrow((_MIDDLE, 64), (_MIDDLE, 96))
    picture.card(_LEFT, 96, _WIDE, 72, "Check the arguments", "wrong ones raise; nothing is sent")

    picture.box(16, 196, 728, 442, fill="page", stroke="ours", thickness=2.5, dash="8 7", radius=14)
    picture.arrow((_MIDDLE, 168), (_MIDDLE, 256))
    picture.text(32, 230, "One deadline", bold=True, colour="ours")
    picture.text(728, 230, f"{timeout.total:g} seconds by default", size=18, colour="ours", anchor="end")
    picture.card(_LEFT, 256, _WIDE, 96, "Wait for a permit", "rate limit, limits of the account,", "a free connection")
    picture.arrow((_MIDDLE, 352), (_MIDDLE, 384))
    picture.card(
        _LEFT,
        384,
        _WIDE,
        96,
        "Make one attempt",
        "send the request, receive the",
        f"response: at most {timeout.attempt:g} seconds",
    )
    picture.arrow((_MIDDLE, 480), (_MIDDLE, 512))
    picture.card(_LEFT, 512, _WIDE, 76, "Read the response", "did it succeed, also in the app?")

    picture.open_group("card")
    picture.box(540, 360, 188, 122, fill="ours-box", stroke="ours")
    picture.text(_LANE, 389, "Retry", bold=True, anchor="middle")
    for number, line in enumerate(("after a pause, if", "to repeat it", "does no harm")):
        picture.text(_LANE, 415 + 25 * number, line, size=18, colour="muted", anchor="middle")
    picture.close_group()
    picture.arrow((_LEFT + _WIDE, 530), (_LANE, 530), (_LANE, 482), colour="ours")
    picture.arrow((_LANE, 360), (_LANE, 304), (_LEFT + _WIDE, 304), colour="ours")
    for number, line in enumerate(("In a fan-out, the", "wait for a permit", "does not count.")):
        picture.text(_LANE, 570 + 25 * number, line, size=18, colour="muted", anchor="middle")

    picture.arrow((151, 588), (151, 678))
    picture.arrow((390, 588), (390, 656), (560, 656), (560, 678))
    picture.card(16, 678, 270, 96, "Result", "typed, with the app's", "own data", fill="ours-box", stroke="ours")
    picture.card(
        352,
        678,
        392,
        96,
        "Error",
        "its effect says if the action ran:",
        "none, done or unknown",
        fill="hand-box",
        stroke="hand",
    )
    return picture.markup()
