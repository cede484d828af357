"""Faults that are told: error statuses of Refold and of gateways, failures of the app, answers that make no sense."""

import json
import time
from email.utils import formatdate
from typing import Any, Final

from .deliveries import EXECUTIONS, Fault
from .exchange import Exchange
from .ledger import KEY
from .wire import HTML, chunked, compressed, head, response

__all__ = ["NOT_RUN", "STATUSES"]

NOT_RUN: Final = frozenset({301, 302, 307, 308, 400, 401, 403, 404, 409, 413, 422, 429, 501})
"""Statuses that say that nothing was done."""

_REFUSALS: Final = [400, 401, 403, 404, 409, 422, 501]
_FAILURES: Final = [500, 502, 503, 504, 520, 408]
_REDIRECTS: Final = [301, 302, 307, 308]


async def refusal(exchange: Exchange) -> None:
    """Refuse in Refold's shape."""
    await exchange.body()
    status = exchange.random.choice(_REFUSALS)
    exchange.refuse(status, exchange.refold_error(status))


async def redirect(exchange: Exchange) -> None:
    """Send elsewhere: who follows is seen."""
    await exchange.body()
    status = exchange.random.choice(_REDIRECTS)
    exchange.refuse(status, exchange.gateway_error(status), [("Location", exchange.request.path)], content_type=HTML)


async def failure(exchange: Exchange) -> None:
    """Fail in Refold's shape, having done it or not."""
    await exchange.maybe_run()
    status = exchange.random.choice(_FAILURES)
    exchange.refuse(status, exchange.refold_error(status))


async def failure_of_a_gateway(exchange: Exchange) -> None:
    """Fail as gateways do: in HTML, or without a word."""
    await exchange.maybe_run()
    status = exchange.random.choice(_FAILURES)
    body = exchange.random.choice([exchange.gateway_error(status), b""])
    exchange.refuse(status, body, retry_after(exchange), content_type=HTML)


async def early_refusal(exchange: Exchange) -> None:
    """Refuse before the body was read."""
    status = exchange.random.choice([400, 401, 413, 429])
    exchange.refuse(status, exchange.refold_error(status))
    await exchange.body()


async def early_failure(exchange: Exchange) -> None:
    """Fail before the body was read, and close."""
    exchange.write(response(503, exchange.gateway_error(503), [("Connection", "close")], content_type=HTML))
    exchange.close()


def retry_after(exchange: Exchange) -> list[tuple[str, str]]:
    """Return a `Retry-After` of any form, or none."""
    now = time.time()
    forms: list[list[tuple[str, str]]] = [
        [],
        [],
        [],
        [("Retry-After", "0")],
        [("Retry-After", "0.01")],
        [("Retry-After", "-1")],
        [("Retry-After", "soon")],
        [("Retry-After", formatdate(now - 5, usegmt=True))],
        [("Retry-After", formatdate(now, usegmt=True)), ("Date", formatdate(now, usegmt=True))],
        [("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT-9900")],
    ]
    return exchange.random.choice(forms)


async def too_many(exchange: Exchange) -> None:
    """Refuse for the rate, in Refold's shape."""
    await exchange.body()
    exchange.refuse(429, exchange.refold_error(429), retry_after(exchange))


async def too_many_for_a_gateway(exchange: Exchange) -> None:
    """Refuse for the rate in a gateway's words; a synchronous workflow may have run, and have chosen the status."""
    await (exchange.maybe_run() if exchange.operation == "run_workflow" else exchange.body())
    mark = f"<{exchange.record.mark}>"
    shapes = [exchange.gateway_error(429), json.dumps({"message": f"Too Many Requests {mark}"}).encode(), b""]
    exchange.refuse(429, exchange.random.choice(shapes), retry_after(exchange), content_type=HTML)


async def come_back_tomorrow(exchange: Exchange) -> None:
    """Refuse for a day, or for ever."""
    await exchange.body()
    for_ever = exchange.random.choice(["86400", "inf", "Infinity", "1_000"])
    exchange.refuse(429, exchange.refold_error(429), [("Retry-After", for_ever)])


async def odd_body_of_an_error(exchange: Exchange) -> None:
    """Tell an error status whose body cannot be read: its encoding is false, or it is cut."""
    status = exchange.random.choice([*_REFUSALS, 429, 500, 503])
    await (exchange.body() if status in NOT_RUN else exchange.maybe_run())
    body = exchange.refold_error(status)
    exchange.tell(status)
    match exchange.random.randrange(5):
        case 0:
            exchange.write(response(status, body, [("Content-Encoding", "gzip")]))
        case 1:
            exchange.write(response(status, body, [("Content-Encoding", "br")]))
        case 2:
            exchange.write(response(status, compressed(body) + b"\0" * 8, [("Content-Encoding", "gzip")]))
        case 3:
            exchange.write(response(status, b"\xff\xfe" + body))
        case _:
            # The head by itself: what comes with it in one segment may be judged with it.
            exchange.write(head(status, [("Content-Length", str(len(body)))]))
            await exchange.pause(0.004)
            exchange.write(body[: len(body) // 2])
    exchange.close()


async def false_chunks_of_an_error(exchange: Exchange) -> None:
    """Tell an error status, and break off its chunks in a way that is no HTTP."""
    status = exchange.random.choice([*_REFUSALS, 500, 503])
    await (exchange.body() if status in NOT_RUN else exchange.maybe_run())
    exchange.write(chunked(status, exchange.refold_error(status), 20, ending=b"zz\r\n"))
    exchange.close()


async def echo(exchange: Exchange) -> None:
    """Show what was sent, as debugging pages do, in one of the spellings that mean the same."""
    await exchange.maybe_run()
    sent = json.dumps(exchange.request.headers).encode()
    key = KEY.encode()
    spellings = [sent, sent.replace(key, key.replace(b"/", b"\\/")), sent.replace(b'"t', b'"\\u0074')]
    shown = exchange.random.choice(spellings)
    status = exchange.random.choice([500, 503])
    body = b'{"message": "debug", "error": "SOAKED", "sent": %b}' % shown
    if exchange.random.random() < 0.5:
        body = b"<pre>%b</pre>" % shown
    exchange.refuse(status, body, [("X-Echo", exchange.request.headers.get("x-api-key", ""))])


async def no_sense(exchange: Exchange) -> None:
    """Do it, and say something that the API does not promise."""
    await exchange.run()
    bodies = [b"OK", b'{"half": ', b"\xff\xff", exchange.gateway_error(200)]
    if exchange.operation != "request":  # to which all that is JSON, and nothing at all, is an answer
        bodies += [b"", b"null", b"[[]]", b'"text"']
    exchange.respond(response(200, exchange.random.choice(bodies)))


async def false_encoding(exchange: Exchange) -> None:
    """Do it, and claim an encoding that the answer is not in."""
    await exchange.run()
    encoding = exchange.random.choice(["gzip", "deflate", "br", "rot13"])
    exchange.write(response(200, exchange.success(), [("Content-Encoding", encoding), ("Connection", "close")]))
    exchange.close()


def app_response(exchange: Exchange, node_status: str, http_status: Any = ...) -> None:
    """Send what an action answers that did not succeed."""
    body: dict[str, Any] = {"node_status": node_status, "data": {"message": f"No. <{exchange.record.mark}>"}}
    if http_status is not ...:
        body["http_status"] = http_status
    exchange.respond(response(200, json.dumps(body).encode()))


async def app_refuses(exchange: Exchange) -> None:
    """Have the app refuse: nothing was done."""
    await exchange.body()
    status = exchange.random.choice([400, 401, 403, 404, 422, 429, "404"])
    app_response(exchange, exchange.random.choice(["Errored", "Failed"]), status)


async def app_fails(exchange: Exchange) -> None:
    """Have the app fail, having done it or not."""
    await exchange.maybe_run()
    app_response(
        exchange, exchange.random.choice(["Errored", "Failed"]), exchange.random.choice([500, 502, 503, "500"])
    )


async def app_is_unclear(exchange: Exchange) -> None:
    """Have the action end in some other way, having done it or not."""
    await exchange.maybe_run()
    word = exchange.random.choice(
        ["Waiting", "Stopped", "Rejected", "Errored_and_Skipped", "Timed_Out", "Errored", "?"]
    )
    if word == "Errored":
        app_response(exchange, word)
    else:
        app_response(exchange, word, exchange.random.choice([200, 404, 500, None]))


async def workflow_responses(exchange: Exchange) -> None:
    """Have the workflow choose a status, or stop at an error."""
    await exchange.run()
    status = exchange.random.choice([200, 400, 404, 409, 429, 500, 302])
    body = {**exchange.result(), "errored": status == 200, "execution_error": {"message": "a node failed"}}
    exchange.respond(response(status, json.dumps(body).encode()))


STATUSES: Final = [
    Fault("a refusal", refusal, 3),
    Fault("a redirect", redirect),
    Fault("a failure", failure, 2),
    Fault("a gateway's failure", failure_of_a_gateway, 2),
    Fault("a refusal before the body was read", early_refusal),
    Fault("a failure before the body was read", early_failure),
    Fault("429", too_many),
    Fault("a gateway's 429", too_many_for_a_gateway),
    Fault("429 until tomorrow", come_back_tomorrow, 0.05),
    Fault("an error with an odd body", odd_body_of_an_error, 2),
    Fault("an error in false chunks", false_chunks_of_an_error),
    Fault("an echo of the key", echo),
    Fault("no sense", no_sense, 2),
    Fault("a false encoding", false_encoding),
    Fault("the app refuses", app_refuses, 4, EXECUTIONS),
    Fault("the app fails", app_fails, 2, EXECUTIONS),
    Fault("the app is unclear", app_is_unclear, 2, EXECUTIONS),
    Fault("the workflow's own answer", workflow_responses, 8, frozenset({"run_workflow"})),
]
