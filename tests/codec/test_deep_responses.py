"""Responses nested as deep as they are parsed: what is made of them can be pickled, copied and sent to processes."""

import copy
import importlib
import json
import multiprocessing
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, Final

import attrs
import pytest
from multidict import CIMultiDict

from refold_async import APIResponseValidationError, RefoldError, errors
from refold_async.jobs.outcomes import Failed, Ok, Outcome, Unfinished, Unknown
from refold_async.jobs.report import FanOutReport
from refold_async.models.executions import Execution, ExecutionNode
from refold_async.models.model import Model
from refold_async.models.results import ActionResult
from refold_async.protocol import requests
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.responses import Response
from support.cases import each_case
from support.nesting import DEEPEST, nested
from support.raising import fail

REQUEST: Final = requests.execute_action("hubspot", "create_contact", {})


def pickled(value: Any, protocol: int) -> Any:
    """Return what a pickle of a value gives."""
    return pickle.loads(pickle.dumps(value, protocol))


PROTOCOLS: Final = range(pickle.HIGHEST_PROTOCOL + 1)
COPIES: Final[dict[str, Callable[[Any], Any]]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle protocol {protocol}": partial(pickled, protocol=protocol) for protocol in PROTOCOLS},
}
each_way: Final = pytest.mark.parametrize("again", COPIES.values(), ids=COPIES)


def parse(status: int, levels: int, kind: str) -> ActionResult[Any] | RefoldError:
    """Return what is made of a response to an action that has so many levels, or the error that comes of it."""
    odd = kind == "mixed" and levels % 2 == 0
    data = f"[{nested(levels - 2, kind)}]" if odd else nested(levels - 1, kind)
    body = f'{{"node_status":"Success","http_status":200,"message":"x","data":{data}}}'
    response = Response(status, CIMultiDict({"Content-Type": "application/json"}), body.encode())
    try:
        return parse_action_result(None)(response, REQUEST)
    except RefoldError as error:
        return error


@each_case("kind", ["lists", "objects", "mixed"])
@each_case("levels", [5, DEEPEST - 1, DEEPEST, DEEPEST + 1, 500, 900, 1020, 1500, 5000, 100_000])
@each_case("status", [200, 400, 429, 500])
def test_whatever_comes_of_a_response(kind: str, levels: int, status: int) -> None:
    """A result, or an error that has the response in its body, is the same in a copy, however deep that was."""
    made: ActionResult[Any] | RefoldError = parse(status, levels, kind)
    assert isinstance(made, ActionResult) == (status == 200 and levels <= DEEPEST)
    assert isinstance(made, APIResponseValidationError) == (status == 200 and levels > DEEPEST)
    for again in COPIES.values():
        twin: Any = again(made)
        assert type(twin) is type(made)
        if isinstance(made, ActionResult) and isinstance(twin, ActionResult):
            assert (twin, twin.raw) == (made, made.raw)
        else:
            assert vars(twin) == vars(made)


DEEP: Final = json.loads(nested(DEEPEST - 2))
RESULT: Final = ActionResult("Success", DEEP, 200, raw={"node_status": "Success", "data": DEEP})
EXECUTION: Final = Execution(
    "exec_1", nodes=[ExecutionNode(latest_output=DEEP, raw={"latest_output": DEEP})], raw={"nodes": [DEEP]}
)


def every_error() -> list[RefoldError]:
    """Return an error of each class, with all that it may hold as deep as it may be."""
    made: list[RefoldError] = []
    for name in errors.__all__:
        error: RefoldError = getattr(errors, name)("Something.")
        for attribute, value in (("body", DEEP), ("result", RESULT), ("execution", EXECUTION)):
            if hasattr(error, attribute):
                setattr(error, attribute, value)
        made.append(error)
    return made


MODULES: Final = [
    "models.results",
    "models.workflow_execution",
    "models.executions",
    "resources.actions",
    "webhooks",
] + [
    f"resources.{name}"
    for name in ("applications", "events", "executions", "linked_accounts", "session_tokens", "webhooks", "workflows")
]


def subclasses(of: type[Model]) -> list[type[Model]]:
    """Return all public classes of the package that derive from one, at whatever remove."""
    found = [
        one
        for one in of.__subclasses__()
        if vars(sys.modules[one.__module__]).get(one.__name__) is one and not one.__name__.startswith("_")
    ]
    return [*found, *(further for one in found for further in subclasses(one))]


def every_model() -> list[Model]:
    """Return an object of each class that responses are parsed as, with all that it may hold as deep as it may be."""
    for name in MODULES:
        importlib.import_module(f"refold_async.{name}")
    made: list[Model] = []
    for one in dict.fromkeys(subclasses(Model)):
        fields = [field for field in attrs.fields(one) if field.name != "raw"]
        made.append(one(raw={"deep": DEEP}, **{field.name: DEEP for field in fields}))  # type: ignore[call-arg,unused-ignore]
    return made


OK: Final = Ok(item="user_1", linked_account_id="user_1", index=0, value=RESULT)
FAILED: Final = Failed(item="user_1", linked_account_id="user_1", index=1, error=every_error()[0], effect="none")
UNKNOWN: Final = Unknown(item="user_1", linked_account_id="user_1", index=2, error=every_error()[0])
OUTCOMES: Final[tuple[Outcome[str, Any], ...]] = (OK, FAILED, UNKNOWN)


@each_way
def test_every_error(again: Callable[[Any], Any]) -> None:
    """No class of error holds what cannot be copied."""
    for error in every_error():
        twin = again(error)
        assert (type(twin), twin.args, vars(twin)) == (type(error), error.args, vars(error))


@each_way
def test_every_model(again: Callable[[Any], Any]) -> None:
    """Nor does any model."""
    models = every_model()
    assert len(models) >= 20
    for model in models:
        twin = again(model)
        assert attrs.asdict(twin, recurse=False) == attrs.asdict(model, recurse=False)


@each_way
def test_outcomes_and_reports(again: Callable[[Any], Any]) -> None:
    """What a fan-out gives can be copied with all that it holds."""
    report = again(FanOutReport(OUTCOMES))
    assert len(report) == 3
    assert [outcome.status for outcome in report.outcomes] == ["ok", "failed", "unknown"]
    (ok,), (failed,), (unknown,) = report.ok, report.failed, report.unknown
    assert (ok.value, ok.value.raw) == (RESULT, RESULT.raw)
    assert str(failed.error) == str(unknown.error) == str(FAILED.error)
    assert again(OK).value == RESULT
    unfinished = Unfinished(item="user_1", linked_account_id=None, index=0, attempts=1, effect="unknown")
    assert again(unfinished) == unfinished


def test_errors_cross_processes() -> None:
    """An error that is raised in a pool's process, or put into a queue, comes out with all that it holds."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        for error in every_error():
            raised = pool.submit(fail, error).exception()
            assert (type(raised), str(raised)) == (type(error), str(error))
            if hasattr(error, "body"):
                assert raised.body == DEEP  # type: ignore[union-attr]
    queue = context.Queue()
    queue.put(OK)
    assert queue.get(timeout=60).value == RESULT
    queue.close()
    queue.join_thread()
