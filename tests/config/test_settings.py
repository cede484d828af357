"""What users set: defaults, what is accepted, and what is refused with which words."""

import math
from typing import Any, Final

import attrs
import pytest

from refold_async import ConfigurationError, RateLimit, RetryPolicy, Timeout
from support.cases import each_case

NO_NUMBERS: Final[list[Any]] = [math.nan, True, False, "5", None, [1], 1j]
NO_POSITIVE_NUMBERS: Final = [*NO_NUMBERS, 0, 0.0, -0.0, -1, -0.5, -math.inf]
NO_WHOLE_NUMBERS: Final[list[Any]] = [*NO_NUMBERS, 1.0, math.inf, -1]


def test_defaults() -> None:
    """The defaults are those that are promised."""
    assert attrs.asdict(Timeout()) == {"total": 120, "attempt": 60, "connect": 10}
    assert attrs.asdict(RetryPolicy()) == {
        "max_retries": 3,
        "initial_delay": 0.5,
        "max_delay": 10,
        "max_retry_after": 60,
        "resend_rate_limited_writes": True,
    }
    assert attrs.asdict(RateLimit(20)) == {"rate": 20, "per": 1, "burst": 1}


@pytest.mark.parametrize("value", [0.001, 1, 300.5, 10**9, math.inf])
@pytest.mark.parametrize("name", ["total", "attempt", "connect"])
def test_limits_of_time(name: str, value: float) -> None:
    """Any time above 0 is a limit, and infinity takes it away."""
    assert getattr(Timeout(**{name: value}), name) == value


@each_case("value", NO_POSITIVE_NUMBERS)
@each_case("name", ["total", "attempt", "connect"])
def test_no_limits_of_time(name: str, value: Any) -> None:
    """What is no time above 0 is refused by the argument's name, with the value."""
    with pytest.raises(ConfigurationError) as caught:
        Timeout(**{name: value})
    assert f"Timeout({name}=)" in caught.value.message
    assert repr(value) in caught.value.message


def test_another_total() -> None:
    """`with_total` changes the total alone, and checks it."""
    assert Timeout(total=1, attempt=2, connect=3).with_total(9) == Timeout(total=9, attempt=2, connect=3)
    with pytest.raises(ConfigurationError, match=r"Timeout\(total=\)"):
        Timeout().with_total(math.nan)


@pytest.mark.parametrize("value", [0, 0.0, 0.5, 7])
@pytest.mark.parametrize("name", ["initial_delay", "max_delay", "max_retry_after"])
def test_pauses(name: str, value: float) -> None:
    """A pause may be 0."""
    pauses: dict[str, Any] = {name: value}
    assert getattr(RetryPolicy(**pauses), name) == value


@each_case("value", [*NO_NUMBERS, -1, -0.001, -math.inf])
@each_case("name", ["initial_delay", "max_delay", "max_retry_after"])
def test_no_pauses(name: str, value: Any) -> None:
    """What is no number of seconds is refused by the argument's name."""
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(**{name: value})
    assert f"RetryPolicy({name}=)" in caught.value.message


@pytest.mark.parametrize("value", [0, 1, 100])
def test_retries(value: int) -> None:
    """Any whole number of retries, and none at all."""
    assert RetryPolicy(max_retries=value).max_retries == value


@pytest.mark.parametrize("value", NO_WHOLE_NUMBERS, ids=repr)
def test_no_retries(value: Any) -> None:
    """Attempts are capped by a whole number: not by infinity, nor by a fraction."""
    with pytest.raises(ConfigurationError, match=r"RetryPolicy\(max_retries=\) must be a whole number of at least 0"):
        RetryPolicy(max_retries=value)


@pytest.mark.parametrize("value", [1, 0, "no", None, math.nan], ids=repr)
def test_the_switch_is_true_or_false(value: Any) -> None:
    """What is only like true or false does not decide whether a write is sent twice."""
    with pytest.raises(ConfigurationError, match=r"RetryPolicy\(resend_rate_limited_writes=\) must be True or False"):
        RetryPolicy(resend_rate_limited_writes=value)


def test_the_documented_rate_limit() -> None:
    """The limit Refold documents can be spelled as the documentation spells it."""
    assert attrs.asdict(RateLimit(20, burst=5)) == {"rate": 20, "per": 1, "burst": 5}
    assert attrs.asdict(RateLimit(0.5, per=60)) == {"rate": 0.5, "per": 60, "burst": 1}


@each_case("value", [*NO_POSITIVE_NUMBERS, math.inf])
@each_case("name", ["rate", "per"])
def test_no_rate(name: str, value: Any) -> None:
    """A rate is above 0 and finite, and so is the span it counts over."""
    with pytest.raises(ConfigurationError) as caught:
        RateLimit(**{"rate": 20, name: value})
    assert f"RateLimit({name}=)" in caught.value.message


@pytest.mark.parametrize("value", [*NO_WHOLE_NUMBERS, 0], ids=repr)
def test_no_burst(value: Any) -> None:
    """A burst is one or more."""
    with pytest.raises(ConfigurationError, match=r"RateLimit\(burst=\) must be a whole number of at least 1"):
        RateLimit(20, burst=value)


@pytest.mark.parametrize(
    ("settings", "name"),
    [(Timeout(), "total"), (RetryPolicy(), "max_retries"), (RateLimit(20), "burst")],
    ids=lambda value: type(value).__name__,
)
def test_frozen(settings: Any, name: str) -> None:
    """Settings are shared by all calls, so nobody changes them under way, nor adds a misspelled one."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(settings, name, 5)
    with pytest.raises(AttributeError):
        settings.totall = 5


@pytest.mark.parametrize("settings_class", [Timeout, RetryPolicy])
def test_by_name_only(settings_class: Any) -> None:
    """`Timeout(5)` would not tell which limit is meant."""
    with pytest.raises(TypeError):
        settings_class(5)


def test_compared_by_value() -> None:
    """Equal settings are equal, and can be keys."""
    assert Timeout(total=5) == Timeout(total=5.0) != Timeout(total=6)
    assert len({RetryPolicy(), RetryPolicy(), RetryPolicy(max_retries=0)}) == 2
