"""Every field of the table comes back as an attribute of the right type and value, whoever has the documents or not."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import pytest

from contract.deviations import undeviating
from contract.facts import OPERATIONS
from contract.facts.table import Operation
from contract.reading import Given, Read, losses_of, read
from contract.samples import How, sample

SHOWN: Final = [operation for operation in OPERATIONS if not operation.path.endswith("/active-linked-account")]
"""All but what some methods ask first, and give nothing of."""
every_operation: Final = pytest.mark.parametrize("operation", SHOWN, ids=lambda operation: operation.name)


@cache
def samples_read() -> Sequence[Read]:
    """Read samples of every answer: with all fields, with nulls, and with no more than must be there."""
    hows: Sequence[How] = ("filled", "with nulls", "bare")
    return read(
        [
            Given(operation, how, operation.status, sample(operation.answer, how=how))
            for operation in OPERATIONS
            for how in hows
        ]
    )


@every_operation
def test_every_field_comes_back(operation: Operation) -> None:
    """By every method of the operation."""
    reads = [each for each in samples_read() if each.given.operation is operation]
    assert reads
    problems = undeviating(losses_of(reads))
    assert not problems, "\n".join(problems)
