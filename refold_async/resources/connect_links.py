"""The links with which owners of linked accounts connect apps: the requests, and how to parse the responses."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from refold_async.errors import ConfigurationError, ParameterError
from refold_async.models.connect_links import ConnectUrl, OAuthUrl
from refold_async.models.linked_accounts import LinkedAccount
from refold_async.protocol.encoding import encode_json, given_texts
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.parsers import parse_model, parse_unshown

__all__ = [
    "connect_url_request",
    "hosted_properties_request",
    "oauth_url_request",
    "own_account_request",
    "parse_connect_url",
    "parse_oauth_url",
    "parse_own_account",
]

# Treated as a read: it returns a link, and one more link does no harm.
_CONNECT_URL: Final = Endpoint("POST", "/api/v2/public/connect-url", "the connect link", kind="read")
_OAUTH_URL: Final = Endpoint(
    "GET",
    "/api/v2/public/linked-account/integration/oauth-url/{slug}",
    "the OAuth link of app {slug!r}",
    "applications.list() gives the apps and their slugs.",
)
_OWN_ACCOUNT: Final = Endpoint(
    "GET", "/api/v2/public/session/active-linked-account", "the linked account of the session token"
)

_HOSTED_PROPERTIES: Final = Endpoint("GET", "/api/v2/public/hosted-properties", "the properties of the connect link")


def connect_url_request(linked_account_id: str, properties: Mapping[str, Any] | None, config_id: str | None) -> Request:
    """Return the request for a link to a page that connects apps. `AccountScope.connect_url` explains the arguments."""
    if properties is None:
        properties = {}
    elif not isinstance(properties, Mapping):
        kind = type(properties).__name__
        raise ParameterError(f"properties must be a mapping, such as {{'redirect_url': '…'}}, not {kind}.")
    request = _CONNECT_URL.request(query={"linked_account_id": linked_account_id, **given_texts(config_id=config_id)})
    request.body = encode_json(dict(properties), "properties")
    return request


def oauth_url_request(slug: str, fields: Mapping[str, str] | None) -> Request:
    """Return the request for a link to an app's own page. `Applications.oauth_url` explains the arguments."""
    if fields is not None and not isinstance(fields, Mapping):
        raise ConfigurationError(f"fields must be a mapping of names to values, not {type(fields).__name__}.")
    return _OAUTH_URL.request(slug, query=fields)


def own_account_request() -> Request:
    """Return the request that reads which linked account a session token belongs to."""
    return _OWN_ACCOUNT.request()


def hosted_properties_request() -> Request:
    """Return the request that reads what was stored with a connect link."""
    return _HOSTED_PROPERTIES.request()


def _problem_with(name: str) -> Callable[[object], str | None]:
    def problem(link: object) -> str | None:
        return None if _is_web_address(cast("str", getattr(link, name))) else f"its {name} is not a web address"

    return problem


def _is_web_address(url: str) -> bool:
    """Return whether a text can be used as an `href`: it must open a web page and nothing else."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    spelled = url.isprintable() and not any(character in url for character in ' "<>\\')
    return spelled and parts.scheme in {"http", "https"} and bool(parts.netloc)


parse_connect_url: Final = parse_unshown(ConnectUrl, "a link", _problem_with("hosted_url"))
parse_oauth_url: Final = parse_unshown(OAuthUrl, "a link", _problem_with("auth_url"))
parse_own_account: Final = parse_model(LinkedAccount)
