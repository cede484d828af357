"""What to do about items that did not succeed."""

from typing import Final

import attrs

from refold_async.cli.journal_report.report import INTERRUPTED, ErrorGroup, JournalReport, shown_name

__all__ = ["Advice", "advice_for_failed", "advice_for_unknown", "steps_for_unknown"]


@attrs.frozen
class Advice:
    """Advice about unknown items that ended with the same error."""

    happened: str
    """What happened."""
    to_do: str
    """What to know before checking them."""

    @property
    def text(self) -> str:
        """Both."""
        return f"{self.happened} {self.to_do}"


_OF_UNKNOWN: Final[dict[str, Advice]] = {
    INTERRUPTED: Advice(
        "The job was stopped, or its process ended, while the request was in flight.",
        "The request may have left or not, so the number of attempts is not known. Many such requests are executed.",
    ),
    "APITimeoutError": Advice(
        "The request was sent, and no answer came in time.",
        "Slow apps often finish after the timeout. If many items ended like this, pass a larger --timeout next time.",
    ),
    "APIConnectionError": Advice(
        "The request was sent, and the connection broke before the whole answer arrived.",
        "Refold may have executed the action before the connection broke.",
    ),
    "InternalServerError": Advice(
        "Refold, or a gateway in front of it, answered with an error of its own (HTTP 5xx). It does not say whether "
        "the action was executed.",
        "If these errors continue, send the request ids to Refold's support.",
    ),
    "APIResponseValidationError": Advice(
        "The answer could not be read: it was cut off, too large, or not Refold's.",
        "In most cases the action was executed. If the message shows the page of a proxy or a login, the request may "
        "never have reached Refold.",
    ),
    "ActionFailedError": Advice(
        "The app answered with an error that does not say whether the action was executed.",
        "The message comes from the app and often says what it did. The action may have been executed in part.",
    ),
    "WorkflowFailedError": Advice(
        "The workflow ended with an error. The steps before it were executed.",
        "`refold executions get` shows which step failed.",
    ),
    "ExecutionTimeoutError": Advice(
        "The workflow was still running when the time to wait for it ended.",
        "It may have ended since: `refold executions get` shows its state.",
    ),
    "RateLimitError": Advice(
        "A request to run a workflow was refused with HTTP 429, but not in Refold's form: the workflow itself may have "
        "answered with it.",
        "`refold executions list` shows the executions of that time.",
    ),
}
_OF_OTHER_UNKNOWN: Final = Advice(
    "The error does not say whether the action was executed.",
    "The message may say more.",
)
_OF_FAILED: Final[dict[str, str]] = {
    "ReconnectRequiredError": "Ask these customers to connect the app again: `refold connect` prints the link.",
    "PermissionDeniedError": "Check the permissions of the API key and of the connected user.",
    "AuthenticationError": "Check the API key.",
    "RateLimitError": "Run these again later, or with a lower --rate.",
    "ParameterError": "Correct the parameters: nothing was sent.",
}


def advice_for_unknown(group: ErrorGroup) -> Advice:
    """Return what to know about unknown items that ended with the same error."""
    return _OF_UNKNOWN.get(group.error, _OF_OTHER_UNKNOWN)


def advice_for_failed(group: ErrorGroup) -> str:
    """Return what to do about failed items that ended with the same error."""
    if group.effect == "none":
        particular = _OF_FAILED.get(group.error, "")
        return f"Nothing happened. {particular} --retry-failed retries them.".replace("  ", " ")
    if group.effect == "done":
        return "The action was executed, but its response could not be used: do not run these again."
    return "It may have happened: check these items before you run them again."


def steps_for_unknown(report: JournalReport) -> list[str]:
    """Return what to do about unknown items, in order, whatever their error is."""
    job = report.summary
    action = "the action" if job.action_id is None else shown_name(job.action_id)
    app = "the app" if job.slug is None else shown_name(job.slug)
    asked = "a run sends an unknown item again only if you pass --resend-unknown (in Python resend_unknown=True)."
    repeated = "run the job again with --resend-unknown. That sends all unknown items again."
    return [
        f"Check in {app} whether {action} was executed for these accounts, around the times shown.",
        f"If it was executed for all of them, nothing is left to do: {asked}",
        f"If it was executed for none of them, or if repeating it does no harm, {repeated}",
        "If it was executed for some of them, copy the rows of the others to a CSV and run it with a new --journal.",
    ]
