"""What the benchmarks' clients and servers share: the key, the paths, the longer bodies."""

import json
from typing import Final

KEY: Final = "tk_benchmark"
ACTIONS: Final = "/api/v2/integration-schema/hubspot/actions"
PATH: Final = f"{ACTIONS}/get_contact/execute"

ACTIONS_BODY: Final = json.dumps(
    [
        {
            "action_id": f"{verb}_{number}",
            "name": f"{verb.capitalize()} object number {number}",
            "description": f"{verb.capitalize()}s one object of type {number} in the connected account, and answers "
            "with the object as the app has it then.",
            "tag": f"Objects {number % 20}",
        }
        for number in range(100)
        for verb in ("get", "list", "create", "update", "delete")
    ],
    separators=(",", ":"),
).encode()
"""500 actions."""

_CONTACT: Final = (
    b'{"id":"%d","properties":{"email":"contact.%d@example.com","firstname":"Brian","lastname":"Halligan (Sample '
    b'Contact)","lifecyclestage":"opportunity","hs_object_id":%d,"score":%d.5},'
    b'"createdAt":"2023-10-06T09:53:17.242Z","archived":false}'
)
LARGE_BODY: Final = b'{"node_status":"Success","data":{"results":[%s],"paging":{}}}' % b",".join(
    _CONTACT % (number, number, number, number % 100) for number in range(4300)
)
"""A result whose data is 1 MB of contacts."""

CONTACTS_BODY: Final = json.dumps(
    {
        "node_status": "Success",
        "data": [
            {"id": str(number), "email": f"contact.{number}@example.com", "score": number % 100}
            for number in range(1000)
        ],
    },
    separators=(",", ":"),
).encode()
"""A result whose data is 1,000 small contacts."""
