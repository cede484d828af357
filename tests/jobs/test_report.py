"""Reports: what they count, how they are handed on as rows and lines, and how they look."""

import asyncio
import csv
import gc
import io
import itertools
import tracemalloc
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import attrs
import pytest

from refold_async import (
    AccountScope,
    APITimeoutError,
    AsyncRefold,
    ConfigurationError,
    Failed,
    FanOutReport,
    NotFoundError,
    Ok,
    Outcome,
    OutcomeWriter,
    ReconnectRequiredError,
    RecordedError,
    RefoldError,
    Unknown,
)
from refold_async.testing import Answer, MockRefold, Reset


def failed(item: Any, error: BaseException, index: int = 0, **more: Any) -> Failed[Any]:
    """Return the outcome of an item that failed."""
    effect = more.pop("effect", "none")
    account = more.pop("linked_account_id", f"user_{index}")
    return Failed(item=item, linked_account_id=account, index=index, error=error, effect=effect, **more)


def not_found(message: str = "Nobody there.") -> NotFoundError:
    """Return an error that a call ended with."""
    error = NotFoundError(message, status_code=404, request_id="req_1")
    error.method, error.url, error.attempts = "GET", "https://app.refold.ai/x", 1
    return error


class CustomerGoneError(Exception):
    """An error of the caller's own."""


OK: Final = Ok(item="user_0", linked_account_id="user_0", index=0, value=7, attempts=1, elapsed=0.0304)
MIXED: Final[FanOutReport[Any, Any]] = FanOutReport(
    (
        OK,
        failed("user_1", not_found(), 1, attempts=1, elapsed=1.5),
        failed("user_2", CustomerGoneError("gone"), 2, effect="unknown"),
        Unknown(item="user_3", linked_account_id=None, index=3, error=APITimeoutError("Late."), attempts=2),
        failed("user_4", RecordedError("Gone.", error_type="ReconnectRequiredError"), 4, recorded=True),
        failed("user_5", ReconnectRequiredError("Gone."), 5),
    )
)
GONE: Final = f"{__name__}.CustomerGoneError"


def lines(path: Path) -> list[dict[str, str]]:
    """Return what a CSV file holds."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def written(outcome: Outcome[Any, Any], path: Path) -> dict[str, str]:
    """Return the line of one outcome, which is one physical line to whoever splits the file."""
    FanOutReport((outcome,)).to_csv(path)
    assert len(path.read_text(encoding="utf-8-sig").splitlines()) == 2
    (line,) = lines(path)
    return line


async def test_every_outcome_has_its_row(refold: AsyncRefold, mock: MockRefold, tmp_path: Path) -> None:
    """A dict and a line for each outcome of a job, in the order of the input, with what it ended with."""
    mock.script(Answer(404), linked_account_id="user_1")
    mock.script(Reset("after"), linked_account_id="user_2")
    items = ["user_0", "user_1", "user_2", " edge"]
    report = await refold.fan_out_action(items, "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    rows = report.to_dicts()
    assert [(row["index"], row["item"], row["status"]) for row in rows] == [
        *((0, "user_0", "ok"), (1, "user_1", "failed"), (2, "user_2", "unknown"), (3, " edge", "failed")),
    ]
    assert [(row["effect"], row["error"], row["attempts"]) for row in rows] == [
        *(("done", None, 1), ("none", "NotFoundError", 1)),
        *(("unknown", "APIConnectionError", 1), ("none", "ConfigurationError", 0)),
    ]
    assert [row["linked_account_id"] for row in rows] == ["user_0", "user_1", "user_2", None]
    assert rows[0]["message"] is None
    assert "[" not in rows[1]["message"]  # where it was sent is in other columns
    assert rows[1]["request_id"] is not None
    assert all(row["elapsed"] > 0 and row["recorded"] is False for row in rows)

    path = tmp_path / "outcomes.csv"
    report.to_csv(path)
    assert [list(line) for line in lines(path)] == [list(row) for row in rows]
    assert [line["message"] for line in lines(path)] == [row["message"] or "" for row in rows]


def test_values_of_lines(tmp_path: Path) -> None:
    """Numbers are numbers, what is missing is empty, and errors go by their real names, a recorded one's too."""
    path = tmp_path / "outcomes.csv"
    MIXED.to_csv(path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfindex,")  # or Excel takes UTF-8 for another encoding
    text = path.read_text(encoding="utf-8-sig")
    assert text.splitlines()[:2] == [
        "index,linked_account_id,item,status,effect,error,message,attempts,elapsed,recorded,request_id,reconciled",
        "0,user_0,user_0,ok,done,,,1,0.030,false,,",
    ]
    assert text.splitlines()[2] == "1,user_1,user_1,failed,none,NotFoundError,Nobody there.,1,1.500,false,req_1,"
    assert [line["error"] for line in lines(path)] == [
        *("", "NotFoundError", GONE, "APITimeoutError", "ReconnectRequiredError", "ReconnectRequiredError"),
    ]
    MIXED.to_csv(path, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("status", "items"),
    [
        ("ok", ["user_0"]),
        ("unknown", ["user_3"]),
        (["failed", "unknown"], ["user_1", "user_2", "user_3", "user_4", "user_5"]),
        ((), []),
        (None, ["user_0", "user_1", "user_2", "user_3", "user_4", "user_5"]),
    ],
)
def test_rows_by_status(status: Any, items: list[str], tmp_path: Path) -> None:
    """Of some outcomes alone, such as the failures."""
    MIXED.to_csv(tmp_path / "some.csv", status=status)
    assert [row["item"] for row in MIXED.to_dicts(status=status)] == items
    assert [line["item"] for line in lines(tmp_path / "some.csv")] == items


def test_statuses_that_can_be_read_once() -> None:
    """Of a generator, which is none of the types asked for, no status is lost by looking at it."""
    once: Any = iter(["failed", "ok"])
    assert len(MIXED.to_dicts(status=once)) == 5


@pytest.mark.parametrize("status", ["lost", ["ok", "lost"], 5, [["ok"]]])
def test_an_unknown_status(status: Any, tmp_path: Path) -> None:
    """A misspelled status is told, and no file is touched."""
    with pytest.raises(ConfigurationError, match=r"'ok', 'failed', 'unknown', got ('lost'|5|\['ok'\])"):
        MIXED.to_csv(tmp_path / "some.csv", status=status)
    assert not (tmp_path / "some.csv").exists()


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("two\nlines", r"two\nlines"),
        ("a\r\nb\x0bc\x0cd\x1ce\x85f\u2028g\u2029h", r"a\r\nb\x0bc\x0cd\x1ce\x85f\u2028g\u2029h"),
        ("tab\tNUL\0", r"tab\tNUL\x00"),
        ("surrogate \ud800", r"surrogate \ud800"),
        ('quote " comma , semicolon ;', 'quote " comma , semicolon ;'),
        ("Zoë 漢字 🙂", "Zoë 漢字 🙂"),
        ('=HYPERLINK("http://evil.example","x")', '\'=HYPERLINK("http://evil.example","x")'),
        ("+1 555 0100", "'+1 555 0100"),
        ("-2+3", "'-2+3"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\uff1d1", "'\uff1d1"),
        ("\t=1", r"\t=1"),
        ("\n=1", r"\n=1"),
        ("a=1", "a=1"),
    ],
)
def test_texts_in_lines(text: str, cell: str, tmp_path: Path) -> None:
    """A text stays on its line, and is no formula, whoever wrote it: an item, an account, an error."""
    path = tmp_path / "one.csv"
    line = written(failed(text, ValueError(text), linked_account_id=text), path)
    assert (line["item"], line["linked_account_id"], line["message"]) == (cell, cell, cell)


@attrs.frozen
class Row:
    """An item that is no id."""

    email: str


class Unshowable:
    """An item that cannot be shown."""

    def __repr__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("item", "cell"),
    [
        ({"email": "jane@example.com", "n": [1, None]}, '{"email":"jane@example.com","n":[1,null]}'),
        (["a", 1], '["a",1]'),
        ({"when": object}, "{'when': <class 'object'>}"),
        (Row("a@b.c"), "Row(email='a@b.c')"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (-7, "-7"),
        (True, "true"),
        (None, ""),
        pytest.param(10**5000, "int (cannot be shown)", id="long"),
        (Unshowable(), "Unshowable (cannot be shown)"),
    ],
)
def test_items_in_lines(item: Any, cell: str, tmp_path: Path) -> None:
    """Items of any kind are told by their text, dicts and lists as JSON."""
    assert written(failed(item, ValueError("x")), tmp_path / "one.csv")["item"] == cell


@pytest.mark.parametrize("text", ["a" * 1_000_000, "\n" * 20_000, "=" * 40_000])
def test_long_texts(text: str, tmp_path: Path) -> None:
    """A text is cut where programs that read the file have no room for more; this is told."""
    message = written(failed("x", ValueError(text)), tmp_path / "one.csv")["message"]
    assert message.endswith(f"… ({len(text):,} characters)")
    assert 32_000 <= len(message) < 32_767  # the room that a cell has in Excel


@pytest.mark.parametrize("encoding", ["utf8000", "base64", "", None, 5])
def test_encodings_that_make_no_sense(encoding: Any, tmp_path: Path) -> None:
    """They are refused before the file that is there is emptied."""
    (tmp_path / "one.csv").write_text("kept")
    with pytest.raises(ConfigurationError, match="encoding must name"):
        MIXED.to_csv(tmp_path / "one.csv", encoding=encoding)
    assert (tmp_path / "one.csv").read_text() == "kept"


@pytest.mark.parametrize("path", [1, True, None, b"one.csv", "a\0b"])
def test_paths_that_make_no_sense(path: Any) -> None:
    """A number is no path: it would close the file of that number, such as stdout."""
    with pytest.raises(ConfigurationError, match="path must be"):
        MIXED.to_csv(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk() -> None:
    """It is told, and leaves no file open, which would be a warning."""
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            MIXED.to_csv("/dev/full")
        gc.collect()


async def test_a_writer_for_outcomes_as_they_come(refold: AsyncRefold, mock: MockRefold, tmp_path: Path) -> None:
    """Without a report, a line is in the file once its outcome was written; in the end the file is closed."""
    path = tmp_path / "failures.csv"
    mock.script(Answer(404), linked_account_id="user_3")
    job = refold.fan_out_action([f"user_{n}" for n in range(6)], "hubspot", "get_contact")
    with OutcomeWriter(path) as failures:
        async with job:
            async for outcome in job:
                if outcome.status != "ok":
                    failures.write(outcome)
                    assert [line["item"] for line in lines(path)] == ["user_3"]
    with pytest.raises(ValueError, match="closed"):
        failures.write(OK)
    failures.close()
    assert [line["error"] for line in lines(path)] == ["NotFoundError"]


def test_repr() -> None:
    """It counts, and tells the most frequent errors."""
    assert repr(MIXED) == (
        f"<FanOutReport 6 items: 1 ok, 4 failed, 1 unknown; 2 ReconnectRequiredError, 1 NotFoundError, 1 {GONE}, …>"
    )
    assert repr(FanOutReport((OK,) * 1200)) == "<FanOutReport 1,200 items: 1,200 ok, 0 failed, 0 unknown>"


def test_raised_errors_are_named() -> None:
    """The group's message tells the most frequent errors, a recorded one by its real name, as its own text does."""
    with pytest.raises(ExceptionGroup) as caught:
        MIXED.raise_for_errors()
    assert "(4 failed, 1 unknown; 2 ReconnectRequiredError, 1 NotFoundError" in caught.value.message
    assert "ReconnectRequiredError: Gone." in [str(error) for error in caught.value.exceptions]


def test_rich_table() -> None:
    """`rich.print()` shows outcomes that ended alike as one row; markup in a message is no markup."""
    console = pytest.importorskip("rich.console").Console(file=io.StringIO(), width=160)
    report = FanOutReport((*MIXED.outcomes, failed("x", RefoldError("[bold]no[/bold] [/nothing]"), 6)))
    console.print(report)
    shown = console.file.getvalue()
    assert "7 items: 1 ok, 5 failed, 1 unknown" in shown
    ((reconnect, below),) = [
        lines for lines in itertools.pairwise(shown.splitlines()) if "ReconnectRequiredError" in lines[0]
    ]
    assert below.split("│")[5].strip() == "Gone."
    assert [cell.strip() for cell in reconnect.split("│")[1:-1]] == [
        *("failed", "2", "none", "user_4, user_5", "ReconnectRequiredError"),
    ]
    assert "[bold]no[/bold] [/nothing]" in shown


def html_of(report: FanOutReport[Any, Any]) -> str:
    """Return what a notebook asks for."""
    return report._repr_html_()  # pyright: ignore[reportPrivateUsage]


class Cells(HTMLParser):
    """Reads tables."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a row or a cell."""
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        """Read text."""
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_html_table() -> None:
    """A notebook shows the same rows; what others wrote is text, not HTML."""
    evil = "<script>alert('x')</script> & \"more\""
    many: list[Outcome[Any, Any]] = [
        failed("x", ValueError(evil), number, linked_account_id=f"<b>{number}") for number in range(5)
    ]
    parser = Cells()
    parser.feed(html_of(FanOutReport((OK, *many))))
    parser.close()
    assert parser.tags == {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert parser.rows[1:] == [
        ["ok", "1", "", "", "", ""],
        ["failed", "5", "ValueError", "none", "<b>0, <b>1, <b>2, …", evil],
    ]


def test_control_characters_in_tables() -> None:
    """A message cannot clear the terminal, break its row, or hold what no terminal and no notebook can encode."""
    console = pytest.importorskip("rich.console").Console(file=io.StringIO(), width=160)
    report: FanOutReport[Any, Any] = FanOutReport(
        (failed("x", ValueError("\x1b[2Jgone\ntwo \ud800"), linked_account_id="\x1b]0;"),)
    )
    console.print(report)
    for shown in (console.file.getvalue(), html_of(report)):
        assert r"\x1b[2Jgone\ntwo \ud800" in shown
        assert r"\x1b]0;" in shown
        assert "\x1b" not in shown


def test_tables_stay_short() -> None:
    """A job whose every error is of a class of its own makes no table of a million rows, nor of endless messages."""
    outcomes: list[Outcome[Any, Any]] = [
        failed("x", type(f"Error{number}", (Exception,), {})("y" * 1000), number) for number in range(100)
    ]
    parser = Cells()
    parser.feed(html := html_of(FanOutReport(tuple(outcomes))))
    assert len(parser.rows) == 21
    assert "and 80 items with other errors" in html
    assert "y" * 201 not in html


def test_nothing_to_report(tmp_path: Path) -> None:
    """A report of nothing has a header, and no rows."""
    empty: FanOutReport[str, int] = FanOutReport(())
    empty.to_csv(tmp_path / "none.csv")
    assert (empty.to_dicts(), lines(tmp_path / "none.csv"), empty.raise_for_errors()) == ([], [], None)  # type: ignore[func-returns-value]
    assert repr(empty) == "<FanOutReport 0 items: 0 ok, 0 failed, 0 unknown>"
    assert "<tbody></tbody>" in html_of(empty)


async def test_failures_take_little_memory() -> None:
    """Only the first hundred keep the frames of their calls; the others are packed."""
    asyncio.get_running_loop().set_debug(False)  # the stacks that it records would be most of the memory and the time
    async with MockRefold(record=False) as mock, AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        mock.script(Answer(404))
        items = [f"user_{number}" for number in range(1_100)]
        await refold.fan_out_action(items[:200], "hubspot", "get_contact").collect()
        tracemalloc.start()
        try:
            some = await refold.fan_out_action(items[:100], "hubspot", "get_contact").collect()
            gc.collect()
            with_frames, _ = tracemalloc.get_traced_memory()
            all_failed = await refold.fan_out_action(items, "hubspot", "get_contact").collect()
            gc.collect()
            of_both, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (of_both - 2 * with_frames) / 1_000 < 600
    assert (len(some), len(all_failed)) == (100, 1_100)
    errors = [outcome.error for outcome in all_failed.failed]
    assert sum(error.__traceback__ is not None for error in errors) == 100
    assert all(isinstance(error, NotFoundError) and error.headers is error.meta.headers for error in errors)


async def test_what_errors_say_alike_is_there_once(mock: MockRefold, refold: AsyncRefold) -> None:
    """Also of those that a caller keeps without a report, which packs them."""
    mock.script(Answer(404))
    items = [f"user_{number}" for number in range(1_000)]
    await refold.fan_out_action(items[:200], "hubspot", "get_contact").collect()
    async with refold.fan_out_action(items, "hubspot", "get_contact") as outcomes:
        kept = [outcome async for outcome in outcomes]
    errors = [outcome.error for outcome in kept]
    told = [(id(error.message), id(error.url)) for error in errors if isinstance(error, RefoldError)]
    assert len(told) == 1_000
    assert len(set(told)) == 1
    assert sum(error is not None and error.__traceback__ is not None for error in errors) == 100
    before = len(gc.get_objects())
    del errors, told, kept, outcomes
    gc.collect()
    assert (before - len(gc.get_objects())) / 1_000 < 10


async def test_a_callers_own_error_keeps_its_frames(refold: AsyncRefold) -> None:
    """However many there are: nothing else says where it was raised."""

    async def fail(scope: AccountScope, item: str) -> None:
        raise CustomerGoneError(item)

    report = await refold.fan_out([f"user_{number}" for number in range(150)], fail).collect()
    assert all(outcome.error.__traceback__ is not None for outcome in report.failed)
