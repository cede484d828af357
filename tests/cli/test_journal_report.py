"""What the report of a job is made of: when items ended, which are kept, what is advised, and how it is drawn."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from refold_async.cli.journal_page.charts import Charts
from refold_async.cli.journal_page.markup import text
from refold_async.cli.journal_page.page import page_of
from refold_async.cli.journal_page.scales import TimeScale, duration, number_ticks, round_duration
from refold_async.cli.journal_report.advice import advice_for_failed, advice_for_unknown
from refold_async.cli.journal_report.plain_text import text_of
from refold_async.cli.journal_report.reading import showing_progress
from refold_async.cli.journal_report.report import ErrorGroup, JournalReport, read_report
from refold_async.cli.journal_report.samples import FairSample
from refold_async.cli.journal_report.timeline import Timeline, stretches
from refold_async.cli.journals import JobInDatabaseOptions, named_journal
from refold_async.cli.tables import TablePrinter
from refold_async.errors import __all__ as names_of_errors
from support.journals import opened

BEGIN = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


def timeline_of(*seconds: float, status: str = "ok") -> Timeline:
    """Return the timeline of items that ended so many seconds after the beginning."""
    timeline = Timeline()
    for second in seconds:
        timeline.add(BEGIN + timedelta(seconds=second), status)
    return timeline


def report_of(path: Path, *entries: tuple[Any, ...]) -> JournalReport:
    """Return the report of a journal of these entries."""
    run = opened(path)
    if entries:
        run.write(entries)
    run.close()
    return read_report(named_journal(str(path), JobInDatabaseOptions()))


def test_a_timeline_counts_all_in_bounded_memory() -> None:
    """It gets coarser the longer the job is, and loses nothing."""
    timeline = Timeline()
    for number in range(20_000):
        timeline.add(BEGIN + timedelta(seconds=3 * number), "ok" if number % 2 else "failed")
    buckets = timeline.buckets
    assert sum((bucket.counts for bucket in buckets), Counter[str]()) == {"ok": 10_000, "failed": 10_000}
    assert 1000 <= len(buckets) <= 2000
    assert [bucket.begin for bucket in buckets] == sorted(
        {bucket.begin // timeline.step * timeline.step for bucket in buckets}
    )


@pytest.mark.parametrize(
    ("seconds", "parts"),
    [
        ([0], [1]),
        ([0, 1, 2], [3]),
        ([0, 50, 100], [3]),  # less than a minute is no pause
        ([*range(100), *range(100_000, 100_100)], [100, 100]),
        (
            [*range(600), *range(86_400, 87_000), *range(2_600_000, 2_600_600)],
            [600, 600, 600],
        ),  # each is long for its part
        ([second * 70 for second in range(20)], [20]),  # a slow job makes no pauses
    ],
)
def test_pauses_are_cut_out(seconds: list[float], parts: list[int]) -> None:
    """Those that are long compared with what is left without them."""
    timeline = timeline_of(*seconds)
    assert [len(part) for part in stretches(timeline.buckets, timeline.step)] == parts


def test_a_time_scale() -> None:
    """Moments are drawn in proportion; a pause takes little room, and has a label."""
    timeline = timeline_of(*range(101), *range(50_000, 50_101))
    scale = TimeScale(stretches(timeline.buckets, timeline.step), timeline.step, 0, 1056)
    begin = timeline.buckets[0].begin
    ((left, right, length),) = scale.pauses
    assert (left, right, length) == (500, 556, 49_900_000 - timeline.step)
    assert scale.at(begin) == 0
    assert scale.at(begin + (100_000 + timeline.step) / 2) == pytest.approx(250)
    assert scale.at(begin + 20_000_000) == 556
    assert scale.slot(begin + 61_000, 10_000) == pytest.approx((500 * 60_000 / 100_050, 500 * 70_000 / 100_050))
    labels = list(scale.ticks(90))
    assert [label for _, label, _ in labels][:3] == ["09:00:00", "09:00:30", "09:01:00"]
    assert [date for _, _, date in labels if date] == ["1 Jun 2026"]
    assert all(later[0] - earlier[0] >= 81 for earlier, later in pairwise(labels))


@pytest.mark.parametrize("largest", [1, 2, 3, 7, 10, 99, 1234, 999_999, 10**9])
def test_number_ticks(largest: int) -> None:
    """A few round numbers, evenly apart, up to the largest or a bit more."""
    ticks = number_ticks(largest)
    steps = {after - before for before, after in pairwise(ticks)}
    assert ticks[0] == 0
    assert ticks[-2] < largest <= ticks[-1]
    assert len(ticks) <= 7
    assert re.fullmatch("[125]0*", str(*steps))


def test_durations() -> None:
    """In their two largest units, and rounded to round numbers."""
    assert [duration(n) for n in (50, 1000, 61_000, 3_600_000, 50_000_000, 90_000_000)] == [
        *("50 ms", "1 s", "1 min 1 s", "1 h", "13 h 53 min", "1 d 1 h"),
    ]
    assert [round_duration(n) for n in (1, 60, 1001, 61_000, 10**12)] == [50, 100, 2000, 120_000, 365 * 86_400_000]


def test_a_fair_sample() -> None:
    """Never more than it may keep, and of each group its share: rare ones are whole, wherever they come."""
    sample = FairSample[tuple[str, int], tuple[str, int]](100, lambda member: member)
    for number in range(10_000):
        sample.add("often", ("often", number))
        if number % 2000 == 0:
            sample.add("rare", ("rare", number))
        if number > 5000 and number % 2 == 0:
            sample.add("late", ("late", number))
    kept = list(sample)
    counts = Counter(group for group, _ in kept)
    assert len(kept) == 100
    assert counts["rare"] == 5
    assert counts["often"] in {47, 48}
    for group in counts:
        numbers = [number for name, number in kept if name == group]
        assert numbers == sorted(set(numbers))
    assert sum(number for name, number in kept if name == "often") / counts["often"] == pytest.approx(5000, rel=0.25)


def test_a_sample_of_few_is_all() -> None:
    """In the order in which they came."""
    sample = FairSample[int, int](10, int)
    for number in range(10):
        sample.add(str(number % 3), number)
    assert list(sample) == list(range(10))


def polygon(path: str) -> list[tuple[float, float]]:
    """Return the corners of an area."""
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def test_charts() -> None:
    """Areas lie on each other, from the bottom line to what has ended; a bar is as high as what did not succeed."""
    timeline = timeline_of(*range(60))
    for second in (10, 11, 40):
        timeline.add(BEGIN + timedelta(seconds=second), "failed")
    timeline.add(BEGIN + timedelta(seconds=59), "unknown")
    svg = ElementTree.fromstring(Charts(timeline).progress(1000))
    areas = {part.get("class"): polygon(part.get("d", "")) for part in svg if "fill-" in part.get("class", "")}
    assert list(areas) == ["fill-unknown", "fill-failed", "fill-ok"]
    top, bottom = min(y for _, y in areas["fill-ok"]), max(y for _, y in areas["fill-ok"])
    assert (bottom - top) / (bottom - 14) == pytest.approx(64 / 80, abs=0.01)  # of 80, the largest number on the axis
    assert max(x for x, _ in areas["fill-ok"]) == 986
    assert svg.get("aria-label") == "Items that had ended, over time: at the end 60 ok, 3 failed, 1 unknown."
    problems, per = Charts(timeline).problems(1000)
    bars = [part for part in ElementTree.fromstring(problems) if part.tag == "rect"]
    assert (per, Counter(bar.get("class") for bar in bars)) == ("500 ms", {"fill-failed": 3, "fill-unknown": 1})
    assert Charts(timeline).figures(10)[-1][1] == {"ok": 60, "failed": 3, "unknown": 1}
    assert len(Charts(timeline).figures(10)) == 10
    assert not Charts(timeline_of(1, 2)).has_problems


def test_advice() -> None:
    """Every error that can leave an item unknown has its own; whatever else comes has one, too."""

    def group(error: str, effect: Any = "unknown") -> ErrorGroup:
        return ErrorGroup("unknown", error, effect, example=None)  # type: ignore[arg-type]  # pyright: ignore

    other = advice_for_unknown(group("myapp.CustomerGone"))
    known = [
        "interrupted",
        "APITimeoutError",
        "APIConnectionError",
        "InternalServerError",
        "APIResponseValidationError",
    ]
    known += ["ActionFailedError", "WorkflowFailedError", "ExecutionTimeoutError", "RateLimitError"]
    assert set(known[1:]) <= set(names_of_errors)
    assert len({advice_for_unknown(group(name)).text for name in known} | {other.text}) == len(known) + 1
    assert "--retry-failed" in advice_for_failed(group("NotFoundError", "none"))
    assert "refold connect" in advice_for_failed(group("ReconnectRequiredError", "none"))
    assert "do not run these again" in advice_for_failed(group("ValueError", "done"))
    assert "It may have happened" in advice_for_failed(group("ValueError", None))


@pytest.mark.parametrize(
    ("entries", "verdict"),
    [
        ([], "No item has been recorded yet."),
        ([("a", None, "ok", "done")], "The one item succeeded."),
        ([("a", None, "ok", "done"), ("b", None, "ok", "done")], "All 2 items succeeded."),
        ([("a", None, "started")], "The one item may or may not have happened."),
        ([("a", None, "failed", "none")], "The one item failed."),
        ([("a", None, "failed", "none"), ("b", None, "withdrawn")], "Of 2 items, 1 failed and 1 has not ended."),
        (
            [("a", None, "ok", "done"), ("b", None, "failed", "none", None, None, None, 2, "sent_again")],
            "Of 2 items, 1 failed. 1 item was unknown at first and then reconciled.",
        ),
    ],
)
def test_verdicts(tmp_path: Path, entries: list[Any], verdict: str) -> None:
    """How it went in a sentence, in every report; there is one of an empty journal, too."""
    report = report_of(tmp_path / "june.sqlite", *entries)
    assert report.verdict == verdict
    assert verdict in text_of(report, 80)
    assert verdict in page_of(report)


def test_a_page_without_failures(tmp_path: Path) -> None:
    """It has no section of failures, which would seem to deny the unknown items; its figures have one row a second."""
    entries = [(str(number), None, "unknown", "unknown", "APITimeoutError", "late") for number in range(3)]
    report = report_of(tmp_path / "june.sqlite", *entries)
    for seconds in (0.0, 0.2, 0.4, 1.1):
        report.timeline.add(BEGIN + timedelta(seconds=seconds), "ok")
    page = page_of(report)
    assert "Unknown: 3 that may or may not have happened" in page
    assert "Failures by error" not in page
    times = re.findall(r'<th scope="row">([^<]*)</th>', page)
    assert len(times) == len(set(times)) >= 2


def test_very_many_kinds_of_errors(tmp_path: Path) -> None:
    """Those that come late are counted together."""
    entries = [(str(number), None, "failed", "none", f"Error{number}", "x") for number in range(300)]
    path = tmp_path / "june.sqlite"
    run = opened(path)
    for begin in range(0, 300, 60):
        run.write(entries[begin : begin + 60])
    run.close()
    report = read_report(named_journal(str(path), JobInDatabaseOptions()))
    assert sum(group.items for group in report.errors) == 300
    assert (report.errors[0].error, report.errors[0].items) == ("other errors", 100)
    assert "with other errors" in text_of(report, 80)
    assert "more failed with other errors" in page_of(report)
    assert 'data-error="other errors"' not in page_of(report)  # no filter finds them


def test_texts_that_only_look_like_a_call(tmp_path: Path) -> None:
    """They are shown as they are."""
    odd = "gone [GET https://x, linked account '\\x', 1 attempt, effect: none]"
    report = report_of(tmp_path / "june.sqlite", ("a", None, "failed", "none", "ValueError", odd))
    assert odd in text_of(report, 200)


def test_markup() -> None:
    """What could leave its place is escaped; what would hide is shown."""
    assert text("<a href='x'>\"&\u202e\x00\ud800") == "&lt;a href=&#x27;x&#x27;&gt;&quot;&amp;\\u202e\\x00\\ud800"


def printed(capsys: pytest.CaptureFixture[str], headings: list[str], *pages: list[list[str]]) -> Iterator[str]:
    """Give the lines of a table that is printed in parts."""
    table = TablePrinter(headings)
    for page in pages:
        table.print(page)
    yield from capsys.readouterr().out.splitlines()


def test_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rows decide the widths; long cells continue below, and wide characters count as two."""
    monkeypatch.setenv("COLUMNS", "30")
    lines = list(
        printed(
            capsys,
            ["A", "TEXT"],
            [["x", "one two three four five six seven"], ["表表", "b"]],
            [["a very long one", "c"]],
        )
    )
    assert lines == [
        *("", "A     TEXT", "-" * 30, "x     one two three four five", "      six seven", "表表  b"),
        *("a     c", "very", "long", "one"),
    ]
    assert all(len(line) <= 30 for line in lines)


def test_a_table_of_very_long_words(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """They are cut into lines, in a time that is in proportion to their length."""
    monkeypatch.setenv("COLUMNS", "50")
    lines = list(printed(capsys, ["TEXT"], [["x" * 5_000_000]]))
    assert len(lines) == 3 + 100_000
    assert {len(line) for line in lines[3:]} == {50}


@pytest.mark.parametrize(("total", "told"), [(5000, "{} of 5,000 items"), (None, "{} items")])
def test_progress_of_reading(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, total: int | None, told: str
) -> None:
    """After a second, and then five times a second, a terminal shows the progress; the line disappears at the end."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    now = 0.0
    entries: Any = range(2000)
    with suppress(KeyboardInterrupt), showing_progress(lambda: now) as follow:
        for number, _ in enumerate(follow(iter(entries), total)):
            now = number / 1000
            if number == 1500:
                raise KeyboardInterrupt
    parts = capsys.readouterr().err.split("\r\x1b[K")
    numbers = ["1,200", "1,400"]
    assert parts == ["", *(f"Reading the journal: {told.format(number)}" for number in numbers), ""]


def test_no_progress_is_shown_of_what_is_short_nor_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logs get nothing, and nobody sees a line for an instant."""
    entries: Any = range(2000)
    for is_terminal, seconds in ((False, 100.0), (True, 0.9)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda is_terminal=is_terminal: is_terminal, raising=False)
        times = iter([0.0] + [seconds] * 20)
        with showing_progress(lambda times=times: next(times)) as follow:  # type: ignore[misc]
            assert len(list(follow(iter(entries), 2000))) == 2000
    assert capsys.readouterr().err == ""
