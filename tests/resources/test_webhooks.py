"""Webhook subscriptions: changing them, and their groups."""

import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from refold_async import AsyncRefold, BadRequestError, ConfigurationError, NotFoundError
from refold_async.testing import Answer, MockRefold

HOOK: Final = "https://example.com/hook"


async def test_changing_a_subscription(mock: MockRefold, refold: AsyncRefold) -> None:
    """What is not passed stays as it is, and nothing else is sent."""
    created = await refold.webhooks.create(HOOK, ["Workflow Errored"], description="errors")
    changed = await refold.webhooks.update(created.webhook_id, is_enabled=False, workflow_ids=[])
    assert mock.requests[-1].json == {"is_enabled": False, "workflow_ids": []}
    assert (changed.is_enabled, changed.description, changed.webhook_url) == (False, "errors", HOOK)
    assert await refold.webhooks.get(created.webhook_id) == changed
    events = ["Workflow Completed", "Connection Expired"]
    assert (await refold.webhooks.update(created.webhook_id, webhook_events=events)).webhook_events == events
    with pytest.raises(BadRequestError, match="Invalid event"):
        await refold.webhooks.update(created.webhook_id, webhook_events=["No Event"])
    with pytest.raises(NotFoundError, match=r"webhook 'nowhere'.*webhooks\.list"):
        await refold.webhooks.update("nowhere", is_enabled=True)


async def test_groups(mock: MockRefold, refold: AsyncRefold) -> None:
    """Several subscriptions are put into a group and taken out of it; others stay where they are."""
    first, second, other = [
        await refold.webhooks.create(f"{HOOK}/{number}", ["Workflow Errored"], group="old") for number in range(3)
    ]
    ids = [first.webhook_id, second.webhook_id]
    edited = await refold.webhooks.edit_group(ids, "billing")
    assert [(one.webhook_id, one.group) for one in edited] == [(one, "billing") for one in ids]
    assert [one.group async for one in refold.webhooks.list()] == ["billing", "billing", "old"]
    for nothing in (None, ""):
        assert [one.group for one in await refold.webhooks.edit_group(ids, nothing)] == [None, None]
        assert mock.requests[-1].json == {"webhookIds": ids, "group": ""}
    assert (await refold.webhooks.get(other.webhook_id)).group == "old"


# fmt: off
WRONG: Final[dict[str, tuple[str, tuple[Any, ...], dict[str, Any], str]]] = {
    "nothing to change": ("update", ("w",), {}, "nothing to change: pass is_enabled or"),
    "id": ("update", ("",), {"is_enabled": True}, "webhook_id is empty"),
    "URL": ("update", ("w",), {"webhook_url": ""}, "webhook_url is empty"),
    "no events": ("update", ("w",), {"webhook_events": []}, "webhook_events is too short"),
    "method": ("update", ("w",), {"method": "GET"}, "method must be 'POST', 'PUT' or 'PATCH'"),
    "header": ("update", ("w",), {"webhook_headers": {"a": 5}}, r"webhook_headers\['a'\] must be a str"),
    "flag": ("update", ("w",), {"is_enabled": "no"}, "is_enabled must be True or False"),
    "no ids": ("edit_group", ([], "g"), {}, "webhook_ids is too short"),
    "one id": ("edit_group", ("w", "g"), {}, "webhook_ids must be a list, not str"),
    "an id": ("edit_group", (["w", ""], "g"), {}, r"webhook_ids\[1\] is empty"),
    "group": ("edit_group", (["w"], 5), {}, "group must be a str, not int"),
}
# fmt: on


@pytest.mark.parametrize("case", WRONG)
async def test_wrong_arguments(mock: MockRefold, refold: AsyncRefold, case: str) -> None:
    """They are named before anything is sent."""
    method, args, options, said = WRONG[case]
    with pytest.raises(ConfigurationError, match=said):
        await getattr(refold.webhooks, method)(*args, **options)
    assert mock.requests == []


async def test_values_of_headers_are_not_shown(mock: MockRefold, refold: AsyncRefold) -> None:
    """They may be tokens: neither an error nor a frame of the client shows them, whatever Refold quotes."""
    secret = "s3cr3t-of-" + "jane" * 3
    headers = {"authorization": secret}
    created = await refold.webhooks.create(HOOK, ["Workflow Errored"], webhook_headers=headers)
    assert (mock.requests[-1].json["webhook_headers"], created.webhook_headers) == (headers, headers)
    mock.script(Answer(400, json={"message": f"bad {secret}", "error": secret}))
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: refold.webhooks.create(HOOK, ["Workflow Errored"], webhook_headers=headers),
        lambda: refold.webhooks.update(created.webhook_id, webhook_headers=headers),
    ]
    for call in calls:
        with pytest.raises(BadRequestError) as caught:
            await call()
        said = f"{caught.value!r} {vars(caught.value)!r} {created!r}"
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
        ours = [repr(frame.locals) for frame in frames if "/refold_async/" in frame.filename]
        assert ours
        assert secret not in said + "".join(ours)
    wrong: Any
    for wrong, said in ((secret, "str"), ([secret], "list")):
        with pytest.raises(ConfigurationError, match=f"webhook_headers must be a mapping .* not {said}") as refused:
            await refold.webhooks.update(created.webhook_id, webhook_headers=wrong)
        assert secret not in repr(refused.value)
