"""The apps, actions, workflows and events that a mock offers."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeVar

import attrs

from refold_async.testing.catalogue.apps import MockAction, MockApp, MockWorkflow
from refold_async.testing.catalogue.handlers import ActionHandler, WorkflowHandler
from refold_async.testing.catalogue.http_request_action import HTTP_REQUEST
from refold_async.testing.protocol.organisation import ORGANISATION_ID
from refold_async.testing.protocol.timestamps import timestamp

__all__ = ["Catalogue"]

_APP_IDS: Final = "64f6d9f33234d3d6"
_DEFINITION_IDS: Final = "6a159a9741e63efd"
_API_KEY: Final = {
    "name": "api_key",
    "label": "API key",
    "placeholder": "The key from the app's settings",
    "required": True,
    "type": "password",
}

_Action = TypeVar("_Action", bound=ActionHandler)
_Workflow = TypeVar("_Workflow", bound=WorkflowHandler)


@attrs.define(eq=False)
class Catalogue:
    """The apps, actions, workflows and events that a mock offers; empty at first. `sample_catalogue()` has samples.

    Attributes:
        apps: The apps by slug.
        workflows: The workflows by id.
        events: The ids of the workflows that each event starts.
        environment_variables: The definitions of environment variables by id, as the API shows them.
        default_app: The organisation's own app. Workflows that are created without a slug belong to it. It is not
            listed.
    """

    apps: dict[str, MockApp] = attrs.field(factory=dict[str, MockApp], init=False)
    workflows: dict[str, MockWorkflow] = attrs.field(factory=dict[str, MockWorkflow], init=False)
    events: dict[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]], init=False)
    environment_variables: dict[str, dict[str, Any]] = attrs.field(factory=dict[str, dict[str, Any]], init=False)
    default_app: MockApp = attrs.field(
        factory=lambda: MockApp("default-app", "Default app", f"{_APP_IDS}{0:08x}", custom=True), init=False
    )
    _workflow_ids: dict[str, str] = attrs.field(factory=dict[str, str], init=False)

    def add_app(
        self,
        slug: str,
        *,
        name: str | None = None,
        auth_type: str = "oauth2",
        tags: Iterable[str] = (),
        expired_data: Any = None,
        rate_limited_data: Any = None,
        custom: bool = False,
        ecosystem: bool = False,
        description: str = "",
        auth_fields: Iterable[Mapping[str, Any]] | None = None,
        config_fields: Iterable[Mapping[str, Any]] = (),
    ) -> MockApp:
        """Add an app that has only the raw `httprequest` action. Every linked account is connected to it at first.

        Args:
            slug: Its name in URLs.
            name: Its display name; None makes one from the slug.
            auth_type: `oauth2` or `keybased`.
            tags: The groups it belongs to.
            expired_data: The app's response to expired credentials; None uses a generic message.
            rate_limited_data: The app's response to a call beyond its own rate limit; None uses a generic message.
            custom: Whether it is an app of the organisation itself. Its type is then `custom`, so only its `app_id`
                distinguishes it from other such apps.
            ecosystem: Whether it is an ecosystem app, for the filter of that name.
            description: What it is.
            auth_fields: The fields that a `keybased` app needs to be connected, each in the API's form of an input
                field; None means one field for an API key.
            config_fields: The fields of its configs, each in the API's form with at least `id`, `name` and
                `field_type`, such as `select`.

        Returns:
            The app. A test may change it.

        Raises:
            ValueError: An app with this slug already exists.
        """
        if slug in self.apps or slug == self.default_app.slug:
            raise ValueError(f"app {slug!r} already exists")
        if auth_fields is None:
            auth_fields = () if auth_type == "oauth2" else (_API_KEY,)
        app = MockApp(
            slug,
            name or _title(slug),
            f"{_APP_IDS}{len(self.apps) + 1:08x}",
            auth_type,
            tuple(tags),
            custom=custom,
            ecosystem=ecosystem,
            description=description,
            auth_fields=[dict(field) for field in auth_fields],
            config_fields=[dict(field) for field in config_fields],
        )
        if expired_data is not None:
            app.expired_data = expired_data
        if rate_limited_data is not None:
            app.rate_limited_data = rate_limited_data
        app.actions[HTTP_REQUEST.action_id] = HTTP_REQUEST
        self.apps[slug] = app
        return app

    def app(self, slug: str) -> MockApp:
        """Return an app; this may be the default one.

        Args:
            slug: The slug of the app.

        Raises:
            ValueError: No app has this slug.
        """
        if slug == self.default_app.slug:
            return self.default_app
        try:
            return self.apps[slug]
        except KeyError:
            raise ValueError(f"no app {slug!r}; there are {', '.join(self.apps) or 'none'}") from None

    def action(
        self,
        slug: str,
        action_id: str,
        *,
        name: str | None = None,
        description: str = "",
        parameters: Iterable[Mapping[str, Any]] = (),
        tag: str | None = None,
    ) -> Callable[[_Action], _Action]:
        """Decorate an `async def handler(context, parameters)` to add it as an action, or to replace one.

        Args:
            slug: The app.
            action_id: The action's name in URLs.
            name: Its display name; None makes one from the id.
            description: What it does.
            parameters: Mappings with `name` and, to change the defaults, `label` (made from the name), `required`
                (False) and `type` ("text").
            tag: The group it is shown in.
        """
        app = self.app(slug)
        schema = [_parameter(parameter) for parameter in parameters]
        required = tuple(parameter["name"] for parameter in schema if parameter["required"])

        def add(handler: _Action) -> _Action:
            _check_handler(handler)
            title = name or _title(action_id)
            app.actions[action_id] = MockAction(action_id, title, description, tag, schema, required, handler)
            return handler

        return add

    def workflow(
        self,
        slug: str,
        workflow_id: str,
        *,
        name: str | None = None,
        description: str = "",
        aliases: Iterable[str] = (),
        slug_aliases: Iterable[str] = (),
        published: bool = True,
        batch_node: bool = False,
        payload: Any = None,
        schema: Mapping[str, Any] | None = None,
        config_fields: Iterable[Mapping[str, Any]] = (),
    ) -> Callable[[_Workflow], _Workflow]:
        """Decorate an `async def handler(context, payload)` to add it as a workflow, or to replace one.

        The handler's return value is the workflow's return value. If the handler raises, the execution fails.

        Args:
            slug: The app it belongs to.
            workflow_id: Its id.
            name: Its display name; None makes one from the id.
            description: What it does.
            aliases: Other names for the id.
            slug_aliases: Other values of the `slug` header for its app.
            published: Whether it can be executed.
            batch_node: Whether it has a node that works in batches (node id `batch`).
            payload: A sample payload, for the request structure.
            schema: JSON Schema of the payload, for the request structure.
            config_fields: Its fields in configs, in the same form as those of an app.
        """
        self.app(slug)

        def add(handler: _Workflow) -> _Workflow:
            _check_handler(handler)
            workflow = MockWorkflow(
                workflow_id,
                slug,
                name or _title(workflow_id),
                description,
                handler,
                tuple(aliases),
                tuple(slug_aliases),
                published,
                batch_node,
                payload,
                schema,
                config_fields=[dict(field) for field in config_fields],
            )
            self.workflows[workflow_id] = workflow
            for known_as in (workflow_id, *workflow.aliases):
                self._workflow_ids[known_as] = workflow_id
            return handler

        return add

    def add_event(self, event: str, *workflow_ids: str) -> None:
        """Add an event that your application may fire, or replace one.

        Args:
            event: Its name.
            *workflow_ids: Ids or aliases of the workflows it starts; private ones too. Workflows that a linked account
                does not have, or has not published, are not started for it.
        """
        self.events[event] = workflow_ids

    def add_environment_variable(
        self,
        name: str,
        *,
        scope: Literal["org", "workspace", "linked_account", "workflow"] = "org",
        var_format: Literal["string", "number", "url"] = "string",
        encrypted: bool = False,
        description: str = "",
    ) -> str:
        """Add the definition of an environment variable. It has no value at first.

        Args:
            name: Its name.
            scope: What its values belong to.
            var_format: What its values must look like.
            encrypted: Whether no call returns its values in plain text.
            description: Its purpose.

        Returns:
            The id of the definition.
        """
        number = f"{_DEFINITION_IDS}{len(self.environment_variables) + 1:08x}"
        self.environment_variables[number] = {
            "_id": number,
            "org_id": ORGANISATION_ID,
            "name": name,
            "description": description,
            "scope": scope,
            "var_format": var_format,
            "encrypted": encrypted,
            "createdAt": timestamp(),
            "updatedAt": timestamp(),
        }
        return number

    def find_workflow(self, workflow_id: str) -> MockWorkflow | None:
        """Return a workflow, or None if there is none.

        Args:
            workflow_id: The id or alias of the workflow.
        """
        return self.workflows.get(self._workflow_ids.get(workflow_id, ""))


def _title(identifier: str) -> str:
    return identifier.replace("_", " ").replace("-", " ").capitalize()


def _check_handler(handler: Any) -> None:
    if not inspect.iscoroutinefunction(handler) and not inspect.iscoroutinefunction(type(handler).__call__):
        raise TypeError(f"a handler must be an `async def`, not {handler!r}")


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(parameter, Mapping) or not {"name"} <= parameter.keys() <= {"name", "label", "required", "type"}:
        raise ValueError(f"a parameter must be a mapping with name (and label, required, type), not {parameter!r}")
    name = parameter["name"]
    return {"label": _title(name), "required": False, "type": "text", **parameter, "name": name}
