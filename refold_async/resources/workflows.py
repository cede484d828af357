"""`account.workflows`: find workflows, read what payload they expect; create, publish and delete private ones."""

import copy
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import attrs

from refold_async.codec.json_schema import misfits
from refold_async.config.client_options import Environment
from refold_async.config.settings import Timeout
from refold_async.config.validation import check_bool, check_header_value, check_string, check_whole_number
from refold_async.errors import ConfigurationError, ParameterError
from refold_async.models.confirmations import WorkflowDeletion
from refold_async.models.model import Result
from refold_async.models.workflows import EnabledWorkflow, Workflow, WorkflowVersion
from refold_async.protocol.encoding import given_texts
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.pages import AwaitableListing, Listing
from refold_async.protocol.parsers import parse_json, parse_model, parse_told, structured
from refold_async.protocol.responses import Response, fields_of
from refold_async.resources.resource import Resource, Send, dates

__all__ = ["RequestStructure", "Workflows"]

_WORKFLOW: Final = "workflow {workflow_id!r}"
_CHECK_THE_ID: Final = "Check its id, and that this linked account owns it: workflows.list() gives all its workflows."

_GIVE_THE_ENVIRONMENT: Final = (
    "This call also needs the environment, which the prefix of this key does not show: pass environment='test' or "
    "environment='production'."
)

_LIST: Final = Endpoint("GET", "/api/v2/public/workflow", "the list of workflows")
_LIST_ENABLED: Final = Endpoint("GET", "/api/v2/public/workflow/enabled", "the list of enabled workflows")
_GET: Final = Endpoint("GET", "/api/v2/public/workflow/{workflow_id}", _WORKFLOW, _CHECK_THE_ID)
_REQUEST_STRUCTURE: Final = Endpoint(
    "GET", "/api/v2/public/workflow/request-structure/{workflow_id}", _WORKFLOW, _CHECK_THE_ID
)
_VERSIONS: Final = Endpoint("GET", "/api/v2/public/workflow/versions/{workflow_id}", _WORKFLOW, _CHECK_THE_ID)
_CREATE: Final = Endpoint("POST", "/api/v2/public/workflow", "the new workflow")
_GET_DRAFT: Final = Endpoint("GET", "/api/v2/public/workflow/{workflow_id}/edit", _WORKFLOW, _CHECK_THE_ID)
_PUBLISH: Final = Endpoint("PUT", "/api/v2/public/workflow/{draft_id}/publish", "draft {draft_id!r}", _CHECK_THE_ID)
_UNPUBLISH: Final = Endpoint("PUT", "/api/v2/public/workflow/{workflow_id}/publish", _WORKFLOW, _CHECK_THE_ID)
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/workflow/{workflow_id}", _WORKFLOW, _CHECK_THE_ID)


@attrs.frozen(eq=False, repr=False)
class RequestStructure(Result):
    """The payload that a workflow expects."""

    payload: Any = None
    """A sample payload, or None."""
    schema: Any = None
    """The JSON Schema of the payload; None if the workflow accepts anything."""
    schema_interpreted: Any = None
    """The schema that Refold infers from the sample, or None."""

    def validate(self, payload: Any) -> None:
        """Check a payload before you send it. Needs the extra `schema` (`pip install refold-async[schema]`).

        Without a `schema`, every payload is accepted.

        Args:
            payload: The payload that you want to pass to `execute_workflow` or `run_workflow`.

        Raises:
            ParameterError: The payload does not fit. The message names up to five places that are wrong, and says how
                many more there are.
            ConfigurationError: The extra is not installed, or the schema cannot be used.
        """
        problems = [] if self.schema is None else misfits(payload, self.schema, "payload")
        if problems:
            shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
            raise ParameterError(f"The payload does not fit the workflow: {shown}.")


class Workflows(Resource):
    """The workflows of one linked account, as `account.workflows`. To run one, use `account.run_workflow()`."""

    __slots__ = ("_by_key", "_environment")

    def __init__(self, send: Send, environment: Environment | None, *, by_key: bool) -> None:
        super().__init__(send)
        self._environment = environment
        self._by_key = by_key

    def list_enabled(self, *, timeout: Timeout | float | None = None) -> AwaitableListing[EnabledWorkflow]:
        """List the workflows that the linked account has enabled. Refold page: *List Enabled Workflows*.

        Args:
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The workflows in Refold's order. `await` it for a plain `list`, or iterate over it with `async for`.

        Raises:
            RefoldError: The call failed.
        """
        return self._list_whole(_LIST_ENABLED.request, EnabledWorkflow, timeout)

    def list(
        self,
        *,
        slug: str | None = None,
        name: str | None = None,
        published: bool | None = None,
        start_date: datetime | date | str | None = None,
        end_date: datetime | date | str | None = None,
        application_id: str | None = None,
        scope: str | None = None,
        page_size: int = 100,
        timeout: Timeout | float | None = None,
    ) -> Listing[Workflow]:
        """Iterate over the workflows. Refold page: *List Workflows*.

        ```python
        async for workflow in account.workflows.list(): ...
        ```

        The next page is fetched while you process the current one.

        Args:
            slug: Only workflows of this app.
            name: Only workflows whose name contains this text.
            published: True for only published workflows, False for only the others; by default all.
            start_date: Only workflows that were created at this time or later; a datetime needs a time zone.
            end_date: Only workflows that were created at this time or earlier; a datetime needs a time zone.
            application_id: Only workflows of the app with this id.
            scope: `private` for only those that the linked account created itself.
            page_size: How many workflows to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The workflows. Each is returned only once.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _LIST,
            model=Workflow,
            key=lambda workflow: workflow.workflow_id,
            page_size=page_size,
            timeout=timeout,
            query={
                "published": None if published is None else check_bool("published", published),
                **dates(start_date=start_date, end_date=end_date),
                **given_texts(slug=slug, name=name, application_id=application_id, scope=scope),
            },
        )

    async def get(self, workflow_id: str, *, timeout: Timeout | float | None = None) -> Workflow:
        """Read one workflow. Refold page: *Get Workflow*.

        Args:
            workflow_id: The id of the workflow.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The workflow with its nodes.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such workflow for this linked account.
            RefoldError: The call failed in another way.
        """
        return await self._send(_GET.request(workflow_id), _parse_workflow, timeout)

    async def request_structure(self, workflow_id: str, *, timeout: Timeout | float | None = None) -> RequestStructure:
        """Read what payload a workflow expects. Refold page: *Get Workflow Request Structure*.

        Args:
            workflow_id: The id of the workflow.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            A sample payload and the JSON Schema, with the method `validate()`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such workflow for this linked account.
            RefoldError: The call failed in another way.
        """
        return await self._send(_REQUEST_STRUCTURE.request(workflow_id), parse_model(RequestStructure), timeout)

    def versions(
        self, workflow_id: str, *, page_size: int = 100, timeout: Timeout | float | None = None
    ) -> Listing[WorkflowVersion]:
        """Iterate over the published versions of a workflow, newest first. Refold page: *List Workflow Versions*.

        Args:
            workflow_id: The id of the workflow.
            page_size: How many versions to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The versions.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such workflow for this linked account.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _VERSIONS,
            workflow_id,
            model=WorkflowVersion,
            key=lambda version: version.version,
            page_size=page_size,
            timeout=timeout,
        )

    async def create(
        self,
        name: str,
        *,
        slug: str | None = None,
        description: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> Workflow:
        """Create a private workflow, as a draft that only the linked account has. Refold page: *Create Workflow*.

        Args:
            name: The display name of the workflow.
            slug: The app that the workflow should belong to. By default it is your organisation's default app, which is
                then the `slug` of the draft: execute the workflow with `slug=draft.slug`.
            description: What the workflow should do.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The draft. After you publish it, the workflow has another id.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such app.
            BadRequestError: Refold refused the name.
            RefoldError: The call failed in another way; `effect` says whether the workflow may have been created.
        """
        body = {
            "name": check_header_value("name", name),
            "slug": None if slug is None else check_header_value("slug", slug),
            "description": None if description is None else check_string("description", description),
        }
        request = _CREATE.request(body=body, subject=f"the new workflow {name!r}")
        return await self._send(request, _parse_workflow, timeout)

    async def get_draft(self, workflow_id: str, *, timeout: Timeout | float | None = None) -> Workflow:
        """Read the draft of a workflow; Refold creates it if there is none. Refold page: *Get Workflow Draft*.

        Args:
            workflow_id: The id of the workflow.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The draft. `publish` takes its `workflow_id`, also after `unpublish`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such workflow for this linked account.
            RefoldError: The call failed in another way.
        """
        return await self._send(_GET_DRAFT.request(workflow_id), _parse_workflow, timeout)

    async def publish(
        self,
        draft_id: str,
        *,
        version: int | None = None,
        description: str | None = None,
        environment: Environment | None = None,
        timeout: Timeout | float | None = None,
    ) -> Workflow:
        """Publish a draft as a new version of its workflow. Refold page: *Publish Workflow*.

        Args:
            draft_id: The `workflow_id` of the draft that `create` or `get_draft` returned.
            version: The number of the new version; by default the next number.
            description: What has changed.
            environment: The environment of the workflow, `test` or `production`, for Refold's header `environment`. By
                default it is the environment that the prefix of the API key shows. With a session token the header is
                not sent, because the token contains the environment.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The published workflow. Its `workflow_id` differs from that of the draft.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such draft for this linked account.
            AuthenticationError: Refold does not accept the key. Or the prefix of the key does not show the environment,
                and you passed none.
            RefoldError: The call failed in another way; `effect` says whether the workflow may have been published.
        """
        body = {
            "published": True,
            "version": None if version is None else check_whole_number("version", version, at_least=1),
            "description": None if description is None else check_string("description", description),
        }
        return await self._send(self._request(_PUBLISH, draft_id, environment, body), _parse_workflow, timeout)

    async def unpublish(
        self,
        workflow_id: str,
        *,
        environment: Environment | None = None,
        timeout: Timeout | float | None = None,
    ) -> Workflow:
        """Unpublish a workflow, which also takes its triggers out of use. Refold page: *Publish Workflow*.

        Args:
            workflow_id: The id of the published workflow, not that of its draft.
            environment: The environment of the workflow, as for `publish`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The workflow.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: The workflow is not published, or the id is that of a draft.
            AuthenticationError: As for `publish`.
            NotFoundError: There is no such workflow for this linked account.
            RefoldError: The call failed in another way; `effect` says whether the workflow may have been unpublished.
        """
        request = self._request(_UNPUBLISH, workflow_id, environment, {"published": False})
        return await self._send(request, _parse_workflow, timeout)

    async def delete(
        self,
        workflow_id: str,
        *,
        environment: Environment | None = None,
        timeout: Timeout | float | None = None,
    ) -> WorkflowDeletion:
        """Delete a private workflow with its drafts and versions, or only a draft. Refold page: *Delete Workflow*.

        Args:
            workflow_id: The id of the published workflow, or of a draft; not that of a version.
            environment: The environment of the workflow, as for `publish`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation. Its `triggers_deregistered` is False if some triggers may still exist.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: The id is that of a version.
            AuthenticationError: As for `publish`.
            NotFoundError: There is no such workflow for this linked account.
            RefoldError: The call failed in another way; `effect` says whether the workflow may have been deleted.
        """
        request = self._request(_DELETE, workflow_id, environment)
        return await self._send(request, parse_told(WorkflowDeletion), timeout)

    def _request(
        self,
        endpoint: Endpoint,
        workflow_id: str,
        environment: Environment | None,
        body: Mapping[str, Any] | None = None,
    ) -> Request:
        """Make a request about a private workflow, with the header for its environment."""
        if environment not in (None, "test", "production"):
            raise ConfigurationError(f"environment must be 'test' or 'production', got {environment!r}.")
        meant = environment or self._environment
        request = endpoint.request(workflow_id, headers={} if meant is None else {"environment": meant}, body=body)
        if meant is None and self._by_key:
            request.target = copy.copy(request.target)
            request.target.if_unauthorized = _GIVE_THE_ENVIRONMENT
        return request


def _parse_workflow(response: Response, request: Request) -> Workflow:
    """Parse a workflow: either the object itself or, for a new one, an object that contains it as `workflow`."""
    value = parse_json(response, request)
    fields = fields_of(value)
    in_envelope = isinstance(fields.get("workflow"), dict) and not fields.keys() & {"_id", "id"}
    workflow = fields["workflow"] if in_envelope else value
    return structured(workflow, Workflow, "response", response, request, body=value)  # type: ignore[no-any-return]
