"""Webhooks: what is taken for signed and what is not, and the events as Refold sends them."""

import hashlib
import hmac
import json
import pickle
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import Message
from typing import Any, Final

import attrs
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from refold_async import APIResponseValidationError, ConfigurationError, RefoldError, WebhookSignatureError, webhooks
from support.cases import each_case

KEY: Final = "tk_test"
BODY: Final = b'{"linked_account_id":"user_12345","event":"Connection Expired","slug":"hubspot"}'
# printf %s "$BODY" | openssl dgst -sha256 -hmac tk_test
SIGNATURE: Final = "9758af3ad08944d73fcf126ef3c691053ba5ad556dbd8829553aeb7b86f13aba"

CONNECTION: Final[dict[str, Any]] = {
    "linked_account_id": "user_12345",
    "org_id": "63a1b0c9d2e3f4a5b6c7d8e9",
    "environment": "test",
    "type": "General",
    "event": "Connection Created",
    "slug": "hubspot",
    "createdAt": "Tue, 07 Nov 2023 08:03:27 GMT",
}
WORKFLOW: Final[dict[str, Any]] = {
    "linked_account_id": "user_12345",
    "instance_id": "67d22c4330d75f3a3fa29056",
    "workflow_id": "67af37ad1d0bb61005439eaf",
    "config_id": "user_12345",
    "event": "Workflow Completed",
    "workflow_name": "Welcome a contact",
    "status": "COMPLETED",
}
CONNECTION_EVENTS: Final[dict[str, Any]] = {
    "Connection Created": webhooks.ConnectionCreated,
    "Connection Deleted": webhooks.ConnectionDeleted,
    "Connection Expired": webhooks.ConnectionExpired,
}
WORKFLOW_EVENTS: Final[dict[str, Any]] = {
    "Workflow Completed": webhooks.WorkflowCompleted,
    "Workflow Errored": webhooks.WorkflowErrored,
    "Workflow Stopped": webhooks.WorkflowStopped,
    "Workflow Timed Out": webhooks.WorkflowTimedOut,
}
EVENTS: Final = [
    *(pytest.param(model, CONNECTION | {"event": name}, id=name) for name, model in CONNECTION_EVENTS.items()),
    *(pytest.param(model, WORKFLOW | {"event": name}, id=name) for name, model in WORKFLOW_EVENTS.items()),
]
NO_BODIES: Final = ["{}", {"event": "Connection Expired"}, None, ["{}"], 5]


def sign(body: bytes, key: str = KEY) -> str:
    """Return the signature as Refold makes it."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def parse(value: Any) -> webhooks.WebhookEvent:
    """Parse a webhook of this JSON."""
    return webhooks.parse(json.dumps(value).encode())


def test_literal_signature() -> None:
    """A signature that another program made fits."""
    assert webhooks.verify(BODY, SIGNATURE, KEY)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"\x00\xff\xfe", b" {\r\n} ", '{"name":"Zoë ✓"}'.encode(), "Zoë".encode("latin-1"), b"x" * 100_000],
    ids=range(7),
)
@pytest.mark.parametrize("key", [KEY, "pk_" + "x" * 100, "pk-~!"])
def test_signed_bytes(body: bytes, key: str) -> None:
    """Any bytes can be signed; they are taken as they are."""
    assert webhooks.verify(body, sign(body, key), key)
    assert webhooks.verify(bytearray(body), sign(body, key), key)
    assert webhooks.verify(memoryview(body), sign(body, key), key)


def test_bytes_that_do_not_lie_side_by_side() -> None:
    """A view may skip bytes; those it shows count."""
    assert webhooks.verify(memoryview(BODY)[::2], sign(BODY[::2]), KEY)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        BODY[:-1],
        BODY[1:],
        BODY + b"\n",
        BODY + b"\x00",
        b"\xef\xbb\xbf" + BODY,
        BODY.replace(b"user_12345", b"user_12346"),
        BODY.replace(b"Expired", b"expired"),
        BODY.replace(b",", b", "),
        json.dumps(json.loads(BODY)).encode(),
        json.dumps(json.loads(BODY), sort_keys=True, separators=(",", ":")).encode(),
        BODY * 2,
    ],
    ids=range(12),
)
def test_changed_body(body: bytes) -> None:
    """A body that is cut, longer, another, or the same JSON in other bytes does not fit the signature."""
    assert not webhooks.verify(body, SIGNATURE, KEY)


@each_case("position", range(64))
def test_changed_signature(position: int) -> None:
    """Every digit counts."""
    digit = "0" if SIGNATURE[position] != "0" else "1"
    assert not webhooks.verify(BODY, SIGNATURE[:position] + digit + SIGNATURE[position + 1 :], KEY)


@each_case(
    "signature",
    [
        None,
        "",
        " ",
        "0",
        "0" * 64,
        "g" * 64,
        "None",
        KEY,
        SIGNATURE[:-1],
        SIGNATURE[:32],
        SIGNATURE[1:],
        SIGNATURE + "0",
        SIGNATURE * 2,
        SIGNATURE + "é",
        SIGNATURE + "\n",
        " " + SIGNATURE,
        SIGNATURE + "\x00",
        SIGNATURE + ",",
        f"{SIGNATURE},{SIGNATURE}",
        SIGNATURE.upper(),
        f"sha256={SIGNATURE}",
        f"0x{SIGNATURE}",
        f'"{SIGNATURE}"',
        " ".join(SIGNATURE[index : index + 2] for index in range(0, 64, 2)),
        SIGNATURE[:-1] + "é",
        SIGNATURE[:-1] + "\udce9",
        SIGNATURE[:-1] + "\U0001f511",
        SIGNATURE.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}),
        SIGNATURE.translate({ord("a"): "а"}),  # noqa: RUF001 - Cyrillic
        hmac.new(KEY.encode(), BODY, hashlib.sha1).hexdigest(),
        hmac.new(KEY.encode(), BODY, hashlib.sha512).hexdigest(),
        hashlib.sha256(BODY).hexdigest(),
        hashlib.sha256(KEY.encode() + BODY).hexdigest(),
        hmac.new(b"", BODY, hashlib.sha256).hexdigest(),
        hmac.new(BODY, KEY.encode(), hashlib.sha256).hexdigest(),
        sign(BODY, "tk_other"),
        "x" * 1_000_000,
    ],
)
@each_case("keys", [KEY, [KEY, "tk_new"]])
def test_forged_signature(signature: str | None, keys: str | list[str]) -> None:
    """What is not the signature to the letter is refused, never an error."""
    assert webhooks.verify(BODY, signature, keys) is False


@pytest.mark.parametrize(
    ("keys", "fits"),
    [
        ([KEY], True),
        ((KEY,), True),
        ([KEY, "tk_new"], True),
        (["tk_new", KEY], True),
        (("tk_new", "tk_newer", KEY, "tk_old"), True),
        ([KEY, KEY], True),
        (["tk_new"], False),
        (["tk_new", "tk_newer"], False),
        ([KEY.upper(), KEY[:-1], KEY + "t"], False),
        (list(KEY), False),
    ],
    ids=str,
)
def test_several_keys(keys: Sequence[str], fits: bool) -> None:
    """Any of several keys will do, wherever it stands."""
    assert webhooks.verify(BODY, SIGNATURE, keys) is fits


@pytest.mark.parametrize("signature", [sign(BODY, "first"), sign(BODY, "second"), "", "0" * 64])
def test_every_key_is_compared(signature: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a key that fits nor a signature that never could ends the comparison."""
    compared: list[object] = []
    compare = hmac.compare_digest

    def compare_and_tell(left: bytes, right: bytes) -> bool:
        compared.append(right)
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", compare_and_tell)
    webhooks.verify(BODY, signature, ["first", "second", "third"])
    assert compared == [sign(BODY, key).encode() for key in ["first", "second", "third"]]


@pytest.mark.parametrize("body", NO_BODIES, ids=repr)
def test_body_that_is_not_raw(body: Any) -> None:
    """A body that was decoded or parsed is the caller's mistake, and told as that."""
    for use in (lambda: webhooks.verify(body, SIGNATURE, KEY), lambda: webhooks.parse(body)):
        with pytest.raises(ConfigurationError, match=r"body must be the raw bytes .*not \w+: pass `await request.read"):
            use()
    with pytest.raises(ConfigurationError, match="body must be the raw bytes"):
        webhooks.delivery_key(body)


@each_case(
    ("key", "problem"),
    [
        ("", "api_key is empty"),
        ([], "api_key is empty: pass at least one key"),
        ((), "api_key is empty: pass at least one key"),
        ([""], r"api_key\[0\] is empty"),
        ([KEY, ""], r"api_key\[1\] is empty"),
        (f"{KEY}\n", rf"api_key contains U\+000A LINE FEED at position {len(KEY) + 1} of {len(KEY) + 1}"),
        (f"{KEY}\u200b", rf"api_key contains U\+200B ZERO WIDTH SPACE at position {len(KEY) + 1} of {len(KEY) + 1}"),
        (f'"{KEY}"', "api_key is in quotes"),
        (f" {KEY}", r"api_key contains U\+0020 SPACE at position 1 of"),
        ([KEY, f"{KEY} "], r"api_key\[1\] contains U\+0020 SPACE at position"),
        (f"{KEY}\udc00", "api_key contains"),
        (None, "api_key must be a str or a list of them, not NoneType"),
        (KEY.encode(), "api_key must be a str or a list of them, not bytes"),
        ({KEY}, "api_key must be a str or a list of them, not set"),
        ({KEY: KEY}, "api_key must be a str or a list of them, not dict"),
        (iter([KEY]), "api_key must be a str or a list of them, not list_iterator"),
        (5, "api_key must be a str or a list of them, not int"),
        ([KEY, None], r"api_key\[1\] must be a str, not NoneType"),
        ([KEY.encode()], r"api_key\[0\] must be a str, not bytes"),
    ],
)
@each_case("signature", [SIGNATURE, None])
def test_wrong_key(key: Any, problem: str, signature: str | None) -> None:
    """A key that is empty or none is an error whatever came: it would accept what anybody signed."""
    with pytest.raises(ConfigurationError, match=problem) as raised:
        webhooks.verify(BODY, signature, key)
    assert KEY not in "".join(traceback.format_exception_only(raised.value))


@pytest.mark.parametrize("signature", [SIGNATURE.encode(), [SIGNATURE], 5, True], ids=repr)
def test_signature_of_wrong_type(signature: Any) -> None:
    """A signature that no header could be is the caller's mistake, not a forger's."""
    with pytest.raises(ConfigurationError, match=r"signature must be a str or None, not \w+: pass `request.headers"):
        webhooks.verify(BODY, signature, KEY)


@pytest.mark.parametrize(("name", "model"), CONNECTION_EVENTS.items())
def test_connection_events(name: str, model: Any) -> None:
    """An event of a connection tells whose it is, and with which app."""
    event: Any = parse(CONNECTION | {"event": name})
    assert type(event) is model
    assert event == model(
        "user_12345",
        "hubspot",
        "test",
        "General",
        "63a1b0c9d2e3f4a5b6c7d8e9",
        datetime(2023, 11, 7, 8, 3, 27, tzinfo=UTC),
        name,
    )
    assert event.event == name
    assert event.raw == CONNECTION | {"event": name}


@pytest.mark.parametrize(("name", "model"), WORKFLOW_EVENTS.items())
def test_workflow_events(name: str, model: Any) -> None:
    """An event of a workflow tells which run ended, and how."""
    event: Any = parse(WORKFLOW | {"event": name})
    assert type(event) is model
    assert event == model(
        "user_12345",
        "67d22c4330d75f3a3fa29056",
        "67af37ad1d0bb61005439eaf",
        "Welcome a contact",
        "user_12345",
        "COMPLETED",
        name,
    )
    assert event.event == name
    assert event.raw == WORKFLOW | {"event": name}


def test_what_an_errored_workflow_may_tell() -> None:
    """Whatever Refold sends along of what went wrong is in `raw`, and keeps no event from being read."""
    more: dict[str, Any] = {"node": {"node_id": "3", "attempts_made": 3}, "upstream_body": {"message": "card declined"}}
    event = parse(WORKFLOW | {"event": "Workflow Errored", "status": "ERRORED"} | more)
    assert isinstance(event, webhooks.WorkflowErrored)
    assert event.status == "ERRORED"
    assert {name: event.raw[name] for name in more} == more


@pytest.mark.parametrize(("model", "value"), EVENTS)
def test_events_are_models(model: Any, value: dict[str, Any]) -> None:
    """They are frozen, have slots, pickle, and know their names where a test makes them."""
    event = parse(value)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.event = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(event, "__dict__")
    assert pickle.loads(pickle.dumps(event)) == event
    assert model("user_12345", "x").event == value["event"]


def test_events_can_be_matched() -> None:
    """A receiver takes an event apart by its class and fields."""
    match parse(CONNECTION | {"event": "Connection Expired"}):
        case webhooks.ConnectionExpired(linked_account_id=customer, slug=slug):
            assert (customer, slug) == ("user_12345", "hubspot")
        case other:
            pytest.fail(repr(other))


@pytest.mark.parametrize("body", [bytearray(BODY), memoryview(BODY)], ids=["bytearray", "memoryview"])
def test_bytes_of_any_kind(body: Any) -> None:
    """Whatever holds bytes can be parsed."""
    assert webhooks.parse(body) == webhooks.ConnectionExpired("user_12345", "hubspot")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("Tue, 07 Nov 2023 08:03:27 GMT", datetime(2023, 11, 7, 8, 3, 27, tzinfo=UTC)),
        ("2023-11-07T08:03:27.000Z", datetime(2023, 11, 7, 8, 3, 27, tzinfo=UTC)),
        ("yesterday", None),
        (1699344207, None),
        (None, None),
    ],
    ids=str,
)
def test_time(sent: Any, read: datetime | None) -> None:
    """The time is read as HTTP or ISO 8601 write it; in another form it is None, and the event still an event."""
    event = parse(CONNECTION | {"createdAt": sent})
    assert isinstance(event, webhooks.ConnectionCreated)
    assert event.created_at == read
    assert event.raw["createdAt"] == sent


@pytest.mark.parametrize(("model", "value"), EVENTS)
def test_fields_that_come_later(model: Any, value: dict[str, Any]) -> None:
    """Fields that are not known, whatever they are called, are in `raw` and change nothing else."""
    later = value | {"attempt": 2, "details": {"deep": [1, None]}, "raw": "x", "__class__": "y", "self": 1}
    event = parse(later)
    assert type(event) is model
    assert event == parse(value)
    assert event.raw == later


@pytest.mark.parametrize(("model", "value"), EVENTS)
def test_missing_fields(model: Any, value: dict[str, Any]) -> None:
    """Without what it needs an event is an unknown one; other fields are None where they are missing or null."""
    needed = {"linked_account_id", "slug" if "slug" in value else "instance_id"}
    for name in value.keys() - {"event"}:
        less = {key: content for key, content in value.items() if key != name}
        for drifted in (less, less | {name: None}):
            event = parse(drifted)
            if name in needed:
                assert event == webhooks.UnknownEvent(value["event"])
            else:
                assert type(event) is model
            assert event.raw == drifted


@pytest.mark.parametrize(("model", "value"), EVENTS)
@each_case("wrong", [1.5, True, [], ["user_12345"], {}, {"id": "user_12345"}])
def test_fields_of_a_wrong_type(model: Any, value: dict[str, Any], wrong: Any) -> None:
    """Where a field that its class needs is of another type, an event is an unknown one; other such fields are None."""
    needed = {"linked_account_id", "slug" if "slug" in value else "instance_id"}
    for name in value.keys() - {"event", "createdAt"}:
        drifted = value | {name: wrong}
        event = parse(drifted)
        if name in needed:
            assert event == webhooks.UnknownEvent(value["event"]), name
        else:
            assert type(event) is model
            assert getattr(event, name) is None
        assert event.raw == drifted


@pytest.mark.parametrize("value", [{}, {"event": None}, {"event": 5}, {"event": ["Connection Created"]}, {"event": {}}])
def test_events_without_a_name(value: dict[str, Any]) -> None:
    """An event whose name is missing, or no name, is an unknown one without a name."""
    for sent in (value, CONNECTION | {"event": None} | value):
        event = parse(sent)
        assert event == webhooks.UnknownEvent(None)
        assert event.raw == sent


@pytest.mark.parametrize(
    "name", ["", "Connection Renewed", "connection created", "Connection Created ", "connected-created", "Zoë", "\x00"]
)
def test_events_of_an_unknown_name(name: str) -> None:
    """A name is known to the letter, or not."""
    event = parse(CONNECTION | {"event": name})
    assert event == webhooks.UnknownEvent(name)
    assert event.raw == CONNECTION | {"event": name}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (BODY[:-1], "not JSON"),
        (BODY + b"x", "not JSON"),
        (b"<html>", "not JSON"),
        (b"event=Connection+Created", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"event": "\xff"}', "not JSON"),
        (b'{"event": NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"1" * 100_000, "not JSON"),
        (b"[]", "not an object"),
        (b'[{"event": "Connection Created"}]', "not an object"),
        (b"null", "not an object"),
        (b"5", "not an object"),
        (b'"Connection Created"', "not an object"),
    ],
    ids=range(16),
)
def test_no_event(body: bytes, problem: str) -> None:
    """What is no JSON object is an error of the library, with nothing of the body in it."""
    with pytest.raises(APIResponseValidationError, match=problem) as raised:
        webhooks.parse(body)
    assert "webhook_type='default'" in raised.value.message
    assert raised.value.effect == "none"
    assert raised.value.__cause__ is None


def test_delivery_key() -> None:
    """Redeliveries have the same key, whatever they were signed with; other events have another one."""
    assert webhooks.delivery_key(BODY) == hashlib.sha256(BODY).hexdigest()
    assert webhooks.delivery_key(memoryview(BODY)) == webhooks.delivery_key(BODY)
    assert webhooks.delivery_key(BODY.replace(b"Expired", b"Deleted")) != webhooks.delivery_key(BODY)


def test_header() -> None:
    """The header has the name that Refold gave it."""
    assert webhooks.SIGNATURE_HEADER == "x-cobalt-signature"


def test_a_byte_order_mark() -> None:
    """It is no part of the event, and a part of what was signed."""
    body = b"\xef\xbb\xbf" + BODY
    assert webhooks.parse(body) == webhooks.parse(BODY)
    assert webhooks.verify(body, sign(body), KEY)
    assert not webhooks.verify(body, SIGNATURE, KEY)
    assert webhooks.delivery_key(body) != webhooks.delivery_key(BODY)


# Verified and read in one


def message_of(headers: dict[str, str]) -> Message:
    """Return headers as http.server has them."""
    message = Message()
    for name, value in headers.items():
        message[name] = value
    return message


def proxy_of(headers: dict[str, str]) -> CIMultiDictProxy[str]:
    """Return headers as aiohttp has them."""
    return CIMultiDictProxy(CIMultiDict(headers))


@each_case("name", ["x-cobalt-signature", "X-Cobalt-Signature", "X-COBALT-SIGNATURE", "x-Cobalt-siGnature"])
@each_case("make", [dict, CIMultiDict, proxy_of, message_of])
def test_unwrap(name: str, make: Any) -> None:
    """Headers are found in any case, in whatever holds them."""
    headers = make({"Content-Type": "application/json", name: SIGNATURE, "Host": "example.com"})
    event = webhooks.unwrap(BODY, headers, KEY)
    assert event == webhooks.ConnectionExpired("user_12345", "hubspot")
    assert webhooks.unwrap(memoryview(BODY), headers, ["tk_new", KEY]) == event


@each_case(
    ("headers", "problem"),
    [
        ({}, "has no header x-cobalt-signature"),
        ({"x-signature": SIGNATURE, "x_cobalt_signature": SIGNATURE}, "has no header x-cobalt-signature"),
        ({"x-cobalt-signature": ""}, "was not signed with this API key"),
        ({"x-cobalt-signature": "0" * 64}, "was not signed with this API key"),
        ({"x-cobalt-signature": SIGNATURE.upper()}, "was not signed with this API key"),
        ({"x-cobalt-signature": f"{SIGNATURE},{SIGNATURE}"}, "was not signed with this API key"),
        ({"x-cobalt-signature": SIGNATURE, "X-Cobalt-Signature": SIGNATURE}, "was not signed with this API key"),
        (CIMultiDict([("x-cobalt-signature", SIGNATURE)] * 2), "was not signed with this API key"),
    ],
)
@each_case("keys", [KEY, [KEY, "tk_new"]])
def test_unwrap_what_is_not_signed(headers: Any, problem: str, keys: Any) -> None:
    """It is an error that says what is wrong."""
    with pytest.raises(WebhookSignatureError, match=problem) as raised:
        webhooks.unwrap(BODY, headers, keys)
    assert isinstance(raised.value, RefoldError)
    assert (raised.value.effect, raised.value.__cause__) == ("none", None)
    assert KEY not in str(raised.value)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value) == raised.value.message


def test_unwrap_another_body_or_key() -> None:
    """Who signs with another key, or changes the body, is not believed."""
    headers = {"x-cobalt-signature": SIGNATURE}
    for body, key in ((BODY + b" ", KEY), (b"no JSON", KEY), (BODY, "tk_other"), (BODY, ["tk_other", "tk_new"])):
        with pytest.raises(WebhookSignatureError, match="was not signed with this API key, or its body was changed"):
            webhooks.unwrap(body, headers, key)


def test_unwrap_what_is_signed_and_no_event() -> None:
    """What was signed and cannot be read is told as `parse` tells it."""
    with pytest.raises(APIResponseValidationError, match="not an object"):
        webhooks.unwrap(b"[]", {"x-cobalt-signature": sign(b"[]")}, KEY)
    unknown = webhooks.unwrap(b"{}", {"x-cobalt-signature": sign(b"{}")}, KEY)
    assert unknown == webhooks.UnknownEvent(None)


@each_case(
    ("arguments", "problem"),
    [
        ((BODY.decode(), {"x-cobalt-signature": SIGNATURE}, KEY), "body must be the raw bytes"),
        ((json.loads(BODY), {}, KEY), "body must be the raw bytes"),
        ((BODY, None, KEY), "headers must be the request's headers, such as `request.headers`, not NoneType"),
        ((BODY, SIGNATURE, KEY), "headers must be the request's headers, such as `request.headers`, not str"),
        ((BODY, [("x-cobalt-signature", SIGNATURE)], KEY), "headers must be the request's headers, .* not list"),
        ((BODY, {b"x-cobalt-signature": SIGNATURE.encode()}, KEY), "names of headers must be str"),
        ((BODY, {"x-cobalt-signature": [SIGNATURE]}, KEY), "header x-cobalt-signature must be a str, not list"),
        ((BODY, {"x-cobalt-signature": SIGNATURE, "X-Cobalt-Signature": None}, KEY), "must be a str, not NoneType"),
        ((BODY, {"x-cobalt-signature": SIGNATURE.encode()}, KEY), "header x-cobalt-signature must be a str, not bytes"),
        ((BODY, {"x-cobalt-signature": SIGNATURE}, ""), "api_key is empty"),
        ((BODY, {}, []), "api_key is empty: pass at least one key"),
        ((BODY, {"x-cobalt-signature": SIGNATURE}, None), "api_key must be a str or a list of them, not NoneType"),
    ],
)
def test_unwrap_wrong_arguments(arguments: tuple[Any, Any, Any], problem: str) -> None:
    """The caller's mistakes are no forger's."""
    with pytest.raises(ConfigurationError, match=problem):
        webhooks.unwrap(*arguments)


def test_sign() -> None:
    """It signs as Refold does."""
    assert webhooks.sign(BODY, KEY) == SIGNATURE
    assert webhooks.sign(memoryview(BODY), KEY) == webhooks.sign(bytearray(BODY), KEY) == SIGNATURE
    assert webhooks.verify(b"", webhooks.sign(b"", "tk_other"), "tk_other")


@each_case(
    ("body", "key", "problem"),
    [
        ("{}", KEY, "body must be the raw bytes"),
        (BODY, "", "api_key is empty"),
        (BODY, [KEY], "api_key must be a str, not list"),
        (BODY, f"{KEY}\n", "api_key contains U"),
        (BODY, None, "api_key must be a str, not NoneType"),
    ],
)
def test_sign_wrong_arguments(body: Any, key: Any, problem: str) -> None:
    """It signs bytes, with one key."""
    with pytest.raises(ConfigurationError, match=problem):
        webhooks.sign(body, key)
