"""Credentials of an account that change, such as a token that is fetched and renewed."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping

from refold_async.errors import APITimeoutError, AuthenticationError, ClientClosedError, RefoldError
from refold_async.pipeline.call_state import CallState
from refold_async.pipeline.permit_wait import waiting

__all__ = ["Credentials"]


class Credentials(ABC):
    """Gives a call the headers that authenticate it, and new ones if Refold refuses those."""

    @abstractmethod
    def at_hand(self) -> Mapping[str, str] | None:
        """Return the headers, or None if they must be fetched first."""

    @abstractmethod
    async def fetch(self) -> Mapping[str, str]:
        """Fetch new headers and return them."""

    @abstractmethod
    def refused(self, headers: Mapping[str, str]) -> None:
        """Record that Refold refused these headers."""

    async def authenticate(self, call: CallState) -> Mapping[str, str]:
        """Return the headers for the next attempt of a call; wait for them, but no longer than the call may take.

        Raises:
            RefoldError: The headers could not be fetched.
            APITimeoutError: The call ran out of time before the headers were there.
            ClientClosedError: The client was closed during the wait.
        """
        if (headers := self.at_hand()) is not None:
            return headers
        call.sent = False
        problem: RefoldError
        try:
            with waiting(call):
                return await self.fetch()
        except RefoldError as failure:
            problem = copy.copy(failure)  # each caller that waits raises its own copy
            problem.__cause__ = failure.__cause__
        except TimeoutError:
            problem = APITimeoutError("No session token arrived within the time of the call (Timeout.total).")
        if call.deadlines.closed:
            problem = ClientClosedError("The client was closed while the call waited for a session token.")
        raise problem

    def renew(self, call: CallState, headers: Mapping[str, str], error: RefoldError) -> bool:
        """Have the headers renewed if Refold refused them, once per call. Return whether to retry the call.

        Even a write is retried: a request that was refused for its credentials did nothing. A synchronous workflow is
        the exception, because the workflow itself may have set the status.
        """
        if not call.sent or not isinstance(error, AuthenticationError) or call.renewed or call.request.synchronous:
            return False
        call.renewed = True
        self.refused(headers)
        return True
