"""Credentials that are stored for a linked account: nothing shows them, and what Refold refuses is an error."""

import logging
import pickle
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from refold_async import (
    AccountScope,
    APIResponseValidationError,
    AsyncRefold,
    BadRequestError,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    ParameterError,
    RefoldError,
)
from refold_async.config.secret import Secret
from refold_async.testing import Answer, MockRefold, Reset, Trouble
from support.retry_policies import IMPATIENT

SECRET: Final = "s3cr3t-of-" + "jane" * 3
TOKENS: Final = {"oauth2": {"access_token": SECRET, "refresh_token": "r"}}
CALLS: Final[dict[str, Callable[[AccountScope], Awaitable[object]]]] = {
    "upsert": lambda account: account.credentials.upsert_default_app_credential("api_key", SECRET),
    "save": lambda account: account.credentials.save_key_credentials("netsuite", {"deep": [{"api_key": SECRET}]}),
    "migrate": lambda account: account.credentials.migrate_token("hubspot", TOKENS),
}
every_call: Final = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


async def test_credentials_of_the_default_app(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> None:
    """One is added, updated and deleted, for one account, by key or by session token."""
    by_token = refold.account_from_session_token(mock.session_token("user_12345"))
    first = await account.credentials.upsert_default_app_credential("api key / 1", SECRET)
    second = await by_token.credentials.upsert_default_app_credential("api key / 1", "other")
    assert (first.success, first.action, second.action) == (True, "added", "updated")
    assert mock.requests[0].json == {"value": SECRET}
    with pytest.raises(NotFoundError, match="have this credential"):
        await refold.account("user_2").credentials.delete_default_app_credential("api key / 1")
    assert (await account.credentials.delete_default_app_credential("api key / 1")).success
    with pytest.raises(NotFoundError, match="Auth credential key 'api key / 1' not found"):
        await account.credentials.delete_default_app_credential("api key / 1")
    mock.account("user_12345").disconnect("default-app")
    with pytest.raises(NotFoundError, match="must already be connected"):
        await account.credentials.upsert_default_app_credential("api_key", SECRET)


async def test_keys_of_an_app(mock: MockRefold, account: AccountScope) -> None:
    """They connect the app, unless it refuses them or does not use keys."""
    mock.catalogue.add_app("netsuite", auth_type="keybased")
    mock.account("user_12345").disconnect("netsuite")
    assert await account_state(account, "netsuite") == "connect"
    with pytest.raises(InternalServerError, match="Failed to verify credentials: api_key is missing"):
        await account.credentials.save_key_credentials("netsuite", {"other": "key"})
    assert await account_state(account, "netsuite") == "connect"
    saved = await account.credentials.save_key_credentials("netsuite", {"api_key": SECRET, "port": 5, "none": None})
    assert saved.success
    assert mock.requests[-1].json == {"api_key": SECRET, "port": 5, "none": None}
    assert await account_state(account, "netsuite") == "connected"
    with pytest.raises(BadRequestError, match="does not support key based"):
        await account.credentials.save_key_credentials("hubspot", {"api_key": SECRET})


async def account_state(account: AccountScope, slug: str) -> str:
    """Return whether an account is connected to an app."""
    return (await account.applications.get(slug)).state


async def test_tokens_to_migrate(mock: MockRefold, account: AccountScope) -> None:
    """They connect the app."""
    mock.account("user_12345").disconnect("hubspot")
    migrated = await account.credentials.migrate_token("hubspot", TOKENS)
    assert (migrated.success, migrated.message) == (True, "Token migrated successfully")
    assert mock.requests[-1].json == {"slug": "hubspot", "auth_object": TOKENS}
    assert await account_state(account, "hubspot") == "connected"
    with pytest.raises(InternalServerError, match="access_token is missing"):
        await account.credentials.migrate_token("hubspot", {"oauth2": {"access_token": ""}})


async def test_refusals_with_the_status_of_a_success(mock: MockRefold, account: AccountScope) -> None:
    """They are errors: one that tells an `error` says that nothing was stored."""
    mock.catalogue.add_app("acme", custom=True)
    with pytest.raises(BadRequestError, match=r"app 'acme'.*HTTP 200: Custom apps are not supported for") as caught:
        await account.credentials.migrate_token("acme", TOKENS)
    error = caught.value
    assert (error.status_code, error.effect, error.attempts) == (200, "none", 1)
    assert error.body == {"error": "Custom apps are not supported for this endpoint."}
    assert error.request_id == mock.requests[-1].request_id
    with pytest.raises(BadRequestError, match="Auth type keybased is not supported"):
        await account.credentials.migrate_token("hubspot", {"keybased": {"api_key": SECRET}})
    mock.script(Answer(200, json={"success": False, "message": "Try later"}))
    with pytest.raises(BadRequestError, match=r"Try later\. It may have run") as caught:
        await account.credentials.migrate_token("hubspot", TOKENS)
    assert caught.value.effect == "unknown"
    mock.clear()
    mock.script(Answer(200, body=b"no JSON"))
    with pytest.raises(APIResponseValidationError) as unreadable:
        await account.credentials.migrate_token("hubspot", TOKENS)
    assert unreadable.value.effect == "unknown"


@every_call
async def test_credentials_are_not_shown(
    mock: MockRefold,
    account: AccountScope,
    caplog: pytest.LogCaptureFixture,
    call: Callable[[AccountScope], Awaitable[object]],
) -> None:
    """Neither an error nor the log shows them, whatever Refold quotes."""
    caplog.set_level(logging.DEBUG)
    said = f"{account.credentials!r}"
    quoting = {"message": f"bad {SECRET}", "error_code": SECRET, "error": SECRET}
    troubles: list[Trouble] = [
        *(Answer(400, json=quoting), Answer(500, body=f"<{SECRET}"), Answer(200, json=quoting)),
        *(Answer(200, body=f'"{SECRET}'), Reset("after")),
    ]
    for trouble in troubles:
        mock.clear()
        mock.script(trouble)
        try:
            said += repr(await call(account))
        except RefoldError as error:
            said += "".join(traceback.format_exception(error)) + f"{error!r} {vars(error)!r}"
            said += f"{pickle.loads(pickle.dumps(error))!s}"
        assert SECRET.encode() in (mock.requests[0].body or b"")
    said += "".join(record.getMessage() for record in caplog.records if record.name.startswith("refold_async"))
    assert said.replace("message='bad " + SECRET, "").count(SECRET) == 0
    assert said.count("***") >= 2


async def test_what_an_app_needs(mock: MockRefold) -> None:
    """It is read without an API key, and none is sent."""
    mock.catalogue.add_app("netsuite", auth_type="keybased")
    mock.catalogue.add_app("acme", custom=True)
    for key in ("tk_test", None):
        async with AsyncRefold(key, base_url=mock.base_url) as refold:
            assert await refold.auth_structure.get("netsuite") == {"keybased": {"api_key": "string"}}
            optional = (await refold.auth_structure.get("hubspot"))["oauth2"]["client_id"]
            assert optional == {"type": "string", "required": False}
            assert await refold.auth_structure.get("acme") == {}
    assert not any({"x-api-key", "authorization"} & {name.lower() for name in one.headers} for one in mock.requests)
    async with AsyncRefold(base_url=mock.base_url, retry=IMPATIENT) as refold:
        with pytest.raises(InternalServerError, match="Schema not found for integration type: no-such"):
            await refold.auth_structure.get("no-such")
        with pytest.raises(ConfigurationError, match="slug is empty"):
            await refold.auth_structure.get("")


async def test_properties_of_a_link(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> None:
    """They are those of the newest link of the account; a scope by key fetches a token for them."""
    assert await account.hosted_properties() == {}
    await account.connect_url({"plan": "free"})
    await account.connect_url({"plan": "gold", "company": None})
    await account.applications.oauth_url("hubspot")
    mock.requests.clear()
    assert await account.hosted_properties() == {"plan": "gold", "company": None}
    assert [request.route for request in mock.requests] == ["create_session_token", "get_hosted_properties"]
    assert await refold.account("user_2").hosted_properties() == {}
    token = mock.session_token("user_12345")
    assert await refold.account_from_session_token(token).hosted_properties() == {"plan": "gold", "company": None}


class NoText:
    """What is no JSON, and would show what it has."""

    def __repr__(self) -> str:
        return SECRET


CYCLE: Final[dict[str, Any]] = {}
CYCLE["self"] = CYCLE
# fmt: off
WRONG: Final[dict[str, tuple[str, tuple[Any, ...], str]]] = {
    "key": ("upsert_default_app_credential", ("", SECRET), "key is empty"),
    "value": ("upsert_default_app_credential", ("api_key", 5), "value must be a str, not int"),
    "key to delete": ("delete_default_app_credential", ("..",), "key is '..'"),
    "slug": ("save_key_credentials", ("", {"api_key": SECRET}), "slug is empty"),
    "credentials": ("save_key_credentials", ("netsuite", SECRET), "credentials must be a mapping.*, not str"),
    "no credentials": ("save_key_credentials", ("netsuite", None), "credentials must be a mapping.*, not NoneType"),
    "no JSON": ("save_key_credentials", ("netsuite", {"api_key": NoText()}), r"credentials\.api_key cannot .*NoText"),
    "bytes": ("save_key_credentials", ("netsuite", {"key": SECRET.encode()}), r"credentials\.key cannot .*bytes"),
    "a cycle": ("save_key_credentials", ("netsuite", CYCLE), "cannot be sent as JSON"),
    "slug to migrate": ("migrate_token", ("", TOKENS), "slug is empty"),
    "tokens": ("migrate_token", ("hubspot", [SECRET]), "auth_object must be a mapping.*, not list"),
    "no type": ("migrate_token", ("hubspot", {}), "exactly one field, .*: it has 0"),
    "two types": ("migrate_token", ("hubspot", {**TOKENS, "keybased": {}}), "exactly one field, .*: it has 2"),
    "flat tokens": ("migrate_token", ("hubspot", {"access_token": SECRET}), r"access_token'\] must be .*, not str"),
}
# fmt: on


@pytest.mark.parametrize("case", WRONG)
async def test_wrong_arguments(mock: MockRefold, account: AccountScope, case: str) -> None:
    """They are named before anything is sent, without what is secret."""
    method, args, said = WRONG[case]
    with pytest.raises((ConfigurationError, ParameterError), match=said) as caught:
        await getattr(account.credentials, method)(*args)
    assert SECRET not in f"{caught.value!r} {vars(caught.value)!r}"
    assert mock.requests == []


async def test_a_secret_that_is_hidden_already(mock: MockRefold, account: AccountScope) -> None:
    """It is sent as it is."""
    await account.credentials.upsert_default_app_credential("api_key", Secret(SECRET))
    await account.credentials.migrate_token(
        "hubspot", {"oauth2": {"access_token": Secret(SECRET), "refresh_token": "r"}}
    )
    assert [request.json for request in mock.requests] == [
        {"value": SECRET},
        {"slug": "hubspot", "auth_object": TOKENS},
    ]
