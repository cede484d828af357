"""A page on which customers connect your product to their apps: Connect, Connected or Reconnect, for each app.

    pip install fastapi uvicorn
    python examples/connect_page.py --port 8000

Without `REFOLD_API_KEY` it talks to a mock, whose pages need one more click. A click on Connect opens the page of the
app, or of Refold, in a new tab. This page waits, and shows Connected as soon as the customer is done there.

A real service would find the customer by the session of the logged-in user and protect its forms against requests from
other sites. It would also have its own address configured instead of taking it from the request, whose `Host` header
may contain anything.
"""

import argparse
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from html import escape
from typing import Annotated
from urllib.parse import quote

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from refold_async import AccountScope, AppConnectionTimeoutError, Application, AsyncRefold, NotFoundError, RefoldError
from service import open_refold

logger = logging.getLogger("connect_page")

PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Your apps</title></head>
<body>
<h1>Your apps</h1>
<ul>
{items}
</ul>
<script>
async function wait(link) {{
  const item = link.closest("li");
  while (await (await fetch(link.dataset.connected)).text() === "false") {{}}
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  item.replaceWith(page.getElementById(item.id) ?? item);
}}
document.addEventListener("click", (event) => {{
  const link = event.target.closest("a[data-connected]");
  if (link) wait(link);
}});
</script>
</body>
</html>
"""


@asynccontextmanager
async def keep_client(_: FastAPI) -> AsyncGenerator[dict[str, AsyncRefold]]:
    """Open one client when the service starts, and close it after the last request."""
    async with open_refold(timeout=10.0) as refold:
        yield {"refold": refold}


def account_of(request: Request) -> AccountScope:
    """Return the scope of the customer who is logged in; in this example it is always the same one."""
    refold: AsyncRefold = request.state.refold
    return refold.account("user_7")


app = FastAPI(lifespan=keep_client)
Account = Annotated[AccountScope, Depends(account_of)]


@app.get("/", response_class=HTMLResponse)
async def show_apps(account: Account) -> str:
    """Show each app, and what to do to connect it."""
    return PAGE.format(items="\n".join(map(item, await account.applications.list())))


def item(application: Application) -> str:
    """Return the line of an app. Everything from Refold is escaped."""
    path = quote(application.slug, safe="")
    if application.state == "connected":
        button = f'<form method="post" action="/disconnect/{path}">Connected <button>Disconnect</button></form>'
    else:
        button = (
            f'<a href="/connect/{path}" data-connected="/connected/{path}" target="_blank" rel="noopener">'
            f"{application.state.capitalize()}</a>"
        )
    return f'<li id="{escape(application.slug)}">{escape(application.name or application.slug)} {button}</li>'


@app.get("/connect/{slug}")
async def connect(slug: str, account: Account, request: Request) -> RedirectResponse:
    """Send the customer to the page that connects the app: the app's own, or Refold's, which leads back here."""
    application = await account.applications.get(slug)
    if application.auth_type == "oauth2":
        url = (await account.applications.oauth_url(slug)).auth_url
    else:
        url = (await account.connect_url({"redirect_url": str(request.url_for("show_apps"))})).hosted_url
    return RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})


@app.get("/connected/{slug}")
async def wait_connected(slug: str, account: Account) -> bool:
    """Return true as soon as the app is connected; false after 20 seconds, and then the page asks again."""
    try:
        await account.applications.wait_connected(slug, timeout=20)
    except AppConnectionTimeoutError:
        return False
    return True


@app.post("/disconnect/{slug}")
async def disconnect(slug: str, account: Account) -> RedirectResponse:
    """Disconnect an app, and show the page again."""
    await account.applications.disconnect(slug)
    return RedirectResponse("/", status_code=303)


@app.exception_handler(RefoldError)
async def answer_error(_: Request, error: RefoldError) -> PlainTextResponse:
    """Show the customer what helps the customer; the rest is in the log."""
    if isinstance(error, NotFoundError):
        return PlainTextResponse("There is no such app, or it is not connected.", status_code=404)
    logger.error("%s", error)
    return PlainTextResponse("That did not work. Try again in a minute.", status_code=502)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve a page on which customers connect apps.")
    parser.add_argument("--port", type=int, default=8000, help="the port on 127.0.0.1 (default: %(default)s)")
    arguments = parser.parse_args()
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, timeout_graceful_shutdown=5)
