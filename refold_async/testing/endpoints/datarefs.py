"""Datarefs of a linked account, and the list of those of the organisation."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import TEXT, checked, list_of
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate, short_page
from refold_async.testing.protocol.replies import NO_CONTENT, Refused, Reply, json_reply
from refold_async.testing.state.datarefs import find_dataref, new_dataref
from refold_async.testing.state.documents import Documents

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account by key", error_field="error")
_DATAREFS: Final = "/api/v2/public/dataref"
_DATAREF: Final = "/api/v2/public/dataref/{ref_name}"


@GROUP.route("GET", _DATAREFS, access="organisation")
async def list_datarefs(call: EndpointCall) -> Reply:
    """List the datarefs of all linked accounts or of one, a page at a time; with `unique`, the first of each name."""
    page, limit = page_number_and_limit(call.query)
    unique = call.query.get("unique", "false")
    if unique not in ("true", "false"):
        raise Refused(400, "unique must be true or false")
    wanted = call.query.get("linked_account_id")
    datarefs = [
        dataref
        for account in call.state.accounts.all()
        if wanted in (None, account.linked_account_id)
        for dataref in account.documents("dataref").all()
    ]
    if unique == "true":
        first: dict[str, dict[str, Any]] = {}
        for dataref in datarefs:
            first.setdefault(dataref["name"], dataref)
        datarefs = list(first.values())
    document = paginate(datarefs, page, limit)
    document["docs"] = [
        {name: value for name, value in dataref.items() if name != "data"} for dataref in document["docs"]
    ]
    return json_reply(document)


@GROUP.route("POST", _DATAREFS)
async def create_dataref(call: EndpointCall) -> Reply:
    """Create a dataref without records."""
    name = checked(call.json_object(), {"refName": TEXT}, ("refName",))["refName"]
    if find_dataref(_documents(call), name) is not None:
        raise Refused(400, f"Dataref {name} already exists")
    return json_reply(new_dataref(_documents(call), call.account.linked_account_id, name))


@GROUP.route("GET", _DATAREF)
async def get_dataref(call: EndpointCall) -> Reply:
    """Return the records of a dataref as a table. A page of it has so many records, each with all its rows."""
    page, limit = page_number_and_limit(call.query, default_limit=100)
    data: Mapping[str, Sequence[Mapping[str, Any]]] = _dataref(call)["data"]
    columns = dict.fromkeys(name for rows in data.values() for row in rows for name in row)
    document = short_page(list(data), page, limit)
    rows = [{"record_id": record_id, **row} for record_id in document.pop("docs") for row in data[record_id]]
    return json_reply({"headers": list({"record_id": None, **columns}), "rows": rows, **document})


@GROUP.route("DELETE", _DATAREF)
async def delete_dataref(call: EndpointCall) -> Reply:
    """Delete a dataref with its records."""
    _documents(call).delete(_dataref(call))
    return json_reply({"acknowledged": True, "deletedCount": 1})


@GROUP.route("PUT", _DATAREF + "/clear-records")
async def clear_dataref_records(call: EndpointCall) -> Reply:
    """Delete all records of a dataref."""
    dataref = _dataref(call)
    dataref["data"].clear()
    return json_reply(_documents(call).change(dataref, {}))


@GROUP.route("PUT", "/api/v2/public/datarefs/group")
async def edit_datarefs_group(call: EndpointCall) -> Reply:
    """Set the group of datarefs; an empty one removes it. Names of no dataref are skipped."""
    fields = checked(call.json_object(), {"refNames": list_of(TEXT, at_least=1), "group": TEXT}, ("refNames",))
    for name in fields["refNames"]:
        dataref = find_dataref(_documents(call), name)
        if dataref is not None:
            dataref.pop("group", None)
            _documents(call).change(dataref, {"group": fields["group"]} if fields.get("group") else {})
    return NO_CONTENT


def _documents(call: EndpointCall) -> Documents:
    return call.account.documents("dataref")


def _dataref(call: EndpointCall) -> dict[str, Any]:
    dataref = find_dataref(_documents(call), call.path_parameters["ref_name"])
    if dataref is None:
        raise Refused(404, "Dataref not found")
    return dataref
