"""What every store does with the entries of a run, and what the next run and a reader find of them."""

import random
from collections import Counter
from typing import Any

import attrs
import pytest

from refold_async.errors import JournalError
from refold_async.journal.entries import STATUSES, JournalEntry
from refold_async.journal.opening import run_opener
from refold_async.journal.store import JobIdentity, StoreRun
from support.journals import IDENTITY, AnyJournal, statuses


def begin(journal: AnyJournal, identity: JobIdentity = IDENTITY) -> StoreRun:
    """Begin a run of the journal's job."""
    return run_opener(journal, identity)()


def entries(journal: AnyJournal) -> dict[str, JournalEntry]:
    """Return what a journal has, by key."""
    return {entry.key: entry for entry in journal.entries()}


def test_runs_are_counted(journal: AnyJournal) -> None:
    """Each run has the next number."""
    for number in (1, 2, 3):
        run = begin(journal)
        assert run.number == number
        run.close()
    assert journal.summary().runs == 3


def test_everything_of_an_entry(journal: AnyJournal) -> None:
    """A reader finds every value, and the next run too."""
    run = begin(journal)
    run.write(
        [("a", "user_a", "failed", "done", "AppError", "No.", '{"b":[1,null]}', 3, "sent_again"), ("b", None, "ok")]
    )
    run.close()
    a, b = journal.entries()
    assert (a.key, a.linked_account_id, a.status, a.effect) == ("a", "user_a", "failed", "done")
    assert (a.error_type, a.error, a.result) == ("AppError", "No.", {"b": [1, None]})
    assert (a.attempts, a.reconciled, a.run, a.sends) == (3, "sent_again", 1, 0)
    assert (b.linked_account_id, b.effect, b.error_type, b.error, b.result) == (None,) * 5
    assert (b.attempts, b.reconciled) == (0, None)
    assert b.finished_at is not None
    assert (b.first_started_at, b.started_at) == (None, None)
    run = begin(journal)
    rows = {row.key: row for row in run.look_up(["a", "b", "c"])}
    assert rows.keys() == {"a", "b"}
    assert rows["a"][1:11] == ("a", "user_a", "failed", "done", "AppError", "No.", '{"b":[1,null]}', 3, "sent_again", 1)
    run.close()


def test_several_entries_of_one_item(journal: AnyJournal) -> None:
    """Those of one batch leave what the last of them says, and the account and times of all."""
    run = begin(journal)
    run.write([("a", "user_a", "started"), ("a", None, "withdrawn"), ("a", None, "started")])
    assert statuses(journal) == {"a": "started"}
    run.write([("a", None, "failed", "none", "NotFoundError", "No.", None, 2), ("b", None, "ok", "done")])
    failed, ok = journal.entries()
    assert (failed.status, failed.linked_account_id, failed.error, failed.attempts) == ("failed", "user_a", "No.", 2)
    assert failed.started_at is not None
    assert failed.finished_at is not None
    assert failed.started_at <= failed.finished_at
    assert (ok.started_at, ok.attempts) == (None, 0)
    run.write([("a", None, "started")])
    again = next(iter(journal.entries()))
    assert (again.linked_account_id, again.error, again.attempts, again.finished_at) == ("user_a", None, 0, None)
    run.write([("c", "user_c", "started"), ("c", None, "ok", "done")])
    assert (entries(journal)["c"].linked_account_id, entries(journal)["c"].sends) == ("user_c", 1)
    assert entries(journal)["c"].started_at is not None
    run.close()


def test_sends(journal: AnyJournal) -> None:
    """How often an item may have been sent, and since when, is counted since it was last certain that it was not."""
    run = begin(journal)
    run.write([("a", None, "started"), ("b", None, "started"), ("a", None, "withdrawn"), ("b", None, "unknown")])
    a, b = journal.entries()
    assert (a.sends, a.first_started_at, a.started_at is None) == (0, None, False)
    assert (b.sends, b.first_started_at) == (1, b.started_at)
    run.write([("a", None, "started"), ("b", None, "started")])
    run.write([("b", None, "ok", "done", None, None, None, 2, "sent_again")])
    a, again = journal.entries()
    assert (a.sends, a.first_started_at) == (1, a.started_at)
    assert (again.sends, again.first_started_at, again.reconciled) == (2, b.first_started_at, "sent_again")
    run.write([("b", None, "started"), ("b", None, "started"), ("a", None, "started"), ("a", None, "withdrawn")])
    a, again = journal.entries()
    assert (a.sends, a.first_started_at) == (0, None)
    assert (again.sends, again.first_started_at) == (4, b.first_started_at)
    run.write([("b", None, "withdrawn"), ("b", None, "started")])
    again = entries(journal)["b"]
    assert (again.sends, again.first_started_at) == (1, again.started_at)
    run.close()


def test_sends_in_any_batches(journal: AnyJournal) -> None:
    """However entries are divided into batches, they leave the same."""
    chance = random.Random(16)
    given = [(f"user_{chance.randrange(4)}", None, chance.choice(STATUSES)) for _ in range(200)]
    run = begin(journal)
    expected: dict[str, tuple[str, int]] = {}
    left = given
    while left:
        size = chance.choice([1, 3, 20])
        batch, left = left[:size], left[size:]
        run.write(batch)
        for key, _, status in batch:
            sends = expected.get(key, ("", 0))[1]
            expected[key] = (status, 0 if status == "withdrawn" else sends + (status == "started"))
        found = entries(journal)
        assert {key: (entry.status, entry.sends) for key, entry in found.items()} == expected
        assert {key: entry.first_started_at is None for key, entry in found.items()} == {
            key: sends == 0 for key, (_, sends) in expected.items()
        }
    run.close()


def test_large_batch(journal: AnyJournal) -> None:
    """However many entries there are, all of them are written in their order, or none."""
    run = begin(journal)
    assert run.blank
    keys = [f"user_{number}" for number in range(1001)]
    given = [*((key, None, "started") for key in keys), (keys[0], None, "withdrawn"), (keys[-1], None, "ok", "done")]
    with pytest.raises(JournalError, match="cannot be written"):
        run.write([*given, ("without a status", None, None)])
    run.close()
    assert statuses(journal) == {}
    run = begin(journal)
    run.write(given)
    assert statuses(journal) == {**dict.fromkeys(keys, "started"), keys[0]: "withdrawn", keys[-1]: "ok"}
    assert list(statuses(journal)) == keys
    run.close()
    run = begin(journal)
    assert not run.blank
    run.close()


def test_long_texts(journal: AnyJournal) -> None:
    """What is longer than a store writes at a time is written nevertheless, all of it at once."""
    run = begin(journal)
    text = "é" * 1_000_000
    run.write([(f"user_{number}", None, "ok", "done", None, text, None, 1) for number in range(5)])
    assert [row.error == text for row in run.look_up([f"user_{number}" for number in range(5)])] == [True] * 5
    assert [entry.error == text for entry in journal.entries()] == [True] * 5
    run.close()


@pytest.mark.parametrize(
    "key", ["é", "日本", "🙂", "a'b\"c\\d", "line\nbreak", "{}", "1", "%s %(a)s", "\x7f\x01", " edge ", "x" * 2000]
)
def test_any_key(journal: AnyJournal, key: str) -> None:
    """A key comes back as it was, whatever is in it, and is no other key."""
    run = begin(journal)
    run.write([(key, key, "ok", "done", key, key, None, 1)])
    (row,) = run.look_up(["other", key, key.upper() + "!", f"{key} "])
    assert (row.key, row.linked_account_id, row.error_type, row.error) == (key,) * 4
    assert [entry.key for entry in journal.entries()] == [key]
    run.close()


def test_keys_that_look_alike(journal: AnyJournal) -> None:
    """Keys are compared exactly: by no language's rules."""
    keys = ["a", "A", "a ", "á", "a\u0301", "1", "01", "1.0"]
    run = begin(journal)
    run.write([(key, None, "ok", "done") for key in keys])
    assert sorted(row.key for row in run.look_up([*keys, "b"])) == sorted(keys)
    assert list(statuses(journal)) == keys
    run.close()


def test_in_flight_when_it_ended(journal: AnyJournal) -> None:
    """What was in flight when a run ended is unknown to the next, which counts as having recorded what it looks up."""
    run = begin(journal)
    run.write([("a", None, "started"), ("b", None, "ok", "done"), ("c", None, "withdrawn")])
    assert journal.summary().in_flight == 1
    run.close()
    summary = journal.summary()
    assert (summary.in_flight, summary.unknown, summary.running) == (0, 1, False)
    assert [entry.key for entry in journal.entries(status="unknown")] == ["a"]
    assert [entry.key for entry in journal.entries(status="started")] == []
    run = begin(journal)
    (row,) = run.look_up(["a"])
    assert (row.status, row.effect, row.run, row.sends) == ("unknown", "unknown", 1, 1)
    (row,) = run.look_up(["a"])
    assert row.run == 2
    run.write([("b", None, "started")])
    (row,) = run.look_up(["b"])
    assert row.run == 2
    run.close()
    assert journal.summary().unknown == 2


def test_another_job(journal: AnyJournal) -> None:
    """A journal of another job is refused, and every part that differs is named with both values."""
    begin(journal).close()
    other = attrs.evolve(IDENTITY, environment="production", slug=None, parameters_sha256="ab12")
    with pytest.raises(JournalError, match="belongs to another job") as refused:
        begin(journal, other)
    for told in (
        "environment is 'test' in the journal and 'production' in this run",
        "slug is 'hubspot' in the journal and None in this run",
        "its parameters are not those of this run",
    ):
        assert told in refused.value.message
    assert "base_url" not in refused.value.message
    begin(journal).close()
    assert journal.summary().runs == 2


def test_in_use(journal: AnyJournal) -> None:
    """A second run is refused while the first lasts, though summaries are asked for all the time."""
    run = begin(journal)
    with pytest.raises(JournalError, match="in use"):
        begin(journal)
    assert journal.summary().running
    run.write([("a", None, "started")])
    run.close()
    begin(journal).close()


def test_tallies(journal: AnyJournal) -> None:
    """How many items there are is known of the last run."""
    run = begin(journal)
    assert journal.summary().not_begun is None
    run.write([("a", None, "started")])
    run.tally(5, 1)
    summary = journal.summary()
    assert (summary.not_begun, summary.refused, summary.failed) == (3, 1, 1)
    run.tally(None, 2)
    assert (journal.summary().not_begun, journal.summary().refused) == (None, 2)
    run.close()
    run = begin(journal)
    assert (journal.summary().not_begun, journal.summary().refused) == (None, 0)
    run.close()


def test_counts_are_those_of_the_rows(journal: AnyJournal) -> None:
    """Whatever runs write, the summary counts what the entries say."""
    chance = random.Random(16)
    for _ in range(3):
        run = begin(journal)
        for _ in range(15):
            size = chance.choice([1, 5, 150])
            run.write([(f"user_{chance.randrange(60)}", None, chance.choice(STATUSES)) for _ in range(size)])
            run.look_up(chance.sample([f"user_{number}" for number in range(60)], 3))
        told = journal.summary()
        counted = Counter(entry.status for entry in journal.entries())
        shown: dict[str, int] = {"started": told.in_flight, "ok": told.ok, "failed": told.failed}
        shown |= {"unknown": told.unknown, "withdrawn": told.withdrawn}
        assert {status: counted[status] for status in shown} == shown  # type: ignore[index]
        assert told.updated_at == max(
            moment for entry in journal.entries() for moment in (entry.started_at, entry.finished_at) if moment
        )
        run.close()


def test_entries_page_by_page(journal: AnyJournal) -> None:
    """However many there are, a reader gets each once and in order, those of one status too, also if it stops early."""
    run = begin(journal)
    keys = [f"user_{number:05}" for number in range(2500)]
    run.write([(key, None, "ok" if number % 1250 else "failed", "none") for number, key in enumerate(keys)])
    run.write([(keys[7], None, "unknown", "unknown"), ("last", None, "unknown", "unknown")])
    assert list(statuses(journal)) == [*keys, "last"]
    assert [entry.key for entry in journal.entries(status="failed")] == [keys[0], keys[1250]]
    assert [entry.key for entry in journal.entries(status="unknown")] == [keys[7], "last"]
    reader: Any = journal.entries()
    assert next(reader).key == keys[0]
    reader.close()
    run.close()
