"""`account.tables`: persistent tables, and the records in them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.errors import ConfigurationError
from refold_async.models.confirmations import Confirmation
from refold_async.models.tables import AddedRecords, Table, TableCreation
from refold_async.protocol.arguments import Check, called, group_name, line, list_of, mapping, mapping_of, text
from refold_async.protocol.encoding import given_texts
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.pages import AwaitableListing, Listing
from refold_async.protocol.parsers import parse_field, parse_if_sent, parse_model, parse_told
from refold_async.resources.resource import Resource

__all__ = ["Tables"]

_TABLE: Final = "table {table_id!r}"
_RECORD: Final = "record {record_id!r} of table {table_id!r}"
_CHECK_THE_ID: Final = "Check its id, and that this linked account owns it: tables.list() gives all its tables."
_CHECK_THE_RECORD: Final = (
    "Check both ids: tables.list_records() gives all records of a table, each with its record_id."
)

_MOST_COLUMNS: Final = 20
_MOST_RECORDS: Final = 10_000
_Record = dict[str, Any]

_some_records: Final = list_of(mapping, at_least=1, at_most=_MOST_RECORDS)


def _columns(element: Check) -> Check:
    return list_of(element, at_least=1, at_most=_MOST_COLUMNS, distinct=True)


def _new_column(name: str, value: Any) -> dict[str, str]:
    """Return a column as Refold takes it for a new table: not as a text, as it does later, but as an object."""
    return {"column_name": line(name, value)}


def _one_or_more(name: str, value: Any) -> Any:
    """One record or several."""
    if isinstance(value, str | bytes) or not isinstance(value, Mapping | Sequence):
        raise ConfigurationError(f"{name} must be a record, which is a mapping, or a list of records.")
    return mapping(name, value) if isinstance(value, Mapping) else _some_records(name, value)


def _renames(name: str, value: Any) -> list[dict[str, str]]:
    """New names by old names, at least one, no new one twice."""
    names: dict[str, str] = mapping_of(line, text)(name, value)
    if not names:
        raise ConfigurationError(f"{name} is empty: pass the new names of columns, by their old names.")
    _columns(text)(name, list(names.values()))
    return [{"old_name": old, "new_name": new} for old, new in names.items()]


def _wanted(name: str, value: Any) -> Any:
    """A value to search for. None would be left out of the request, which would then find more than it should."""
    if value is None:
        raise ConfigurationError(f"{name} is None: leave the column out, or pass a value to search for.")
    return value


_FILTERS: Final = mapping_of(_wanted)
"""Their names are those of columns, so they are checked as one argument."""

_LIST: Final = Endpoint("GET", "/api/v2/public/tables", "the list of tables")
_CREATE: Final = Endpoint(
    "POST",
    "/api/v2/public/tables",
    "the new table",
    kind="idempotent",
    takes={"table_name": called("name", line), "columns": _columns(_new_column)},
    required=("table_name", "columns"),
)
_LIST_RECORDS: Final = Endpoint("GET", "/api/v2/public/tables/{table_id}", _TABLE, _CHECK_THE_ID)
_ADD_RECORDS: Final = Endpoint(
    "PATCH",
    "/api/v2/public/tables/{table_id}",
    _TABLE,
    _CHECK_THE_ID,
    takes={"data": _one_or_more},
    required=("data",),
)
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/tables/{table_id}", _TABLE, _CHECK_THE_ID)
_DELETE_RECORD: Final = Endpoint("DELETE", "/api/v2/public/tables/{table_id}/{record_id}", _RECORD, _CHECK_THE_RECORD)
_ADD_COLUMNS: Final = Endpoint(
    "PATCH",
    "/api/v2/public/tables/{table_id}/columns/add",
    _TABLE,
    _CHECK_THE_ID,
    takes={"columns": _columns(line)},
    required=("columns",),
)
_REMOVE_COLUMNS: Final = Endpoint(
    "DELETE",
    "/api/v2/public/tables/{table_id}/columns/remove",
    _TABLE,
    _CHECK_THE_ID,
    takes={"columns": _columns(text)},
    required=("columns",),
)
_RENAME_COLUMNS: Final = Endpoint(
    "PATCH",
    "/api/v2/public/tables/{table_id}/columns/rename",
    _TABLE,
    _CHECK_THE_ID,
    takes={"renames": _renames},
    required=("renames",),
)
_SEARCH_RECORDS: Final = Endpoint("POST", "/api/v2/public/tables/{table_id}/search", _TABLE, _CHECK_THE_ID, kind="read")
_EDIT_GROUP: Final = Endpoint(
    "PUT",
    "/api/v2/public/tables/group/edit",
    "the group of the tables",
    takes={"tableIds": called("table_ids", list_of(line, at_least=1)), "group": group_name},
    required=("tableIds", "group"),
)

_parse_columns: Final = parse_field("columns", list[str])
_parse_deleted: Final = parse_if_sent(parse_model(bool))
_parse_deleted_record: Final = parse_if_sent(parse_model(_Record))


def _record_id(record: Mapping[str, Any]) -> str | None:
    record_id = record.get("record_id")
    return record_id if isinstance(record_id, str) else None


class Tables(Resource):
    """The persistent tables of one linked account, as `account.tables`. Refold accepts only an API key for them.

    A record is a dict with the values of its columns and its `record_id`.
    """

    __slots__ = ()

    async def create(
        self, name: str, columns: Sequence[str], *, timeout: Timeout | float | None = None
    ) -> TableCreation:
        """Create a table, or find the existing table of that name. Refold page: *Create a persistent table*.

        Because Refold then returns the id of the existing table, the call is retried like a read.

        Args:
            name: The name of the table.
            columns: The names of 1 to 20 columns.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The id of the table, and whether it already existed. An existing table may have other columns.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            BadRequestError: Refold refused the name or a column.
            RefoldError: The call failed in another way; `effect` says whether the table may have been created. You can
                safely call `create` again.
        """
        request = _CREATE.request(body={"table_name": name, "columns": columns}, subject=f"the new table {name!r}")
        return await self._send(request, parse_model(TableCreation), timeout)

    def list_records(
        self, table_id: str, *, page_size: int = 100, timeout: Timeout | float | None = None
    ) -> Listing[dict[str, Any]]:
        """Iterate over the records of a table. Refold page: *Get records from a persistent table*.

        ```python
        async for record in account.tables.list_records(table_id): ...
        ```

        The next page is fetched while you process the current one. Each page, as `pages()` yields it, also has the
        `name` of the table and its `columns`.

        Args:
            table_id: The id of the table.
            page_size: How many records to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The records. Each is returned only once.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such table for this linked account.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _LIST_RECORDS, table_id, model=_Record, key=_record_id, page_size=page_size, timeout=timeout
        )

    async def add_records(
        self,
        table_id: str,
        data: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        timeout: Timeout | float | None = None,
    ) -> AddedRecords:
        """Add one or more records to a table. Refold page: *Add records to a persistent table*.

        Args:
            table_id: The id of the table.
            data: One record or a list of records, each a mapping of columns to JSON values. A table has at most
                10,000 records. Refold leaves out columns that the table does not have.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The records as they were added, each with its `record_id`.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            ParameterError: A value is not JSON; the message names its place.
            BadRequestError: Refold refused the records, for example because the table would have too many.
            NotFoundError: There is no such table for this linked account.
            RefoldError: The call failed in another way; `effect` says whether the records may have been added.
        """
        request = _ADD_RECORDS.request(table_id, body={"data": data})
        return await self._send(request, parse_model(AddedRecords), timeout)

    async def delete(self, table_id: str, *, timeout: Timeout | float | None = None) -> bool | None:
        """Delete a table. Refold marks it as deleted. Refold page: *Soft-delete a persistent table*.

        Args:
            table_id: The id of the table.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            True, as Refold confirms it; None if Refold's response does not contain that.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such table for this linked account.
            RefoldError: The call failed in another way; `effect` says whether the table may have been deleted.
        """
        return await self._send(_DELETE.request(table_id), _parse_deleted, timeout)

    async def delete_record(
        self, table_id: str, record_id: str, *, timeout: Timeout | float | None = None
    ) -> dict[str, Any] | None:
        """Delete a record from a table. Refold page: *Delete a record from a persistent table*.

        Args:
            table_id: The id of the table.
            record_id: The `record_id` of the record.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The deleted record; None if Refold's response does not contain it.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such record, or no such table for this linked account.
            RefoldError: The call failed in another way; `effect` says whether the record may have been deleted.
        """
        return await self._send(_DELETE_RECORD.request(table_id, record_id), _parse_deleted_record, timeout)

    async def add_columns(
        self, table_id: str, columns: Sequence[str], *, timeout: Timeout | float | None = None
    ) -> list[str]:
        """Add columns to a table, either all or none. Refold page: *Add columns to a persistent table*.

        Args:
            table_id: The id of the table.
            columns: The names of the new columns. A table has at most 20 columns, each with a name of its own.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The names of all columns of the table.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            BadRequestError: A column already exists, or the table would have too many.
            NotFoundError: There is no such table for this linked account.
            RefoldError: The call failed in another way; `effect` says whether the columns may have been added.
        """
        return await self._send(_ADD_COLUMNS.request(table_id, body={"columns": columns}), _parse_columns, timeout)

    async def remove_columns(
        self, table_id: str, columns: Sequence[str], *, timeout: Timeout | float | None = None
    ) -> list[str]:
        """Remove columns from a table. Refold page: *Remove columns from a persistent table*.

        Args:
            table_id: The id of the table.
            columns: The names of the columns. At least one other column must remain.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The names of the remaining columns.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            BadRequestError: Refold refused that, for example because no column would remain.
            NotFoundError: There is no such table for this linked account.
            RefoldError: The call failed in another way; `effect` says whether the columns may have been removed.
        """
        return await self._send(_REMOVE_COLUMNS.request(table_id, body={"columns": columns}), _parse_columns, timeout)

    async def rename_columns(
        self, table_id: str, renames: Mapping[str, str], *, timeout: Timeout | float | None = None
    ) -> list[str]:
        """Rename columns, in the table and in its records. Refold page: *Rename columns in a persistent table*.

        All columns are renamed at the same time: `{"a": "b", "b": "c"}` turns the old `b` into `c`, and `a` into `b`.

        Args:
            table_id: The id of the table.
            renames: The new names of columns, by their old names.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The names of all columns of the table.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            BadRequestError: Refold refused that, for example because two columns would have the same name.
            NotFoundError: There is no such table for this linked account.
            RefoldError: The call failed in another way; `effect` says whether the columns may have been renamed.
        """
        return await self._send(_RENAME_COLUMNS.request(table_id, body={"renames": renames}), _parse_columns, timeout)

    def search_records(
        self,
        table_id: str,
        filters: Mapping[str, Any],
        *,
        timeout: Timeout | float | None = None,
    ) -> AwaitableListing[dict[str, Any]]:
        """Search for records of a table. Refold page: *Search records in a persistent table*.

        ```python
        leads = await account.tables.search_records(table_id, {"email": "@example[.]com$", "stage": "^new$"})
        ```

        Args:
            table_id: The id of the table.
            filters: What to search for, by column. Refold reads the values as regular expressions: to search for plain
                text, pass `re.escape(text)`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The records that match in all these columns. `await` it for a plain `list`, or iterate over it with `async
            for`.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such table for this linked account.
            RefoldError: The call failed.
        """

        def request() -> Request:
            return _SEARCH_RECORDS.request(table_id, body=_FILTERS("filters", filters))

        return self._list_whole(request, _Record, timeout)

    async def edit_group(
        self, table_ids: Sequence[str], group: str | None, *, timeout: Timeout | float | None = None
    ) -> Confirmation:
        """Put tables into a group, or into none. Refold page: *Bulk set / clear table group*.

        Args:
            table_ids: The ids of the tables, at least one.
            group: The name of the group; None or an empty text for no group.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            RefoldError: The call failed; `effect` says whether the groups may have been changed.
        """
        request = _EDIT_GROUP.request(body={"tableIds": table_ids, "group": group})
        return await self._send(request, parse_told(Confirmation), timeout)

    def list(
        self, *, name: str | None = None, page_size: int = 100, timeout: Timeout | float | None = None
    ) -> Listing[Table]:
        """Iterate over the tables. Refold page: *List persistent tables*.

        Args:
            name: Only tables whose name matches this regular expression.
            page_size: How many tables to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The tables, without their records. Each is returned only once.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _LIST,
            model=Table,
            key=lambda table: table.table_id,
            page_size=page_size,
            timeout=timeout,
            query=given_texts(name=name),
        )
