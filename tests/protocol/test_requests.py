"""The requests that are built: method, path, body and headers, and what is refused instead of being sent."""

import enum
import json
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from refold_async import ConfigurationError, ParameterError
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.requests import (
    execute_action,
    execute_workflow,
    get_action_parameters,
    list_actions,
    raw_request,
)
from support.cases import each_case

ACTIONS: Final = "/api/v2/integration-schema"
SEGMENTS: Final = [
    ("hubspot", "hubspot"),
    ("ada+test@example.com", "ada%2Btest%40example.com"),
    ("a/b c", "a%2Fb%20c"),
    ("?#%", "%3F%23%25"),
    ("客户", "%E5%AE%A2%E6%88%B7"),
    ("x" * 200, "x" * 200),
]
BAD_IDS: Final[dict[str, Any]] = {
    "empty": "",
    "dots": "..",
    "control": "a\nb",
    "surrogate": "\ud800",
    "None": None,
    "int": 5,
    "bytes": b"a",
    "unhashable list": ["a"],
    "unhashable dict": {"a": 1},
}


def body_of(request: Request) -> Any:
    """Return the JSON value of a request's body."""
    assert request.body is not None
    return json.loads(request.body)


# Actions


@pytest.mark.parametrize(("slug", "quoted"), SEGMENTS)
def test_listing_actions(slug: str, quoted: str) -> None:
    """A read of the app's actions."""
    request = list_actions(slug)
    assert (request.target.method, request.target.path) == ("GET", f"{ACTIONS}/{quoted}/actions")
    assert (request.kind, request.body, dict(request.headers), request.synchronous) == ("read", None, {}, False)
    assert repr(slug) in request.target.subject
    assert "slug" in request.target.if_not_found


@pytest.mark.parametrize(("action_id", "quoted"), SEGMENTS)
def test_describing_an_action(action_id: str, quoted: str) -> None:
    """A read of the action's parameters."""
    request = get_action_parameters("my/app", action_id)
    assert (request.target.method, request.target.path) == ("GET", f"{ACTIONS}/my%2Fapp/actions/{quoted}")
    assert (request.kind, request.body, dict(request.headers), request.synchronous) == ("read", None, {}, False)


@pytest.mark.parametrize(("action_id", "quoted"), SEGMENTS)
def test_executing_an_action(action_id: str, quoted: str) -> None:
    """A write whose body is the parameters, one key each."""
    request = execute_action("my/app", action_id, {"email": "ada@example.com", "n": 1})
    assert (request.target.method, request.target.path) == ("POST", f"{ACTIONS}/my%2Fapp/actions/{quoted}/execute")
    assert (request.kind, dict(request.headers), request.synchronous) == ("write", {}, False)
    assert request.body == b'{"email":"ada@example.com","n":1}'
    assert repr(action_id) in request.target.subject
    assert "'my/app'" in request.target.subject
    assert "list_actions(slug)" in request.target.if_not_found


def test_the_same_ids_read_and_executed() -> None:
    """Describing an action and executing it are different requests, in any order."""
    paths = [make("app", "act").target.path for make in (execute_action, get_action_parameters, execute_action)]
    assert paths == [f"{ACTIONS}/app/actions/act{end}" for end in ("/execute", "", "/execute")]


def test_what_tells_the_endpoint_and_its_ids() -> None:
    """A request tells which endpoint it is for, whatever its ids and its query; a raw request tells none."""
    target = execute_action("my/app", "a b").target
    assert target.template == "/api/v2/integration-schema/{slug}/actions/{action_id}/execute"
    assert target.ids == {"slug": "my/app", "action_id": "a b"}
    listed = Endpoint("GET", "/x/{x_id}", "x {x_id!r}").request("1", query={"page": 1}).target
    assert (listed.path, listed.template, listed.ids) == ("/x/1?page=1", "/x/{x_id}", {"x_id": "1"})
    raw = raw_request("GET", f"{ACTIONS}/hubspot/actions").target
    assert (raw.template, raw.ids) == (None, {})


def test_idempotent_only_by_the_callers_word() -> None:
    """The caller's word, and only that, makes an action one that may be sent twice."""
    assert execute_action("a", "b", idempotent=True).kind == "idempotent"
    assert execute_action("a", "b", idempotent=False).kind == "write"
    with pytest.raises(ConfigurationError, match=r"^idempotent must be True or False"):
        execute_action("a", "b", idempotent="no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Colour(enum.Enum):
    """An enum whose members stand for strings."""

    RED = "red"


@pytest.mark.parametrize(
    ("parameters", "body"),
    [
        (None, b"{}"),
        ({}, b"{}"),
        ({"a": None}, b'{"a":null}'),
        ({"a": [True, 1, -0.5, "x"], "b": {"c": []}}, b'{"a":[true,1,-0.5,"x"],"b":{"c":[]}}'),
        ({"name": "Zoë 🦊"}, '{"name":"Zoë 🦊"}'.encode()),
        ({"n": 2**70}, b'{"n":1180591620717411303424}'),
        ({"a": (1, 2)}, b'{"a":[1,2]}'),
        ({"a": Colour.RED, "b": UUID(int=1)}, b'{"a":"red","b":"00000000-0000-0000-0000-000000000001"}'),
        (MappingProxyType({"a": 1}), b'{"a":1}'),
    ],
    ids=repr,
)
def test_parameters(parameters: Mapping[str, Any] | None, body: bytes) -> None:
    """Parameters are JSON in UTF-8, without spaces, in their order; none are an empty object."""
    assert execute_action("a", "b", parameters).body == body


@pytest.mark.parametrize("parameters", [[("a", 1)], "a=1", 5, {"a"}, True, ()], ids=repr)
def test_parameters_that_are_no_mapping(parameters: Any) -> None:
    """Whatever has no keys is refused by its type."""
    with pytest.raises(ParameterError, match=f"^parameters must be a mapping.*{type(parameters).__name__}"):
        execute_action("a", "b", parameters)


def nested(depth: int, innermost: Any) -> Any:
    """Return lists in lists."""
    value = innermost
    for _ in range(depth):
        value = [value]
    return value


def cyclic() -> dict[str, Any]:
    """Return an object that is part of itself."""
    inner: dict[str, Any] = {}
    inner["again"] = [inner]
    return {"fine": 1, "node": inner}


NO_JSON: Final[dict[str, tuple[Any, str]]] = {
    "NaN": ({"a": 1, "b": math.nan}, "parameters.b "),
    "infinity": ({"limit": math.inf}, "parameters.limit "),
    "minus infinity in a list": ({"limits": [1.0, -math.inf]}, "parameters.limits[1] "),
    "NaN beside null": ({"a": None, "b": {"c": [None, math.nan]}}, "parameters.b.c[1] "),
    "set": ({"a": {"tags": {"x"}}}, "parameters.a.tags "),
    "bytes": ({"a": [{"b": [0, b"x"]}]}, "parameters.a[0].b[1] "),
    "object": ({"a": (1, object())}, "parameters.a[1] "),
    "lone surrogate": ({"a": ["\ud83d"]}, "parameters.a[0] "),
    "lone surrogate in a key": ({"a": {"\ud800": 1}}, "parameters.a "),
    "key that is no str": ({"a": {(1, 2): 3}}, "parameters.a "),
    "key at the top": ({b"a": 1}, "parameters "),
    "cycle": (cyclic(), "parameters.node"),
    "too deep": ({"a": nested(100_000, 1)}, "parameters.a"),
}


@pytest.mark.parametrize(("parameters", "path"), NO_JSON.values(), ids=NO_JSON)
def test_parameters_that_are_no_json(parameters: Any, path: str) -> None:
    """The message names the place of what cannot be sent, and nothing was sent."""
    with pytest.raises(ParameterError) as caught:
        execute_action("a", "b", parameters)
    assert caught.value.message.startswith(path)
    assert "cannot be sent as JSON" in caught.value.message
    assert caught.value.effect == "none"


OTHER_BODIES: Final[dict[str, Callable[[Any], Request]]] = {
    "payload": lambda value: execute_workflow("w", slug="s", payload=value),
    "body": lambda value: execute_workflow("w", slug="s", body=value),
    "json": lambda value: raw_request("POST", "/x", json=value),
}


@pytest.mark.parametrize("name", OTHER_BODIES)
def test_other_bodies_that_are_no_json(name: str) -> None:
    """The path begins with the name of the argument."""
    with pytest.raises(ParameterError) as caught:
        OTHER_BODIES[name]({"a": [0, math.nan]})
    assert caught.value.message.startswith(f"{name}.a[1] ")
    with pytest.raises(ParameterError) as caught:
        OTHER_BODIES[name](math.nan)
    assert caught.value.message.startswith(f"{name} ")


TAKERS_OF_IDS: Final[dict[str, Callable[[Any], Request]]] = {
    "slug of list_actions": list_actions,
    "slug of get_action_parameters": lambda bad: get_action_parameters(bad, "act"),
    "action_id of get_action_parameters": lambda bad: get_action_parameters("app", bad),
    "slug of execute_action": lambda bad: execute_action(bad, "act"),
    "action_id of execute_action": lambda bad: execute_action("app", bad),
    "workflow_id of execute_workflow": lambda bad: execute_workflow(bad, slug="app"),
}


@each_case("bad", BAD_IDS.values())
@each_case("taker", TAKERS_OF_IDS)
def test_bad_ids(taker: str, bad: Any) -> None:
    """An id that would address something else, or is no str, is refused by the argument's name."""
    with pytest.raises(ConfigurationError, match=f"^{taker.split()[0]} "):
        TAKERS_OF_IDS[taker](bad)


class App(enum.StrEnum):
    """Ids as an enum of the caller's own."""

    HUBSPOT = "hubspot"


def test_ids_of_an_enum() -> None:
    """A member of an enum of strings is the string it is, on the wire and in messages, now and for later requests."""
    for slug in (App.HUBSPOT, "hubspot"):
        request = execute_action(slug, slug)
        assert request.target.path == f"{ACTIONS}/hubspot/actions/hubspot/execute"
        assert request.target.subject == "action 'hubspot' of app 'hubspot'"


# Workflows


@pytest.mark.parametrize(("workflow_id", "quoted"), SEGMENTS)
def test_executing_a_workflow(workflow_id: str, quoted: str) -> None:
    """A write with the app in a header and an empty payload."""
    request = execute_workflow(workflow_id, slug="my app")
    assert (request.target.method, request.target.path) == ("POST", f"/api/v2/public/workflow/{quoted}/execute")
    assert (request.kind, request.body, request.synchronous) == ("write", b'{"payload":{}}', False)
    assert request.headers["slug"] == "my app"
    assert request.headers.get("sync_execution", "false") == "false"
    assert request.headers.get("include-headers", "false") == "false"
    assert not {"config_id", "instance_tag"} & request.headers.keys()
    assert repr(workflow_id) in request.target.subject
    assert "published" in request.target.if_not_found


def test_all_headers_of_a_workflow() -> None:
    """Each option travels in a header of its own."""
    request = execute_workflow(
        "w", slug="s", sync=True, config_id="ada+test@example.com", instance_tag="née 1", include_headers=True
    )
    assert request.headers == {
        "slug": "s",
        "sync_execution": "true",
        "config_id": "ada+test@example.com",
        "instance_tag": "née 1",
        "include-headers": "true",
    }
    assert request.synchronous


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        ({}, b'{"payload":{}}'),
        ({"a": 1}, b'{"payload":{"a":1}}'),
        ([1, 2], b'{"payload":[1,2]}'),
        (0, b'{"payload":0}'),
        (False, b'{"payload":false}'),
        ("", b'{"payload":""}'),
    ],
    ids=repr,
)
def test_payload(payload: Any, body: bytes) -> None:
    """The payload goes under `payload`, also where it is empty."""
    assert execute_workflow("w", slug="s", payload=payload).body == body


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"a": 1}, b'{"a":1}'),
        ([], b"[]"),
        (None, b"null"),
        (0, b"0"),
        ("x", b'"x"'),
        ({"payload": 1}, b'{"payload":1}'),
    ],
    ids=repr,
)
def test_bare_body(body: Any, sent: bytes) -> None:
    """`body` goes as it is, null too."""
    assert execute_workflow("w", slug="s", body=body).body == sent


@pytest.mark.parametrize("payload", [{}, {"a": 1}, 0, ""], ids=repr)
def test_payload_and_body_exclude_each_other(payload: Any) -> None:
    """Which of the two was meant is not guessed."""
    with pytest.raises(ParameterError, match="Pass either payload or body"):
        execute_workflow("w", slug="s", payload=payload, body={})


@each_case("bad", ["", " a", "a ", "a\r\nx-api-key: other", "\ud800", 5, b"a", ["a"]])
@each_case("name", ["slug", "config_id", "instance_tag"])
def test_bad_headers_of_a_workflow(name: str, bad: Any) -> None:
    """What cannot travel as a header is refused by the argument's name."""
    arguments: dict[str, Any] = {"slug": "app", name: bad}
    with pytest.raises(ConfigurationError, match=f"^{name} "):
        execute_workflow("w", **arguments)


def test_a_workflow_needs_its_app() -> None:
    """None is no slug."""
    with pytest.raises(ConfigurationError, match=r"^slug must be a str"):
        execute_workflow("w", slug=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["sync", "include_headers"])
@pytest.mark.parametrize("bad", [1, "false", None], ids=repr)
def test_bad_flags_of_a_workflow(name: str, bad: Any) -> None:
    """Whether to wait for the run is True or False, and nothing like it."""
    options: dict[str, Any] = {name: bad}
    with pytest.raises(ConfigurationError, match=f"^{name} must be True or False"):
        execute_workflow("w", slug="s", **options)


# Any endpoint


@pytest.mark.parametrize(
    ("method", "idempotent", "kind"),
    [
        ("GET", False, "read"),
        ("HEAD", False, "read"),
        ("GET", True, "read"),
        ("POST", False, "write"),
        ("PUT", False, "write"),
        ("PATCH", False, "write"),
        ("DELETE", False, "write"),
        ("POST", True, "idempotent"),
        ("PUT", True, "idempotent"),
        ("DELETE", True, "idempotent"),
        ("get", False, "read"),
        ("delete", False, "write"),
    ],
)
def test_kinds_of_requests(method: str, idempotent: bool, kind: str) -> None:
    """Only GET and HEAD are reads; PUT and DELETE are writes like POST, unless the caller vouches."""
    request = raw_request(method, "/api/v2/public/webhook", idempotent=idempotent)
    assert (request.target.method, request.kind) == (method.upper(), kind)
    assert (request.target.path, request.body, dict(request.headers), request.synchronous) == (
        "/api/v2/public/webhook",
        None,
        {},
        False,
    )


@pytest.mark.parametrize(
    "method", ["", "OPTIONS", "CONNECT", "TRACE", "GET ", "G\nET", None, 5, b"GET", ["GET"]], ids=ascii
)
def test_bad_methods(method: Any) -> None:
    """A method that Refold has no use for is refused."""
    with pytest.raises(ConfigurationError, match=r"^method must be one of DELETE, GET, HEAD, PATCH, POST, PUT"):
        raw_request(method, "/x")


@pytest.mark.parametrize(
    ("json_value", "body"),
    [
        (None, None),
        ({}, b"{}"),
        ([], b"[]"),
        (0, b"0"),
        (False, b"false"),
        ("", b'""'),
        ({"a": "é"}, '{"a":"é"}'.encode()),
    ],
    ids=repr,
)
def test_body_of_a_request(json_value: Any, body: bytes | None) -> None:
    """Any JSON value is a body; None sends none."""
    assert raw_request("POST", "/x", json=json_value).body == body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_body_for_reads(method: str) -> None:
    """A body that a read would drop is refused."""
    with pytest.raises(ConfigurationError, match=f"json cannot be sent with {method}"):
        raw_request(method, "/x", json={})


@pytest.mark.parametrize(
    ("query", "spelled"),
    [
        (None, ""),
        ({}, ""),
        ({"page": 1, "limit": 10}, "?page=1&limit=10"),
        ({"published": True, "scope": False}, "?published=true&scope=false"),
        ({"page": None}, ""),
        ({"page": None, "limit": 0}, "?limit=0"),
        ({"tags": ["a", "b"], "slug": "x"}, "?tags=a&tags=b&slug=x"),
        ({"tags": ("a", None, True)}, "?tags=a&tags=true"),
        ({"tags": []}, ""),
        ({"ratio": 0.5}, "?ratio=0.5"),
        ({"slug": ""}, "?slug="),
        ({"slug": App.HUBSPOT}, "?slug=hubspot"),
    ],
    ids=repr,
)
def test_query(query: Mapping[str, Any] | None, spelled: str) -> None:
    """Booleans are in lower case, lists repeat the name, None is left out."""
    assert raw_request("GET", "/x", query=query).target.path.removesuffix("?") == f"/x{spelled}"


@pytest.mark.parametrize(
    "value", ["ada+test@example.com", "a b&c=d#e?f/g%h", "客户 🦊", "line\r\nfeed", "'\"<>\\"], ids=ascii
)
def test_query_values_arrive_as_they_are(value: str) -> None:
    """Names and values are quoted, in ASCII, so that the server reads what was given."""
    path = raw_request("GET", "/x", query={value: value}).target.path
    assert path.isascii()
    assert path.isprintable()
    assert " " not in path
    assert parse_qsl(urlsplit(path).query, strict_parsing=True) == [(value, value)]


@pytest.mark.parametrize("bad", [{"a": 1}, {1}, b"x", object, [["nested"]], [{}], math.nan, [math.inf]], ids=repr)
def test_bad_query_values(bad: Any) -> None:
    """A value that has no spelling in a query is refused by its name."""
    with pytest.raises(ConfigurationError, match=r"^query\['filter'\] must be a str"):
        raw_request("GET", "/x", query={"filter": bad})


@pytest.mark.parametrize("bad", [{"a": "\ud800"}, {"\ud800": "a"}, {"a": ["\ud800"]}], ids=ascii)
def test_queries_with_lone_surrogates(bad: Any) -> None:
    """What has no UTF-8 cannot be sent."""
    with pytest.raises(ConfigurationError, match=r"^query"):
        raw_request("GET", "/x", query=bad)


@pytest.mark.parametrize("bad", ["a=b", [("a", "b")], 5, {"a"}], ids=repr)
def test_queries_that_are_no_mapping(bad: Any) -> None:
    """A query is given by name and value."""
    with pytest.raises(ConfigurationError, match=r"^query "):
        raw_request("GET", "/x", query=bad)


def test_path_of_a_request() -> None:
    """A path is quoted where it must be, and joined with the query."""
    assert raw_request("GET", "/a%2Fb/c d", query={"q": 1}).target.path == "/a%2Fb/c%20d?q=1"


@pytest.mark.parametrize("path", ["x", "//x", "/x?y=z", "/x/../y", "", None, ["/x"]], ids=repr)
def test_bad_paths(path: Any) -> None:
    """A path that leads elsewhere is refused."""
    with pytest.raises(ConfigurationError, match=r"^path "):
        raw_request("GET", path)


def test_extra_headers() -> None:
    """Headers of the caller's own go along, with names and values as given."""
    headers = {"slug": "hubspot", "X-Trace.Id_1": "a b;c=é", "sync_execution": "true"}
    assert raw_request("POST", "/x", headers=headers).headers == headers
    assert dict(raw_request("POST", "/x", headers={}).headers) == {}


def test_headers_of_executions() -> None:
    """A connection, and headers of the caller's own, go along with the others."""
    added = {"X-Tenant": "acme"}
    action = execute_action("hubspot", "get_contact", connection_id="conn 1", headers=added)
    assert action.headers == {"connection_id": "conn 1", "X-Tenant": "acme"}
    assert dict(execute_action("hubspot", "get_contact", headers={}).headers) == {}
    workflow = execute_workflow("w", slug="s", connection_id="conn 1", headers=added)
    assert workflow.headers == {"slug": "s", "connection_id": "conn 1", "X-Tenant": "acme"}


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("connection_id", "connection_id"),
        ("Slug", "slug"),
        ("config_id", "config_id"),
        ("instance_tag", "instance_tag"),
        ("Sync_Execution", "sync"),
        ("include-headers", "include_headers"),
    ],
)
def test_headers_that_are_arguments(name: str, argument: str) -> None:
    """Sent twice, in whatever spelling, they would say two things."""
    with pytest.raises(ConfigurationError, match=rf"headers may not set '{name}': pass {argument}= if"):
        execute_workflow("w", slug="s", headers={name: "x"})
    if argument == "connection_id":
        with pytest.raises(ConfigurationError, match=r"pass connection_id="):
            execute_action("hubspot", "get_contact", headers={name: "x"})


@pytest.mark.parametrize("bad", ["", " a", "a\nb", 5, True, b"a"], ids=ascii)
def test_bad_connections(bad: Any) -> None:
    """What could not be sent as a header, or would be another connection there, is refused."""
    builds: list[Callable[[], Request]] = [
        lambda: execute_action("h", "a", connection_id=bad),
        lambda: execute_workflow("w", slug="s", connection_id=bad),
    ]
    for build in builds:
        with pytest.raises(ConfigurationError, match=r"^connection_id "):
            build()


def test_one_header_in_two_spellings() -> None:
    """Nobody could say which of them counts."""
    with pytest.raises(ConfigurationError, match=r"'X-A' and 'x-a'"):
        raw_request("GET", "/x", headers={"X-A": "1", "x-a": "2"})


@pytest.mark.parametrize(
    "name",
    [
        "x-api-key",
        "X-Api-Key",
        "linked_account_id",
        "Linked_Account_ID",
        "Authorization",
        "Host",
        "Content-Length",
        "Content-Type",
        "Transfer-Encoding",
        "Connection",
        "Cookie",
        "Proxy-Authorization",
        "Content-Encoding",
        "Expect",
        "Upgrade",
    ],
)
def test_headers_that_are_not_the_callers(name: str) -> None:
    """What names the account, or frames the request, is set by the client alone; its value is not repeated."""
    with pytest.raises(ConfigurationError, match=f"headers may not set '{name}'") as caught:
        raw_request("GET", "/x", headers={name: "S3CRET"})
    assert "S3CRET" not in str(caught.value)


@pytest.mark.parametrize("name", ["a b", "a:b", "a\r\nb", "é", "", " a", "a(b)", 5, None, b"a"], ids=ascii)
def test_bad_header_names(name: Any) -> None:
    """What is no header name is refused."""
    with pytest.raises(ConfigurationError, match="header"):
        raw_request("GET", "/x", headers={name: "b"})


@pytest.mark.parametrize(
    "value", ["S3CRET\r\nx: y", " S3CRET", "S3CRET\ud800", b"S3CRET", ["S3CRET"], "", None, 5], ids=ascii
)
def test_bad_header_values(value: Any) -> None:
    """What cannot travel as a header is refused by the header's name, without the value."""
    with pytest.raises(ConfigurationError, match=r"^headers\['X-Token'\] ") as caught:
        raw_request("GET", "/x", headers={"X-Token": value})
    assert "S3CRET" not in str(caught.value)


@pytest.mark.parametrize("bad", [[("a", "b")], "a: b", 5], ids=repr)
def test_headers_that_are_no_mapping(bad: Any) -> None:
    """Headers are given by name and value."""
    builds: list[Callable[[], Request]] = [
        lambda: raw_request("GET", "/x", headers=bad),
        lambda: execute_action("hubspot", "get_contact", headers=bad),
        lambda: execute_workflow("w", slug="s", headers=bad),
    ]
    for build in builds:
        with pytest.raises(ConfigurationError, match=r"^headers "):
            build()
