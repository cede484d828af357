"""Checking a payload against the schema of a workflow, before it is sent."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from refold_async import AccountScope, ConfigurationError, ParameterError, RequestStructure
from refold_async.testing import MockRefold, WorkflowContext
from support.running_programs import run_program

PERSON = {
    "type": "object",
    "properties": {
        "email": {"type": "string"},
        "age": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {"type": "object", "required": ["city"]},
    },
    "required": ["email"],
    "additionalProperties": False,
}


@pytest.fixture
def needs_jsonschema() -> None:
    """Skip where the extra is not installed."""
    pytest.importorskip("jsonschema")


@pytest.mark.usefixtures("needs_jsonschema")
@pytest.mark.parametrize(
    "payload",
    [
        {"email": "jane@example.com"},
        {"email": "", "age": 0, "tags": [], "address": {"city": "Ulm", "zip": "89073"}},
        {"email": "Zoë 🦊", "age": 2**70},
    ],
)
def test_what_fits(payload: Any) -> None:
    """A payload that fits passes, and is not changed."""
    before = repr(payload)
    RequestStructure(schema=PERSON).validate(payload)
    assert repr(payload) == before


@pytest.mark.usefixtures("needs_jsonschema")
@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({}, ["payload: 'email' is a required property"]),
        ({"email": 5}, ["payload.email: 5 is not of type 'string'"]),
        ({"email": "a", "agee": 1}, ["payload: ", "'agee' was unexpected"]),
        ({"email": "a", "tags": ["x", 5, "y", None]}, ["payload.tags[1]: 5", "payload.tags[3]: None"]),
        ({"email": None, "age": -1, "address": {}}, ["payload.email: ", "payload.age: -1", "payload.address: 'city'"]),
        ([], ["payload: [] is not of type 'object'"]),
        (None, ["payload: None is not of type 'object'"]),
        ("$.x", ["payload: '$.x' is not of type 'object'"]),
    ],
    ids=repr,
)
def test_what_does_not_fit(payload: Any, says: list[str]) -> None:
    """Every place that does not fit is named, in one error; nothing was sent."""
    with pytest.raises(ParameterError, match=r"^The payload does not fit the workflow: ") as caught:
        RequestStructure(schema=PERSON).validate(payload)
    assert all(said in str(caught.value) for said in says), str(caught.value)
    assert (caught.value.effect, caught.value.attempts) == ("none", 0)


@pytest.mark.usefixtures("needs_jsonschema")
def test_many_places_that_do_not_fit() -> None:
    """Of many, five are named and the others counted."""
    with pytest.raises(ParameterError) as caught:
        RequestStructure(schema=PERSON).validate({"email": "a", "tags": list(range(12))})
    message = str(caught.value)
    assert message.count("is not of type") == 5
    assert "payload.tags[4]" in message
    assert message.endswith("; and 7 more.")


@pytest.mark.parametrize("payload", [None, {}, object(), 5])
def test_no_schema(payload: object) -> None:
    """Where the workflow has no schema, everything passes; a sample and a guess are no schema."""
    RequestStructure().validate(payload)
    RequestStructure(payload={"a": 1}, schema_interpreted={"type": "string"}).validate(payload)


@pytest.mark.usefixtures("needs_jsonschema")
def test_schemas_that_are_true_or_false() -> None:
    """A schema may be true, which everything fits, or false, which nothing does."""
    RequestStructure(schema=True).validate(5)
    RequestStructure(schema={}).validate(5)
    with pytest.raises(ParameterError):
        RequestStructure(schema=False).validate({})


@pytest.mark.usefixtures("needs_jsonschema")
@pytest.mark.parametrize(
    "dialect",
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
        "https://example.com/of-our-own",
    ],
)
def test_dialects(dialect: str) -> None:
    """A schema may say which JSON Schema it is; one that is not known is taken for the newest."""
    structure = RequestStructure(schema={"$schema": dialect, **PERSON})
    structure.validate({"email": "a"})
    with pytest.raises(ParameterError, match="'email' is a required property"):
        structure.validate({})


@pytest.mark.usefixtures("needs_jsonschema")
@pytest.mark.parametrize(
    "schema",
    [
        5,
        "text",
        [],
        {"type": "no such type"},
        {"required": "email"},
        {"properties": {"email": {"pattern": "("}}},
        {"multipleOf": 0},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": 5},
        {"$dynamicRef": "#nowhere"},
        {"$schema": 5},
        {"$schema": []},
    ],
    ids=repr,
)
def test_schemas_that_cannot_be_used(schema: Any) -> None:
    """What is no schema is told so, whatever the payload."""
    with pytest.raises(ConfigurationError, match="The schema of payload cannot be used") as caught:
        RequestStructure(schema=schema).validate({"email": "a"})
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A server that has schemas, and the paths it was asked for."""
    asked: list[str] = []

    class Schemas(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"type": "object"}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so by its base
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Schemas) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("needs_jsonschema")
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
def test_references_to_elsewhere_are_not_followed(elsewhere: tuple[str, list[str]], keyword: str) -> None:
    """A schema makes nobody fetch anything: neither over the network nor from a file."""
    base_url, asked = elsewhere
    for place in (f"{base_url}/person.json", "file:///etc/hostname", "person.json"):
        for schema in (
            {keyword: place},
            {"$id": f"{base_url}/root.json", "properties": {"email": {keyword: place}}},
        ):
            with pytest.raises(ConfigurationError, match="cannot be used"):
                RequestStructure(schema=schema).validate({"email": "a"})
    assert asked == []


@pytest.mark.usefixtures("needs_jsonschema")
def test_references_within_the_schema() -> None:
    """References to parts of the same schema are followed."""
    structure = RequestStructure(
        schema={
            "$id": "https://example.com/tree.json",
            "$defs": {"tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}}}},
            "$ref": "tree.json#/$defs/tree",
        }
    )
    structure.validate({"left": {"left": {}}})
    with pytest.raises(ParameterError, match=r"payload\.left\.left: 5"):
        structure.validate({"left": {"left": 5}})


@pytest.mark.usefixtures("needs_jsonschema")
async def test_the_schema_of_a_workflow(mock: MockRefold, account: AccountScope) -> None:
    """What Refold has as a workflow's schema checks what is meant for it."""
    structure = await account.workflows.request_structure("workflow_id")
    structure.validate(structure.payload)
    with pytest.raises(ParameterError, match="'email' is a required property"):
        structure.validate({"emial": "a@b.c"})

    @mock.catalogue.workflow("hubspot", "anything")
    async def anything(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return payload

    structure = await account.workflows.request_structure("anything")
    assert (structure.payload, structure.schema, structure.schema_interpreted) == (None, None, None)
    structure.validate(object())


WITHOUT_JSONSCHEMA = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"jsonschema", "referencing"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
from refold_async import ConfigurationError, RequestStructure

RequestStructure().validate({"email": "a"})
try:
    RequestStructure(schema={"type": "object"}).validate({"email": "a"})
except ConfigurationError as error:
    print(error, error.__suppress_context__)
"""


async def test_without_jsonschema() -> None:
    """Where the extra is not installed, the error says how to install it; without a schema it is not needed."""
    finished = await run_program("-c", WITHOUT_JSONSCHEMA)
    assert (finished.exit_code, finished.complaints) == (0, "")
    assert finished.output == "validate() needs jsonschema: pip install refold-async[schema]. True\n"


async def test_jsonschema_is_loaded_when_it_is_needed() -> None:
    """Importing the package, and reading a structure, leave jsonschema alone."""
    program = (
        "import sys, refold_async; refold_async.RequestStructure(schema=None).validate(5); "
        "print('jsonschema' in sys.modules)"
    )
    assert (await run_program("-c", program)).output == "False\n"


@pytest.mark.usefixtures("needs_jsonschema")
@pytest.mark.parametrize(
    ("schema", "payload"), [({"$ref": "#"}, 1), ({"multipleOf": 0.5}, 10**400), ({"pattern": "("}, "x")]
)
def test_schemas_that_break_the_validator(schema: Any, payload: Any) -> None:
    """Whatever a schema does to jsonschema, it is told as ours."""
    with pytest.raises(ConfigurationError, match="schema of payload"):
        RequestStructure(schema=schema).validate(payload)


@pytest.mark.usefixtures("needs_jsonschema")
def test_long_values_are_shortened() -> None:
    """A message holds no megabytes."""
    with pytest.raises(ParameterError) as caught:
        RequestStructure(schema={"type": "integer"}).validate("x" * 1_000_000)
    assert len(str(caught.value)) < 1000
