"""`account.datarefs` and `refold.datarefs`: records that workflows keep under a name."""

from collections.abc import Sequence
from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.models.confirmations import Confirmation
from refold_async.models.datarefs import Dataref, DatarefDeletion
from refold_async.protocol.arguments import called, flag, group_name, line, list_of
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.pages import Listing
from refold_async.protocol.parsers import parse_model, parse_told
from refold_async.resources.resource import Resource

__all__ = ["Datarefs", "OrganisationDatarefs"]

_DATAREF: Final = "dataref {ref_name!r}"
_CHECK_THE_NAME: Final = (
    "Check its name, and that this linked account has it: refold.datarefs.list() gives those of all linked accounts."
)

_LIST: Final = Endpoint(
    "GET", "/api/v2/public/dataref", "the list of datarefs", takes={"linked_account_id": line, "unique": flag}
)
_CREATE: Final = Endpoint(
    "POST",
    "/api/v2/public/dataref",
    "the new dataref",
    takes={"refName": called("ref_name", line)},
    required=("refName",),
)
_LIST_ROWS: Final = Endpoint("GET", "/api/v2/public/dataref/{ref_name}", _DATAREF, _CHECK_THE_NAME)
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/dataref/{ref_name}", _DATAREF, _CHECK_THE_NAME)
_CLEAR_RECORDS: Final = Endpoint("PUT", "/api/v2/public/dataref/{ref_name}/clear-records", _DATAREF, _CHECK_THE_NAME)
_EDIT_GROUP: Final = Endpoint(
    "PUT",
    "/api/v2/public/datarefs/group",
    "the group of the datarefs",
    takes={"refNames": called("ref_names", list_of(line, at_least=1)), "group": group_name},
    required=("refNames", "group"),
)


class Datarefs(Resource):
    """The datarefs of one linked account, as `account.datarefs`. Refold accepts only an API key for them.

    Workflows write the records of a dataref; calls read and clear them. To list datarefs, use `refold.datarefs.list()`:
    Refold has one list of them, for the whole organisation, which may be limited to one linked account.
    """

    __slots__ = ()

    async def create(self, ref_name: str, *, timeout: Timeout | float | None = None) -> Dataref:
        """Create a dataref without records. Refold page: *Create a new dataref*.

        Args:
            ref_name: The name of the dataref.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The dataref.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            BadRequestError: Refold refused the name.
            RefoldError: The call failed in another way; `effect` says whether the dataref may have been created.
        """
        request = _CREATE.request(body={"refName": ref_name}, subject=f"the new dataref {ref_name!r}")
        return await self._send(request, parse_model(Dataref), timeout)

    def list_rows(
        self, ref_name: str, *, page_size: int = 100, timeout: Timeout | float | None = None
    ) -> Listing[dict[str, Any]]:
        """Iterate over the records of a dataref, as the rows of a table. Refold page: *Get a dataref as a table*.

        ```python
        async for row in account.datarefs.list_rows("contacts"): ...
        ```

        The next page is fetched while you process the current one. Each page, as `pages()` yields it, also has the
        `columns` of the table. Pages consist of records, and a record may have several rows. So a page may have more
        rows than `page_size`, and its `total_docs` counts records.

        Args:
            ref_name: The name of the dataref.
            page_size: How many records to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The rows, each a dict of its values and the `record_id` of its record.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such dataref for this linked account.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _LIST_ROWS,
            ref_name,
            model=dict[str, Any],
            key=lambda _: None,  # rows of one record have the same id
            page_size=page_size,
            timeout=timeout,
        )

    async def clear_records(self, ref_name: str, *, timeout: Timeout | float | None = None) -> Dataref:
        """Delete all records of a dataref, but not the dataref. Refold page: *Clear all records of a dataref*.

        The call is not repeated after a lost response: a workflow may have written new records in the meantime.

        Args:
            ref_name: The name of the dataref.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The dataref, whose `data` is empty.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such dataref for this linked account.
            RefoldError: The call failed in another way; `effect` says whether the records may have been deleted.
        """
        return await self._send(_CLEAR_RECORDS.request(ref_name), parse_model(Dataref), timeout)

    async def delete(self, ref_name: str, *, timeout: Timeout | float | None = None) -> DatarefDeletion:
        """Delete a dataref with its records. Refold page: *Delete a dataref*.

        Args:
            ref_name: The name of the dataref.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation. Its `deleted_count` may be 0 if there was no such dataref.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such dataref for this linked account.
            RefoldError: The call failed in another way; `effect` says whether the dataref may have been deleted.
        """
        return await self._send(_DELETE.request(ref_name), parse_told(DatarefDeletion), timeout)

    async def edit_group(
        self, ref_names: Sequence[str], group: str | None, *, timeout: Timeout | float | None = None
    ) -> Confirmation:
        """Put datarefs into a group, or into none. Refold page: *Bulk set / clear dataref group*.

        Args:
            ref_names: The names of the datarefs, at least one.
            group: The name of the group; None or an empty text for no group.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            RefoldError: The call failed; `effect` says whether the groups may have been changed.
        """
        request = _EDIT_GROUP.request(body={"refNames": ref_names, "group": group})
        return await self._send(request, parse_told(Confirmation), timeout)


class OrganisationDatarefs(Resource):
    """The datarefs of all linked accounts of your organisation, as `refold.datarefs`.

    Everything else than the list is about one linked account, and in `account.datarefs`.
    """

    __slots__ = ()

    def list(
        self,
        *,
        linked_account_id: str | None = None,
        unique: bool | None = None,
        page_size: int = 100,
        timeout: Timeout | float | None = None,
    ) -> Listing[Dataref]:
        """Iterate over the datarefs. Refold page: *List datarefs for the org / linked account*.

        Args:
            linked_account_id: Only datarefs of this linked account; by default those of the whole organisation.
            unique: True for only one entry per name. What else Refold adds to an entry is in its `raw`.
            page_size: How many datarefs to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The datarefs in the environment of the API key, without their records. Each is returned only once.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _LIST,
            model=Dataref,
            key=lambda dataref: dataref.dataref_id,
            page_size=page_size,
            timeout=timeout,
            query={"linked_account_id": linked_account_id, "unique": unique},
        )
