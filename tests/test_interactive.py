"""What a prompt or a notebook shows: tab completion of the package, and what objects say that they are."""

import asyncio
import os
import rlcompleter
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Final

import pytest

import refold_async
from refold_async import AccountScope, AsyncRefold, ConfigurationError, FanOut
from refold_async.testing import Errored, MockRefold, Silence
from support.waiting import until

PUBLIC: Final = {*refold_async.__all__, "errors"}


def test_tab_completion() -> None:
    """After `refold_async.` there are the public names, and no others, whatever else was imported."""
    assert {name for name in dir(refold_async) if not name.startswith("__")} == PUBLIC - {"__version__"}
    completer = rlcompleter.Completer({"refold_async": refold_async})
    offered: list[str] = []
    while (one := completer.complete("refold_async.", len(offered))) is not None:
        offered.append(one)
    assert {one.partition(".")[2].strip("()") for one in offered if "__" not in one} == PUBLIC - {"__version__"}


def test_tab_completion_before_anything_is_loaded() -> None:
    """A name that is not loaded yet is there too. Those who ask what is there load nothing."""
    code = (
        "import sys, refold_async; names = dir(refold_async); print('AsyncRefold' in names, 'aiohttp' in sys.modules); "
        "import refold_async.client; print(dir(refold_async) == names)"
    )
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(refold_async.__file__))}
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["True", "False", "True"]


def test_all_is_public() -> None:
    """Each of them is there."""
    for name in PUBLIC:
        assert hasattr(refold_async, name)


NAMESPACES: Final[dict[str, Callable[[AsyncRefold, AccountScope], object]]] = {
    "<LinkedAccounts of {refold}>": lambda refold, _: refold.linked_accounts,
    "<SessionTokens of {refold}>": lambda refold, _: refold.session_tokens,
    "<Webhooks of {refold}>": lambda refold, _: refold.webhooks,
    "<Applications of <AccountScope 'user_12345'>>": lambda _, account: account.applications,
    "<Events of <AccountScope 'user_12345'>>": lambda _, account: account.events,
    "<Executions of <AccountScope 'user_12345'>>": lambda _, account: account.executions,
    "<Workflows of <AccountScope 'user_12345'>>": lambda _, account: account.workflows,
    "<AwaitableListing: await it, or read it with `async for`>": lambda _, account: account.list_actions("hubspot"),
    "<Listing: read it with `async for`, or await its collect()>": lambda refold, _: refold.linked_accounts.list(),
}


@pytest.mark.parametrize(("says", "of"), NAMESPACES.items(), ids=lambda value: str(value).partition(" ")[0][:20])
async def test_namespaces(
    refold: AsyncRefold, account: AccountScope, says: str, of: Callable[[AsyncRefold, AccountScope], object]
) -> None:
    """They say what they are, and whose."""
    assert repr(of(refold, account)) == says.format(refold=repr(refold))


async def test_clients(refold: AsyncRefold, mock: MockRefold) -> None:
    """They say where they send, in which environment, and whether they are closed."""
    assert repr(refold) == f"<AsyncRefold {mock.base_url}, test>"
    await refold.aclose()
    assert repr(refold) == f"<AsyncRefold {mock.base_url}, test closed>"
    assert repr(refold.account_from_session_token("secret")) == "<AccountScope with a session token>"


async def test_fan_outs(refold: AsyncRefold, mock: MockRefold) -> None:
    """They say whether they have begun, how far they are, and whether they have ended."""
    mock.script(Errored(400), linked_account_id="user_1")
    mock.script(Silence(), linked_account_id="user_2")
    ids = ["user_1", "user_2", "user_3"]
    fan_out = refold.fan_out_action(ids, "hubspot", "create_contact", {"email": "jane@example.com"}, grace=0.01)
    assert repr(fan_out) == "<FanOut, not begun: iterate over it inside `async with`, or await its collect()>"
    async with fan_out as outcomes:
        read = [(await anext(outcomes)).status for _ in range(2)]
        assert sorted(read) == ["failed", "ok"]
        await until(lambda: mock.in_flight == 1)
        await until(lambda: repr(fan_out) == "<FanOut, running: 1 ok, 1 failed, 0 unknown, 1 in flight>")
    assert repr(fan_out) == "<FanOut, ended: 1 ok, 1 failed, 0 unknown>"


def test_a_fan_out_that_could_not_be_made() -> None:
    """An error reporter shows the variables of each frame, also those of a constructor that raises."""
    refold = AsyncRefold("tk_test")
    wrong: Any = 5
    with pytest.raises(ConfigurationError) as caught:
        refold.fan_out(wrong, wrong)
    shown = [
        repr(frame.frame.f_locals["self"])
        for frame in caught.traceback
        if isinstance(frame.frame.f_locals.get("self"), FanOut)
    ]
    assert shown == ["<FanOut that could not be created>"]
    asyncio.run(refold.aclose())
