"""The simplest calls of other SDKs, each of its own API, with a key that is not one.

Each has its own defaults, also for its connections. None connects to anything else: their telemetry is off.
"""

import contextlib
import importlib
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from api import KEY
from by_hand import TaskGroupClient
from contestants import Parameters

DESCRIPTION: Final = Path(__file__).with_name("small_read.openapi.json")
"""What the client that openapi-python-client generates is generated from."""


class SimplestCall(TaskGroupClient):
    """An SDK of another API: whatever it is asked for, it makes its simplest call.

    Args:
        call: Makes the call, and returns what the SDK makes of the response.
    """

    def __init__(self, call: Callable[[], Awaitable[object]]) -> None:
        self._call = call

    async def execute(
        self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False
    ) -> object:
        """Make the call."""
        return await self._call()

    async def list_actions(self, account: str) -> None:
        """Make the call."""
        await self._call()


async def _checked(call: Callable[[], Awaitable[Any]], read: Callable[[Any], object], expected: str) -> SimplestCall:
    """Make the call once, and check that the SDK understood the response."""
    found = read(await call())
    if found != expected:
        raise ValueError(f"The SDK read {found!r} from the response, not {expected!r}.")
    return SimplestCall(call)


@contextlib.asynccontextmanager
async def openai(url: str, connections: int) -> AsyncGenerator[SimplestCall]:
    """Open OpenAI's client on httpx2."""
    async with importlib.import_module("openai").AsyncOpenAI(api_key=KEY, base_url=f"{url}/v1") as client:
        yield await _checked(lambda: client.models.retrieve("gpt-4o"), lambda model: model.id, "gpt-4o")


@contextlib.asynccontextmanager
async def openai_on_aiohttp(url: str, connections: int) -> AsyncGenerator[SimplestCall]:
    """Open OpenAI's client on aiohttp, which it offers as an alternative."""
    module: Any = importlib.import_module("openai")
    transport = module.DefaultAioHttpClient()
    async with module.AsyncOpenAI(api_key=KEY, base_url=f"{url}/v1", http_client=transport) as client:
        yield await _checked(lambda: client.models.retrieve("gpt-4o"), lambda model: model.id, "gpt-4o")


@contextlib.asynccontextmanager
async def _stripe(url: str, transport_class: str) -> AsyncGenerator[SimplestCall]:
    """Open Stripe's client on one of its transports."""
    module: Any = importlib.import_module("stripe")
    transport = getattr(module, transport_class)()
    try:
        module.enable_telemetry = False
        client = module.StripeClient(KEY, base_addresses={"api": url}, http_client=transport)
        customer = "cus_nffrfeuv2bib"
        yield await _checked(lambda: client.v1.customers.retrieve_async(customer), lambda read: read.id, customer)
    finally:
        await transport.close_async()


@contextlib.asynccontextmanager
async def stripe_on_aiohttp(url: str, connections: int) -> AsyncGenerator[SimplestCall]:
    """Open Stripe's client on aiohttp."""
    async with _stripe(url, "AIOHTTPClient") as call:
        yield call


@contextlib.asynccontextmanager
async def stripe_on_httpx(url: str, connections: int) -> AsyncGenerator[SimplestCall]:
    """Open Stripe's client on httpx."""
    async with _stripe(url, "HTTPXClient") as call:
        yield call


@contextlib.asynccontextmanager
async def _pipedream(url: str, transport: Any) -> AsyncGenerator[SimplestCall]:
    """Open Pipedream's client with an access token, so that it does not ask for one."""
    module: Any = importlib.import_module("pipedream")
    async with transport:
        client = module.AsyncPipedream(access_token=KEY, project_id="proj_1", base_url=url, httpx_client=transport)
        yield await _checked(lambda: client.apps.retrieve("slack"), lambda read: read.data.name_slug, "slack")


@contextlib.asynccontextmanager
async def pipedream(url: str, connections: int) -> AsyncGenerator[SimplestCall]:
    """Open Pipedream's client on httpx, as it makes it itself."""
    transport = importlib.import_module("httpx").AsyncClient(timeout=60, follow_redirects=True)
    async with _pipedream(url, transport) as client:
        yield client


@contextlib.asynccontextmanager
async def pipedream_on_aiohttp(url: str, connections: int) -> AsyncGenerator[SimplestCall]:
    """Open Pipedream's client on aiohttp, which it uses if httpx-aiohttp is installed."""
    transport = importlib.import_module("httpx_aiohttp").HttpxAiohttpClient(timeout=60, follow_redirects=True)
    async with _pipedream(url, transport) as client:
        yield client


@contextlib.asynccontextmanager
async def composio(url: str, connections: int) -> AsyncGenerator[SimplestCall]:
    """Open Composio's SDK, whose calls block, without the telemetry that a thread of it would send."""
    module: Any = importlib.import_module("composio")
    client = module.Composio(api_key=KEY, base_url=url, allow_tracking=False)

    async def call() -> Any:
        return client.toolkits.get("slack")

    yield await _checked(call, lambda toolkit: toolkit.slug, "slack")
    if importlib.import_module("composio.core.models._telemetry")._thread is not None:
        raise RuntimeError("Composio's SDK has sent telemetry.")


@contextlib.asynccontextmanager
async def composio_client(url: str, connections: int) -> AsyncGenerator[SimplestCall]:
    """Open the client of which Composio's SDK is made, which has no telemetry and is asynchronous too."""
    module: Any = importlib.import_module("composio_client")
    async with module.AsyncComposio(auth=module.ProjectAuth(KEY), base_url=url) as client:
        yield await _checked(lambda: client.toolkits.retrieve("slack"), lambda toolkit: toolkit.slug, "slack")


@contextlib.asynccontextmanager
async def generated(url: str, connections: int) -> AsyncGenerator[SimplestCall]:
    """Generate a client of the small read with openapi-python-client, and open it."""
    with tempfile.TemporaryDirectory() as directory:
        _generate(Path(directory, "generated_client"))
        sys.path.insert(0, directory)
        try:
            module: Any = importlib.import_module("generated_client")
            endpoint: Any = importlib.import_module("generated_client.api.default.execute_action")
            parameters = importlib.import_module("generated_client.models").Parameters.from_dict({"limit": "1"})
        finally:
            sys.path.remove(directory)
    async with module.AuthenticatedClient(url, KEY, prefix="", auth_header_name="x-api-key") as client:
        yield await _checked(
            lambda: endpoint.asyncio(
                "hubspot", "get_contact", client=client, body=parameters, linked_account_id="user_12345"
            ),
            lambda result: result.data.results[0].id,
            "51",
        )


def _generate(package: Path) -> None:
    options = ("--path", str(DESCRIPTION), "--output-path", str(package), "--meta", "none")
    command = [sys.executable, "-m", "openapi_python_client", "generate", *options]
    subprocess.run(command, check=True, capture_output=True)
