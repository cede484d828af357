"""The definitions of the application's events: those of the catalogue, and those that calls create."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import OBJECT, TEXT, Fields, checked
from refold_async.testing.protocol.replies import Reply, json_reply
from refold_async.testing.state.documents import Documents

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="organisation", error_field="error")
_EVENT: Final = "/api/v2/public/application/event"
_FIELDS: Final[Fields] = {"name": TEXT, "response": OBJECT, "json_schema": OBJECT}
_TYPES: Final[Mapping[type, str]] = {dict: "object", list: "array", bool: "boolean", int: "number", float: "number"}


@GROUP.route("GET", _EVENT)
async def list_event_definitions(call: EndpointCall) -> Reply:
    """List all events."""
    return _all(_definitions(call))


@GROUP.route("GET", _EVENT + "/{event_id}")
async def get_event_definition(call: EndpointCall) -> Reply:
    """Return one event."""
    return json_reply(_shown(_definition(call)))


@GROUP.route("POST", _EVENT)
async def create_event_definition(call: EndpointCall) -> Reply:
    """Create an event, which starts no workflows at first, and list all."""
    definitions = _definitions(call)
    fields = _fields(call)
    definitions.create(fields)
    call.state.catalogue.events.setdefault(fields["name"], ())
    return _all(definitions)


@GROUP.route("PUT", _EVENT + "/{event_id}")
async def update_event_definition(call: EndpointCall) -> Reply:
    """Change an event, which starts the same workflows as before, and list all."""
    definition, fields, events = _definition(call), _fields(call), call.state.catalogue.events
    events[fields["name"]] = events.pop(definition["name"], ())
    definitions = call.state.documents("event")
    definitions.change(definition, fields)
    return _all(definitions)


@GROUP.route("DELETE", _EVENT + "/{event_id}")
async def delete_event_definition(call: EndpointCall) -> Reply:
    """Delete an event, which can then no longer be fired, and list the remaining ones."""
    definition, definitions = _definition(call), call.state.documents("event")
    definitions.delete(definition)
    call.state.catalogue.events.pop(definition["name"], None)
    return _all(definitions)


def _definitions(call: EndpointCall) -> Documents:
    """Return the definitions of all events; those of the catalogue get one when they are first needed."""
    definitions = call.state.documents("event")
    for name in call.state.catalogue.events:
        if not definitions.all(name=name):
            definitions.create({"name": name, "response": []})
    return definitions


def _definition(call: EndpointCall) -> dict[str, Any]:
    return _definitions(call).get(call.path_parameters["event_id"], "Event")


def _fields(call: EndpointCall) -> dict[str, Any]:
    fields = checked(call.json_object(), _FIELDS, ("name", "response"))
    sample = json.dumps(fields["response"], ensure_ascii=False)
    return {**fields, "response": list(_described(fields["response"])), "raw_response": sample}


def _described(sample: Mapping[str, Any], prefix: str = "") -> Iterator[dict[str, str]]:
    """Yield what the API shows of each field of a sample, and of the fields in it."""
    for name, value in sample.items():
        yield {"key": prefix + name, "type": _TYPES.get(value.__class__, "text")}
        if isinstance(value, dict):
            yield from _described(cast("Mapping[str, Any]", value), f"{prefix}{name}.")


def _shown(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in definition.items() if name not in ("createdAt", "updatedAt")}


def _all(definitions: Documents) -> Reply:
    return json_reply([_shown(definition) for definition in definitions.all()])
