"""Persistent tables."""

from typing import Final

from contract.calls.call import ACCOUNT, JANE, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_TABLE: Final = "/api/v2/public/tables/{table_id}"

# fmt: off
CALLS: Final = (
    call("account.tables.list"),
    call("account.tables.list", name="^lead", page_size=7),
    call("account.tables.create", "deals", ["amount", "stage"]),
    call("account.tables.create", "leads", ["email"]),
    call("account.tables.list_records", "{table_id}", page_size=7),
    call("account.tables.add_records", "{table_id}", JANE),
    call("account.tables.add_records", "{table_id}", [JANE, {"email": None, "score": 7}]),
    call("account.tables.search_records", "{table_id}", {"email": "^jane@"}),
    call("account.tables.add_columns", "{table_id}", ["score", "region"]),
    call("account.tables.remove_columns", "{table_id}", ["region"]),
    call("account.tables.rename_columns", "{table_id}", {"score": "stage", "stage": "score"}),
    call("account.tables.edit_group", ["{table_id}"], "sales"),
    call("account.tables.list"),
    call("account.tables.edit_group", ["{table_id}"], ""),
    call("account.tables.delete_record", "{table_id}", "{record_id}"),
    call("account.tables.delete", "{table_id}"),
)
REFUSED: Final = (
    Refused("POST", "/api/v2/public/tables", {"table_name": "wide", "columns": [{"column_name": f"c{n}"}
                                                                                for n in range(21)]}),
    Refused("POST", "/api/v2/public/tables", {"table_name": "wide", "columns": ["email"]}),
    Refused("GET", "/api/v2/public/tables?name=("),
    Refused("PATCH", _TABLE, {"data": "nothing"}),
    Refused("PATCH", f"{_TABLE}/columns/add", {"columns": ["email"]}),
    Refused("PATCH", f"{_TABLE}/columns/add", {"columns": [{"column_name": "other"}]}),
    Refused("DELETE", f"{_TABLE}/columns/remove", {"columns": ["email", "stage"]}),
    Refused("DELETE", f"{_TABLE}/columns/remove", {"columns": ["nowhere"]}),
    Refused("PATCH", f"{_TABLE}/columns/rename", {"renames": [{"old_name": "email", "new_name": "stage"}]}),
    Refused("PATCH", f"{_TABLE}/columns/rename", {"renames": [{"old_name": "nowhere", "new_name": "other"}]}),
    Refused("POST", f"{_TABLE}/search", {"email": "("}),
    Refused("GET", _TABLE, headers={"linked_account_id": "made"}),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make a table with a record."""
    tables = refold.account(ACCOUNT).tables
    table = await tables.create("leads", ["email", "stage"])
    added = await tables.add_records(table.table_id, {"email": "john@example.com", "stage": "new"})
    return {"table_id": table.table_id, "record_id": added.records[0]["record_id"]}
