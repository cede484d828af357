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
    "AsyncRefold",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "Effect",
    "FanOut",
    "FanOutReport",
    "FanOutStoppedError",
    "Fault",
    "InternalServerError",
    "Journal",
    "JournalEntry",
    "JournalError",
    "JournalSummary",
    "Limiter",
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
    "RetryPolicy",
    "Timeout",
    "Unfinished",
    "UnprocessableEntityError",
    "WorkflowExecution",
    "WorkflowFailedError",
    "__version__",
]
