"""`refold request`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from refold_async.cli.confirmation import confirm_write
from refold_async.cli.dry_run import print_request
from refold_async.cli.failures import UsageError
from refold_async.cli.options import Options, WriteOptions
from refold_async.cli.output import print_json
from refold_async.cli.parameters import check_stdin, parse_headers, parse_parameters, read_json
from refold_async.cli.session import open_client
from refold_async.cli.write_effects import only_reading

__all__ = ["request"]

_CONTENT: Final = (
    "The query of a GET or HEAD, otherwise the fields of the JSON body: name=text, name:=JSON, name=@FILE for the text "
    "of a file, or name:=@FILE for its JSON. @FILE alone is the whole body, any JSON. FILE - is stdin, which keeps "
    "secrets out of the shell's history."
)
_READS: Final = frozenset({"GET", "HEAD"})


async def request(
    method: str,
    path: str,
    /,
    *content: Annotated[str, Parameter(help=_CONTENT)],
    options: Options = Options(),
    write: WriteOptions = WriteOptions(),
    account: Annotated[
        str | None,
        Parameter(
            name=["--account", "-a"],
            env_var="REFOLD_LINKED_ACCOUNT_ID",
            help="The linked account to act for; without one, the organisation.",
        ),
    ] = None,
    organisation: bool = False,
    query: Annotated[list[str] | None, Parameter(name=["--query", "-q"])] = None,
    header: Annotated[list[str] | None, Parameter(name=["--header", "-H"])] = None,
    save_to: Annotated[Path | None, Parameter(name="--save-to")] = None,
    dry_run: bool = False,
) -> None:
    """Send a request to any endpoint of Refold's REST API, and print the JSON of the response.

    Args:
        method: The HTTP method, such as GET.
        path: The path below the base URL, such as /api/v2/public/execution, quoted as in URLs.
        organisation: Act for the organisation, even if REFOLD_LINKED_ACCOUNT_ID is set.
        query: A query parameter, as name=text or name:=JSON; may be given several times.
        header: A header, as name=text or name=@FILE; may be given several times.
        save_to: Save the response, such as a PDF, to this file.
        dry_run: Send nothing: print the request with the key hidden.
    """
    if account == "" and not organisation:  # such as a variable of the shell that is not set
        raise UsageError("--account (-a) or REFOLD_LINKED_ACCOUNT_ID is empty: pass --organisation to act without one.")
    check_stdin([*content, *(query or ()), *(header or ())])
    method = method.upper()
    reads = method in _READS
    body, queries = (None, parse_parameters([*content, *(query or ())])) if reads else _body(content, query or [])
    headers = parse_headers(header or ())
    linked_account_id = None if organisation else account
    async with open_client(options) as refold:
        from refold_async.protocol.requests import raw_request

        made = raw_request(method, path, query=queries, headers=headers, json=body)
        if dry_run:
            print_request(refold, made, linked_account_id)
            return
        if not reads:
            owner = "the organisation" if linked_account_id is None else linked_account_id
            confirm_write(refold.environment, f"{method} {path} for {owner}", write)
        caller = refold if linked_account_id is None else refold.account(linked_account_id)
        call = partial(
            caller.request, method, path, query=queries, headers=headers, json=body, idempotent=write.read and not reads
        )
        with only_reading(write.read):
            print_json(await (call() if save_to is None else call(save_to=save_to)))


def _body(content: tuple[str, ...], query: list[str]) -> tuple[Any, dict[str, Any]]:
    """Return the body of a request, which may be any JSON, and its query."""
    if len(content) == 1 and content[0].startswith("@"):
        return read_json(content[0][1:]), parse_parameters(query)
    return parse_parameters(content) or None, parse_parameters(query)
