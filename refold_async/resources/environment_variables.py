"""`refold.environment_variables`: values that workflows read, of the organisation, a linked account or a workflow."""

from typing import Final, Literal

from refold_async.config.secret import hide
from refold_async.config.settings import Timeout
from refold_async.errors import ConfigurationError
from refold_async.models.confirmations import Confirmation
from refold_async.models.environment_variables import (
    EnvironmentVariable,
    EnvironmentVariableDefinition,
    EnvironmentVariableValue,
)
from refold_async.protocol.arguments import called, line, one_of, text
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.pages import Listing
from refold_async.protocol.parsers import parse_field, parse_model, parse_told
from refold_async.resources.resource import Resource

__all__ = ["EnvironmentVariables", "VariableScope"]

VariableScope = Literal["org", "workspace", "linked_account", "workflow"]
"""What a value of an environment variable belongs to."""

_SCOPE: Final = one_of("org", "workspace", "linked_account", "workflow")
_OF_DEFINITION: Final = "environment variable {definition_id!r}"
_CHECK_THE_ID: Final = "Check its id: environment_variables.list_definitions() gives all definitions."

_LIST_DEFINITIONS: Final = Endpoint(
    "GET",
    "/api/v2/public/env/definitions",
    "the list of environment variables",
    takes={"scope": _SCOPE, "var_format": one_of("string", "number", "url"), "name": line},
)
_GET_DEFINITION: Final = Endpoint(
    "GET", "/api/v2/public/env/definitions/{definition_id}", _OF_DEFINITION, _CHECK_THE_ID
)
_GET_VALUE: Final = Endpoint(
    "GET",
    "/api/v2/public/env/value/{definition_id}",
    f"the value of {_OF_DEFINITION}",
    "Check the id of the definition, and that a value is set: environment_variables.list_values() gives all values.",
    takes={"linked_account_id": line, "workflow_id": line, "environment": line},
)
_SET_VALUE: Final = Endpoint(
    "POST",
    "/api/v2/public/env/values",
    "the value of the environment variable",
    _CHECK_THE_ID,
    takes={
        "variable_definition_id": called("definition_id", line),
        "value": text,
        "linked_account_id": line,
        "workflow_id": line,
    },
    required=("variable_definition_id", "value"),
)
_LIST_VALUES: Final = Endpoint(
    "GET",
    "/api/v2/public/env/values/{scope}",
    "the list of values of environment variables",
    takes={
        "scope": _SCOPE,
        "variable_definition_id": called("definition_id", line),
        "linked_account_id": line,
        "workflow_id": line,
    },
)
_DELETE_VALUE: Final = Endpoint(
    "DELETE",
    "/api/v2/public/env/values/{value_id}",
    "value {value_id!r} of an environment variable",
    "Check its id, and the linked account that it is for: environment_variables.list_values() gives all values.",
    takes={"linked_account_id": line},
)


class EnvironmentVariables(Resource):
    """The environment variables of your organisation and their values, as `refold.environment_variables`.

    A value belongs to the organisation, to a linked account or to a workflow, as the `scope` of its definition says.
    Only the organisation's API key reaches all of them, so all calls are here. To use a session token, which reaches
    the values of its own linked account, call `account.request()`.
    """

    __slots__ = ()

    def list_definitions(
        self,
        *,
        scope: VariableScope | None = None,
        var_format: Literal["string", "number", "url"] | None = None,
        name: str | None = None,
        page_size: int = 100,
        timeout: Timeout | float | None = None,
    ) -> Listing[EnvironmentVariableDefinition]:
        """Iterate over the definitions of environment variables. Refold page: *List Definitions*.

        Args:
            scope: Only variables whose values belong to this: `org`, `workspace`, `linked_account` or `workflow`.
            var_format: Only variables whose values look like this: `string`, `number` or `url`.
            name: Only variables whose name fits this regular expression.
            page_size: How many definitions to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The definitions.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _LIST_DEFINITIONS,
            model=EnvironmentVariableDefinition,
            key=lambda definition: definition.definition_id,
            page_size=page_size,
            timeout=timeout,
            query={"scope": scope, "var_format": var_format, "name": name},
        )

    async def get_definition(
        self, definition_id: str, *, timeout: Timeout | float | None = None
    ) -> EnvironmentVariableDefinition:
        """Read the definition of an environment variable. Refold page: *Get Definition*.

        Args:
            definition_id: The id of the definition.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The definition.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such definition.
            RefoldError: The call failed in another way.
        """
        parse = parse_field("definition", EnvironmentVariableDefinition)
        return await self._send(_GET_DEFINITION.request(definition_id), parse, timeout)

    async def get_value(
        self,
        definition_id: str,
        *,
        linked_account_id: str | None = None,
        workflow_id: str | None = None,
        environment: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> EnvironmentVariable:
        """Read the value of an environment variable. Refold page: *Get Value*.

        Args:
            definition_id: The id of the definition.
            linked_account_id: The linked account whose value to read, if the variable has the scope `linked_account`.
            workflow_id: The workflow whose value to read, if the variable has the scope `workflow`.
            environment: The environment whose value to read, such as `production`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The variable with its value, which is `[REDACTED]` if Refold encrypts it.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such definition, or no value is set.
            RefoldError: The call failed in another way.
        """
        request = _GET_VALUE.request(
            definition_id,
            query={"linked_account_id": linked_account_id, "workflow_id": workflow_id, "environment": environment},
        )
        return await self._send(request, parse_model(EnvironmentVariable), timeout)

    async def set_value(
        self,
        definition_id: str,
        value: str,
        *,
        linked_account_id: str | None = None,
        workflow_id: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> EnvironmentVariableValue:
        """Set the value of an environment variable, whether it has one already or not. Refold page: *Set Value*.

        This is a write: the client never retries it after the value may have been set. No error shows the value.

        Args:
            definition_id: The id of the definition.
            value: The value: a text that fits the `var_format` of the definition.
            linked_account_id: The linked account to set the value for, if the variable has the scope `linked_account`.
            workflow_id: The workflow to set the value for, if the variable has the scope `workflow`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The stored value, which is encrypted if the definition says so.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: The value does not fit the definition, or does not belong to its scope.
            NotFoundError: There is no such definition.
            RefoldError: The call failed in another way; `effect` says whether the value may have been set.
        """
        value = hide(value)
        body = {
            "variable_definition_id": definition_id,
            "value": value,
            "linked_account_id": linked_account_id,
            "workflow_id": workflow_id,
        }
        subject = f"the value of environment variable {definition_id!r}"
        request = _SET_VALUE.request(body=body, subject=subject, secrets=[value])
        return await self._send(request, parse_model(EnvironmentVariableValue), timeout)

    def list_values(
        self,
        scope: VariableScope,
        *,
        linked_account_id: str | None = None,
        workflow_id: str | None = None,
        definition_id: str | None = None,
        page_size: int = 100,
        timeout: Timeout | float | None = None,
    ) -> Listing[EnvironmentVariableValue]:
        """Iterate over the values of environment variables in one scope. Refold page: *List Values*.

        Args:
            scope: What the values belong to: `org`, `workspace`, `linked_account` or `workflow`.
            linked_account_id: The linked account whose values to list; required with the scope `linked_account`.
            workflow_id: The workflow whose values to list; required with the scope `workflow`.
            definition_id: Only values of the variable with this definition.
            page_size: How many values to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The values, each with its definition. Those that Refold encrypts are `[REDACTED]`.

        Raises:
            ConfigurationError: An argument is wrong or missing; the message names it.
            RefoldError: A call that fetches a page failed.
        """
        needed = {"linked_account": ("linked_account_id", linked_account_id), "workflow": ("workflow_id", workflow_id)}
        name, given = needed.get(str(scope), ("", ""))
        if given is None:
            raise ConfigurationError(f"{name} is missing: with the scope {scope!r}, pass whose values to list.")
        return self._paginate(
            _LIST_VALUES,
            scope,
            model=EnvironmentVariableValue,
            key=lambda value: value.value_id,
            page_size=page_size,
            timeout=timeout,
            query={
                "variable_definition_id": definition_id,
                "linked_account_id": linked_account_id,
                "workflow_id": workflow_id,
            },
        )

    async def delete_value(
        self, value_id: str, *, linked_account_id: str | None = None, timeout: Timeout | float | None = None
    ) -> Confirmation:
        """Delete a value of an environment variable, which then has none. Refold page: *Delete Value*.

        Args:
            value_id: The id of the value.
            linked_account_id: The linked account that the value is for; required if it is for one.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such value.
            RefoldError: The call failed in another way; `effect` says whether the value may have been deleted.
        """
        request = _DELETE_VALUE.request(value_id, headers={"linked_account_id": linked_account_id})
        return await self._send(request, parse_told(Confirmation), timeout)
