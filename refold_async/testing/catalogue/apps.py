"""Apps, their actions and their workflows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from refold_async.testing.catalogue.handlers import ActionHandler, WorkflowHandler
from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.protocol.timestamps import timestamp

__all__ = ["MockAction", "MockApp", "MockWorkflow"]

_START_NODE: Final[dict[str, Any]] = {
    "id": "1",
    "type": "start",
    "incoming_nodes": [],
    "outgoing_nodes": [],
    "data": None,
}
_PROJECT_ID: Final = "64f6d9f33234d3d6000f0001"


@attrs.frozen
class MockAction:
    """One action of an app.

    Attributes:
        action_id: Its name in URLs.
        name: Its display name.
        description: What it does.
        tag: The group it is shown in, or None.
        parameters: The parameter schema, as the API lists it.
        required: The names of the required parameters.
        handler: The function that runs it.
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
        slug: Its name in URLs.
        name: Its display name.
        app_id: Its id.
        auth_type: `oauth2` or `keybased`.
        tags: The groups it belongs to.
        actions: Its actions by id.
        expired_data: The app's response to expired credentials.
        rate_limited_data: The app's response to a call beyond its own rate limit.
        custom: Whether it is the organisation's own app; only its `app_id` distinguishes it from others of that kind.
        ecosystem: Whether it is shown as an ecosystem app.
        description: What it is.
        auth_fields: The fields that a `keybased` app needs to be connected.
        config_fields: The fields of its configs, as the API shows them without a value.
    """

    slug: str
    name: str
    app_id: str
    auth_type: str = "oauth2"
    tags: tuple[str, ...] = ()
    actions: dict[str, MockAction] = attrs.field(factory=dict[str, MockAction])
    expired_data: Any = attrs.field(factory=lambda: {"message": "The access token has expired"})
    rate_limited_data: Any = attrs.field(factory=lambda: {"message": "Too many requests"})
    custom: bool = False
    ecosystem: bool = False
    description: str = ""
    auth_fields: Sequence[dict[str, Any]] = ()
    config_fields: Sequence[dict[str, Any]] = ()

    @property
    def type(self) -> str:
        """The type that integrations and applications show: its slug, or `custom`."""
        return "custom" if self.custom else self.slug

    @property
    def icon(self) -> str:
        """The URL of its logo."""
        return f"https://icons.example.com/{self.slug}.png"

    def reference(self) -> dict[str, Any]:
        """Return the app as other documents refer to it."""
        return {"_id": self.app_id, "name": self.name, "icon": self.icon}

    def document(self) -> dict[str, Any]:
        """Return the app as the API shows it to a linked account that is not connected to it."""
        fields = list(self.auth_fields)
        options: dict[str, list[dict[str, Any]]] = {"oauth2": []}
        return {
            **self.reference(),
            "app_id": self.app_id,
            "slug": self.slug,
            "description": self.description,
            "type": self.type,
            "kind": "custom" if self.custom else "native",
            "auth_type": self.auth_type,
            "auth_type_options": options if self.auth_type == "oauth2" else {self.auth_type: fields, **options},
            "auth_input_map": fields,
            "tags": list(self.tags),
            "ecosystem": self.ecosystem,
            "reauth_required": False,
        }


@attrs.define(eq=False)
class MockWorkflow:
    """One workflow: of the catalogue, so that every linked account has it, or of one account only.

    Attributes:
        workflow_id: Its id.
        slug: The app it belongs to.
        name: Its display name.
        description: What it does.
        handler: The function that runs it.
        aliases: Other names for the id.
        slug_aliases: Other values of the `slug` header for its app.
        published: Whether it can be executed.
        batch_node: Whether it has a node that works in batches (node id `batch`).
        payload: A sample payload, for the request structure.
        schema: JSON Schema of the payload, for the request structure.
        private: Whether it belongs to one linked account only.
        version: The number of the version that is published, or that the next publishing makes.
        config_fields: Its fields in configs, as the API shows them without a value.
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
    schema: Mapping[str, Any] | None = None
    private: bool = False
    version: int = 1
    config_fields: Sequence[dict[str, Any]] = ()

    def belongs_to(self, slug: str) -> bool:
        """Return whether a value of the `slug` header means its app.

        Args:
            slug: The value.
        """
        return slug == self.slug or slug in self.slug_aliases

    def graph(self) -> dict[str, Any]:
        """Return its graph: only a start node, because its handler does the work."""
        return {"nodes": [dict(_START_NODE)], "edges": []}

    def document(self, app: MockApp) -> dict[str, Any]:
        """Return the workflow as the API shows it.

        Args:
            app: The app it belongs to.
        """
        document: dict[str, Any] = {
            "_id": self.workflow_id,
            "name": self.name,
            "description": self.description,
            "icon": "",
            "slug": self.slug,
            "org_id": ORGANISATION_ID,
            "environment": ENVIRONMENT,
            "published": self.published,
            "autoEnable": False,
            "hide_in_config": False,
            "public_access_workflow": self.private,
            "associated_application": app.app_id,
            "associated_project": _PROJECT_ID,
            "is_v2": True,
            "settings": {"caching": {}, "workflow_response": {}, "timeout": 300, "incremental_sync_settings": {}},
            **self.graph(),
            "json_schema": self.schema or {},
            "manual_execution_payload": self.payload,
            "group": "",
            "version": self.version,
            "current_version": self.version,
            "expose_as_node": False,
            "data_slots": [],
            "udf_filter": "",
            "udf_filter_operator": "",
            "created_by_ai": False,
            "index_order": 0,
            "workflow_builder_version": "v2",
            "when_to_use": "",
            "test_instance_meta_data": {},
            "event_schema_guidelines": "",
            "is_agentic_flow": False,
            "createdAt": timestamp(),
            "updatedAt": timestamp(),
        }
        if self.aliases:
            document["workflow_alias"] = self.aliases[-1]
        return document
