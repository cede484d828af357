"""The soak in little: it finds what is wrong with a careless client, and nothing in ours."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import pytest

from soak.careless import CarelessClient
from soak.rounds import SETTINGS, play

EARLY: Final = 1

EVERYTHING: Final = {
    "mixed up: an answer that is not its own as the result",
    "used a spoilt connection",
    "ran twice: a write that nobody vouched for",
    "wrong effect: none, and it ran",
    "wrong effect: cancelled without a word, and it ran",
    "wrong effect: unknown, though every answer said that it did not run",
    "status lost: an error status told as something else",
    "attempts: fewer than the server saw",
    "raised an error of another library",
    "swallowed a cancellation",
    "showed a secret in an error's text",
    "left a task",
    "left a file open",
    "left a connection open",
}


@pytest.fixture(autouse=True)
async def no_debug_mode() -> None:
    """Spare asyncio's debug mode, which doubles the time of so many calls."""
    asyncio.get_running_loop().set_debug(False)


async def test_it_finds_what_is_wrong() -> None:
    """Every invariant that a client written without a thought breaks is seen to be broken."""
    clients: list[CarelessClient] = []

    def open_client(base_url: str, options: Mapping[str, Any]) -> CarelessClient:
        clients.append(CarelessClient(base_url, options))
        return clients[-1]

    try:
        report = await play(EARLY, 1000, open_client=open_client)
    finally:
        for client in clients:
            await client.clean_up()
    assert {violation.invariant for violation in report.violations if violation.judged} >= EVERYTHING


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(seed, id=setting.name, marks=[pytest.mark.slow] if seed > 1 else [])
        for seed, setting in enumerate(SETTINGS)
    ],
)
async def test_it_finds_nothing(seed: int) -> None:
    """Each call gets its own answer, runs as often as it may and is told so, and leaves nothing."""
    report = await play(seed, 150)
    assert report.calls >= 150
    assert not [examples for violation, examples in report.examples.items() if violation.judged]
