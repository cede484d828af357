"""What a response quotes of a secret, as it stands or escaped, is in nothing that the error made of it tells."""

import copy
import json
import pickle
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from html import escape
from typing import Any, Final
from urllib.parse import quote

import attrs
import pytest

from refold_async import (
    AccountScope,
    ActionFailedError,
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    AsyncRefold,
    ExecutionTimeoutError,
    RefoldError,
    RetryPolicy,
    WorkflowFailedError,
)
from refold_async.models.results import ActionResult
from refold_async.protocol.redaction import quotes, redacted
from refold_async.testing import Answer, MockRefold, RouteName
from support.cases import each_case
from support.raw_server import raw_server
from support.retry_policies import IMPATIENT

KEY: Final = "tk_Th3/se-cret_key"
TOKEN: Final = "st_70/ken=="


def in_escapes(text: str, form: str = "{:04x}") -> str:
    """Spell every UTF-16 unit as an escape of JSON."""
    units = text.encode("utf-16-be")
    return "".join("\\u" + form.format(int.from_bytes(units[at : at + 2])) for at in range(0, len(units), 2))


def in_json(text: str) -> str:
    """Return what stands between the quotes in JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


# Ways to write a secret within a string of JSON.
SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "as it is": in_json,
    "slashes escaped": lambda text: in_json(text).replace("/", "\\/"),
    "one letter escaped": lambda text: in_escapes(text[0]) + in_json(text[1:]),
    "the last escaped": lambda text: in_json(text[:-1]) + in_escapes(text[-1], "{:04X}"),
    "all escaped": in_escapes,
    "all in upper case": lambda text: in_escapes(text, "{:04X}"),
    "escaped twice": lambda text: in_json(in_escapes(text)),
    "escaped three times": lambda text: in_json(in_json(in_escapes(text))),
    "in a URL": lambda text: quote(text, safe=""),
    "in a URL, in lower case": lambda text: re.sub("%..", lambda code: code.group().lower(), quote(text, safe="")),
    "in HTML": lambda text: in_json(escape(text).replace("_", "&#95;").replace("/", "&#x2f;").replace("=", "&equals;")),
    "after another escape": lambda text: "\\t" + in_json(text),
    "after a backslash": lambda text: "\\\\" + in_json(text),
}
SECRETS: Final = {
    "key": KEY,
    "quotes and backslashes": 'p"a\\s s<&>w',
    "ключ": "ключ/от-двери",
    "surrogates": "a😀b/c😀d",
}


@each_case("spelling", SPELLINGS.values())
@each_case("secret", SECRETS.values())
def test_every_spelling_is_found(secret: str, spelling: Callable[[str], str]) -> None:
    """However a secret is spelled, in JSON as it came and as it was read, it is found; what is around it stays."""
    spelled = spelling(secret)
    document = f'{{"before{spelled}": [1, "{spelled}, {spelled}after"], "other": "\\u0074k_ and 100%"}}'
    value: Any = json.loads(document)
    assert quotes(document.encode(), [secret])
    clean = redacted(value, [secret])
    assert not quotes(json.dumps(clean).encode(), [secret])
    (name, (number, text)), (other, kept) = clean.items()
    assert (number, other, kept) == (1, "other", "tk_ and 100%")
    assert name.replace("\t", "").replace("\\", "") == "before***"
    assert text.replace("\t", "").replace("\\", "") == "***, ***after"


@pytest.mark.parametrize(
    "text", ["", "tk_", "tk_Th3", "tk_Th3 /se-cret_key", "TK_TH3/SE-CRET_KEY", "\\" * 50, "%%%&#;"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    """What only resembles a secret, or holds escapes of all kinds, is not changed."""
    value = {"text": text + ".", "raw": [text + "!", 1, None, True, 1.5]}
    assert redacted(value, [KEY]) == value
    assert not quotes((text + ".").encode(), [KEY])


@each_case("length", range(4, len(KEY) * 6))
def test_a_secret_that_is_cut_off(length: int) -> None:
    """Of a secret that a cut text ends with, no more than its first three characters are left."""
    for spelled in (KEY, in_escapes(KEY), quote(KEY, safe="")):
        cut = spelled[:length]
        for text in (cut, f"{cut}…", f"{cut}… (9 bytes)"):
            left = redacted(f"a {text}", [KEY])
            assert KEY[:4] not in left
            assert not quotes(left.encode(), [KEY])
            if len(cut) >= 4 * len("\\u0000"):
                assert left == f"a ***{text.removeprefix(cut)}"


@each_case("after", [".", ". More", '"}', "'", " ^", "<br>", "\N{REPLACEMENT CHARACTER}", "x" * 20])
@each_case("name", ["as it is", "all escaped", "in a URL"])
def test_most_of_a_secret_whatever_follows(name: str, after: str) -> None:
    """Whoever cut it, and whatever was written after it: no long beginning of a secret is shown."""
    spell = SPELLINGS[name]
    for length in range(12, len(KEY)):
        assert redacted(f"a {spell(KEY[:length])}{after}", [KEY]) == f"a ***{after}"
        assert quotes(f"a {spell(KEY[:length])}{after}".encode(), [KEY])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_other_encodings(encoding: str) -> None:
    """A secret is found in what is no UTF-8 and was read as that, as it came or as Python shows it, cut or whole."""
    data = f'{{"you sent": "{KEY}", "or": "{KEY[:7]}'.encode(encoding)
    assert quotes(data, [KEY])
    text = data.decode(errors="replace")
    for told in (text, repr(text)[:-1], f"{text}…", json.dumps(text)[:-1], repr(data)[:-1]):
        left = redacted(told, [KEY])
        assert left.count("***") == 2
        plain = re.sub(r"\0|\\+x00|\\+u0000", "", left)
        assert KEY[:4] not in plain
        assert KEY[-4:] not in plain
        assert "you sent" in plain


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32-be"])
@pytest.mark.parametrize("status", [200, 400])
async def test_a_response_in_another_encoding(mock: MockRefold, status: int, encoding: str) -> None:
    """Its error is as clean as any."""
    mock.script(Answer(status, body=f'{{"message": "you sent {KEY}"}}'.encode(encoding)))
    async with AsyncRefold(KEY, base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        with pytest.raises((APIStatusError, APIResponseValidationError)) as caught:
            await refold.account("user_12345").execute_action("hubspot", "get_contact")
    assert isinstance(caught.value, APIStatusError | APIResponseValidationError)
    for text in (str(caught.value), repr(caught.value), caught.value.body):
        assert KEY[:5] not in re.sub(r"\0|\\+x00|\\+u0000", "", text)
    assert "***" in caught.value.body


def test_words_that_tests_take_for_keys() -> None:
    """What is too short for a key of Refold stays where it stands; what is long enough does not."""
    assert redacted("No linked account found in environment test", ["k", "test"]) == (
        "No linked account found in environment test"
    )
    assert redacted("for abcdef", ["abcdef"]) == "for ***"


def test_secrets_that_begin_alike() -> None:
    """The beginning that two secrets share gives away neither of them, nor does one that begins within another."""
    header = "eyJhbGciOiJIUzI1NiJ9."
    secrets = [header + "first-secret", header + "second-secret", header + "first-secret-and-more", "et-and-more-of-it"]
    for text in secrets:
        for several in (secrets, secrets[::-1]):
            assert redacted(f"{text}, {text}!", several) == "***, ***!"
    assert redacted(header + "first-secret-and-more-of-it.", secrets) == "***."
    assert redacted("abcabcabcabcabcabcX.", ["abcabcabcabcX"]) == "***."


def test_long_texts_take_no_longer_than_they_are_long() -> None:
    """What looks like the beginning of a secret all over is searched in time that grows with its length."""
    for piece in ("\\", "tk_T", "\\u0074", "%74", "&#", "&amp;", "…", "tk_Th3\\"):
        text = piece * (200_000 // len(piece))
        assert redacted(text + ".", [KEY]) == text + "."
    assert redacted(KEY * 50_000, [KEY]) == "***" * 50_000


def test_however_deeply_it_lies() -> None:
    """Nesting that JSON allows is no depth that a secret is safe in; what was given is not changed."""
    document = '{"a":[' * 400 + json.dumps(KEY) + "]}" * 400
    value = json.loads(document)
    assert json.dumps(redacted(value, [KEY])) == json.dumps(json.loads(document.replace(KEY, "***")))
    assert json.dumps(value) == json.dumps(json.loads(document))


def test_models_are_copied() -> None:
    """A model is frozen, so it is a copy that is clean, `raw` included."""
    result = ActionResult("Success", {"a": [KEY]}, 200, raw={"data": {"a": [KEY]}, "b": 1})
    clean = redacted(result, [KEY])
    assert clean == ActionResult("Success", {"a": ["***"]}, 200)
    assert (clean.raw, result.raw["data"]) == ({"data": {"a": ["***"]}, "b": 1}, {"a": [KEY]})
    assert type(clean) is ActionResult


def everything_read(error: RefoldError) -> str:
    """Return all that a user reads from an error, as JSON that escapes nothing."""

    def plain(value: Any) -> Any:
        kind = value.__class__
        if attrs.has(kind):
            return {field.name: getattr(value, field.name) for field in attrs.fields(kind)}
        return dict(value) if issubclass(kind, Mapping) else repr(value)

    restored = pickle.loads(pickle.dumps(error))
    return json.dumps([str(error), vars(error), str(restored), vars(restored)], default=plain, ensure_ascii=False)


def echo(spelled: str, **fields: Any) -> str:
    """Return JSON with the spelled secret in place of `SECRET`, deep in it, and as a name too."""
    deep: Any = {"SECRET": ["SECRET", {"message": "you sent SECRET"}]}
    for _ in range(30):
        deep = [deep]
    return json.dumps({**fields, "deep": deep}).replace("SECRET", spelled)


@pytest.mark.parametrize("name", SPELLINGS)
async def test_no_error_shows_what_a_response_quotes(mock: MockRefold, name: str) -> None:
    """Message, body, headers, codes and result are clean, of key and token, and keep what else they say."""
    spell = SPELLINGS[name]
    shown: list[RefoldError] = []
    async with AsyncRefold(KEY, base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        for secret, account in (
            (KEY, refold.account("user_12345")),
            (TOKEN, refold.account_from_session_token(TOKEN, linked_account_id="user_12345")),
        ):
            spelled = spell(secret)
            in_a_url = quote(secret, safe="")
            responses = [
                (401, echo(spelled, message="no, SECRET", error_code="SECRET", http_error_type="SECRET")),
                (302, echo(spelled)),
                (500, f"<html>{'x' * 280}{spelled}{'y' * 20_000}"),
                (200, echo(spelled, node_status="Errored", http_status=400, data={"message": "SECRET", "kept": 17})),
                (200, echo(spelled, node_status="Success", data={"SECRET": "SECRET", "kept": 17})),
                (200, "not JSON, " + spelled),
                (200, '{"broken": "' + spelled),
            ]
            for status, body in responses:
                headers = {"Location": f"/login?key={in_a_url}", "x-request-id": secret, f"X-{len(secret)}": secret}
                mock.script(Answer(status, body=body, headers=headers, content_type="application/json"), calls=1)
                with pytest.raises(RefoldError) as caught:
                    await account.execute_action("hubspot", "get_contact", into=list[int])
                shown.append(caught.value)
                assert not quotes(everything_read(caught.value).encode(), [KEY, TOKEN])
                assert "***" in everything_read(caught.value)
    refused, moved, _, failed, misfit, *unreadable = shown[: len(responses)]
    assert isinstance(refused, APIStatusError)
    assert "no, " in str(refused)
    assert (refused.error_code or "").endswith("***")
    assert refused.headers["x-request-id"] == "***"
    assert "to /login?key=***" in str(moved)
    assert isinstance(failed, ActionFailedError)
    assert failed.result is not None
    assert failed.result.data["kept"] == failed.result.raw["data"]["kept"] == 17
    assert isinstance(misfit, APIResponseValidationError)
    assert misfit.result is not None
    assert (misfit.effect, misfit.result.data["kept"]) == ("done", 17)
    assert len(unreadable) == 2


def cut_within_echoes(text: str) -> Iterator[str]:
    """Give a text that ends with an echo of the key, with ever less of it at its end."""
    for length in range(4, len(KEY)):
        yield text + KEY[:length]


@pytest.mark.parametrize("status", [302, 400, 401, 500])
async def test_a_body_that_breaks_off_within_a_secret(status: int) -> None:
    """The message goes on after the part that came, which is not shown all the same."""
    async with AsyncExitStack() as stack:
        for body in cut_within_echoes('{"message":"bad key '):
            head = f"HTTP/1.1 {status} Reason\r\nContent-Length: 1000\r\n\r\n"
            server = await stack.enter_async_context(raw_server((head + body).encode(), close=True))
            async with AsyncRefold(KEY, base_url=server.base_url, retry=RetryPolicy(max_retries=0)) as refold:
                with pytest.raises(APIStatusError) as caught:
                    await refold.account("user_12345").execute_action("hubspot", "get_contact")
            assert "bad key ***…." in str(caught.value)
            assert caught.value.body == '{"message":"bad key ***'
            assert KEY[:4] not in everything_read(caught.value)


async def test_what_aiohttp_quotes_is_cut_within_a_secret() -> None:
    """A response that is refused is quoted, not at any length, and without what the key begins with."""
    async with AsyncExitStack() as stack:
        for padding in range(80, 180, 5):
            server = await stack.enter_async_context(raw_server(f"{'p' * padding}{KEY}\r\n\r\n".encode(), close=True))
            async with AsyncRefold(KEY, base_url=server.base_url, retry=RetryPolicy(max_retries=0)) as refold:
                with pytest.raises(APIConnectionError, match=r"gave no usable response.*ppp") as caught:
                    await refold.account("user_12345").execute_action("hubspot", "get_contact")
            assert KEY[:4] not in everything_read(caught.value)


async def wait_in_vain(account: AccountScope) -> None:
    """Wait for a run that goes on, as long as it takes to see it once."""
    timeout = 0.05
    while True:
        try:
            await account.executions.wait("e1", timeout=timeout, poll_interval=0.01)
        except ExecutionTimeoutError as error:
            if error.execution is not None:
                raise
        timeout *= 4


async def test_workflows_that_quote_a_secret(mock: MockRefold) -> None:
    """An execution that an error carries is clean: of a synchronous run, and of one that was waited for."""
    spelled = in_escapes(KEY)
    sync = echo(spelled, execution_id="e1", errored=True, execution_error={"message": "x" * 290 + "SECRET"})
    node = {"node_id": "n1", "node_status": "Errored", "latest_output": {"message": "x" * 290 + "SECRET"}}
    waited = echo(spelled, _id="e1", status="ERRORED", nodes=[node])
    running = echo(spelled, _id="e1", status="RUNNING")
    calls: list[tuple[RouteName, str, Callable[[AccountScope], Awaitable[object]]]] = [
        ("execute_workflow", sync, lambda account: account.execute_workflow("w", slug="hubspot", sync=True)),
        ("get_execution", waited, lambda account: account.executions.wait("e1")),
        ("get_execution", running, wait_in_vain),
    ]
    async with AsyncRefold(KEY, base_url=mock.base_url, retry=IMPATIENT) as refold:
        for account in (refold.account("user_12345"), refold.session_tokens.account("user_12345")):
            for route, body, call in calls:
                script = mock.script(Answer(200, body=body, content_type="application/json"), route=route)
                with pytest.raises((WorkflowFailedError, ExecutionTimeoutError)) as caught:
                    await call(account)
                script.remove()
                assert not quotes(everything_read(caught.value).encode(), [KEY])
                assert "***" in everything_read(caught.value)
                assert "tk_" not in str(caught.value)


async def test_a_result_is_the_callers(mock: MockRefold) -> None:
    """What came is given as it came: redaction is for errors."""
    mock.script(Answer(200, json={"node_status": "Success", "data": {"key": KEY}}))
    async with AsyncRefold(KEY, base_url=mock.base_url) as refold:
        result = await refold.account("user_12345").execute_action("hubspot", "get_contact")
    assert copy.copy(result.data) == {"key": KEY}


@pytest.mark.parametrize("form", ["tk_S3CRET", "t\\u006b_S3CRET", "\\\\\\\\u0074k_S3CRET"])
@pytest.mark.parametrize("before", [1_048_570, 1_048_576, 1_049_080, 1_049_088, 2_097_150])
def test_large_texts(form: str, before: int) -> None:
    """A secret is found wherever it is in a text that is searched in parts."""
    assert quotes(b"x" * before + form.encode() + b"y" * 10, ["tk_S3CRET"])
    assert not quotes(b"x" * before + b"tk_S4CRET" + b"y" * 10, ["tk_S3CRET"])
