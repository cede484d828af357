"""What authenticates the calls of an account where that changes: a token that is fetched, and renewed."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping

from refold_async.errors import APITimeoutError, AuthenticationError, ClientClosedError, RefoldError
from refold_async.pipeline.call_state import CallState
from refold_async.pipeline.permit_wait import waiting

__all__ = ["Credentials"]


class Credentials(ABC):
    """What gives a call headers that authenticate, and new ones where Refold refuses those it gave."""

    @abstractmethod
    def at_hand(self) -> Mapping[str, str] | None:
        """Return the headers, or None where they are to be fetched."""

    @abstractmethod
    async def fetch(self) -> Mapping[str, str]:
        """Return new headers."""

    @abstractmethod
    def refused(self, headers: Mapping[str, str]) -> None:
        """Note that Refold refused these headers."""

    async def authenticate(self, call: CallState) -> Mapping[str, str]:
        """Return the headers for the next attempt of a call, waiting for them within the time the call has.

        Raises:
            RefoldError: They could not be fetched.
            APITimeoutError: The time was up before they were.
            ClientClosedError: The client was closed meanwhile.
        """
        if (headers := self.at_hand()) is not None:
            return headers
        call.sent = False
        problem: RefoldError
        try:
            with waiting(call):
                return await self.fetch()
        except RefoldError as failure:
            problem = copy.copy(failure)  # each who waits raises one of its own
            problem.__cause__ = failure.__cause__
        except TimeoutError:
            problem = APITimeoutError("Waited in vain for a session token; the time was up (timeout total=).")
        if call.deadlines.closed:
            problem = ClientClosedError("The client was closed while the call waited for a session token.")
        raise problem

    def renew(self, call: CallState, headers: Mapping[str, str], error: RefoldError) -> bool:
        """Have the headers renewed if Refold refused them, once for a call; return whether to send it once more.

        Even a write may be sent again: what was refused for its credentials did nothing. But that a synchronous
        workflow set the status cannot be ruled out.
        """
        if not call.sent or not isinstance(error, AuthenticationError) or call.renewed or call.request.synchronous:
            return False
        call.renewed = True
        self.refused(headers)
        return True
