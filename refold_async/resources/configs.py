"""`account.configs`: how a linked account uses an app: the values of its fields, and which workflows are enabled."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.models.configs import Config, ConfigEntry, ConfigFieldInput, ConfigWorkflow, ConfigWorkflowInput
from refold_async.models.confirmations import Confirmation
from refold_async.protocol.arguments import Checks, flag, line, list_of, mapping
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.headers import flag_headers
from refold_async.protocol.pages import AwaitableListing
from refold_async.protocol.parsers import parse_json, parse_model, parse_told, structured
from refold_async.protocol.responses import Response, fields_of
from refold_async.resources.resource import NamingAccount, Resource, Send, changes

__all__ = ["Configs"]

_CONFIG: Final = "config {config_id!r} of app {slug!r}"
_DEFAULT: Final = "the default config of app {slug!r}"
_CHECK_THE_SLUG: Final = "Check the slug in the Refold Console."
_CHECK_THE_ID: Final = (
    "Check the slug and the config_id: configs.list(slug) gives the ids of this linked account's configs, and "
    "configs.get_or_create(slug) creates one."
)


def _labels(name: str, value: Any) -> Any:
    """An object, or a list of objects: Refold's documents show both."""
    return (list_of(mapping) if isinstance(value, list | tuple) else mapping)(name, value)


_CONTENT: Final[Checks] = {
    "slug": line,
    "config_id": line,
    "fields": list_of(mapping),
    "workflows": list_of(mapping),
    "labels": _labels,
    "map_fields_object": mapping,
}
"""What both a new and a changed config can have."""
_READ: Final[Checks] = {"tenant_config": flag}
_SLUG: Final = ("slug",)

_GET_OR_CREATE: Final = Endpoint(
    "POST", "/api/v2/public/config", "the config", _CHECK_THE_SLUG, kind="idempotent", takes=_CONTENT, required=_SLUG
)
_UPDATE: Final = Endpoint("PUT", "/api/v2/public/config", "the config", _CHECK_THE_ID, takes=_CONTENT, required=_SLUG)
_GET: Final = Endpoint("GET", "/api/v2/public/slug/{slug}/config/{config_id}", _CONFIG, _CHECK_THE_ID, takes=_READ)
_GET_DEFAULT: Final = Endpoint("GET", "/api/v2/public/slug/{slug}/config", _DEFAULT, _CHECK_THE_ID, takes=_READ)
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/slug/{slug}/config/{config_id}", _CONFIG, _CHECK_THE_ID)
_DELETE_DEFAULT: Final = Endpoint("DELETE", "/api/v2/public/slug/{slug}/config", _DEFAULT, _CHECK_THE_ID)
_LIST: Final = Endpoint("GET", "/api/v2/public/slug/{slug}/configs", "the configs of app {slug!r}", _CHECK_THE_SLUG)
_SET_WORKFLOW_ENABLED: Final = Endpoint(
    "PATCH",
    "/api/v2/public/slug/{slug}/config/{config_id}/workflows/{workflow_id}",
    "workflow {workflow_id!r} of config {config_id!r} of app {slug!r}",
    _CHECK_THE_ID,
    takes={"enabled": flag},
    required=("enabled",),
)


def _subject(slug: str, config_id: str | None) -> str:
    return (_DEFAULT if config_id is None else _CONFIG).format(slug=slug, config_id=config_id)


def _parse_workflows(response: Response, request: Request) -> list[ConfigWorkflow]:
    """Parse the workflows of a config, which are in an envelope of their own."""
    value = parse_json(response, request)
    workflows: list[ConfigWorkflow] = structured(
        fields_of(value).get("workflows", value), list[ConfigWorkflow], "workflows", response, request, body=value
    )
    return workflows


class Configs(Resource):
    """The configs of one linked account, as `account.configs`."""

    __slots__ = ("_naming_account", "_send_by_key")

    def __init__(self, send: Send, send_by_key: Send, naming_account: NamingAccount) -> None:
        super().__init__(send)
        self._send_by_key = send_by_key
        self._naming_account = naming_account

    async def get_or_create(
        self,
        slug: str,
        *,
        config_id: str | None = None,
        fields: Sequence[ConfigFieldInput | Mapping[str, Any]] | None = None,
        workflows: Sequence[ConfigWorkflowInput | Mapping[str, Any]] | None = None,
        labels: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        map_fields_object: Mapping[str, Any] | None = None,
        disable_field_options: bool | None = None,
        timeout: Timeout | float | None = None,
    ) -> Config:
        """Read a config; Refold creates it if there is none. Refold page: *Create Config*.

        Refold accepts only an API key for this call.

        Args:
            slug: The app.
            config_id: The id of the config, which you choose; by default the id of the linked account.
            fields: The fields of a new config, such as `{"id": ..., "value": ...}`.
            workflows: The workflows of a new config, such as `{"id": ..., "enabled": True}`.
            labels: The labels of field mappings, as an object or as a list of objects with `name` and `value`. Refold
                calls them `map_fields_object` today.
            map_fields_object: The labels of field mappings, under their newer name.
            disable_field_options: Whether to leave out the options of fields, which the app may have to be asked for.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The config.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such app.
            RefoldError: The call failed in another way; `effect` says whether the config may have been created. You can
                safely make the call once more.
        """
        request = _GET_OR_CREATE.request(
            headers=flag_headers(disable_field_options=disable_field_options),
            body=_GET_OR_CREATE.taken(locals()),
            subject=_subject(slug, config_id),
        )
        return await self._send_by_key(request, parse_model(Config, slug=slug), timeout)

    async def update(
        self,
        slug: str,
        *,
        config_id: str | None = None,
        fields: Sequence[ConfigFieldInput | Mapping[str, Any]] | None = None,
        workflows: Sequence[ConfigWorkflowInput | Mapping[str, Any]] | None = None,
        labels: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        map_fields_object: Mapping[str, Any] | None = None,
        disable_field_options: bool | None = None,
        timeout: Timeout | float | None = None,
    ) -> Config:
        """Replace the fields and workflows of a config. Refold page: *Update Config*.

        To change one field, use `account.config_fields.update()`; for one workflow, `set_workflow_enabled()`. Pass both
        `fields` and `workflows`: Refold does not document what becomes of those that you leave out.

        Args:
            slug: The app.
            config_id: The id of the config; by default the id of the linked account.
            fields: All fields that should have a value, such as `{"id": ..., "value": ...}`.
            workflows: All workflows, such as `{"id": ..., "enabled": True, "fields": [...]}`.
            labels: The labels of field mappings, as an object or as a list of objects with `name` and `value`.
            map_fields_object: The labels of field mappings, under their newer name.
            disable_field_options: Whether to leave out the options of fields, which the app may have to be asked for.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The config as it is now.

        Raises:
            ConfigurationError: An argument is wrong, or there is nothing to change; the message says which.
            NotFoundError: There is no such config.
            BadRequestError: Refold refused a field or a workflow.
            RefoldError: The call failed in another way; `effect` says whether the config may have been changed.
        """
        request = _UPDATE.request(
            headers=flag_headers(disable_field_options=disable_field_options),
            body=_UPDATE.taken(locals()),
            subject=_subject(slug, config_id),
        )
        content = {"fields": fields, "workflows": workflows, "labels": labels, "map": map_fields_object}
        changes(content, "fields, workflows")
        return await self._send(request, parse_model(Config, slug=slug), timeout)

    async def get(
        self,
        slug: str,
        config_id: str | None = None,
        *,
        tenant_config: bool | None = None,
        disable_field_options: bool | None = None,
        timeout: Timeout | float | None = None,
    ) -> Config:
        """Read one config. Refold pages: *Get Config*, *Get Config Default*.

        Refold accepts only an API key for this call.

        Args:
            slug: The app.
            config_id: The id of the config; by default the id of the linked account.
            tenant_config: True for the config of the tenant, which `list()` marks as such.
            disable_field_options: Whether to leave out the options of fields, which the app may have to be asked for.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The config.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such config.
            RefoldError: The call failed in another way.
        """
        endpoint, ids = (_GET_DEFAULT, (slug,)) if config_id is None else (_GET, (slug, config_id))
        request = endpoint.request(
            *ids,
            headers=flag_headers(disable_field_options=disable_field_options),
            body=None if tenant_config is None else {"tenant_config": tenant_config},
        )
        return await self._send_by_key(request, parse_model(Config, slug=slug), timeout)

    async def delete(
        self, slug: str, config_id: str | None = None, *, timeout: Timeout | float | None = None
    ) -> Confirmation:
        """Delete a config. Refold pages: *Delete Config*, *Delete Config Default*.

        Refold accepts only an API key for this call.

        Args:
            slug: The app.
            config_id: The id of the config; by default the id of the linked account.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such config.
            RefoldError: The call failed in another way; `effect` says whether the config may have been deleted.
        """
        request = _DELETE_DEFAULT.request(slug) if config_id is None else _DELETE.request(slug, config_id)
        return await self._send_by_key(request, parse_told(Confirmation), timeout)

    async def set_workflow_enabled(
        self,
        slug: str,
        workflow_id: str,
        enabled: bool,
        *,
        config_id: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> list[ConfigWorkflow]:
        """Enable or disable one workflow of a config; all else remains. Refold page: *Toggle Workflow*.

        Args:
            slug: The app.
            workflow_id: The id of the workflow.
            enabled: Whether the workflow should run for this config.
            config_id: The id of the config; by default the id of the linked account.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The workflows of the config as they are now.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such config, or it has no such workflow.
            RefoldError: The call failed in another way; `effect` says whether the workflow may have been changed.
        """

        def request_for(config: str) -> Request:
            return _SET_WORKFLOW_ENABLED.request(slug, config, workflow_id, body={"enabled": enabled})

        request, limits = (
            await self._naming_account(request_for, timeout) if config_id is None else (request_for(config_id), timeout)
        )
        return await self._send(request, _parse_workflows, limits)

    def list(self, slug: str, *, timeout: Timeout | float | None = None) -> AwaitableListing[ConfigEntry]:
        """List the configs that the linked account has for an app. Refold page: *List Configs*.

        Args:
            slug: The app.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The ids of the configs. `await` it for a plain `list`, or iterate over it with `async for`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            RefoldError: The call failed.
        """
        return self._list_whole(lambda: _LIST.request(slug), ConfigEntry, timeout)
