"""Many small cases in one test, because pytest's own work for a test takes longer than most of them."""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

__all__ = ["each_case"]


def each_case(
    names: str | Sequence[str], cases: Iterable[Any], *, ids: Callable[[Any], object] = repr
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test with every case, like `pytest.mark.parametrize`, but as one test, which names the cases that fail.

    It is for pure functions: the cases share their fixtures.

    Args:
        names: The argument that is a case, or the arguments that each case has a value for.
        cases: The cases. Each is tried, even if an earlier one failed.
        ids: What to call a value of a case that fails.
    """
    all_cases = list(cases)
    assert all_cases
    arguments = [names] if isinstance(names, str) else list(names)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def test_of_all(**others: Any) -> None:
            failures: list[BaseException] = []
            for case in all_cases:
                values = [case] if isinstance(names, str) else case
                given = dict(zip(arguments, values, strict=True))
                try:
                    test(**given, **others)
                except (Exception, BaseExceptionGroup, pytest.fail.Exception) as error:  # noqa: BLE001 - raised below
                    told = ", ".join(f"{name}={str(ids(value))[:200]}" for name, value in given.items())
                    error.add_note(f"The case is {told}.")
                    failures.append(error)
            if len(failures) == 1:
                raise failures[0]
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(all_cases)} cases fail", failures)

        signature = inspect.signature(test)
        assert not [name for name in arguments if name not in signature.parameters]
        left = [parameter for name, parameter in signature.parameters.items() if name not in arguments]
        test_of_all.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        del test_of_all.__wrapped__
        return test_of_all

    return decorate
