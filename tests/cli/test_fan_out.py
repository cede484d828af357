"""`refold fan-out`: an action for each row of a file."""

import contextlib
import csv
import json
import re
import shlex
from pathlib import Path
from typing import Any

import attrs
import pytest

from refold_async import Journal
from refold_async.testing import ActionContext, Answer, Errored, Reset
from support.command_line import CommandLine, Ended
from support.journals import largest_file, opened, statuses

ACTION = ("hubspot", "create_contact")


@attrs.frozen
class Job:
    """A job over a file of rows, by a user's command line."""

    command_line: CommandLine
    directory: Path

    @property
    def journal(self) -> Path:
        """Where its journal is."""
        return self.directory / "june.sqlite"

    @property
    def output(self) -> Path:
        """Where its outcomes are."""
        return self.directory / "june.csv"

    def rows(self, text: str | bytes, name: str = "customers.csv") -> Path:
        """Write the file of rows."""
        path = self.directory / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def contacts(self, count: int) -> Path:
        """Write a file of so many contacts, from line 2 on."""
        lines = (f"user_{number},{number}@example.com" for number in range(count))
        return self.rows("\n".join(["linked_account_id,email", *lines, ""]))

    def run(self, *arguments: str | Path, stdin: str = "", terminal: bool = False) -> Ended:
        """Run it with these arguments."""
        return self.command_line.run("fan-out", *ACTION, *map(str, arguments), stdin=stdin, terminal=terminal)

    def run_contacts(self, path: Path, *arguments: str | Path) -> Ended:
        """Run it for a file of contacts, with a journal."""
        return self.run("email=@email", "--accounts", path, "--journal", self.journal, *arguments)

    @property
    def sent(self) -> dict[str, Any]:
        """The parameters that each account's last execution had."""
        return {str(sent.linked_account_id): sent.json for sent in self.command_line.mock.requests_to("execute_action")}

    @property
    def sent_count(self) -> int:
        """How many executions were sent."""
        return len(self.command_line.mock.requests_to("execute_action"))

    def outcomes(self) -> list[dict[str, str]]:
        """Return the lines of the file of outcomes."""
        with self.output.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def job(command_line: CommandLine, tmp_path: Path) -> Job:
    """A job."""
    return Job(command_line, tmp_path)


def summary(ended: Ended) -> dict[str, Any]:
    """Return the summary of a job as programs read it."""
    read: dict[str, Any] = json.loads(ended.out)
    return read


def test_parameters_of_rows(job: Job) -> None:
    """They come from columns, as text or as JSON, or are the same for all; an empty cell leaves its parameter out."""
    add_note(job)
    common = job.rows('{"lang": "en"}', "common.json")
    path = job.rows(
        'linked_account_id,text,tags\nuser_1,"a, b",[1]\n"user 2","two\nlines",\n', name="customers of June.csv"
    )
    given = ("text=@text", "tags:=@tags", "kind=lead", "n:=5", f"@{common}")
    ended = job.command_line.run("fan-out", "hubspot", "note", *given, "--accounts", str(path))
    assert ended.code == 0
    assert re.fullmatch(r"2 rows: 2 ok, 0 failed, 0 unknown\. This run took \d+ s\.\n", ended.err)
    always = {"kind": "lead", "n": 5, "lang": "en"}
    assert job.sent == {
        "user_1": {**always, "text": "a, b", "tags": [1]},
        "user 2": {**always, "text": "two\nlines"},
    }


def add_note(job: Job) -> None:
    """Add an action that takes notes of any kind."""
    names = ("text", "tags", "kind", "n", "lang", "size", "more", "none")
    parameters = [{"name": name, "type": "number" if name == "n" else "json"} for name in names]

    @job.command_line.mock.catalogue.action("hubspot", "note", parameters=parameters)
    async def note(context: ActionContext, parameters: dict[str, Any]) -> None:
        """Take a note."""


def test_json_lines(job: Job) -> None:
    """Texts stay texts; other values are sent as JSON if the command says so, else as their JSON text."""
    add_note(job)
    row = {"customer": 7, "text": "a", "size": 5, "more": {"ü": None}, "none": None}
    path = job.rows(json.dumps(row) + "\n\n" + '{"customer": "b"}\n', "customers.jsonl")
    given = ("text=@text", "size=@size", "more:=@more", "none:=@none")
    options = ("--accounts", str(path), "--account-column", "customer")
    assert job.command_line.run("fan-out", "hubspot", "note", *given, *options).code == 0
    assert job.sent == {"7": {"text": "a", "size": "5", "more": {"ü": None}}, "b": {}}


def test_stdin(job: Job) -> None:
    """Rows of either form may come on stdin."""
    assert job.run("email=@email", "--accounts", "-", stdin="linked_account_id;email\nuser_1;a@b.c\n").code == 0
    rows = '{"linked_account_id": "user_2", "email": "b@b.c"}'
    assert job.run("email=@email", "--accounts", "-", stdin=rows).code == 0
    assert job.sent == {"user_1": {"email": "a@b.c"}, "user_2": {"email": "b@b.c"}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "customers.csv is empty"),
        (b"\xef\xbb\xbf \n", "customers.csv is empty"),
        (b"linked_account_id,email\n", "has no rows"),
        (
            b"id,email\nuser_1,a@b.c\n",
            "no column 'linked_account_id', only id, email. Name another with --account-",
        ),
        (b"linked_account_id\nuser_1\n", "no column 'email', only linked_account_id."),
        (b"linked_account_id,email\nuser_1,a\n,b\n", "line 3: its 'linked_account_id' is empty"),
        (b'linked_account_id,email\nuser_1,"a\nb"\n user_2,b\n', "line 4: its 'linked_account_id' starts or ends with"),
        (b"linked_account_id,email\n\nuser_1,a,b\n", "line 3: it has 3 values, but the first line names 2 columns"),
        (b'linked_account_id,email\nuser_1,"a"b\n', "line 2: it is not a row of CSV"),
        (b'linked_account_id,email\nuser_1,"a\nuser_2,b\n', "line 2: it is not a row of CSV"),
        (b"linked_account_id,email,email\nuser_1,a,b\n", "line 1: it names the column 'email' twice"),
        (b"linked_account_id,email,\nuser_1,a,b\n", "line 1: its column 3 has no name"),
        ("linked_account_id,email\nuser_1,é\n".encode("latin-1"), "line 2: it is not text in UTF-8"),
        ("linked_account_id,email\n".encode("utf-16"), "line 1: it is not text in UTF-8"),
        (b"linked_account_id,email\nuser_1,a@b.c\nuser_2,\n", "line 3: parameters do not fit action 'create_contact'"),
        (b"linked_account_id,email\nuser_1," + b"a" * 5_000_000, "line 2: it is longer than 4 MiB"),
        (b"linked_account_id,email\ruser_1,a\r", "line 1: it has a carriage return that does not end a line: save"),
    ],
)
def test_csv_that_is_refused(job: Job, text: bytes, says: str) -> None:
    """Nothing is sent if any row cannot be used; the error names its line."""
    ended = job.run("email=@email", "--accounts", job.rows(text))
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert not job.sent


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"linked_account_id": "user_1"}]', "holds a JSON array: write one object a line"),
        ('{"linked_account_id": "user_1", "email": "a"}\n{"email": ', "line 2: it is not JSON"),
        ('{"linked_account_id": "user_1", "email": NaN}', "line 1: it is not JSON: NaN is not a number"),
        ('{"linked_account_id": "user_1", "email": "\\ud800"}', "line 1: it holds half of a surrogate pair"),
        ('{"linked_account_id": "user_1", "email": "a"}\n"b"', "line 2: it is not a JSON object"),
        ('{"linked_account_id": "user_1", "email": "a"}\n{"id": 2}', "line 2: it has no 'linked_account_id', only id."),
        ('{"linked_account_id": true, "email": "a"}', "line 1: its 'linked_account_id' is empty or not a text"),
        ('{"linked_account_id": "user_1", "e-mail": "a"}', "no column 'email', only linked_account_id, e-mail."),
        ('{"linked_account_id": "user_1", "email": ' + "[" * 100_000, "line 1: it is JSON that is nested too deeply"),
        (
            '{"linked_account_id": "user_1", "email": "a", "linked_account_id": "user_2"}',
            "line 1: it has the key 'linked_account_id' twice. Nothing was sent.",
        ),
        ('{\n "linked_account_id": "user_1"\n}', "Each line must hold one object, as `jq -c .` writes it."),
    ],
)
def test_json_lines_that_are_refused(job: Job, text: str, says: str) -> None:
    """The same applies to JSON lines."""
    ended = job.run("email=@email", "--accounts", job.rows(text, "customers"))
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert not job.sent


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("emial=@email",), "'emial' is unknown (did you mean 'email'?)"),
        (("firstname=@email",), "'email' is required and missing"),
        (("email:=@email",), "2: its 'email' is not JSON"),
        (("email=@email", "--limit", "0"), "--limit must be 1 or more"),
        (("email=@email", "--rate", "0"), "--rate must be more than 0"),
        (("email=@email", "--key", "email"), "--key needs the journal of a job"),
        (("email=@email", "--retry-failed"), "--retry-failed needs the journal of a job"),
        (("email=@email", "--stop-after", "many"), "--stop-after must be a number of rows, or a share"),
        (("email=@email", "--stop-after", "nan"), "--stop-after must be a number of rows, or a share"),
        (("email=@email", "--stop-after", "inf"), "--stop-after must be a number of rows, or a share"),
        (("email=@email", "--stop-after", "120%"), "--stop-after must be a number of rows, or a share"),
        (("email=@email", "--journal", "june.sqlite", "--key", "no"), "no column 'no', only linked_account_id,"),
        (("email=@email", "--output", "/no/such/directory/june.csv"), "june.csv cannot be written: No such file"),
        (("email=@email", "--output", "/dev/full"), "--output /dev/full cannot be written: No space left on device"),
    ],
)
def test_commands_that_are_refused(job: Job, arguments: tuple[str, ...], says: str) -> None:
    """A wrong command line is refused before anything is sent."""
    ended = job.run(*arguments, "--accounts", job.contacts(3))
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert "line 2: parameters do not fit" not in ended.err
    assert not job.sent


def test_json_in_a_cell_with_a_key_twice(job: Job) -> None:
    """It is refused as in JSON lines: no value is dropped."""
    rows = job.rows('linked_account_id,email\nuser_1,"{""a"": 1, ""a"": 2}"\n', "customers.csv")
    ended = job.run("email:=@email", "--accounts", rows)
    assert (ended.code, ended.out) == (2, "")
    assert "line 2: its 'email' has the key 'a' twice. Nothing was sent." in ended.err
    assert not job.sent


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_all_rows_are_checked(job: Job, form: str) -> None:
    """The first ten problems are shown, each on a line, with the number of the others; nothing is sent."""
    if form == "csv":
        bad = ["user_1,a,b", ",a", "user_3"] + ["user_4,a"] * 38
        text = "\n".join(["linked_account_id,email", "user_0,a", *bad, ""])
    else:
        row = '{"linked_account_id": "%s", "email": "a"}'
        text = "\n".join([row % "user_0", row % "user_1", "[]", row % " user_3", '{"email": '] + [row % "user_4"] * 38)
    path = job.rows(text, f"customers.{form}")
    ended = job.run_contacts(path)
    *shown, others, last = ended.err.splitlines()
    assert (ended.code, ended.out, len(shown)) == (2, "", 10)
    assert [line.partition(":")[0] for line in shown[:3]] == [f"{path}, line {number}" for number in (3, 4, 5)]
    assert "'user_4', is also that of line " in shown[3]
    assert (others, last) == (
        "… and 30 more lines.",
        f"refold: 40 rows of {path} must be corrected. Nothing was sent.",
    )
    assert not job.sent


def test_all_rows_without_a_required_value(job: Job) -> None:
    """They are named in the same way."""
    path = job.rows("linked_account_id,email\n" + "".join(f"user_{number},\n" for number in range(12)))
    ended = job.run_contacts(path)
    *shown, others, last = ended.err.splitlines()
    assert (ended.code, len(shown), others) == (2, 10, "… and 2 more lines.")
    assert all("'email' is required and missing" in line for line in shown)
    assert last == f"refold: 12 rows of {path} must be corrected. Nothing was sent."


def test_where_to_look_up_parameters(job: Job) -> None:
    """The error for parameters that do not fit names the command that lists them."""
    ended = job.run("emial=@email", "--accounts", job.contacts(1))
    assert ended.err.rstrip().endswith("`refold params hubspot create_contact -a user_0` lists its parameters.")


@pytest.mark.parametrize("option", [("-a", "user_1"), ("--account=user_1",)])
def test_one_account_for_all_rows(job: Job, option: tuple[str, ...]) -> None:
    """Each row has its linked account in a column, which the error explains; nothing is sent."""
    ended = job.run("email=@email", "--accounts", job.contacts(1), *option)
    assert (ended.code, ended.out) == (2, "")
    assert "the linked account of each row is in the column linked_account_id" in ended.err
    assert not job.sent
    ended = job.run("email=@email", "--accounts", job.rows("email\na@b.c\n"))
    assert "To use one linked account for all rows, add this column with the account's id in each row." in ended.err
    assert "--account" not in job.command_line.run("fan-out", "--help").out.replace("--account-column", "").replace(
        "--accounts", ""
    )


def test_the_example_of_the_help(job: Job) -> None:
    """It runs as it is written."""
    shown = job.command_line.run("fan-out", "--help").out
    command = shown[shown.index("  refold fan-out") :].partition("\n\n")[0].replace("\\\n", "")
    path = job.contacts(2)
    files = {"customers.csv": path, "june.sqlite": job.journal, "june.csv": job.output}
    arguments = [str(files.get(word, word)) for word in shlex.split(command)[1:]]
    assert job.command_line.run(*arguments).code == 0
    assert job.sent["user_0"] == {"email": "0@example.com", "company": "Acme"}


def test_long_cells(job: Job) -> None:
    """A cell may be as long as a line."""
    path = job.rows(b"linked_account_id,email\nuser_1," + b"a" * 4_000_000)
    assert job.run("email=@email", "--accounts", path, "--stop-after", "100%").code == 0
    assert len(job.sent["user_1"]["email"]) == 4_000_000


@pytest.mark.parametrize("path", ["/no/such/file.csv", "/"])
def test_files_that_cannot_be_read(job: Job, path: str) -> None:
    """They are named."""
    ended = job.run("email=@email", "--accounts", path)
    assert ended.code == 2
    assert ended.err.startswith(f"refold: {path} cannot be read: ")


def test_unknown_actions(job: Job) -> None:
    """The error suggests the action that was meant, as that of `execute` does."""
    path = job.contacts(2)
    ended = job.command_line.run("fan-out", "hubspot", "create_contct", "--accounts", str(path))
    assert (ended.code, "Did you mean 'create_contact'?" in ended.err) == (1, True)


def test_a_first_account_that_is_refused(job: Job) -> None:
    """That is a failure of its row only, as in any other row; a refused key fails the command."""
    job.command_line.mock.script(Answer(400), linked_account_id="user_0")
    ended = job.run("email=@email", "--accounts", job.contacts(4))
    assert (ended.code, summary(ended)["ok"], summary(ended)["failed"]) == (1, 3, 1)
    everybody = job.command_line.mock.script(Answer(403))
    ended = job.run("email=@email", "--accounts", job.contacts(4))
    assert (ended.code, ended.out, everybody.applied) == (1, "", 2)
    assert ended.err.startswith("refold: Refold returned HTTP 400")


def test_rows_with_the_same_key(job: Job) -> None:
    """They are refused before anything is sent, unless another column distinguishes them."""
    path = job.rows("linked_account_id,email\nuser_1,a@b.c\nuser_2,a@b.c\nuser_1,b@b.c\n")
    ended = job.run_contacts(path)
    assert ended.code == 2
    assert "line 4: its 'linked_account_id', 'user_1', is also that of line 2" in ended.err
    ended = job.run_contacts(path, "--key", "email")
    assert "line 3: its 'email', 'a@b.c', is also that of line 2" in ended.err
    assert not job.sent
    assert job.run("email=@email", "--accounts", path).code == 0
    assert job.sent_count == 3
    path = job.rows("linked_account_id,email\nuser_1,a@b.c\nuser_1,b@b.c\n")
    assert job.run_contacts(path, "--key", "email").code == 0
    assert statuses(Journal(job.journal)) == {"a@b.c": "ok", "b@b.c": "ok"}


def test_dry_run(job: Job) -> None:
    """It checks all rows, shows the first request without the key, and sends nothing to the app."""
    ended = job.run_contacts(job.contacts(12), "--dry-run", "--output", job.output)
    shown = json.loads(ended.out)
    assert (ended.code, shown["headers"]["x-api-key"], shown["headers"]["linked_account_id"]) == (0, "***", "user_0")
    assert shown["body"] == {"email": "0@example.com"}
    assert "is valid (12 rows)" in ended.err
    assert not job.sent
    assert not job.journal.exists()
    assert not job.output.exists()


def test_resuming(job: Job) -> None:
    """The same command does what is left, and reports all rows, also with a limit first."""
    path = job.contacts(20)
    first = job.run_contacts(path, "--limit", "5", "--output", job.output)
    assert (first.code, summary(first)["ok"], job.sent_count) == (0, 5, 5)
    second = job.run_contacts(path, "--output", job.output)
    assert (second.code, job.sent_count) == (0, 20)
    assert re.match(
        r"20 rows: 20 ok, 0 failed, 0 unknown\. This run took \d+ s; 5 rows ended in earlier runs\.", second.err
    )
    assert (summary(second)["recorded"], summary(second)["resume"]) == (5, None)
    assert sorted(int(line["index"]) for line in job.outcomes()) == list(range(20))
    assert sum(line["recorded"] == "true" for line in job.outcomes()) == 5


def test_failures(job: Job) -> None:
    """They are counted by error and change the exit code; those that did nothing are retried on request."""
    job.command_line.mock.script(Errored(422, {"message": "Property [b]values[/b] were not valid"}), calls=[3, 4])
    ended = job.run_contacts(job.contacts(6), "--output", job.output)
    assert ended.code == 1
    assert (told := summary(ended))["errors"][0]["rows"] == 2
    assert (told["ok"], told["failed"], told["unknown"], told["ended"]) == (4, 2, 0, "finished")
    assert "2 failed: ActionFailedError: " in ended.err
    assert "Property [b]values[/b] were not valid" in ended.err
    assert ended.err.endswith(f" --output {job.output} --retry-failed\n")
    again = job.run_contacts(job.contacts(6), "--retry-failed")
    assert (again.code, job.sent_count) == (0, 8)


def test_unknown_outcomes(job: Job) -> None:
    """Any of them makes the exit code 3. The command to resume does not repeat them; options do."""
    job.command_line.mock.script(Reset("after"), linked_account_id="user_1", route="execute_action", calls=1)
    job.command_line.mock.script(Errored(400), linked_account_id="user_2", calls=1)
    path = job.contacts(3)
    ended = job.run_contacts(path)
    assert ended.code == 3
    assert "1 unknown: the action may have been executed. Check each of them in hubspot." in ended.err
    assert f"`refold journal entries {job.journal} --status unknown`" in ended.err
    command = f"refold fan-out hubspot create_contact email=@email --accounts {path} --journal {job.journal}"
    assert f"\n  {command} --resend-unknown\n" in ended.err
    assert f"\n  {command} --retry-failed\n" in ended.err
    assert job.run_contacts(path).code == 3
    assert job.sent_count == 3
    assert job.run_contacts(path, "--resend-unknown").code == 1
    assert job.run_contacts(path, "--resend-unknown", "--retry-failed").code == 0
    assert job.sent_count == 5


def test_a_key_that_is_refused(job: Job) -> None:
    """A wrong key is reported before the job begins; one that is revoked half way stops it soon."""
    mock = job.command_line.mock
    path = job.contacts(300)
    revoked = mock.script(Answer(401), route="execute_action", calls=range(11, 1000))
    ended = job.run_contacts(path, "--concurrency", "4", "--output", job.output)
    assert ended.code == 1
    assert "The job was stopped. Refold refuses the API key: check it" in ended.err
    assert (told := summary(ended))["ended"] == "stopped"
    assert told["ok"] == 10
    assert 3 <= told["failed"] <= 10
    assert told["resume"] in ended.err
    assert len(job.outcomes()) == told["ok"] + told["failed"]
    revoked.remove()
    assert job.run_contacts(path, "--retry-failed").code == 0
    assert job.sent_count == 300 + told["failed"]

    with_wrong_key = mock.script(Answer(401))
    ended = job.run("email=@email", "--accounts", path)
    assert (ended.code, ended.out) == (1, "")
    assert with_wrong_key.applied == 1


def test_failures_in_a_row(job: Job) -> None:
    """A job in which no row succeeds stops, unless it has another limit; accounts to reconnect do not count."""
    mock = job.command_line.mock
    for number in range(150):
        mock.account(f"user_{number}").expire("hubspot")
    ended = job.run("email=@email", "--accounts", job.contacts(150))
    assert (ended.code, summary(ended)["failed"], summary(ended)["ended"]) == (1, 150, "finished")
    mock.script(Errored(422))
    path = job.rows("\n".join(["linked_account_id,email", *(f"new_{number},a@b.c" for number in range(300))]))
    ended = job.run("email=@email", "--accounts", path)
    assert (ended.code, summary(ended)["ended"]) == (1, "stopped")
    assert 100 <= summary(ended)["failed"] <= 150
    assert "100 rows in a row did not succeed" in ended.err
    ended = job.run("email=@email", "--accounts", path, "--stop-after", "50%")
    assert 20 <= summary(ended)["failed"] <= 70
    assert "did not succeed, so --stop-after stopped the job. The last error: " in ended.err


def test_a_production_key(job: Job) -> None:
    """The command asks, with the number of accounts, before anything is written with it."""
    job.command_line.environment.setenv("REFOLD_API_KEY", "pk_live")
    path = job.contacts(3)
    refused = job.run_contacts(path)
    assert (refused.code, "Execute create_contact of hubspot for 3 accounts" in refused.err) == (2, True)
    declined = job.run("email=@email", "--accounts", path, stdin="\n", terminal=True)
    assert (declined.code, "for the accounts of 3 rows, with a production key? [y/N]" in declined.err) == (1, True)
    assert not job.sent
    assert job.run_contacts(path, "--yes").code == 0
    ended = job.command_line.run("fan-out", "hubspot", "get_contact", "--read", "--accounts", str(path))
    assert ended.code == 0


def test_without_a_journal(job: Job) -> None:
    """A job that writes more than a few rows warns once that it cannot be resumed."""
    warning = "Without --journal FILE, this job cannot be resumed"
    assert job.run("email=@email", "--accounts", job.contacts(11)).err.count(warning) == 1
    assert warning not in job.run("email=@email", "--accounts", job.contacts(10)).err
    assert warning not in job.run_contacts(job.contacts(11)).err
    path = str(job.contacts(11))
    assert warning not in job.command_line.run("fan-out", "hubspot", "get_contact", "--read", "--accounts", path).err
    job.command_line.mock.script(Errored(422), calls=range(2, 100), route="execute_action")
    stopped = job.run("email=@email", "--accounts", job.contacts(40), "--stop-after", "3", "--concurrency", "2")
    assert (stopped.code, summary(stopped)["resume"]) == (3, None)
    assert "begins at the first row and repeats those that are done" in stopped.err


def test_failures_without_a_journal(job: Job) -> None:
    """A job in which rows failed warns that running it again repeats those that succeeded, unless it only reads."""
    warning = "running it again also repeats the 2 rows that succeeded"
    job.command_line.mock.script(Errored(422), linked_account_id="user_1")
    failed = job.run("email=@email", "--accounts", job.contacts(3))
    assert (failed.code, summary(failed)["failed"], warning in failed.err) == (1, 1, True)
    assert warning not in job.run_contacts(job.contacts(3)).err
    path = str(job.contacts(3))
    read = job.command_line.run("fan-out", "hubspot", "get_contact", "--read", "--accounts", path)
    assert (read.code, warning in read.err) == (1, False)


def test_journals_that_cannot_be_used(job: Job) -> None:
    """Another job's journal, one in use, and other files are refused in one paragraph, and nothing is sent."""
    path = job.contacts(2)
    assert job.run("email=@email", "--accounts", path, "--journal", job.journal, "--limit", "1").code == 0
    other = job.run("email=@email", "lastname=X", "--accounts", path, "--journal", job.journal)
    assert (other.code, "belongs to another job: its parameters or columns are not the same." in other.err) == (1, True)
    other = job.run("email=x", "--accounts", path, "--journal", job.journal)
    assert (other.code, "belongs to another job" in other.err) == (1, True)
    notes = job.rows("no journal\n" * 1000, "notes.txt")
    none = job.run("email=@email", "--accounts", path, "--journal", notes)
    assert (none.code, str(notes) in none.err) == (1, True)
    assert notes.read_text() == "no journal\n" * 1000
    job.run_contacts(path, "--limit", "1", "--output", job.output)
    outcomes = job.output.read_bytes()
    assert outcomes
    lost = job.run("email=@email", "--accounts", path, "--journal", "/no/such/directory/june.sqlite")
    assert (lost.code, lost.err.startswith("refold: ")) == (1, True)
    run = opened(job.directory / "used.sqlite")
    try:
        named = ("--journal", job.directory / "used.sqlite", "--output", job.output)
        used = job.run("email=@email", "--accounts", path, *named)
        assert (used.code, "Wait until it ends, or stop it." in used.err) == (1, True)
    finally:
        run.close()
    assert job.output.read_bytes() == outcomes  # which may be those of the job that is running
    assert job.sent_count == 1


def test_rows_that_change_while_the_job_runs(job: Job) -> None:
    """The job executes the rows read before the change, then stops and says why."""
    path = job.contacts(9_000)  # more than Python reads at once: since 3.14, that is 128 KiB

    @job.command_line.mock.catalogue.action("hubspot", "shorten")
    async def shorten(context: ActionContext, parameters: dict[str, Any]) -> None:
        with path.open("r+b") as file:
            file.truncate(60_000)

    ended = job.command_line.run(
        "fan-out", "hubspot", "shorten", "--accounts", str(path), "--journal", str(job.journal)
    )
    assert (ended.code, summary(ended)["ended"], summary(ended)["failed"]) == (1, "stopped", 0)
    assert summary(ended)["ok"] == job.sent_count < 9_000
    assert f"The job was stopped. {path} was changed while the job ran." in ended.err


def test_the_file_of_outcomes(job: Job) -> None:
    """It escapes formulas, and replaces neither another file of the job nor the only record of one."""
    job.command_line.mock.script(Errored(422, {"message": "=HYPERLINK()"}), calls=1)
    path = job.rows("linked_account_id,email\n=user_1,-a\n")
    assert job.run("email=@email", "--accounts", path, "--output", job.output).code == 1
    (line,) = job.outcomes()
    assert line["linked_account_id"] == "'=user_1"
    assert json.loads(line["item"]) == {"linked_account_id": "=user_1", "email": "-a"}
    again = job.run("email=@email", "--accounts", path, "--output", job.output)
    assert (again.code, "may be the only record of an earlier run" in again.err) == (2, True)
    for other in (path, job.journal):
        ended = job.run_contacts(path, "--output", other)
        assert (ended.code, "would overwrite another file of the job" in ended.err) == (2, True)
    assert path.read_text().startswith("linked_account_id")


def test_what_outcomes_may_replace(job: Job) -> None:
    """Only outcomes of an earlier run. Only its owner may read a new file, as with the journal."""
    path = job.contacts(3)
    notes = job.rows("my notes\n", "notes.csv")
    ended = job.run_contacts(path, "--output", notes)
    assert (ended.code, "is not a file of outcomes: name another file. Nothing was sent." in ended.err) == (2, True)
    assert notes.read_text() == "my notes\n"
    other = job.directory / "other.sqlite"
    assert job.run("email=@email", "--accounts", path, "--limit", "1", "--journal", other).code == 0
    ended = job.run_contacts(path, "--output", other)
    assert (ended.code, "is a database, perhaps a journal" in ended.err) == (2, True)
    assert statuses(Journal(other)) == {"user_0": "ok"}
    assert job.sent_count == 1
    job.output.write_bytes(b"\xef\xbb\xbfindex,link")  # as where the disk was full
    job.output.chmod(0o640)
    assert job.run_contacts(path, "--output", job.output).code == 0
    assert (len(job.outcomes()), job.output.stat().st_mode & 0o777) == (3, 0o640)
    job.output.unlink()
    assert job.run_contacts(path, "--output", job.output).code == 0
    assert (len(job.outcomes()), job.output.stat().st_mode & 0o777) == (3, 0o600)


def test_output_that_nobody_can_write(job: Job) -> None:
    """If the summary cannot be printed, the exit code is still that of the job, unless all went well."""
    job.command_line.mock.script(Errored(422), linked_account_id="user_1")
    arguments = ["fan-out", *ACTION, "email=@email", "--accounts", str(job.contacts(2))]
    with Path("/dev/full").open("w") as full:
        failed = job.command_line.run(*arguments, stdout=full)
        good = job.command_line.run(*arguments, "--limit", "1", stdout=full)
        with contextlib.suppress(OSError):
            full.close()
    assert (failed.code, "do not run it again" in failed.err) == (1, False)
    assert (good.code, "No space left on device. It happened: do not run it again." in good.err) == (4, True)


def test_reads_without_an_answer(job: Job) -> None:
    """They did nothing, and the same command reads them again."""
    script = job.command_line.mock.script(Errored(503), route="execute_action")
    path = job.contacts(1)
    arguments = ["fan-out", "hubspot", "get_contact", "--read", "--timeout", "0.5", "--accounts", str(path)]
    ended = job.command_line.run(*arguments)
    assert ended.err.endswith("The action only reads: you can run the same command again.\n")
    ended = job.command_line.run(*arguments, "--journal", str(job.journal))
    assert (ended.code, "may have been executed" in ended.err) == (3, False)
    assert ended.err.endswith(f"To read those again:\n  refold {' '.join(arguments)} --journal {job.journal}\n")
    script.remove()
    assert job.command_line.run(*arguments, "--journal", str(job.journal)).code == 0


def test_a_full_disk(job: Job) -> None:
    """The job stops when its outcomes or its journal cannot be written; nothing is sent twice later."""
    path = job.contacts(200)
    with largest_file(3_000):
        ended = job.run("email=@email", "--accounts", path, "--output", job.output, "--concurrency", "2")
    told = summary(ended)
    assert (ended.code, told["ended"], told["unknown"]) == (3, "stopped", 0)
    assert f"--output {job.output} cannot be written: File too large." in ended.err
    assert told["ok"] == job.sent_count < 200

    before = job.sent_count
    with largest_file(60_000):
        ended = job.run_contacts(path, "--concurrency", "2")
    told = summary(ended)
    # The journal may fail between two rows, when none is on its way.
    lost = told["unknown"] > 0 or "the next run treats those rows as unknown" in ended.err
    assert (ended.code, told["ended"]) == (3 if lost else 1, "stopped")
    sent = job.sent_count - before
    assert told["ok"] + told["unknown"] == sent < 200
    again = job.run_contacts(path)
    assert (again.code, job.sent_count - before) == (3 if lost else 0, 200)


def test_times(job: Job) -> None:
    """A job may have a time limit and a rate."""
    ended = job.run_contacts(job.contacts(200), "--rate", "20", "--job-timeout", "0.3")
    told = summary(ended)
    assert (ended.code, told["ended"], told["failed"], told["unknown"]) == (1, "stopped", 0, 0)
    assert told["ok"] < 100
    assert "The job was stopped. The job took longer than 0.3 seconds (--job-timeout)." in ended.err
    assert told["resume"] is not None
