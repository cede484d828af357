"""The circumstances of a measurement: versions, the machine, and its load."""

import os
import platform
import time
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Final

__all__ = ["Circumstances"]

PACKAGES: Final = (
    *("refold-async", "aiohttp", "attrs", "cattrs", "backoff", "orjson", "uvloop"),
    *("httpx", "httpx-aiohttp", "niquests", "httptools", "pyreqwest", "aiosonic"),
    *("openapi-python-client", "stripe", "openai", "httpx2", "pipedream", "composio", "composio-client"),
    "psycopg",
)


class Circumstances:
    """The circumstances of a measurement that begins now.

    Args:
        server_core: The core of the server, or None if it shares one with the client.
    """

    def __init__(self, server_core: int | None) -> None:
        self._server_core = server_core
        self._began, self._load_before = time.perf_counter(), _load()

    def at_end(self) -> dict[str, Any]:
        """Return them, for the file of results."""
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "seconds": round(time.perf_counter() - self._began),
            "python": platform.python_version(),
            "packages": _versions(),
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "server on a core of its own": self._server_core is not None,
            "load before": self._load_before,
            "load after": _load(),
        }


def _versions() -> dict[str, str]:
    """Return the versions of the packages that take part."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _load() -> list[float]:
    """Return the load of the system over one, five and fifteen minutes."""
    return [round(figure, 1) for figure in os.getloadavg()]
