"""`account.config_fields`: the fields of an app and of its workflows, and their values in configs."""

from collections.abc import Mapping
from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.models.config_fields import RuleOptions
from refold_async.models.configs import Config, ConfigField, ConfigFieldInput
from refold_async.protocol.arguments import Checks, anything, line, mapping
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.headers import flag_headers
from refold_async.protocol.parsers import parse_model
from refold_async.resources.resource import Resource

__all__ = ["ConfigFields"]

_FIELD: Final = "config field {field_id!r}"
_CHECK_THE_SLUG: Final = "Check the slug in the Refold Console."
_CHECK_THE_ID: Final = (
    "Check the config_id and the workflow_id: configs.list(slug) gives the ids of this linked account's configs, and "
    "configs.get_or_create(slug) creates one."
)
_WHERE: Final[Checks] = {"slug": line, "config_id": line, "workflow_id": line}
"""Which app, config and workflow a field is meant of."""
_VALUE: Final[Checks] = {**_WHERE, "value": anything}
_COLUMN: Final[Checks] = {**_WHERE, "rule_column": mapping}
_SLUG: Final = ("slug",)

_GET_ALL: Final = Endpoint(
    "POST", "/api/v2/public/config/field", "the config fields", _CHECK_THE_SLUG, takes=_WHERE, required=_SLUG
)
_GET: Final = Endpoint(
    "POST", "/api/v2/public/config/field/{field_id}", _FIELD, _CHECK_THE_ID, takes=_VALUE, required=_SLUG
)
_UPDATE: Final = Endpoint(
    "PUT", "/api/v2/public/config/field/{field_id}", _FIELD, _CHECK_THE_ID, takes=_VALUE, required=("slug", "value")
)
_CLEAR: Final = Endpoint(
    "DELETE", "/api/v2/public/config/field/{field_id}", _FIELD, _CHECK_THE_ID, takes=_WHERE, required=_SLUG
)
_GET_RULE_OPTIONS: Final = Endpoint(
    "POST",
    "/api/v2/public/config/rule-engine/{field_id}",
    _FIELD,
    _CHECK_THE_ID,
    takes=_COLUMN,
    required=("slug", "rule_column"),
)


def _request(endpoint: Endpoint, arguments: Mapping[str, Any], body: Mapping[str, Any] | None = None) -> Request:
    """Return a request about one field, from the arguments of a method."""
    without_options: bool | None = arguments.get("disable_field_options")
    return endpoint.request(
        arguments["field_id"],
        query={"config_id": arguments["config_id"], "workflow_id": arguments["workflow_id"]},
        headers={"slug": arguments["slug"], **flag_headers(disable_field_options=without_options)},
        body=body,
    )


class ConfigFields(Resource):
    """The fields of one linked account's configs, as `account.config_fields`."""

    __slots__ = ()

    async def get_all(self, slug: str, *, timeout: Timeout | float | None = None) -> Config:
        """Read all fields of an app and of its workflows, with or without a config. Refold page: *Get All Fields*.

        The client treats this as a write and does not retry it after a lost response: Refold may run a workflow of your
        own to find the options of a field. `configs.get()` is retried, but needs a config and an API key.

        Args:
            slug: The app.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The fields, and the workflows with their fields. It has no `config_id` if there is no config.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such app.
            RefoldError: The call failed in another way.
        """
        return await self._send(_GET_ALL.request(headers={"slug": slug}), parse_model(Config, slug=slug), timeout)

    async def get(
        self,
        slug: str,
        field_id: str,
        *,
        value: Any = None,
        config_id: str | None = None,
        workflow_id: str | None = None,
        disable_field_options: bool | None = None,
        timeout: Timeout | float | None = None,
    ) -> ConfigField:
        """Read one field with its options. Refold page: *Get Field By Id*.

        The client treats this as a write and does not retry it after a lost response: Refold may run a workflow of your
        own to find the options.

        Args:
            slug: The app.
            field_id: The id of the field.
            value: The input of the workflow, or of another data source, that finds the options: any JSON value; None
                sends none.
            config_id: The id of the config; by default the id of the linked account.
            workflow_id: The workflow whose field it is; by default it is a field of the app.
            disable_field_options: Whether to leave out the options.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The field.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: There is no such field.
            RefoldError: The call failed in another way.
        """
        request = _request(_GET, locals(), None if value is None else {"value": value})
        return await self._send(request, parse_model(ConfigField, id=field_id), timeout)

    async def update(
        self,
        slug: str,
        field_id: str,
        value: Any,
        *,
        config_id: str | None = None,
        workflow_id: str | None = None,
        disable_field_options: bool | None = None,
        timeout: Timeout | float | None = None,
    ) -> ConfigField:
        """Set the value of one field; all others remain. Refold page: *Update Field Value*.

        Args:
            slug: The app.
            field_id: The id of the field.
            value: The value: any JSON value that fits the type of the field, such as a list if it takes several. None
                sends null.
            config_id: The id of the config; by default the id of the linked account.
            workflow_id: The workflow whose field it is; by default it is a field of the app.
            disable_field_options: Whether to leave out the options of the field that comes back.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The field with its new value.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such config.
            BadRequestError: There is no such field, or Refold refused the value.
            RefoldError: The call failed in another way; `effect` says whether the value may have been set.
        """
        return await self._send(
            _request(_UPDATE, locals(), {"value": value}), parse_model(ConfigField, id=field_id), timeout
        )

    async def clear(
        self,
        slug: str,
        field_id: str,
        *,
        config_id: str | None = None,
        workflow_id: str | None = None,
        disable_field_options: bool | None = None,
        timeout: Timeout | float | None = None,
    ) -> ConfigField:
        """Delete the value of one field, and not the field itself. Refold page: *Delete Field Value*.

        Args:
            slug: The app.
            field_id: The id of the field.
            config_id: The id of the config; by default the id of the linked account.
            workflow_id: The workflow whose field it is; by default it is a field of the app.
            disable_field_options: Whether to leave out the options of the field that comes back.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The field without a value.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such config.
            BadRequestError: There is no such field.
            RefoldError: The call failed in another way; `effect` says whether the value may have been deleted.
        """
        return await self._send(_request(_CLEAR, locals()), parse_model(ConfigField, id=field_id), timeout)

    async def get_rule_options(
        self,
        slug: str,
        field_id: str,
        rule_column: ConfigFieldInput | Mapping[str, Any],
        *,
        config_id: str | None = None,
        workflow_id: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> RuleOptions:
        """Read what users can choose in a rule. Refold page: *Get Options For Rule Engine*.

        The client treats this as a write and does not retry it after a lost response: Refold may run code of your own
        to find the options.

        Args:
            slug: The app.
            field_id: The id of a field whose `field_type` is `rule_engine`.
            rule_column: The column: one of the field's `rule_columns`, or `{"lhs": ...}` with the value that the user
                chose on the left-hand side.
            config_id: The id of the config; by default the id of the linked account.
            workflow_id: The workflow whose field it is; by default it is a field of the app.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The values to choose from.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: There is no such field, or it is not a rule engine.
            RefoldError: The call failed in another way.
        """
        request = _request(_GET_RULE_OPTIONS, locals(), {"rule_column": rule_column})
        return await self._send(request, parse_model(RuleOptions), timeout)
