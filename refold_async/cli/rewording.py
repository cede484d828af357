"""Rewords what the library says to programmers for users of commands: one table for all commands."""

import re
from collections.abc import Callable
from typing import Final

__all__ = ["REWORDINGS", "reworded"]

REWORDINGS: Final[tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]] = (
    # Where to look things up.
    (
        r"Check the slug in the Refold Console[;.] .*?, list_actions\(slug\) \w+ the app's actions\.",
        "`refold apps` lists the apps.",
    ),
    (r"\blist_actions\(slug\) (?:gives|lists)", "`refold actions SLUG` lists"),
    (r"\bapplications\.list\(\) (?:gives|lists)", "`refold apps` lists"),
    (r"\bworkflows\.list\(\) (?:gives|lists)", "`refold workflows list` lists"),
    (r"\bexecutions\.list\(\) (?:gives|lists)", "`refold executions list` lists"),
    (r"\blinked_accounts\.list\(\) (?:gives|lists)", "`refold accounts list` lists"),
    (r"\bwebhooks\.list\(\) (?:gives|lists)", "`refold webhooks list` lists"),
    (r"Check the slug and the action_id:", "Check the app and the action:"),
    (
        r"Check connection_id: applications\.get\(slug\)\.connected_accounts lists the existing connections\.",
        "Check --connection-id: `refold apps --json` lists the connections, as connected_accounts.",
    ),
    (r"check connection_id\.", "check --connection-id."),
    # What to do next.
    (
        r"\brefold\.linked_accounts\.upsert\(linked_account_id\)\.",
        "`refold accounts upsert ACCOUNT`.",
    ),
    (
        r"send its owner the link \(await account\.connect_url\(\)\)\.hosted_url\. To be notified .* webhook\.",
        "`refold connect SLUG` prints the link to give to its owner.",
    ),
    (
        r"It may still be running: wait again with executions\.wait\(\)\.",
        "It may still be running.",
    ),  # a note has the command
    (r"wait again with applications\.wait_connected\(\)\.", "`refold connect SLUG --wait` waits again."),
    (r"executions\.response\('([^']*)'\) returns it\.", r"`refold executions response \1` prints it."),
    (
        r" It may still be running: wait with executions\.wait\(\), or stop it with executions\.stop\(\)\.",
        " It may still be running: `refold executions wait` waits for it, `refold executions stop` stops it.",
    ),
    # The advice for the exit code follows.
    (r" ?(?:It|The action|The workflow) may have run: check[\w ]* before you retry it\.", ""),
    (r" ?It may have run; it is safe to retry\.", ""),
    (r"(Earlier nodes (?:may have )?r[au]n): check what they did before you run it again\.", r"\1."),
    (r"\bit does not fit [\w.\[\], |]+: ", "it is not what Refold documents: "),
    (r" ?The data is in \.result(; do not repeat the call to get it)?\.", ""),
    (r"\bwhich it chose itself; see \.execution\.", "which it chose itself."),
    # Options of calls.
    (
        r"If the response is a file, pass into=bytes, or save_to= with a path",
        "If the response is a file, pass --save-to FILE",
    ),
    (r"so there is no file for save_to=: leave out save_to=", "so there is no file: leave out --save-to"),
    (r"\bsave_to='([^']*)' (cannot|could not) be written", r"--save-to \1 \2 be written"),
    (r"pass a larger timeout=, such as Timeout\(total=600, attempt=600\)\.", "pass a larger --timeout, such as 600."),
    (r"within the time of the call \(Timeout\.total\)\.", "in time: pass a larger --timeout."),
    (r"were over \(Timeout\.total\)", "were over: pass a larger --timeout"),
    (r"longer than Timeout\.total=[\d.e+-]+ allows", "longer than --timeout allows"),
    (r" \(Timeout\.\w+\)", ""),
    (r" \(max_connections=\)", ""),
    (r", so stop_after=\S+ stopped the job\.", ", so --stop-after stopped the job."),
    (
        r"than job_timeout=(\S+) seconds\. Items without an outcome are in the fan-out's `unfinished`\.",
        r"than \1 seconds (--job-timeout).",
    ),
    (r"\b\w+\(\w+=\) must be", "--timeout must be"),
    (r" \(math\.inf for no limit\)", " (inf for no limit)"),
    (r", or set (?:account_rate_limit=|rate_limit= to the limit that applies)\.", "."),
    (r"\bCheck the path, the ids in it, and base_url\.", "Check the path, the ids in it, and --base-url."),
    (r" Check base_url, the network, and the proxy if there is one\.", ""),
    (r"\bpass the query as query=\{\.\.\.\}, and quote ids", "pass the query as name=value or --query, and quote ids"),
    (r"\bjson cannot be sent with (\w+): pass query=\{\.\.\.\}\.", r"\1 takes no body: pass name=value as its query."),
    (r"quote ids with urllib\.parse\.quote\(\)\.", "write a % as %25."),
    (r"use https://, or pass allow_http=True\.", "use https://."),
    (r"\bpass credentials as api_key=", "pass the key as REFOLD_API_KEY"),
    (r" than max_header_bytes=", " than "),
    (r" Pass a larger max_header_bytes= to AsyncRefold\.", ""),
    (
        r"\bit is longer than max_response_bytes=(\w+): .* save_to= to the call",
        r"it is longer than \1 bytes: pass --save-to FILE",
    ),
    (r"Only webhooks of webhook_type='default' can be read\.", "Only webhooks of type default can be read."),
    (r"\bvalidate\(\) needs jsonschema:", "The check needs jsonschema:"),
    (r"\bbelow base_url\b", "below the base URL"),
    (r"\bbase_url\b", "--base-url"),
    (r"This version of refold_async does not", "This version does not"),
    # Journals in PostgreSQL.
    (r"\bPostgresJournal\(dsn\)", "What was given"),
    (r"\bPostgresJournal\((\w+)=\)", lambda found: f"--{found[1].replace('_', '-')}"),
    (r"\bname one, PostgresJournal\(\.\.\., job='june sync'\)\.", "name one with --job."),
    (r"`await journal\.create_schema\(\)` or `refold journal init`", "`refold journal init`"),
    (r"\bPostgresJournal needs", "A journal in PostgreSQL needs"),
)
"""What a message of the library says, as a regular expression, and what the command line says instead."""
_OF_OTHERS: Final[tuple[tuple[str, str], ...]] = (
    # aiohttp
    (
        r"Cannot connect to host (\S+) \[(?:Connect call failed|Multiple exceptions).*\]\.",
        r"nothing answers at \1. Is the server running? Check --base-url or REFOLD_BASE_URL, and HTTPS_PROXY if set.",
    ),
    (
        r"Cannot connect to host (\S+) \[(.*)\]\.",
        r"cannot connect to \1 (\2). Check --base-url or REFOLD_BASE_URL, and your network.",
    ),
    # Refold, or another server.
    (
        r"(HTTP 404 Not Found [^:]*): Cannot [A-Z]+ (/[^\s?]*?)\.(?: .*)?$",
        r"\1: the server has no path \2. Check --base-url or REFOLD_BASE_URL; for `refold request`, also the path.",
    ),
)
"""The same for messages of others, which the library quotes."""


def reworded(text: str) -> str:
    """Return a message of the library without Python calls, which a user of commands cannot make."""
    for said, instead in REWORDINGS + _OF_OTHERS:
        text = re.sub(said, instead, text)
    return text
