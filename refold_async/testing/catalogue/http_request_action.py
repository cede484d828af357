"""The raw `httprequest` action that every app has."""

from typing import Any, Final

from refold_async.testing.catalogue.apps import MockAction
from refold_async.testing.catalogue.handlers import ActionContext

__all__ = ["HTTP_REQUEST"]


async def _http_request(_context: ActionContext, parameters: dict[str, Any]) -> Any:
    """Return the request itself: there is no real app behind the mock."""
    return {name: parameters.get(name) for name in ("method", "url", "query", "headers", "body")}


HTTP_REQUEST: Final = MockAction(
    action_id="httprequest",
    name="HTTP Request",
    description="Sends your own request to the app's API. The mock echoes it.",
    tag="v2",
    parameters=[
        {"name": "method", "label": "Method", "required": True, "type": "select"},
        {"name": "url", "label": "URL", "required": True, "type": "url"},
        {"name": "query", "label": "Query", "required": False, "type": "map"},
        {"name": "headers", "label": "Headers", "required": False, "type": "map"},
        {"name": "body", "label": "Body", "required": False, "type": "json"},
    ],
    required=("method", "url"),
    handler=_http_request,
)
