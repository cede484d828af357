"""A mock Refold for tests: a real HTTP server with state, recorded requests and scripted failures.

```python
async with MockRefold() as mock:
    mock.script(Answer(503), route="execute_action", calls=1)
    ...  # point the client at mock.base_url
```

`python -m refold_async.testing` serves one until you stop it.
"""

from refold_async.testing.catalogue.apps import MockAction, MockApp, MockWorkflow
from refold_async.testing.catalogue.catalogue import Catalogue
from refold_async.testing.catalogue.handlers import (
    ActionContext,
    AppError,
    FileAnswer,
    WorkflowAnswer,
    WorkflowContext,
    WorkflowEnd,
)
from refold_async.testing.catalogue.hubspot import SAMPLE_CONTACT
from refold_async.testing.catalogue.sample_catalogue import SAMPLE_WORKFLOW_ID, sample_catalogue
from refold_async.testing.endpoints.route import Route
from refold_async.testing.endpoints.routes import ROUTES
from refold_async.testing.faults.scripts import Script
from refold_async.testing.faults.troubles import (
    Answer,
    Delay,
    Drip,
    Errored,
    ExpiredConnection,
    Reset,
    Silence,
    Trouble,
    Truncated,
)
from refold_async.testing.mock_refold import MockRefold
from refold_async.testing.protocol.route_names import RouteName
from refold_async.testing.protocol.webhook_events import connection_event, workflow_event
from refold_async.testing.server.received_requests import ReceivedRequest
from refold_async.testing.server.webhook_delivery import WebhookDelivery
from refold_async.testing.state.accounts import MockAccount
from refold_async.testing.state.configs import MockConfig
from refold_async.testing.state.connections import ConnectionStatus, MockConnection
from refold_async.testing.state.execution import MockExecution
from refold_async.testing.state.fired_events import FiredEvent

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
    "FileAnswer",
    "FiredEvent",
    "MockAccount",
    "MockAction",
    "MockApp",
    "MockConfig",
    "MockConnection",
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
    "WorkflowEnd",
    "connection_event",
    "sample_catalogue",
    "workflow_event",
]
