"""The asyncio client for Refold: act in your customers' apps, for one linked account or for a million.

```python
async with AsyncRefold() as refold:
    result = await refold.account("user_12345").execute_action("hubspot", "get_contact", {"limit": "1"})
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from refold_async.client import AsyncRefold
from refold_async.config.settings import RateLimit, RetryPolicy, Timeout
from refold_async.errors import (
    ActionFailedError,
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    ExecutionTimeoutError,
    FanOutStoppedError,
    InternalServerError,
    JournalError,
    NotFoundError,
    ParameterError,
    PermissionDeniedError,
    RateLimitError,
    ReconnectRequiredError,
    RecordedError,
    RefoldError,
    UnprocessableEntityError,
    WorkflowFailedError,
)
from refold_async.faults import Effect, Fault
from refold_async.limits.outside_limiter import Limiter
from refold_async.models.results import ActionResult, WorkflowExecution
from refold_async.resources.account import AccountScope
from refold_async.version import __version__

if TYPE_CHECKING:
    from refold_async.jobs.fan_out import FanOut
    from refold_async.jobs.outcomes import FanOutReport, Outcome, Unfinished
    from refold_async.jobs.progress import Progress
    from refold_async.journal.entries import JournalEntry
    from refold_async.journal.journal import Journal, JournalSummary
    from refold_async.models.executions import Batch, Execution, ExecutionNode
    from refold_async.models.saved_file import SavedFile
    from refold_async.resources.actions import Action, ActionParameter, ActionParameters
    from refold_async.resources.applications import Application, ConnectedAccount, ConnectionState
    from refold_async.resources.linked_accounts import Integration, LinkedAccount
    from refold_async.resources.session_tokens import SessionToken
    from refold_async.resources.webhooks import WebhookSubscription
    from refold_async.resources.workflows import EnabledWorkflow, RequestStructure, Workflow, WorkflowVersion

__all__ = [
    "APIConnectionError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AccountScope",
    "Action",
    "ActionFailedError",
    "ActionParameter",
    "ActionParameters",
    "ActionResult",
    "Application",
    "AsyncRefold",
    "AuthenticationError",
    "BadRequestError",
    "Batch",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectedAccount",
    "ConnectionState",
    "Effect",
    "EnabledWorkflow",
    "Execution",
    "ExecutionNode",
    "ExecutionTimeoutError",
    "FanOut",
    "FanOutReport",
    "FanOutStoppedError",
    "Fault",
    "Integration",
    "InternalServerError",
    "Journal",
    "JournalEntry",
    "JournalError",
    "JournalSummary",
    "Limiter",
    "LinkedAccount",
    "NotFoundError",
    "Outcome",
    "ParameterError",
    "PermissionDeniedError",
    "Progress",
    "RateLimit",
    "RateLimitError",
    "ReconnectRequiredError",
    "RecordedError",
    "RefoldError",
    "RequestStructure",
    "RetryPolicy",
    "SavedFile",
    "SessionToken",
    "Timeout",
    "Unfinished",
    "UnprocessableEntityError",
    "WebhookSubscription",
    "Workflow",
    "WorkflowExecution",
    "WorkflowFailedError",
    "WorkflowVersion",
    "__version__",
]

# What not every program uses is loaded by those that do.
_LOADED_WHEN_USED = {
    "Action": "resources.actions",
    "ActionParameter": "resources.actions",
    "ActionParameters": "resources.actions",
    "Application": "resources.applications",
    "Batch": "models.executions",
    "ConnectedAccount": "resources.applications",
    "ConnectionState": "resources.applications",
    "EnabledWorkflow": "resources.workflows",
    "Execution": "models.executions",
    "ExecutionNode": "models.executions",
    "FanOut": "jobs.fan_out",
    "FanOutReport": "jobs.outcomes",
    "Integration": "resources.linked_accounts",
    "Journal": "journal.journal",
    "JournalEntry": "journal.entries",
    "JournalSummary": "journal.journal",
    "LinkedAccount": "resources.linked_accounts",
    "Outcome": "jobs.outcomes",
    "Progress": "jobs.progress",
    "RequestStructure": "resources.workflows",
    "SavedFile": "models.saved_file",
    "SessionToken": "resources.session_tokens",
    "Unfinished": "jobs.outcomes",
    "WebhookSubscription": "resources.webhooks",
    "Workflow": "resources.workflows",
    "WorkflowVersion": "resources.workflows",
}

if not TYPE_CHECKING:  # or any misspelled name would pass

    def __getattr__(name: str) -> Any:
        if name not in _LOADED_WHEN_USED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_LOADED_WHEN_USED[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
