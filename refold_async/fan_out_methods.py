"""`fan_out()` and `fan_out_action()` of the client: calls for many linked accounts."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, cast, overload

from refold_async.config.client_options import environment_of
from refold_async.config.settings import resolve_timeout
from refold_async.config.validation import check_bool
from refold_async.errors import ConfigurationError
from refold_async.limits.scheduler import RequestScheduler
from refold_async.models.results import ActionResult
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol import requests
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Response
from refold_async.resources.account import AccountScope
from refold_async.transport.transport import Transport

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from refold_async.codec.pydantic_models import PydanticModel
    from refold_async.jobs.client_interface import ClientInterface
    from refold_async.jobs.fan_out import FanOut
    from refold_async.jobs.options import ActionFanOutOptions, FanOutOptions
    from refold_async.jobs.recorder import Recorder
    from refold_async.models.linked_accounts import LinkedAccount

    Parameters = Mapping[str, Any] | PydanticModel

__all__ = ["FanOutMethods"]

Item = TypeVar("Item")
T = TypeVar("T")
Method = TypeVar("Method", bound=Callable[..., Any])


class _MethodWithOptions:
    """A method whose options a class declares. Its signature and documentation are made when somebody first reads them.

    Afterwards the class has a plain function in its place, because tools that inspect classes expect plain functions.
    """

    def __init__(self, function: Callable[..., Any], declared: str) -> None:
        self._function = function
        self._declared = declared

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., Any]:
        if instance is not None:
            return MethodType(self, instance)
        setattr(self._owner, self._function.__name__, self.__wrapped__)
        return self.__wrapped__

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._function(*args, **options)

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        if not hasattr(self._function, "__signature__"):
            from refold_async.jobs import options
            from refold_async.jobs.options_help import document
            from refold_async.models.linked_accounts import LinkedAccount

            document(self._function, getattr(options, self._declared), str | AccountScope | LinkedAccount)
        return self._function

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.__wrapped__.__doc__

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


def _with_options(declared: str) -> Callable[[Method], Method]:
    """Decorate a method so that it takes the options which a class of `refold_async.jobs.options` declares."""

    def decorate(function: Method) -> Method:
        return cast("Method", _MethodWithOptions(function, declared))

    return decorate


class FanOutMethods:
    """The client's methods that make calls for many linked accounts."""

    _api_key: str | None
    _transport: Transport
    _scheduler: RequestScheduler
    _pipeline: Pipeline

    def account(self, linked_account_id: str) -> AccountScope:
        """Return the scope of one linked account."""
        raise NotImplementedError

    @_with_options("FanOutOptions")
    def fan_out(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        call: Callable[[AccountScope, Item], Awaitable[T]],
        **options: "Unpack[FanOutOptions[Item, str | AccountScope | LinkedAccount]]",
    ) -> "FanOut[Item, T]":
        """Await `call(scope, item)` for every item, with a limited number of items in flight.

        Args:
            items: The items: any iterable or async iterable, of any length. Items are read only as fast as they can be
                processed. While the linked account of an item is busy, the item is parked, so that it does not delay
                the items after it; up to 100,000 items are parked at a time.
            call: A function that returns an awaitable, such as an async function. It receives the scope of the item's
                linked account, and the item. If it raises an exception, that becomes the outcome of this item; the
                other items continue.
            **options: Any of `FanOutOptions`, such as `concurrency`. `help()` of this method lists them.

        Returns:
            The fan-out, not started yet: iterate over it inside `async with`, or await its `collect()`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
        """
        from refold_async.jobs.fan_out import FanOut
        from refold_async.jobs.options import FanOutOptions, with_defaults

        chosen = with_defaults(FanOutOptions, options, "AsyncRefold.fan_out")
        recorder: Recorder[Item, T] = self._recorder(chosen, restore=lambda result: result)
        return FanOut(items, call, self._interface(chosen["account"]), recorder, chosen)

    @overload
    def fan_out_action(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        slug: str,
        action_id: str,
        parameters: "Parameters | Callable[[Item], Parameters | None] | None" = None,
        *,
        into: None = None,
        **options: "Unpack[ActionFanOutOptions[Item, str | AccountScope | LinkedAccount]]",
    ) -> "FanOut[Item, ActionResult[Any]]": ...

    @overload
    def fan_out_action(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        slug: str,
        action_id: str,
        parameters: "Parameters | Callable[[Item], Parameters | None] | None" = None,
        *,
        into: "TypeForm[T]",
        **options: "Unpack[ActionFanOutOptions[Item, str | AccountScope | LinkedAccount]]",
    ) -> "FanOut[Item, ActionResult[T]]": ...

    @_with_options("ActionFanOutOptions")
    def fan_out_action(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        slug: str,
        action_id: str,
        parameters: "Parameters | Callable[[Item], Parameters | None] | None" = None,
        *,
        into: Any = None,
        **options: "Unpack[ActionFanOutOptions[Item, str | AccountScope | LinkedAccount]]",
    ) -> "FanOut[Item, ActionResult[Any]]":
        """Execute one action for every item, with a limited number in flight. Refold page: *Execute Action*.

        Args:
            items: The items, any iterable or async iterable, such as `refold.linked_accounts.list()`. They can be
                linked account ids, scopes or `LinkedAccount`s. For any other items, pass `account=`, a function that
                returns the linked account of an item.
            slug: The app, such as `hubspot`.
            action_id: The action, such as `get_contact`.
            parameters: The parameters of the action: a mapping or a pydantic model, the same for all items, or a
                function that receives an item and returns its parameters.
            into: The type to convert `data` of each result into, as for `AccountScope.execute_action`. `bytes` cannot
                be combined with a journal that records results, because it records them as JSON.
            **options: Any of `ActionFanOutOptions`, such as `concurrency`. `help()` of this method lists them.

        Returns:
            The fan-out, not started yet: iterate over it inside `async with`, or await its `collect()`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            ParameterError: `parameters` cannot be encoded as JSON.
        """
        from refold_async.codec import json_codec
        from refold_async.jobs.fan_out import FanOut
        from refold_async.jobs.options import ActionFanOutOptions, with_defaults

        chosen = with_defaults(ActionFanOutOptions, options, "AsyncRefold.fan_out_action")
        idempotent: bool = chosen["idempotent"]
        reconcile = chosen["reconcile"]
        if reconcile is not None:
            from refold_async.pipeline.reconciling.reconcile import check_reconcile

            check_reconcile(reconcile, idempotent=idempotent, resend_unknown=chosen["resend_unknown"])
        parse = parse_action_result(into)
        given = (parameters, chosen["connection_id"], chosen["headers"])

        def request_of(values: Iterable[Any]) -> Request:
            sent, connection_id, headers = values
            return requests.execute_action(
                slug, action_id, sent, idempotent=idempotent, connection_id=connection_id, headers=headers
            )

        # Built once if it is the same for all items, and always checked before the first item is read.
        common = request_of(None if callable(value) else value for value in given)
        differs = any(callable(value) for value in given)
        # Without a timeout, each scope uses its own: items that are scopes may have different ones.
        timeout = chosen["timeout"]
        limits = None if timeout is None else resolve_timeout(timeout, self._pipeline.timeout)

        def request_for(item: Item) -> Request:
            return request_of(value(item) if callable(value) else value for value in given) if differs else common

        def execute(scope: AccountScope, item: Item) -> Awaitable[ActionResult[Any]]:
            return scope._send(request_for(item), parse, limits)  # pyright: ignore[reportPrivateUsage]

        def send(scope: AccountScope, item: Item, request: Request) -> Awaitable[ActionResult[Any]]:
            return scope._send(request, parse, limits)  # pyright: ignore[reportPrivateUsage]

        def seconds_to_look(scope: AccountScope) -> float:
            return scope._limits(timeout).total  # pyright: ignore[reportPrivateUsage]

        def restore(result: Any) -> ActionResult[Any]:
            return parse(Response(200, {}, json_codec.encode_as_read(result).encode()), common)

        chosen["resend_unknown"] = chosen["resend_unknown"] or (idempotent and chosen["journal"] is not None)
        recorder = self._recorder(
            chosen,
            restore=restore,
            slug=slug,
            action_id=action_id,
            parameters=None if callable(parameters) else common.body,
        )
        if into is bytes and chosen["journal"] is not None and chosen["journal"].results:
            raise ConfigurationError(
                "into=bytes cannot be combined with Journal(..., results=True), which records results as JSON: pass "
                "results=False, and store the files elsewhere."
            )
        call: Callable[..., Awaitable[ActionResult[Any]]] = execute if reconcile is None else send
        if check_bool("skip_disconnected", chosen["skip_disconnected"]):
            from refold_async.resources.connections import Connections

            call = Connections(slug).before(call, limits)
        if reconcile is not None:
            from refold_async.jobs.reconciling import ReconcilingCall

            check_usable = self._transport.check_usable
            call = ReconcilingCall(reconcile, request_for, call, parse, chosen["key"], seconds_to_look, check_usable)
        return FanOut(items, call, self._interface(chosen["account"]), recorder, chosen)

    def _interface(self, account: Any) -> "ClientInterface[Any, AccountScope]":
        """Return what a fan-out uses of the client; `account` returns the account of items that do not name theirs."""
        from refold_async.jobs.client_interface import ClientInterface
        from refold_async.models.linked_accounts import LinkedAccount

        if account is not None and not callable(account):
            raise ConfigurationError("account must be a function that returns an item's linked account id or scope.")

        def scope_of(item: Any) -> AccountScope:
            told = item if account is None else account(item)
            if isinstance(told, str):
                return self.account(told)
            if isinstance(told, AccountScope):
                return told
            if isinstance(told, LinkedAccount):
                return self.account(told.linked_account_id)
            if account is None:
                raise ConfigurationError(
                    f"An item of type {type(item).__name__} does not name its linked account: pass account=, a "
                    "function that returns an item's linked account id or scope."
                )
            raise ConfigurationError(f"account= returned {type(told).__name__}, not a linked account id or a scope.")

        return ClientInterface(
            scope_of=scope_of,
            lane_of=AccountScope._lane,  # pyright: ignore[reportPrivateUsage]
            limits_accounts=self._scheduler.limits_accounts,
            refuses_all=lambda: self._scheduler.refuses_all,
            is_closed=lambda: self._transport.closed,
        )

    def _recorder(
        self,
        options: Mapping[str, Any],
        *,
        restore: Callable[[Any], T],
        slug: str | None = None,
        action_id: str | None = None,
        parameters: bytes | None = None,
    ) -> "Recorder[Any, T]":
        journal = options["journal"]
        key: Callable[[Any], str] | None = options["key"]
        for name in ("retry_failed", "resend_unknown"):
            if check_bool(name, options[name]) and journal is None:
                raise ConfigurationError(f"{name}=True needs the journal of an earlier run: pass journal=.")
        if key is not None and not callable(key):
            raise ConfigurationError("key must be a function that returns a str which identifies an item.")
        if journal is None:
            from refold_async.jobs.recorder import NullRecorder

            return NullRecorder()
        from refold_async.jobs.journal_recorder import JournalRecorder
        from refold_async.journal.opening import check_journal
        from refold_async.journal.store import JobIdentity

        identity = JobIdentity(
            base_url=self._transport.base_url,
            environment=environment_of(self._api_key),
            slug=slug,
            action_id=action_id,
            parameters_sha256=None if parameters is None else _fingerprint(parameters),
        )
        return JournalRecorder(
            journal=check_journal(journal),
            identity=identity,
            key=key,
            retry_failed=options["retry_failed"],
            resend_unknown=options["resend_unknown"],
            reconciles=options.get("reconcile") is not None,
            restore=restore,
            structures=slug is not None,
        )


def _fingerprint(parameters: bytes) -> str:
    """Return a hash of JSON that does not depend on the order of keys."""
    import hashlib
    import json

    return hashlib.sha256(json.dumps(json.loads(parameters), sort_keys=True).encode()).hexdigest()
