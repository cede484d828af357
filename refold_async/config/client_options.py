"""Options that the client takes from its arguments or else from the environment, and what the prefix of a key means."""

import os
from collections.abc import Mapping
from typing import Final, Literal

from refold_async.config.secret import hide
from refold_async.config.validation import check_base_url, check_secret
from refold_async.errors import ConfigurationError
from refold_async.runtime.log import DEBUG, INFO, logger

__all__ = ["Environment", "check_environment", "environment_of", "find_api_key", "find_base_url", "switch_on_log"]

Environment = Literal["test", "production"]
"""An environment of Refold. An API key is for one of them."""

_ENVIRONMENT_OF_PREFIX: Final[Mapping[str, Environment]] = {"tk": "test", "pk": "production"}


def find_api_key(api_key: str | None) -> str | None:
    """Return the API key that was passed, or else the one in the environment, or else None."""
    if api_key is not None:
        return check_secret("api_key", api_key)
    if found := hide(os.environ.get("REFOLD_API_KEY")):
        return check_secret("REFOLD_API_KEY, in the environment,", found)
    return None


def find_base_url(base_url: str | None, *, allow_http: bool) -> str:
    """Return the base URL that was passed, or else the one in the environment, or else Refold's own."""
    if base_url is not None:
        return check_base_url("base_url", base_url, allow_http=allow_http)
    if found := hide(os.environ.get("REFOLD_BASE_URL")):
        return check_base_url("REFOLD_BASE_URL", found, allow_http=allow_http)
    return "https://app.refold.ai"


def switch_on_log() -> None:
    """Switch the log on if the environment variable `REFOLD_LOG` asks for it."""
    if not (asked := os.environ.get("REFOLD_LOG")):
        return
    level = {"info": INFO, "debug": DEBUG}.get(asked.strip().lower())
    if level is None:
        raise ConfigurationError(f"REFOLD_LOG, in the environment, must be info or debug, not {asked!r}. Or unset it.")
    logger.write_to_stderr(level)


def environment_of(api_key: str | None) -> Environment | None:
    """Return the environment of an API key, as its prefix shows it; None without a key or with another prefix."""
    return None if api_key is None else _ENVIRONMENT_OF_PREFIX.get(api_key[:2])


def check_environment(required: Environment | None, api_key: str | None) -> None:
    """Raise an error if an API key is not for the required environment."""
    if required is None:
        return
    if required not in _ENVIRONMENT_OF_PREFIX.values():
        raise ConfigurationError(f"require_environment must be 'test' or 'production', got {required!r}.")
    environment = environment_of(api_key)
    if api_key is not None and environment != required:
        belongs = f"is a {environment} key" if environment else "starts with neither 'tk' nor 'pk'"
        raise ConfigurationError(f"require_environment={required!r} refuses api_key, which {belongs}.")
