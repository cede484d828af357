"""The pages that connect links open, for a person or for a browser test: plain HTML that loads nothing else."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final
from urllib.parse import quote

from refold_async.testing.catalogue.apps import MockApp
from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.replies import Reply, page_reply
from refold_async.testing.state.connect_links import ConnectLink

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="anybody", error_field="error")
_CONNECT: Final = "/connect/{token}"
_AUTHORIZE: Final = "/oauth/{slug}/authorize"

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
_WORDS: Final = {"connected": ("Connected", ""), "expired": ("Expired", "Reconnect"), "disconnected": ("", "Connect")}
"""What the page shows for each state of a connection, and the text of its button, if it has one."""


@GROUP.route("GET", _CONNECT)
async def show_connect_page(call: EndpointCall) -> Reply:
    """Show all apps, each with a button that connects or reconnects it."""
    link = _link(call, call.path_parameters["token"], None)
    return _expired() if link is None else page_reply(_connect_page(call, link))


@GROUP.route("POST", _CONNECT + "/{slug}")
async def connect_on_page(call: EndpointCall) -> Reply:
    """Connect an app, as its button does, and show the page again."""
    link, slug = _link(call, call.path_parameters["token"], None), call.path_parameters["slug"]
    if link is None or slug not in call.state.catalogue.apps:
        return _expired()
    link.account.connect(slug)
    return Reply(303, b"", {"Location": f"/connect/{link.token}"}, None)


@GROUP.route("GET", _AUTHORIZE)
async def show_oauth_page(call: EndpointCall) -> Reply:
    """Ask, as an app would, whether Refold may act for the app's user."""
    slug = call.path_parameters["slug"]
    link = _link(call, call.query.get("state", ""), slug)
    if link is None:
        return _expired()
    app = call.state.catalogue.app(slug)
    address = f"/oauth/{quote(slug, safe='')}/authorize?state={link.token}"
    question = f"<p>Refold wants to act in {escape(app.name)} for {escape(link.account.linked_account_id)}.</p>"
    return page_reply(_page(f"Connect {app.name}", f"{question}\n{_button(address, 'Allow', app.slug)}"))


@GROUP.route("POST", _AUTHORIZE)
async def allow_on_page(call: EndpointCall) -> Reply:
    """Connect an app, because its user has allowed it."""
    slug = call.path_parameters["slug"]
    link = _link(call, call.query.get("state", ""), slug)
    if link is None:
        return _expired()
    link.account.connect(slug)
    app = call.state.catalogue.app(slug)
    return page_reply(_page(f"{app.name} is connected", "<p>You can close this page.</p>"))


def _link(call: EndpointCall, token: str, slug: str | None) -> ConnectLink | None:
    """Return a link that is valid for this page, or None."""
    link = call.state.connect_links.find_valid(token)
    return link if link is not None and link.slug == slug else None


def _expired() -> Reply:
    return page_reply(_page("This link is not valid", "<p>It may have expired: ask for a new one.</p>"), 404)


def _connect_page(call: EndpointCall, link: ConnectLink) -> str:
    items = "\n".join(_item(app, link) for app in call.state.catalogue.apps.values())
    body = f"<ul>\n{items}\n</ul>"
    back: Any = link.properties.get("redirect_url")
    if isinstance(back, str) and back.startswith(("http://", "https://")):
        body += f'\n<p><a id="back" href="{escape(back)}">Back</a></p>'
    return _page(f"Connect apps for {link.account.linked_account_id}", body)


def _item(app: MockApp, link: ConnectLink) -> str:
    state, action = _WORDS[link.account.connection(app.slug)]
    shown = f' <span class="state">{state}</span>' if state else ""
    if action:
        address = f"/connect/{link.token}/{quote(app.slug, safe='')}"
        shown += " " + _button(address, action, app.slug, "".join(map(_input, app.auth_fields)))
    return f'<li id="{escape(app.slug)}">{escape(app.name)}{shown}</li>'


def _input(field: Mapping[str, Any]) -> str:
    """Return an input for a field that an app needs; any text in it connects the app."""
    name, label = escape(str(field["name"])), escape(str(field.get("label", field["name"])))
    kind = "password" if field.get("type") == "password" else "text"
    required = " required" if field.get("required") else ""
    return f'<label>{label} <input name="{name}" type="{kind}"{required}></label> '


def _button(address: str, label: str, slug: str, fields: str = "") -> str:
    """Return a form with one button; the button's value names the app, for programs that click it."""
    button = f'<button name="app" value="{escape(slug)}">{label}</button>'
    return f'<form method="post" action="{escape(address)}">{fields}{button}</form>'


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=escape(title), body=body)
