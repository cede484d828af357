"""The CPU time of a small read by this library, by hand on aiohttp, and by other libraries."""

from collections.abc import Mapping
from typing import Final

from pictures.cpu_chart import CpuChart
from pictures.results import read_results

__all__ = ["NAMES", "draw"]

NAMES: Final[Mapping[str, str]] = {
    "asyncio alone": "asyncio alone",
    "aiohttp, plain, orjson, uvloop": "aiohttp, orjson, uvloop",
    "refold_async, orjson, uvloop": "refold_async[speed]",
    "refold_async": "refold_async",
    "aiohttp, plain": "aiohttp, by hand",
    "aiohttp, careful": "same, with retries",
    "httpx on aiohttp": "httpx on aiohttp",
    "niquests": "niquests",
    "httpx": "httpx",
}
"""The contestants in the picture, with their names there, in order of cost when this was written."""

_NOTES: Final = (
    "refold_async has its deadlines, checks and typed results; aiohttp",
    "by hand has none. [speed]: with orjson and uvloop. Lines show the",
    "middle half of the rounds; the scale is logarithmic.",
)


def draw() -> str:
    """Draw each as a multiple of plain aiohttp: one call at a time, and 50 at the same time."""
    single, many = ({row[""]: row for row in table["rows"]} for table in read_results("read")["tables"])
    names = {key: name for key, name in NAMES.items() if key in single and key in many}
    return CpuChart("a small read", names, _NOTES, ends=(0.2, 25.0)).draw(single, many)
