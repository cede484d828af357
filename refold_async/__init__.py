"""The asyncio client for Refold: act in your customers' apps, for one linked account or for a million.

```python
async with AsyncRefold() as refold:
    result = await refold.account("user_12345").execute_action("hubspot", "get_contact", {"limit": "1"})
```
"""

from importlib import import_module

from refold_async.version import __version__

# For type checkers as typing's own, without loading typing: until the command line runs, Ctrl-C ends it in a traceback.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from refold_async import webhooks
    from refold_async.client import AsyncRefold
    from refold_async.config.settings import RateLimit, RetryPolicy, Timeout
    from refold_async.errors import (
        ActionFailedError,
        APIConnectionError,
        APIResponseValidationError,
        APIStatusError,
        APITimeoutError,
        AppConnectionTimeoutError,
        AuthenticationError,
        BadRequestError,
        ClientClosedError,
        ConfigurationError,
        ConflictError,
        ExecutionTimeoutError,
        FanOutStoppedError,
        InternalServerError,
        JournalError,
        NotFoundError,
        ParameterError,
        PermissionDeniedError,
        RateLimitError,
        ReconnectRequiredError,
        RecordedError,
        RefoldError,
        UnprocessableEntityError,
        WebhookSignatureError,
        WorkflowFailedError,
    )
    from refold_async.faults import Effect, Fault
    from refold_async.jobs.fan_out import FanOut
    from refold_async.jobs.outcome_writer import OutcomeWriter
    from refold_async.jobs.outcomes import Failed, Ok, Outcome, Unfinished, Unknown
    from refold_async.jobs.progress import Progress
    from refold_async.jobs.report import FanOutReport
    from refold_async.journal.entries import JournalEntry
    from refold_async.journal.journal import Journal
    from refold_async.journal.parts import JournalPart
    from refold_async.journal.postgres.postgres_journal import PostgresJournal
    from refold_async.journal.reading import JournalSummary
    from refold_async.limits.outside_limiter import Limiter
    from refold_async.limits.redis.redis_rate_limit import RedisRateLimit
    from refold_async.models.applications import Application, ConnectedAccount, InputField, InputOption
    from refold_async.models.config_fields import RuleColumn, RuleError, RuleOperand, RuleOptions
    from refold_async.models.configs import (
        Config,
        ConfigEntry,
        ConfigField,
        ConfigFieldError,
        ConfigFieldInput,
        ConfigFieldProblem,
        ConfigWorkflow,
        ConfigWorkflowInput,
    )
    from refold_async.models.confirmations import (
        Confirmation,
        CredentialUpsert,
        TokenMigration,
        TokenRevocation,
        WorkflowDeletion,
    )
    from refold_async.models.connect_links import ConnectUrl, OAuthUrl
    from refold_async.models.connection_states import ConnectionState
    from refold_async.models.datarefs import Dataref, DatarefDeletion
    from refold_async.models.environment_variables import (
        EnvironmentVariable,
        EnvironmentVariableDefinition,
        EnvironmentVariableValue,
    )
    from refold_async.models.event_definitions import EventDefinition, EventField
    from refold_async.models.executions import Batch, Execution, ExecutionNode, ExecutionResponse
    from refold_async.models.human_tasks import HumanTask
    from refold_async.models.linked_accounts import Integration, LinkedAccount, UserDefinedField
    from refold_async.models.mcp_servers import MCPServer, MCPServerApp, MCPServerSuggestion
    from refold_async.models.pages import Page
    from refold_async.models.references import Reference
    from refold_async.models.response_meta import ResponseMeta
    from refold_async.models.results import ActionResult
    from refold_async.models.saved_file import SavedFile
    from refold_async.models.schedules import Schedule
    from refold_async.models.session_tokens import SessionToken
    from refold_async.models.tables import AddedRecords, Table, TableCreation
    from refold_async.models.webhooks import WebhookSubscription
    from refold_async.models.workflow_execution import WorkflowExecution
    from refold_async.models.workflows import EnabledWorkflow, Workflow, WorkflowSettings, WorkflowVersion
    from refold_async.pipeline.reconciling.reconcile import (
        CANNOT_TELL,
        NOT_DONE,
        Done,
        Finding,
        Reconcile,
        UnknownWrite,
    )
    from refold_async.protocol.pages import AwaitableListing, Listing
    from refold_async.resources.account import AccountScope
    from refold_async.resources.actions import Action, ActionParameter, ActionParameters
    from refold_async.resources.tools.results import ToolResult
    from refold_async.resources.tools.tool import ToolCall
    from refold_async.resources.tools.tools import Tools
    from refold_async.resources.workflows import RequestStructure

__all__ = [
    "CANNOT_TELL",
    "NOT_DONE",
    "APIConnectionError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AccountScope",
    "Action",
    "ActionFailedError",
    "ActionParameter",
    "ActionParameters",
    "ActionResult",
    "AddedRecords",
    "AppConnectionTimeoutError",
    "Application",
    "AsyncRefold",
    "AuthenticationError",
    "AwaitableListing",
    "BadRequestError",
    "Batch",
    "ClientClosedError",
    "Config",
    "ConfigEntry",
    "ConfigField",
    "ConfigFieldError",
    "ConfigFieldInput",
    "ConfigFieldProblem",
    "ConfigWorkflow",
    "ConfigWorkflowInput",
    "ConfigurationError",
    "Confirmation",
    "ConflictError",
    "ConnectUrl",
    "ConnectedAccount",
    "ConnectionState",
    "CredentialUpsert",
    "Dataref",
    "DatarefDeletion",
    "Done",
    "Effect",
    "EnabledWorkflow",
    "EnvironmentVariable",
    "EnvironmentVariableDefinition",
    "EnvironmentVariableValue",
    "EventDefinition",
    "EventField",
    "Execution",
    "ExecutionNode",
    "ExecutionResponse",
    "ExecutionTimeoutError",
    "Failed",
    "FanOut",
    "FanOutReport",
    "FanOutStoppedError",
    "Fault",
    "Finding",
    "HumanTask",
    "InputField",
    "InputOption",
    "Integration",
    "InternalServerError",
    "Journal",
    "JournalEntry",
    "JournalError",
    "JournalPart",
    "JournalSummary",
    "Limiter",
    "LinkedAccount",
    "Listing",
    "MCPServer",
    "MCPServerApp",
    "MCPServerSuggestion",
    "NotFoundError",
    "OAuthUrl",
    "Ok",
    "Outcome",
    "OutcomeWriter",
    "Page",
    "ParameterError",
    "PermissionDeniedError",
    "PostgresJournal",
    "Progress",
    "RateLimit",
    "RateLimitError",
    "Reconcile",
    "ReconnectRequiredError",
    "RecordedError",
    "RedisRateLimit",
    "Reference",
    "RefoldError",
    "RequestStructure",
    "ResponseMeta",
    "RetryPolicy",
    "RuleColumn",
    "RuleError",
    "RuleOperand",
    "RuleOptions",
    "SavedFile",
    "Schedule",
    "SessionToken",
    "Table",
    "TableCreation",
    "Timeout",
    "TokenMigration",
    "TokenRevocation",
    "ToolCall",
    "ToolResult",
    "Tools",
    "Unfinished",
    "Unknown",
    "UnknownWrite",
    "UnprocessableEntityError",
    "UserDefinedField",
    "WebhookSignatureError",
    "WebhookSubscription",
    "Workflow",
    "WorkflowDeletion",
    "WorkflowExecution",
    "WorkflowFailedError",
    "WorkflowSettings",
    "WorkflowVersion",
    "__version__",
    "webhooks",
]

# A module is loaded when a program first uses a name of it: a program that only shows its help loads none of them.
_LOADED_WHEN_USED = {
    "APIConnectionError": "errors",
    "APIResponseValidationError": "errors",
    "APIStatusError": "errors",
    "APITimeoutError": "errors",
    "AccountScope": "resources.account",
    "Action": "resources.actions",
    "ActionFailedError": "errors",
    "ActionParameter": "resources.actions",
    "ActionParameters": "resources.actions",
    "ActionResult": "models.results",
    "AddedRecords": "models.tables",
    "AppConnectionTimeoutError": "errors",
    "Application": "models.applications",
    "AsyncRefold": "client",
    "AuthenticationError": "errors",
    "AwaitableListing": "protocol.pages",
    "BadRequestError": "errors",
    "Batch": "models.executions",
    "ClientClosedError": "errors",
    "Config": "models.configs",
    "ConfigEntry": "models.configs",
    "ConfigField": "models.configs",
    "ConfigFieldError": "models.configs",
    "ConfigFieldInput": "models.configs",
    "ConfigFieldProblem": "models.configs",
    "ConfigWorkflow": "models.configs",
    "ConfigWorkflowInput": "models.configs",
    "ConfigurationError": "errors",
    "Confirmation": "models.confirmations",
    "ConflictError": "errors",
    "ConnectUrl": "models.connect_links",
    "ConnectedAccount": "models.applications",
    "ConnectionState": "models.connection_states",
    "CredentialUpsert": "models.confirmations",
    "Dataref": "models.datarefs",
    "DatarefDeletion": "models.datarefs",
    "Effect": "faults",
    "EnabledWorkflow": "models.workflows",
    "EnvironmentVariable": "models.environment_variables",
    "EnvironmentVariableDefinition": "models.environment_variables",
    "EnvironmentVariableValue": "models.environment_variables",
    "EventDefinition": "models.event_definitions",
    "EventField": "models.event_definitions",
    "Execution": "models.executions",
    "ExecutionNode": "models.executions",
    "ExecutionResponse": "models.executions",
    "ExecutionTimeoutError": "errors",
    "Failed": "jobs.outcomes",
    "FanOut": "jobs.fan_out",
    "FanOutReport": "jobs.report",
    "FanOutStoppedError": "errors",
    "Fault": "faults",
    "HumanTask": "models.human_tasks",
    "InputField": "models.applications",
    "InputOption": "models.applications",
    "Integration": "models.linked_accounts",
    "InternalServerError": "errors",
    "Journal": "journal.journal",
    "JournalEntry": "journal.entries",
    "JournalError": "errors",
    "JournalPart": "journal.parts",
    "JournalSummary": "journal.reading",
    "Limiter": "limits.outside_limiter",
    "LinkedAccount": "models.linked_accounts",
    "Listing": "protocol.pages",
    "MCPServer": "models.mcp_servers",
    "MCPServerApp": "models.mcp_servers",
    "MCPServerSuggestion": "models.mcp_servers",
    "NotFoundError": "errors",
    "OAuthUrl": "models.connect_links",
    "Ok": "jobs.outcomes",
    "Outcome": "jobs.outcomes",
    "OutcomeWriter": "jobs.outcome_writer",
    "Page": "models.pages",
    "ParameterError": "errors",
    "PermissionDeniedError": "errors",
    "PostgresJournal": "journal.postgres.postgres_journal",
    "Progress": "jobs.progress",
    "RateLimit": "config.settings",
    "RedisRateLimit": "limits.redis.redis_rate_limit",
    "RateLimitError": "errors",
    "ReconnectRequiredError": "errors",
    "RecordedError": "errors",
    "Reference": "models.references",
    "RefoldError": "errors",
    "RequestStructure": "resources.workflows",
    "ResponseMeta": "models.response_meta",
    "RetryPolicy": "config.settings",
    "RuleColumn": "models.config_fields",
    "RuleError": "models.config_fields",
    "RuleOperand": "models.config_fields",
    "RuleOptions": "models.config_fields",
    "SavedFile": "models.saved_file",
    "Schedule": "models.schedules",
    "SessionToken": "models.session_tokens",
    "Table": "models.tables",
    "TableCreation": "models.tables",
    "Timeout": "config.settings",
    "TokenMigration": "models.confirmations",
    "TokenRevocation": "models.confirmations",
    "ToolCall": "resources.tools.tool",
    "ToolResult": "resources.tools.results",
    "Tools": "resources.tools.tools",
    "Unfinished": "jobs.outcomes",
    "Unknown": "jobs.outcomes",
    "UnprocessableEntityError": "errors",
    "UserDefinedField": "models.linked_accounts",
    "WebhookSignatureError": "errors",
    "WebhookSubscription": "models.webhooks",
    "Workflow": "models.workflows",
    "WorkflowDeletion": "models.confirmations",
    "WorkflowExecution": "models.workflow_execution",
    "WorkflowFailedError": "errors",
    "WorkflowSettings": "models.workflows",
    "WorkflowVersion": "models.workflows",
    "webhooks": "webhooks",
    "CANNOT_TELL": "pipeline.reconciling.reconcile",
    "Done": "pipeline.reconciling.reconcile",
    "Finding": "pipeline.reconciling.reconcile",
    "NOT_DONE": "pipeline.reconciling.reconcile",
    "Reconcile": "pipeline.reconciling.reconcile",
    "UnknownWrite": "pipeline.reconciling.reconcile",
}

if not TYPE_CHECKING:  # otherwise type checkers would accept any misspelled name

    def __getattr__(name: str) -> object:
        if name == "errors":  # programs use `refold_async.errors` without importing it
            return import_module(f"{__name__}.errors")
        if name not in _LOADED_WHEN_USED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        place = _LOADED_WHEN_USED[name]
        module = import_module(f"{__name__}.{place}")
        value = globals()[name] = module if place == name else getattr(module, name)
        return value

    def __dir__() -> list[str]:
        # For tab completion: what is public, whatever else was loaded.
        return sorted({*__all__, "errors", *(name for name in globals() if name.startswith("__"))})
