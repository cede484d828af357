"""What to do about items that did not succeed, in words for whoever has to do it."""

from typing import Final

import attrs

from refold_async.cli.journal_report.report import INTERRUPTED, ErrorGroup, JournalReport, shown_name

__all__ = ["Advice", "advice_for_failed", "advice_for_unknown", "steps_for_unknown"]


@attrs.frozen
class Advice:
    """What is known of a kind of unknown items."""

    happened: str
    """What happened."""
    to_do: str
    """What to look at first."""

    @property
    def told(self) -> str:
        """Both."""
        return f"{self.happened} {self.to_do}"


_OF_UNKNOWN: Final[dict[str, Advice]] = {
    INTERRUPTED: Advice(
        "The job was stopped, or its process ended, while the request was under way.",
        "Most of these requests have arrived: expect to find what they did.",
    ),
    "APITimeoutError": Advice(
        "The request left, and no answer came in time.",
        "Slow apps often finish after the wait is over. If many items ended like this, raise the timeout for the next "
        "run.",
    ),
    "APIConnectionError": Advice(
        "The connection broke after the request had left and before the whole answer had come.",
        "Refold may have run the action before the connection broke or stopped with it: look at each item.",
    ),
    "InternalServerError": Advice(
        "Refold, or a gateway in front of it, answered with an error of its own (HTTP 5xx), which does not tell "
        "whether the action had run.",
        "Give Refold's support the request ids if the errors go on.",
    ),
    "APIResponseValidationError": Advice(
        "An answer came that could not be read: it was cut, too large, or not Refold's.",
        "The action has often run. A page of a proxy or a login in the message means that the request may never have "
        "reached Refold.",
    ),
    "ActionFailedError": Advice(
        "The app answered with an error that does not tell whether it had acted.",
        "The message is the app's own: it often says what it did. Look for parts that are there, and for "
        "parts that are not.",
    ),
    "WorkflowFailedError": Advice(
        "The workflow ended with an error. The steps before that have run.",
        "Look at the execution: it shows which step failed.",
    ),
    "ExecutionTimeoutError": Advice(
        "The workflow was still running when the wait for it was over.",
        "Look at the execution again: it may have ended since.",
    ),
    "RateLimitError": Advice(
        "A workflow's request was refused with HTTP 429, and not in Refold's way: the workflow itself may have "
        "answered so.",
        "Look at the workflow's executions at that time.",
    ),
}
_OF_OTHER_UNKNOWN: Final = Advice(
    "It ended with an error that does not tell whether the action had run.",
    "The message tells more.",
)
_OF_FAILED: Final[dict[str, str]] = {
    "ReconnectRequiredError": "Ask these customers to connect the app again: refold connect makes the link.",
    "PermissionDeniedError": "Check what the key, and the connected user, may do.",
    "AuthenticationError": "Check the API key.",
    "RateLimitError": "Run these again later, or slower.",
    "ParameterError": "Correct the parameters: nothing was sent.",
}


def advice_for_unknown(group: ErrorGroup) -> Advice:
    """Return what to do about unknown items that ended alike."""
    return _OF_UNKNOWN.get(group.error, _OF_OTHER_UNKNOWN)


def advice_for_failed(group: ErrorGroup) -> str:
    """Return what to do about failed items that ended alike."""
    if group.effect == "none":
        particular = _OF_FAILED.get(group.error, "")
        return f"Nothing happened. {particular} --retry-failed calls them again.".replace("  ", " ")
    if group.effect == "done":
        return "It happened, and the answer could not be used: do not run these again."
    return "It may have happened: look before you run these again."


def steps_for_unknown(report: JournalReport) -> list[str]:
    """Return what to do about unknown items, whatever made them so, in order."""
    told = report.summary
    action = "what you call" if told.action_id is None else shown_name(told.action_id)
    app = "the app" if told.slug is None else shown_name(told.slug)
    again = (
        "Where it did for none, or where repeating it does no harm (it only reads, or sets the same value), run the "
        "job again with --resend-unknown (in Python resend_unknown=True). That sends all unknown items again."
    )
    return [
        f"Look in {app} whether {action} took effect for these accounts, around the time shown.",
        "Where it did, nothing is left to do: no run sends an unknown item again unless it is told to.",
        again,
        "Where it did for some, run the others as a job of their own, with a journal of its own.",
    ]
