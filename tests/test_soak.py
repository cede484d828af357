"""The soak in little: it finds what is wrong with a careless client, and nothing in ours."""

import re
from typing import Final

import pytest

from soak.careless import CarelessClient
from soak.rounds import SETTINGS, Setting, play

EARLY: Final = next(setting for setting in SETTINGS if setting.timing == "early")


async def test_it_finds_what_is_wrong() -> None:
    """Every invariant that the soak looks for is broken by a client that is written without a thought."""
    report = await play(7, 400, setting=EARLY, open_client=CarelessClient)
    found = {re.split(": | in ", violation.invariant)[0] for violation in report.violations if violation.judged}
    assert found >= {"mixed up"}
