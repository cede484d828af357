"""All pictures, by the names of their files."""

from collections.abc import Callable, Mapping
from typing import Final

from pictures import (
    by_hand,
    concepts,
    cost_growth,
    cpu_beside_peers,
    cpu_beside_sdks,
    growth_curves,
    job_timeline,
    retry_decision,
    way_of_a_call,
)

__all__ = ["PICTURES"]

PICTURES: Final[Mapping[str, Callable[[], str]]] = {
    "by-hand": by_hand.draw,
    "concepts": concepts.draw,
    "way-of-a-call": way_of_a_call.draw,
    "retry-decision": retry_decision.draw,
    "job-timeline": job_timeline.draw,
    "cpu-beside-peers": cpu_beside_peers.draw,
    "cpu-beside-sdks": cpu_beside_sdks.draw,
    "cost-growth": cost_growth.draw,
    "growth-curves": growth_curves.draw,
}
