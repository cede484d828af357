import pytest

from support.cases import each_case


@each_case(("number", "square"), [(2, 4), (3, 10), (4, 16)])
def wrong_once(number: int, square: int, tmp_path: str) -> None:
    """Fail for one case."""
    assert (number**2, tmp_path) == (square, "given")


@each_case("number", [1, 2, 3])
@each_case("other", "ab")
def wrong_often(number: int, other: str) -> None:
    """Fail for a whole inner case, by pytest's own means, and for one of another."""
    if number == 2:
        pytest.fail("too often")
    assert (number, other) != (3, "b")


def test_one_case_that_fails_is_named() -> None:
    """Its own error is raised, and the case stands beside it."""
    with pytest.raises(AssertionError) as caught:
        wrong_once(tmp_path="given")
    assert caught.value.__notes__ == ["The case is number=3, square=10."]


def test_every_case_that_fails_is_named() -> None:
    """None is left out because one before it failed."""
    with pytest.raises(BaseExceptionGroup, match="2 of 3 cases fail") as caught:
        wrong_often()
    told = ["The case is number=2."], ["The case is other='b'.", "The case is number=3."]
    assert tuple(error.__notes__ for error in caught.value.exceptions) == told


def test_an_argument_that_the_test_has_not_got() -> None:
    """A name that is misspelled is refused."""
    with pytest.raises(AssertionError):
        each_case("numbers", [1])(wrong_often)
