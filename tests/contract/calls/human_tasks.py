"""Forms with which workflows ask a person."""

from typing import Any, Final

from contract.calls.call import Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_TASK: Final = "/api/v2/public/human-tasks"
_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["approved"],
    "properties": {"approved": {"type": "boolean"}, "amount": {"type": "number", "readOnly": True}},
}
_YES: Final = {"data": {"approved": True}}

# fmt: off
CALLS: Final = (
    call("refold.human_tasks.get", "{task}"),
    call("refold.human_tasks.submit", "{task}", {"approved": True, "amount": 5}),
)
REFUSED: Final = (
    Refused("POST", _TASK + "/{task}", {"data": {}}, "nobody"),
    Refused("POST", _TASK + "/{task}", {"data": "yes"}, "nobody"),
    Refused("POST", _TASK + "/{task}", {"data": {"approved": True, "amount": 6}}, "nobody"),
    Refused("POST", _TASK + "/{submitted_task}", _YES, "nobody"),
    Refused("POST", _TASK + "/{expired_task}", _YES, "nobody"),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make forms: one that waits, one that was submitted, and one that has expired."""
    made = [
        mock.human_task("Approve Discount", _FORM, data={"amount": 5}, status=status)
        for status in ("WAITING", "SUBMITTED", "TIMEOUT")
    ]
    return dict(zip(("task", "submitted_task", "expired_task"), made, strict=True))
