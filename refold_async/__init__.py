"""The asyncio client for Refold: act in your customers' apps, for one linked account or for a million.

```python
async with AsyncRefold() as refold:
    result = await refold.account("user_12345").execute_action("hubspot", "get_contact", {"limit": "1"})
```
"""

from refold_async.account import AccountScope
from refold_async.admission import Limiter
from refold_async.client import AsyncRefold
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
from refold_async.fan_out import FanOut
from refold_async.faults import Effect, Fault
from refold_async.journal import Journal, JournalEntry, JournalSummary
from refold_async.models import Action, ActionParameter, ActionParameters, ActionResult, WorkflowExecution
from refold_async.namespaces.applications import Application, ConnectedAccount, ConnectionState
from refold_async.namespaces.executions import Batch, Execution, ExecutionNode
from refold_async.namespaces.linked_accounts import Integration, LinkedAccount, UserDefinedField
from refold_async.namespaces.session_tokens import SessionToken
from refold_async.namespaces.webhooks import WebhookSubscription
from refold_async.namespaces.workflows import EnabledWorkflow, RequestStructure, Workflow, WorkflowVersion
from refold_async.outcomes import FanOutReport, Outcome, Unfinished
from refold_async.progress import Progress
from refold_async.settings import RateLimit, RetryPolicy, Timeout
from refold_async.version import __version__

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
    "SessionToken",
    "Timeout",
    "Unfinished",
    "UnprocessableEntityError",
    "UserDefinedField",
    "WebhookSubscription",
    "Workflow",
    "WorkflowExecution",
    "WorkflowFailedError",
    "WorkflowVersion",
    "__version__",
]
