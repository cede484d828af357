"""Keeps the user's trace hooks from harming the requests that they observe. Imported if a client has trace hooks."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any, Final

import aiohttp

from refold_async.config.secret import hide
from refold_async.errors import ConfigurationError
from refold_async.runtime.foreign_errors import EXITS, safe_repr
from refold_async.runtime.log import logger

__all__ = ["checked_configs", "guard_hooks"]

_SECRET_HEADERS: Final = ("x-api-key", "Authorization")


def checked_configs(configs: Iterable[aiohttp.TraceConfig]) -> list[aiohttp.TraceConfig]:
    """Return the value of `trace_configs=` as a list of trace configs, or raise."""
    given: list[Any] = list(configs) if isinstance(configs, Iterable) else [None]
    if all(isinstance(config, aiohttp.TraceConfig) for config in given):
        return given
    raise ConfigurationError(f"trace_configs must be a list of aiohttp.TraceConfig, got {configs!r}.")


def guard_hooks(configs: Iterable[aiohttp.TraceConfig], secrets: list[str]) -> list[aiohttp.TraceConfig]:
    """Return trace configs whose hooks call those of `configs` and pass on none of their exceptions.

    An exception of a hook is logged, once for each hook. A cancellation of the request passes through, and so does an
    exception that ends the program.

    Args:
        configs: The user's trace configs. They are frozen here, as aiohttp would do.
        secrets: What no log line may show, apart from the headers that authenticate.
    """
    return [_guarded(config, secrets) for config in configs]


def _guarded(config: aiohttp.TraceConfig, secrets: list[str]) -> aiohttp.TraceConfig:
    config.freeze()
    make_context: Any = _ContextFactory(config, secrets)
    guarded = aiohttp.TraceConfig(make_context)
    for signal in (name for name in dir(aiohttp.TraceConfig) if name.startswith("on_")):
        getattr(guarded, signal).extend(_Hook(signal, hook) for hook in getattr(config, signal))
    return guarded


class _Context:
    """What the hooks of one attempt share: the user's context, and the secrets that their exceptions must not show."""

    def __init__(self, theirs: SimpleNamespace, headers: Mapping[str, str] | None, secrets: list[str]) -> None:
        self.theirs = theirs
        self._headers = headers or {}
        self._secrets = secrets

    def without_secrets(self, text: str) -> str:
        """Return the text without credentials."""
        from refold_async.protocol.redaction import redacted  # imported at the first failure

        sent = [hide(value.removeprefix("Bearer ")) for name, value in self._headers.items() if name in _SECRET_HEADERS]
        return redacted(text, [*self._secrets, *sent])  # type: ignore[no-any-return]


class _Guard:
    """Logs the first exception that one of the user's functions raises."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._logged = False

    def log(self, error: BaseException, context: _Context) -> None:
        """Log an error of the function. Raise it if it is a cancellation that somebody requested."""
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise error
        if self._logged:
            return
        self._logged = True
        # As text: tools that collect errors would read the frames, which hold headers.
        text = f"{safe_repr(error)}\n{''.join(traceback.format_exception(error))}"
        logger.error(
            "%s of trace_configs= raised an exception. This affects no call, and it is logged only once: %s",
            self._name,
            context.without_secrets(text),
        )


class _ContextFactory(_Guard):
    """Makes the contexts of a trace config, which may have a factory of the user."""

    def __init__(self, config: aiohttp.TraceConfig, secrets: list[str]) -> None:
        super().__init__("trace_config_ctx_factory")
        self._config = config
        self._secrets = secrets

    def __call__(self, *, trace_request_ctx: Mapping[str, str] | None) -> _Context:
        theirs = SimpleNamespace(trace_request_ctx=None)
        try:
            theirs = self._config.trace_config_ctx()
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - the call continues, whatever it raises
            self.log(error, _Context(theirs, trace_request_ctx, self._secrets))
        return _Context(theirs, trace_request_ctx, self._secrets)


class _Hook(_Guard):
    """One hook."""

    def __init__(self, signal: str, hook: Callable[..., Awaitable[object]]) -> None:
        super().__init__(f"{getattr(hook, '__qualname__', type(hook).__qualname__)}(), a hook for {signal}")
        self._hook = hook

    async def __call__(self, session: aiohttp.ClientSession, context: _Context, params: object) -> None:
        try:
            await self._hook(session, context.theirs, params)
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - the call continues, whatever it raises
            self.log(error, context)
