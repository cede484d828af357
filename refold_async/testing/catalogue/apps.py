"""What apps are made of: actions and workflows."""

from typing import Any, Final

import attrs

from refold_async.testing.catalogue.handlers import ActionHandler, WorkflowHandler
from refold_async.testing.protocol.timestamps import timestamp

__all__ = ["MockAction", "MockApp", "MockWorkflow"]

_START_NODE: Final = {"node_id": "trigger", "node_name": "Manual trigger", "node_type": "trigger"}


@attrs.frozen
class MockAction:
    """One action of an app.

    Attributes:
        action_id: Its name in the URL.
        name: Its name for people.
        description: What it does.
        tag: The group it is shown in, or None.
        parameters: The parameter schema, as the API lists it.
        required: Names of the required parameters.
        handler: Runs it.
    """

    action_id: str
    name: str
    description: str
    tag: str | None
    parameters: list[dict[str, Any]]
    required: tuple[str, ...]
    handler: ActionHandler

    def summary(self) -> dict[str, Any]:
        """Return the action as a list of actions shows it."""
        summary = {"action_id": self.action_id, "name": self.name, "description": self.description}
        return summary if self.tag is None else {**summary, "tag": self.tag}


@attrs.define(eq=False)
class MockApp:
    """One app.

    Attributes:
        slug: Its name in the URL.
        name: Its name for people.
        app_id: Its id.
        auth_type: `oauth2` or `keybased`.
        tags: The groups it belongs to.
        actions: Its actions by id.
        expired_data: What the app answers to credentials that have expired.
        rate_limited_data: What the app answers to a call beyond its own rate limit.
    """

    slug: str
    name: str
    app_id: str
    auth_type: str = "oauth2"
    tags: tuple[str, ...] = ()
    actions: dict[str, MockAction] = attrs.field(factory=dict[str, MockAction])
    expired_data: Any = attrs.field(factory=lambda: {"message": "The access token has expired"})
    rate_limited_data: Any = attrs.field(factory=lambda: {"message": "Too many requests"})


@attrs.define(eq=False)
class MockWorkflow:
    """One workflow: of the catalogue, where every linked account has it, or of one account alone.

    Attributes:
        workflow_id: Its id.
        slug: The app it belongs to.
        name: Its name for people.
        description: What it does.
        handler: Runs it.
        aliases: Other names that stand for the id.
        slug_aliases: Other values of the `slug` header that stand for the app.
        published: Whether it can be executed.
        batch_node: Whether it has a node that works in batches (node id `batch`).
        payload: A sample payload, for the request structure.
        schema: JSON Schema of the payload, for the request structure.
        private: Whether it belongs to one linked account alone.
    """

    workflow_id: str
    slug: str
    name: str
    description: str
    handler: WorkflowHandler
    aliases: tuple[str, ...] = ()
    slug_aliases: tuple[str, ...] = ()
    published: bool = True
    batch_node: bool = False
    payload: Any = None
    schema: Any = None
    private: bool = False

    def belongs_to(self, slug: str) -> bool:
        """Tell whether a value of the `slug` header stands for its app."""
        return slug == self.slug or slug in self.slug_aliases

    def graph(self) -> dict[str, Any]:
        """Return what it is made of: a start node alone, since its handler does the work."""
        return {"nodes": [dict(_START_NODE)], "edges": []}

    def summary(self) -> dict[str, Any]:
        """Return the workflow as a list of workflows shows it."""
        return {
            "_id": self.workflow_id,
            "name": self.name,
            "description": self.description,
            "published": self.published,
            "slug": self.slug,
            "workflow_alias": self.aliases[-1] if self.aliases else None,
            "environment": "test",
            "createdAt": timestamp(),
            "updatedAt": timestamp(),
        }

    def document(self) -> dict[str, Any]:
        """Return the workflow with what it is made of."""
        return {**self.summary(), **self.graph()}
