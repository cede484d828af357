"""`refold.human_tasks`: forms with which workflows ask a person. These calls send no API key."""

from collections.abc import Mapping
from typing import Any, Final

from refold_async.config.secret import hide
from refold_async.config.settings import Timeout
from refold_async.models.confirmations import Confirmation
from refold_async.models.human_tasks import HumanTask
from refold_async.protocol.arguments import mapping
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.parsers import parse_model, parse_told
from refold_async.resources.resource import Resource

__all__ = ["HumanTasks"]

_CHECK_THE_ID: Final = "Check its id, which is in the link that Refold sent to the person."

_GET: Final = Endpoint("GET", "/api/v2/public/human-tasks/{task_id}", "the human task", _CHECK_THE_ID, secret_ids=True)
_SUBMIT: Final = Endpoint(
    "POST",
    "/api/v2/public/human-tasks/{task_id}",
    "the human task",
    _CHECK_THE_ID,
    takes={"data": mapping},
    required=("data",),
    secret_ids=True,
)


class HumanTasks(Resource):
    """Forms with which workflows ask a person, as `refold.human_tasks`. They need no API key."""

    __slots__ = ()

    async def get(self, task_id: str, *, timeout: Timeout | float | None = None) -> HumanTask:
        """Read a form, to show it to a person. Refold page: *Get Human Task*.

        Args:
            task_id: The id of the form. It is a secret of the person who was asked: no error shows it.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The form: the JSON Schema of its fields, and whether it still waits.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such form.
            RefoldError: The call failed in another way.
        """
        task_id = hide(task_id)
        return await self._send(_GET.request(task_id, secrets=(task_id,)), parse_model(HumanTask), timeout)

    async def submit(
        self, task_id: str, data: Mapping[str, Any], *, timeout: Timeout | float | None = None
    ) -> Confirmation:
        """Submit a form, with which its workflow continues. Refold page: *Submit Human Task*.

        This is a write: the client never retries it after the form may have been submitted. If the effect is `unknown`,
        `get` shows whether it was.

        Args:
            task_id: The id of the form, as for `get`.
            data: The values of its fields, by their names.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: The form was already submitted or has expired, a required field is missing, or a field may
                not be changed; the message says which.
            NotFoundError: There is no such form.
            RefoldError: The call failed in another way; `effect` says whether the form may have been submitted.
        """
        task_id = hide(task_id)
        request = _SUBMIT.request(task_id, body={"data": data}, secrets=(task_id,))
        return await self._send(request, parse_told(Confirmation), timeout)
