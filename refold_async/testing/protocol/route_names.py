"""The names of the routes, as scripts and recorded requests have them."""

from typing import Literal

__all__ = ["RouteName"]

RouteName = Literal[
    "list_actions",
    "get_action_parameters",
    "execute_action",
    "execute_workflow",
    "list_workflows",
    "get_workflow",
    "list_enabled_workflows",
    "get_request_structure",
    "create_workflow",
    "get_workflow_draft",
    "publish_workflow",
    "list_workflow_versions",
    "delete_workflow",
    "list_executions",
    "get_execution",
    "get_execution_response",
    "stop_execution",
    "rerun_execution",
    "list_node_batches",
    "list_applications",
    "get_application",
    "trigger_event",
    "list_linked_accounts",
    "get_linked_account",
    "create_linked_account",
    "upsert_linked_account",
    "delete_linked_account",
    "create_session_token",
    "revoke_session_token",
    "create_webhook",
    "list_webhooks",
    "get_webhook",
    "update_webhook",
    "delete_webhook",
]
