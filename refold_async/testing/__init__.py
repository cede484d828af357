"""A mock Refold to test against: a real HTTP server with state, recorded requests and scripted trouble.

```python
async with MockRefold() as mock:
    mock.script(Answer(503), route="execute_action", calls=1)
    ...  # point the client at mock.base_url
```

`python -m refold_async.testing` serves one until interrupted.
"""

from .accounts import ConnectionStatus, MockAccount
from .apps import MockAction, MockApp, MockWorkflow
from .catalogue import Catalogue
from .execution import MockExecution
from .fired_events import FiredEvent
from .handlers import ActionContext, AppError, WorkflowAnswer, WorkflowContext
from .hubspot import SAMPLE_CONTACT
from .received import ReceivedRequest
from .routes import ROUTES, Route, RouteName
from .sample_catalogue import SAMPLE_WORKFLOW_ID, sample_catalogue
from .scripts import Script
from .server import MockRefold
from .trouble import Answer, Delay, Drip, Errored, ExpiredConnection, Reset, Silence, Trouble, Truncated
from .webhook_delivery import WebhookDelivery
from .webhook_events import connection_event, workflow_event

__all__ = [
    "ROUTES",
    "SAMPLE_CONTACT",
    "SAMPLE_WORKFLOW_ID",
    "ActionContext",
    "Answer",
    "AppError",
    "Catalogue",
    "ConnectionStatus",
    "Delay",
    "Drip",
    "Errored",
    "ExpiredConnection",
    "FiredEvent",
    "MockAccount",
    "MockAction",
    "MockApp",
    "MockExecution",
    "MockRefold",
    "MockWorkflow",
    "ReceivedRequest",
    "Reset",
    "Route",
    "RouteName",
    "Script",
    "Silence",
    "Trouble",
    "Truncated",
    "WebhookDelivery",
    "WorkflowAnswer",
    "WorkflowContext",
    "connection_event",
    "sample_catalogue",
    "workflow_event",
]
