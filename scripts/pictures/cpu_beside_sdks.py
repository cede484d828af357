"""The CPU time of the simplest call by this library, by hand on aiohttp, and by the SDKs of other APIs."""

from collections.abc import Mapping
from typing import Final

from pictures.cpu_chart import CpuChart, multiple
from pictures.results import read_results

__all__ = ["NAMES", "draw"]

NAMES: Final[Mapping[str, str]] = {
    "aiohttp, plain": "aiohttp, by hand",
    "aiohttp, careful": "aiohttp, with retries",
    "refold_async": "refold_async",
    "stripe on aiohttp": "stripe on aiohttp",
    "stripe on httpx": "stripe on httpx",
    "openai on aiohttp": "openai on aiohttp",
    "openai": "openai",
    "pipedream on aiohttp": "pipedream on aiohttp",
    "pipedream": "pipedream",
    "composio": "composio",
    "composio-client": "composio-client",
    "openapi-python-client": "openapi-python-client",
}
"""The contestants in the picture, with their names there."""

_NOTES: Final = (
    "Each SDK makes the simplest call of its own API, and gets a small",
    "response; openapi-python-client has generated a client for ours.",
    "aiohttp by hand has no deadline, no checks and no types. Lines show",
    "the middle half of the rounds; the scale is logarithmic.",
)


def draw() -> str:
    """Draw each as a multiple of plain aiohttp, in order of the cost of one call at a time."""
    single, many = ({row[""]: row for row in table["rows"]} for table in read_results("sdks")["tables"])
    order = sorted((key for key in NAMES if key in single), key=lambda key: multiple(single[key]))
    return CpuChart("a simple call", {key: NAMES[key] for key in order}, _NOTES, ends=(0.45, 50.0)).draw(single, many)
