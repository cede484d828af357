"""The table of all routes that the mock serves."""

from typing import Final

from refold_async.testing.endpoints import (
    actions,
    applications,
    config_fields,
    configs,
    connect_pages,
    connections,
    credentials,
    datarefs,
    datastores,
    environment_variables,
    event_definitions,
    events,
    executions,
    human_tasks,
    linked_accounts,
    mcp_servers,
    schedules,
    session_tokens,
    tables,
    webhooks,
    workflow_authoring,
    workflows,
)

__all__ = ["ROUTES"]

ROUTES: Final = (
    *actions.GROUP.routes,
    *workflows.GROUP.routes,
    *workflow_authoring.GROUP.routes,
    *executions.GROUP.routes,
    *schedules.GROUP.routes,
    *human_tasks.GROUP.routes,
    *mcp_servers.GROUP.routes,
    *applications.GROUP.routes,
    *connections.GROUP.routes,
    *credentials.GROUP.routes,
    *datarefs.GROUP.routes,
    *connect_pages.GROUP.routes,
    *config_fields.GROUP.routes,
    *configs.GROUP.routes,
    *datastores.GROUP.routes,
    *environment_variables.GROUP.routes,
    *event_definitions.GROUP.routes,
    *events.GROUP.routes,
    *linked_accounts.GROUP.routes,
    *session_tokens.GROUP.routes,
    *tables.GROUP.routes,
    *webhooks.GROUP.routes,
)
