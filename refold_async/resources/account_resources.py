"""The resources of one linked account, each a group of calls. They load when they are first used."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from refold_async.config.client_options import environment_of
from refold_async.config.settings import Timeout
from refold_async.errors import RefoldError
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Parser

if TYPE_CHECKING:
    from refold_async.resources.applications import Applications
    from refold_async.resources.config_fields import ConfigFields
    from refold_async.resources.configs import Configs
    from refold_async.resources.credentials import Credentials
    from refold_async.resources.datarefs import Datarefs
    from refold_async.resources.datastores import Datastores
    from refold_async.resources.events import Events
    from refold_async.resources.executions import Executions
    from refold_async.resources.mcp_servers import MCPServers
    from refold_async.resources.schedules import Schedules
    from refold_async.resources.tables import Tables
    from refold_async.resources.workflows import Workflows

__all__ = ["AccountResources"]

T = TypeVar("T")


class AccountResources:
    """The resources of a scope. `AccountScope` has its methods."""

    __slots__ = ()

    _api_key: str | None
    linked_account_id: str | None
    _pipeline: Pipeline

    @property
    def applications(self) -> "Applications":
        """The apps, and this linked account's connections to them."""
        from refold_async.resources.applications import Applications

        return Applications(self._send, self._pipeline.pause, self._annotate, self._naming_account)

    @property
    def config_fields(self) -> "ConfigFields":
        """The fields of apps and workflows, and the linked account's values of them."""
        from refold_async.resources.config_fields import ConfigFields

        return ConfigFields(self._send)

    @property
    def configs(self) -> "Configs":
        """How the linked account uses its apps: the values of their fields, and which workflows are enabled."""
        from refold_async.resources.configs import Configs

        return Configs(self._send, self._send_by_key, self._naming_account)

    @property
    def credentials(self) -> "Credentials":
        """Credentials that you have already, to store for this linked account."""
        from refold_async.resources.credentials import Credentials

        return Credentials(self._send, self._send_by_key)

    @property
    def datarefs(self) -> "Datarefs":
        """Records that workflows keep under a name."""
        from refold_async.resources.datarefs import Datarefs

        return Datarefs(self._send_by_key)

    @property
    def datastores(self) -> "Datastores":
        """The records that workflows have stored for the linked account's configs; deprecated by Refold."""
        from refold_async.resources.datastores import Datastores

        return Datastores(self._send_by_key)

    @property
    def events(self) -> "Events":
        """Events that start workflows."""
        from refold_async.resources.events import Events

        return Events(self._send)

    @property
    def executions(self) -> "Executions":
        """Executions of workflows: read them, wait for them, stop them, rerun them."""
        from refold_async.resources.executions import Executions

        return Executions(self._send, self._pipeline.pause, self._annotate)

    @property
    def mcp_servers(self) -> "MCPServers":
        """The MCP servers that Refold hosts. `tools()` is for a server of your own."""
        from refold_async.resources.mcp_servers import MCPServers

        return MCPServers(self._send)

    @property
    def schedules(self) -> "Schedules":
        """When Refold runs workflows: regularly, or at specific times."""
        from refold_async.resources.schedules import Schedules

        return Schedules(self._send_by_key, self.linked_account_id)

    @property
    def tables(self) -> "Tables":
        """Persistent tables, and the records in them."""
        from refold_async.resources.tables import Tables

        return Tables(self._send_by_key)

    @property
    def workflows(self) -> "Workflows":
        """Workflows: find them, read what payload they expect; create, publish and delete private ones."""
        from refold_async.resources.workflows import Workflows

        return Workflows(self._send, environment_of(self._api_key), by_key=self._api_key is not None)

    async def _naming_account(
        self, make: Callable[[str], Request], timeout: Timeout | float | None
    ) -> tuple[Request, Timeout]:
        """Return a request that names the linked account, and the time that is left for it."""
        raise NotImplementedError

    def _annotate(self, error: RefoldError, request: Request) -> None:
        """Add to an error what its request was about."""
        raise NotImplementedError

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a request like any other request of the scope."""
        raise NotImplementedError

    def _send_by_key(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a request for which Refold accepts no session token; if the scope has no API key, raise an error."""
        raise NotImplementedError
