"""Persistent tables of a linked account, and the records in them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast
from uuid import NAMESPACE_OID, uuid5

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import OBJECT, TEXT, Field, checked, list_of
from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate, short_page
from refold_async.testing.protocol.replies import NO_CONTENT, Refused, Reply, json_reply
from refold_async.testing.state.documents import Documents

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account by key", error_field="error_code")
_TABLES: Final = "/api/v2/public/tables"
_TABLE: Final = "/api/v2/public/tables/{table_id}"
_MOST_COLUMNS: Final = 20
_MOST_RECORDS: Final = 10_000
_NOT_SHOWN: Final = frozenset({"columns", "records", "records_added", "updatedAt"})
"""What the mock keeps in the document of a table besides what the list of tables shows."""


def _has_texts(*names: str) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict) and all(isinstance(cast("dict[str, Any]", value).get(name), str) for name in names)
    )


_NAMES: Final = list_of(TEXT, at_least=1)
_COLUMN: Final = Field(_has_texts("column_name"), "must be an object with column_name")
_RENAME: Final = Field(_has_texts("old_name", "new_name"), "must be an object with old_name and new_name")
_RECORD_OR_RECORDS: Final = Field(
    lambda value: OBJECT.fits(value) or list_of(OBJECT).fits(value), "must be an object or an array of objects"
)


@GROUP.route("GET", _TABLES)
async def list_tables(call: EndpointCall) -> Reply:
    """List the tables whose name matches a pattern, a page at a time."""
    page, limit = page_number_and_limit(call.query)
    pattern = _pattern("name", call.query.get("name", ""))
    tables = [table for table in _documents(call).all(is_deleted=False) if pattern.search(table["name"])]
    document = paginate(tables, page, limit)
    document["docs"] = [_shown(table) for table in document["docs"]]
    return json_reply(document)


@GROUP.route("POST", _TABLES)
async def create_table(call: EndpointCall) -> Reply:
    """Create a table, or return the id of the one that has the name."""
    fields = checked(
        call.json_object(),
        {"table_name": TEXT, "columns": list_of(_COLUMN, at_least=1)},
        ("table_name", "columns"),
    )
    tables = _documents(call)
    existing = tables.all(name=fields["table_name"], is_deleted=False)
    if existing:
        return json_reply({"table_id": existing[0]["_id"], "already_exists": True})
    table = tables.create(
        {
            "org_id": ORGANISATION_ID,
            "linked_account_id": call.account.linked_account_id,
            "name": fields["table_name"],
            "environment": ENVIRONMENT,
            "table_type": "persistent",
            "is_deleted": False,
            "columns": _checked_columns([column["column_name"] for column in fields["columns"]]),
            "records": [],
            "records_added": 0,
        }
    )
    return json_reply({"table_id": table["_id"]})


@GROUP.route("GET", _TABLE)
async def list_table_records(call: EndpointCall) -> Reply:
    """List the records of a table, a page at a time, with the name of the table and its columns."""
    page, limit = page_number_and_limit(call.query, default_limit=100)
    table = _table(call)
    document = short_page(table["records"], page, limit)
    return json_reply({"name": table["name"], "columns": table["columns"], **document})


@GROUP.route("PATCH", _TABLE)
async def add_table_records(call: EndpointCall) -> Reply:
    """Add records to a table, without the columns that it does not have."""
    table = _table(call)
    data = checked(call.json_object(), {"data": _RECORD_OR_RECORDS}, ("data",))["data"]
    added = cast("list[dict[str, Any]]", data if isinstance(data, list) else [data])
    if len(table["records"]) + len(added) > _MOST_RECORDS:
        raise Refused(400, f"A table can have at most {_MOST_RECORDS} records")
    records = [
        {"record_id": _record_id(table, number), **{name: row[name] for name in table["columns"] if name in row}}
        for number, row in enumerate(added, table["records_added"] + 1)
    ]
    table["records"] += records
    table["records_added"] += len(records)
    return json_reply({"add_record_result": records})


@GROUP.route("DELETE", _TABLE)
async def delete_table(call: EndpointCall) -> Reply:
    """Mark a table as deleted."""
    _documents(call).change(_table(call), {"is_deleted": True})
    return json_reply(True)


@GROUP.route("DELETE", _TABLE + "/{record_id}")
async def delete_table_record(call: EndpointCall) -> Reply:
    """Delete a record from a table, and return it."""
    table = _table(call)
    for record in table["records"]:
        if record["record_id"] == call.path_parameters["record_id"]:
            table["records"].remove(record)
            return json_reply(record)
    raise Refused(404, "Record not found")


@GROUP.route("PATCH", _TABLE + "/columns/add")
async def add_table_columns(call: EndpointCall) -> Reply:
    """Add columns to a table, either all or none."""
    table = _table(call)
    table["columns"] = _checked_columns(table["columns"] + _named_columns(call))
    return json_reply({"columns": table["columns"]})


@GROUP.route("DELETE", _TABLE + "/columns/remove")
async def remove_table_columns(call: EndpointCall) -> Reply:
    """Remove columns from a table and its records. At least one must remain."""
    table = _table(call)
    removed = _known_columns(table, _named_columns(call))
    remaining = [name for name in table["columns"] if name not in removed]
    if not remaining:
        raise Refused(400, "A table must keep at least one column")
    _replace_columns(table, {name: name for name in remaining})
    return json_reply({"columns": table["columns"]})


@GROUP.route("PATCH", _TABLE + "/columns/rename")
async def rename_table_columns(call: EndpointCall) -> Reply:
    """Rename columns of a table and its records, all at the same time: one may take the old name of another."""
    table = _table(call)
    renames = checked(call.json_object(), {"renames": list_of(_RENAME, at_least=1)}, ("renames",))["renames"]
    new_names = {rename["old_name"]: rename["new_name"] for rename in renames}
    _known_columns(table, new_names)
    columns = {name: new_names.get(name, name) for name in table["columns"]}
    _checked_columns(list(columns.values()))
    _replace_columns(table, columns)
    return json_reply({"columns": table["columns"]})


@GROUP.route("POST", _TABLE + "/search")
async def search_table_records(call: EndpointCall) -> Reply:
    """Return the records that match in all given columns."""
    table, wanted = _table(call), call.json_object()
    patterns = {name: _pattern(name, _text(value)) for name, value in wanted.items()}
    return json_reply(
        [
            record
            for record in table["records"]
            if all(name in record and pattern.search(_text(record[name])) for name, pattern in patterns.items())
        ]
    )


@GROUP.route("PUT", _TABLES + "/group/edit")
async def edit_tables_group(call: EndpointCall) -> Reply:
    """Set the group of tables; an empty one removes it. Ids of no table are skipped."""
    fields = checked(call.json_object(), {"tableIds": _NAMES, "group": TEXT}, ("tableIds",))
    for table in _documents(call).all(is_deleted=False):
        if table["_id"] in fields["tableIds"]:
            table.pop("group", None)
            table |= {"group": fields["group"]} if fields.get("group") else {}
    return NO_CONTENT


def _documents(call: EndpointCall) -> Documents:
    return call.account.documents("table")


def _table(call: EndpointCall) -> dict[str, Any]:
    table = _documents(call).find(call.path_parameters["table_id"])
    if table is None or table["is_deleted"]:
        raise Refused(404, "Table not found")
    return table


def _shown(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table as the list of tables shows it."""
    shown = {name: value for name, value in table.items() if name not in _NOT_SHOWN}
    return {**shown, "record_count": len(table["records"])}


def _record_id(table: Mapping[str, Any], number: int) -> str:
    return str(uuid5(NAMESPACE_OID, f"{table['_id']}/{number}"))


def _named_columns(call: EndpointCall) -> list[str]:
    columns: list[str] = checked(call.json_object(), {"columns": _NAMES}, ("columns",))["columns"]
    return columns


def _checked_columns(columns: Sequence[str]) -> list[str]:
    """Return all columns of a table, after checking them."""
    if len(columns) > _MOST_COLUMNS:
        raise Refused(400, f"A table can have at most {_MOST_COLUMNS} columns")
    for name in columns:
        if columns.count(name) > 1:
            raise Refused(400, f"Column {name} already exists")
    return list(columns)


def _known_columns(table: Mapping[str, Any], columns: Sequence[str] | Mapping[str, str]) -> Sequence[str]:
    """Return columns that a table must have."""
    for name in columns:
        if name not in table["columns"]:
            raise Refused(400, f"Column {name} not found")
    return list(columns)


def _replace_columns(table: dict[str, Any], columns: Mapping[str, str]) -> None:
    """Give a table new columns, by the old ones that they are made of; its records too."""
    table["columns"] = list(columns.values())
    table["records"] = [
        {
            "record_id": record["record_id"],
            **{new: record[old] for old, new in columns.items() if old in record},
        }
        for record in table["records"]
    ]


def _text(value: Any) -> str:
    """Return a value as a regular expression sees it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pattern(name: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error:
        raise Refused(400, f"{name} is not a valid regular expression") from None
