"""Events: their definitions, and triggering them for the workflows of one app."""

from typing import Any, Final

import pytest

from refold_async import AccountScope, AsyncRefold, ConfigurationError, EventField, NotFoundError
from refold_async.testing import Answer, MockRefold

SAMPLE: Final[dict[str, Any]] = {"contact": {"email": "jane@example.com", "age": 41}, "new": True, "tags": []}
FIELDS: Final = [
    EventField("contact", "object"),
    EventField("contact.email", "text"),
    EventField("contact.age", "number"),
    EventField("new", "boolean"),
    EventField("tags", "array"),
]


async def test_the_life_of_a_definition(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> None:
    """An event can be triggered from its creation until it is deleted, by the name it has."""
    definitions = refold.event_definitions
    assert [event.name for event in await definitions.list()] == ["contact_created"]
    with pytest.raises(NotFoundError):
        await account.events.trigger("contact_moved")
    *others, created = await definitions.create("contact_moved", SAMPLE, json_schema={"type": "object"})
    assert [event.name for event in others] == ["contact_created"]
    assert (created.name, created.response, created.json_schema) == ("contact_moved", FIELDS, {"type": "object"})
    assert await definitions.get(created.event_id) == created
    await account.events.trigger("contact_moved")
    assert (await definitions.update(created.event_id, "contact_left", {"id": "5"}))[-1].name == "contact_left"
    assert (await definitions.get(created.event_id)).response == [EventField("id", "text")]
    with pytest.raises(NotFoundError):
        await account.events.trigger("contact_moved")
    await account.events.trigger("contact_left")
    assert await definitions.delete(created.event_id) == others
    for call in (definitions.get(created.event_id), definitions.delete(created.event_id)):
        with pytest.raises(NotFoundError, match=r"event_definitions\.list\(\)"):
            await call
    with pytest.raises(NotFoundError):
        await account.events.trigger("contact_left")


async def test_an_event_that_is_changed_starts_its_workflows(
    mock: MockRefold, refold: AsyncRefold, account: AccountScope
) -> None:
    """Under its new name, as before."""
    (sample,) = await refold.event_definitions.list()
    await refold.event_definitions.update(sample.event_id, "contact_made", SAMPLE)
    await account.events.trigger("contact_made", {"email": "a@b.c"})
    (execution_id,) = mock.events[0].execution_ids
    assert [run.execution_id async for run in account.executions.list()] == [execution_id]


async def test_triggering_by_slug(mock: MockRefold, account: AccountScope) -> None:
    """Only workflows of that app start, as with the slug of `trigger`."""
    for slug in ("slack", "hubspot"):
        await account.events.trigger_by_slug(slug, "contact_created", {"email": "a@b.c"}, instance_tag="nightly")
        await account.events.trigger("contact_created", {"email": "a@b.c"}, slug=slug, instance_tag="nightly")
    assert [(event.slug, len(event.execution_ids)) for event in mock.events] == [
        *(("slack", 0), ("slack", 0)),
        *(("hubspot", 1), ("hubspot", 1)),
    ]
    assert mock.requests[0].path == "/api/v2/public/event/slack"
    assert "slug" not in mock.requests[0].headers
    with pytest.raises(NotFoundError, match=r"event 'no_such' of app 'hubspot'.*exactly the one"):
        await account.events.trigger_by_slug("hubspot", "no_such")


@pytest.mark.parametrize("body", [b"", b"no JSON", b'{"_id": 5, "docs": 5}'])
async def test_a_deletion_whose_answer_is_unreadable(mock: MockRefold, refold: AsyncRefold, body: bytes) -> None:
    """It is done: what remains is not known."""
    mock.script(Answer(200, body=body))
    assert await refold.event_definitions.delete("e") is None


# fmt: off
WRONG: Final[dict[str, tuple[str, tuple[Any, ...], dict[str, Any], str]]] = {
    "id": ("get", ("",), {}, "event_id is empty"),
    "name": ("create", ("", {}), {}, "name is empty"),
    "no name": ("create", (None, {}), {}, "name must be a str, not NoneType"),
    "sample": ("create", ("a", "text"), {}, "response must be a mapping of names to values, not str"),
    "no sample": ("update", ("e", "a", None), {}, "response must be a mapping of names to values, not NoneType"),
    "schema": ("update", ("e", "a", {}), {"json_schema": []}, "json_schema must be a mapping of names to values"),
}
WRONG_TRIGGERS: Final = {
    "slug": (("", "e"), "slug is empty"),
    "slug of another operation": (("trigger", "e"), r"use events\.trigger\(slug=\.\.\.\)"),
    "event": (("hubspot", ""), "event is empty"),
    "no event": (("hubspot", None), "event must be a str, not NoneType"),
}
# fmt: on


@pytest.mark.parametrize("case", WRONG)
async def test_wrong_arguments(mock: MockRefold, refold: AsyncRefold, case: str) -> None:
    """They are named before anything is sent."""
    method, args, options, said = WRONG[case]
    with pytest.raises(ConfigurationError, match=said):
        await getattr(refold.event_definitions, method)(*args, **options)
    assert mock.requests == []


@pytest.mark.parametrize("case", WRONG_TRIGGERS)
async def test_wrong_triggers(mock: MockRefold, account: AccountScope, case: str) -> None:
    """So are those of an event."""
    args, said = WRONG_TRIGGERS[case]
    with pytest.raises(ConfigurationError, match=said):
        await account.events.trigger_by_slug(*args)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert mock.requests == []
