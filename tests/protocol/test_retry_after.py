"""How long a `Retry-After` header asks to wait."""

import math
import time
from collections.abc import Iterator
from typing import Final

import pytest

from refold_async.protocol.retry_after import read_retry_after
from support.cases import each_case

NOON: Final = 1_792_584_000.0  # Wed, 21 Oct 2026 12:00:00 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("120", 120),
        (" 5 ", 5),
        ("1.5", 1.5),
        ("0.0", 0),
        ("007", 7),
        ("\t7\t", 7),
        ("86400", 86_400),
        ("Wed, 21 Oct 2026 12:00:30 GMT", 30),
        ("Thu, 22 Oct 2026 12:00:00 GMT", 86_400),
        ("Wed, 21 Oct 2026 12:00:00 GMT", 0),
        ("Wed, 21 Oct 2026 11:59:00 GMT", 0),
        ("Tue, 07 Nov 2023 08:03:27 GMT", 0),
        ("Wed, 21 Oct 2026 14:01:00 +0200", 60),
        ("Wednesday, 21-Oct-26 12:00:30 GMT", 30),
        ("Wed Oct 21 12:00:30 2026", 30),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    """Seconds or a date; never less than nothing, and never sooner than asked."""
    assert read_retry_after({"Retry-After": value}, lambda: NOON) == seconds


@pytest.mark.parametrize(
    "date", ["", "yesterday", "0", "Fri, 31 Dec 0099 23:59:59 GMT", "Wed, 99 Jul 2026 12:00:00 GMT"]
)
def test_retry_after_beside_a_date_that_cannot_be_read(date: str) -> None:
    """A server that cannot tell the time is still waited for, by our own clock."""
    headers = {"Retry-After": "Wed, 21 Oct 2026 12:00:30 GMT", "Date": date}
    assert read_retry_after(headers, lambda: NOON) == 30


@each_case(
    "value",
    [
        "",
        " ",
        "soon",
        "7 seconds",
        "1, 2",
        "0x10",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "-3",
        "-0",
        "+5",
        "1_000",
        "1e3",
        "1e999",
        ".5",
        "5.",
        "1.5.3",
        "1,5",
        "9" * 11,
        "9" * 400,
        "9" * 5000,
        "\u0665",
        "\uff15",
        "\xa05",
        "5\n6",
        "5\x0b",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Wed, 21 Oct 2026 \u0661\u0662:00:30 GMT",
        "Wed, 99 Oct 2026 12:00:00 GMT",
        "Wed, 21 Oct 99999 12:00:00 GMT",
        "Wed, 21 Oct 99999999999999999999 12:00:00 GMT",
        "Wed, 21 Oct 2026 12:00:00 +99999999",
        "Wed,",
        "\u00e9",
    ],
)
def test_retry_after_that_says_nothing(value: str) -> None:
    """What is neither seconds nor a date is as good as no header, and breaks nothing."""
    assert read_retry_after({"Retry-After": value}, lambda: NOON) is None


def test_no_retry_after() -> None:
    """Without the header there is nothing to read."""
    assert read_retry_after({}) is None


def test_retry_after_by_the_real_clock() -> None:
    """By default dates are measured against the time of day."""
    assert read_retry_after({"Retry-After": "Tue, 07 Nov 2023 08:03:27 GMT"}) == 0
    ages = read_retry_after({"Retry-After": "Fri, 31 Dec 2199 23:59:59 GMT"})
    assert ages is not None
    assert 0 < ages < math.inf


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the process into a time zone that is not GMT."""
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of the process cannot be set here")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize(
    "date", ["Wed, 21 Oct 2026 12:00:30 GMT", "Wed, 21 Oct 2026 12:00:30", "Wed Oct 21 12:00:30 2026"]
)
def test_dates_are_in_gmt(date: str) -> None:
    """A date in HTTP is in GMT, whether it says so or not, wherever the client runs."""
    assert read_retry_after({"Retry-After": date}, lambda: NOON) == 30
