"""The table, the client and the mock beside Refold's description and the examples of its documentation.

They are not part of the repository: without them these tests are skipped.
"""

from contract.description import described_operations, documented_answers, needs_the_documents
from contract.deviations import DEVIATIONS, undeviating
from contract.facts.table import unnamed
from contract.generated_answers import generated_losses
from contract.official_answers import example_losses, refused_examples, sample_losses
from contract.openapi_validation import exchange_problems
from contract.problems import Problem
from contract.table_differences import example_misfits, table_differences, unfounded_facts
from operations_page import endpoints

pytestmark = needs_the_documents


def test_every_operation_of_the_description_has_a_method() -> None:
    """None is left to `request()`."""
    served_here = {unnamed(f"{endpoint.method} {endpoint.path}") for endpoint in endpoints()}
    assert len(described_operations()) >= 102
    assert {name for name in described_operations() if unnamed(name) not in served_here} == set()


def test_the_table_agrees_with_the_description() -> None:
    """Every parameter, field and status that is described is in the table, and what more it has is marked."""
    problems = undeviating(table_differences())
    assert not problems, "\n".join(problems)


def test_the_table_agrees_with_the_examples() -> None:
    """Every field of an example answer is in the table, and every field of the documentation is in an example."""
    problems = undeviating([*example_misfits(), *unfounded_facts()])
    assert not problems, "\n".join(problems)


def test_requests_and_answers_are_as_described() -> None:
    """openapi-core accepts each request and each answer, also where it allows no more than is described."""
    problems = undeviating(exchange_problems())
    assert not problems, "\n".join(problems)


def test_every_example_is_read() -> None:
    """Every field of every example answer comes back as a typed attribute."""
    assert len(documented_answers()) >= 70
    problems = undeviating(example_losses())
    assert not problems, "\n".join(problems)


def test_every_example_of_an_error_is_raised() -> None:
    """As the right class, with status, code, type and message."""
    problems = undeviating(refused_examples())
    assert not problems, "\n".join(problems)


def test_every_described_field_comes_back() -> None:
    """From answers that have all that is described."""
    problems = undeviating(sample_losses())
    assert not problems, "\n".join(problems)


def test_every_answer_made_at_random_is_read() -> None:
    """Every described field comes back, whichever others are there, and whatever its value is."""
    problems = undeviating(generated_losses())
    assert not problems, "\n".join(problems)


def test_deviations() -> None:
    """They are few, and each is needed."""
    problems: list[Problem] = [
        *table_differences(),
        *example_misfits(),
        *unfounded_facts(),
        *exchange_problems(),
        *example_losses(),
        *refused_examples(),
        *sample_losses(),
    ]
    assert len(DEVIATIONS) <= 10
    unused = [each.reason for each in DEVIATIONS if not any(map(each.covers, problems))]
    assert not unused, unused
