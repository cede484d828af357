"""The example of a sync: it reads and writes only what changed, each change once, whenever it is killed."""

import importlib
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from refold_async import AsyncRefold
from refold_async.testing import (
    ActionContext,
    Answer,
    Drip,
    Errored,
    ExpiredConnection,
    MockRefold,
    Reset,
    Silence,
)
from support.running_programs import Finished, run_program, running
from support.waiting import until

EXAMPLES: Final = Path(__file__).parent.parent.parent / "examples"
PROGRAM: Final = str(EXAMPLES / "sync_contacts.py")
TALKS_TO_MOCK: Final = re.compile(r"REFOLD_API_KEY is not set: talking to a mock on http://127\.0\.0\.1:\d+\n")
COLUMNS: Final = "contact_id, email, first_name, last_name, company, phone"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example, as a module."""
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    return importlib.import_module("sync_contacts")


class Customers:
    """What the customers do in their HubSpots, and what was asked of those."""

    def __init__(self, mock: MockRefold) -> None:
        self.mock = mock

    def put(self, linked_account_id: str, contact_id: str, **properties: Any) -> None:
        """Make a contact, or change properties of it."""
        contacts = self.mock.account(linked_account_id).store("hubspot").setdefault("contacts", {})
        old = contacts.get(contact_id, {"properties": {}})
        contacts[contact_id] = {"id": contact_id, "properties": {**old["properties"], **properties}}

    def contacts(self, linked_account_id: str) -> dict[str, dict[str, Any]]:
        """Return the properties of a customer's contacts."""
        contacts = self.mock.account(linked_account_id).store("hubspot")["contacts"]
        return {contact_id: contact["properties"] for contact_id, contact in contacts.items()}

    def reads(self, linked_account_id: str | None = None) -> list[dict[str, str]]:
        """Return with what parameters contacts were read, since the record was cleared."""
        return [parameters for action_id, parameters in self._executed(linked_account_id) if "list" in action_id]

    def writes(self, linked_account_id: str | None = None) -> list[tuple[str, dict[str, str]]]:
        """Return what was written, since the record was cleared."""
        return [(action_id, told) for action_id, told in self._executed(linked_account_id) if "list" not in action_id]

    def _executed(self, linked_account_id: str | None) -> list[tuple[str, dict[str, str]]]:
        requests = self.mock.requests_to("execute_action", linked_account_id)
        return [(request.path.split("/")[-2], request.json) for request in requests]


@pytest.fixture
def customers(mock: MockRefold, example: Any) -> Customers:
    """Customers whose HubSpots have the custom action; the first has two contacts, the second one."""
    fields = [{"name": name} for name in ("modified_since", "limit", "after")]
    mock.catalogue.action("hubspot", "list_modified_contacts", parameters=fields)(example.list_modified_contacts)
    customers = Customers(mock)
    customers.put("customer_1", "51", email="jane@example.com", firstname="Jane", lastname="Doe", hs_score="7")
    customers.put("customer_1", "52", email="john@example.com", company="", phone=None)
    customers.put("customer_2", "61", email="ada@example.com", phone="+44 1")
    return customers


class Table:
    """A table that is synced in this process."""

    def __init__(self, example: Any, refold: AsyncRefold, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._example = example
        self._refold = refold
        self._capsys = capsys

    async def sync(self, *, write: bool = True, resend_unknown: bool = False) -> str:
        """Sync once, and return what that printed."""
        await self._example.sync(self._refold, self.path, write=write, resend_unknown=resend_unknown)
        return self._capsys.readouterr().out

    def execute(self, statement: str, *values: Any) -> list[Any]:
        """Do as the program does whose table it is, or look at it."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    def rows(self, linked_account_id: str) -> list[Any]:
        """Return the rows of a linked account."""
        return self.execute(
            f"SELECT {COLUMNS} FROM contacts WHERE linked_account_id = ? ORDER BY id", linked_account_id
        )

    def cursors(self) -> dict[str, str | None]:
        """Return the cursors of all linked accounts."""
        return dict(self.execute("SELECT * FROM cursors"))


@pytest.fixture
def table(example: Any, refold: AsyncRefold, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Table:
    """A table that is not there yet."""
    return Table(example, refold, tmp_path / "contacts.sqlite", capsys)


NO_ROWS: Final = "Rows written to HubSpot: 0, failed: 0, unknown: 0\n"


async def test_first_sync_reads_all(customers: Customers, table: Table) -> None:
    """Each contact becomes a row, its properties the columns that the mapping names."""
    assert await table.sync() == (
        "Read from HubSpot: 3 contacts of 2 linked accounts; rows changed: 3, conflicts: 0\n" + NO_ROWS
    )
    assert table.rows("customer_1") == [
        ("51", "jane@example.com", "Jane", "Doe", None, None),
        ("52", "john@example.com", None, None, None, None),
    ]
    assert table.rows("customer_2") == [("61", "ada@example.com", None, None, None, "+44 1")]
    assert customers.reads() == [{"limit": "100"}] * 2
    assert customers.writes() == []


async def test_later_syncs_read_what_changed(customers: Customers, table: Table) -> None:
    """They ask for what was modified since the last contact that was read, and that one is no change."""
    await table.sync()
    cursors = table.cursors()
    customers.put("customer_1", "51", lastname="Smith")
    customers.put("customer_1", "53", email="new@example.com")
    customers.mock.clear()
    assert "Read from HubSpot: 4 contacts of 2 linked accounts; rows changed: 2, conflicts: 0\n" in await table.sync()
    for linked_account_id in ("customer_1", "customer_2"):
        assert customers.reads(linked_account_id) == [{"limit": "100", "modified_since": cursors[linked_account_id]}]
    assert [row[0:4:3] for row in table.rows("customer_1")] == [("51", "Smith"), ("52", None), ("53", None)]
    assert table.cursors()["customer_2"] == cursors["customer_2"]
    assert "Read from HubSpot: 2 contacts of 2 linked accounts; rows changed: 0, conflicts: 0\n" in await table.sync()
    assert customers.writes() == []


async def test_pages(customers: Customers, table: Table) -> None:
    """All pages of one linked account are read, each from where the one before ended."""
    for number in range(250):
        customers.put("customer_3", str(number), email=f"{number}@example.com")
    assert "Read from HubSpot: 253 contacts of 3 linked accounts; rows changed: 253" in await table.sync()
    assert len(table.rows("customer_3")) == 250
    reads = customers.reads("customer_3")
    assert ["after" in read for read in reads] == [False, True, True]
    assert reads[1]["after"] < reads[2]["after"]


async def test_changed_rows_are_written_once(customers: Customers, table: Table) -> None:
    """Of a changed row what changed is written, of a new one all of it; neither comes back as a change."""
    await table.sync()
    table.execute("UPDATE contacts SET company = 'Example', last_name = '' WHERE contact_id = '51'")
    table.execute("UPDATE contacts SET company = '' WHERE contact_id = '52'")
    table.execute("INSERT INTO contacts (linked_account_id, email) VALUES ('customer_2', 'grace@example.com')")
    assert "Rows written to HubSpot: 2, failed: 0, unknown: 0" in await table.sync()
    assert customers.writes("customer_1") == [("update_contact", {"id": "51", "company": "Example", "lastname": ""})]
    assert customers.writes("customer_2") == [("create_contact", {"email": "grace@example.com"})]
    for _ in range(2):
        printed = await table.sync()
        assert "rows changed: 0, conflicts: 0\n" + NO_ROWS in printed
    assert len(customers.writes()) == 2
    assert [row[1] for row in table.rows("customer_2")] == ["ada@example.com", "grace@example.com"]
    assert [row[0] in customers.contacts("customer_2") for row in table.rows("customer_2")] == [True, True]


async def test_the_same_change_again(customers: Customers, table: Table) -> None:
    """A change that was made, taken back and made again is three writes, not one that was done before."""
    await table.sync()
    for company in ("Example", "", "Example"):
        table.execute("UPDATE contacts SET company = ? WHERE contact_id = '61'", company)
        assert "Rows written to HubSpot: 1" in await table.sync()
    assert [told["company"] for _, told in customers.writes()] == ["Example", "", "Example"]


async def test_row_that_changes_while_it_is_written(customers: Customers, table: Table) -> None:
    """What was written counts as written; what changed meanwhile is written by the next sync."""
    await table.sync()
    update = customers.mock.catalogue.app("hubspot").actions["update_contact"].handler

    async def update_slowly(context: ActionContext, parameters: dict[str, Any]) -> Any:
        if parameters["phone"] == "1":
            table.execute("UPDATE contacts SET phone = '2' WHERE contact_id = '61'")
        return await update(context, parameters)

    fields = [{"name": "id"}, {"name": "phone"}]
    customers.mock.catalogue.action("hubspot", "update_contact", parameters=fields)(update_slowly)
    table.execute("UPDATE contacts SET phone = '1' WHERE contact_id = '61'")
    for _ in range(3):
        assert "conflicts: 0" in await table.sync()
    assert [told["phone"] for _, told in customers.writes()] == ["1", "2"]
    assert customers.contacts("customer_2")["61"]["phone"] == table.rows("customer_2")[0][-1] == "2"


@pytest.mark.parametrize("results", [["51", "52"], []], ids=["stale", "empty"])
async def test_list_that_lags_behind(customers: Customers, table: Table, results: list[str]) -> None:
    """What was written and is not listed yet is neither taken back nor in the way of the next write."""
    await table.sync()
    cursors = table.cursors()
    action = customers.mock.catalogue.app("hubspot").actions["list_modified_contacts"]
    context = ActionContext("customer_1", "hubspot", customers.mock.account("customer_1").store("hubspot"))
    listed = (await action.handler(context, {"limit": "100"}))["results"]

    async def list_late(_context: ActionContext, _parameters: dict[str, Any]) -> Any:
        return {"results": [contact for contact in listed if contact["id"] in results]}

    customers.mock.account("customer_2").disconnect("hubspot")
    customers.mock.catalogue.action("hubspot", "list_modified_contacts", parameters=action.parameters)(list_late)
    for phone in ("1", "2"):
        table.execute("UPDATE contacts SET phone = ? WHERE contact_id = '51'", phone)
        for written in (1, 0):
            printed = await table.sync()
            assert f"rows changed: 0, conflicts: 0\nRows written to HubSpot: {written}, failed: 0" in printed
    assert [told["phone"] for _, told in customers.writes()] == ["1", "2"]
    assert table.cursors() == cursors


CHANGES: Final = [
    "UPDATE contacts SET phone = '1' WHERE contact_id = '61'",
    "INSERT INTO contacts (linked_account_id, email, phone) VALUES ('customer_2', 'grace@example.com', '1')",
]


@pytest.mark.parametrize("change", CHANGES, ids=["update", "create"])
async def test_lost_response_to_a_write_that_happened(customers: Customers, table: Table, change: str) -> None:
    """It is told, and not sent again: the next sync reads that it happened."""
    await table.sync()
    table.execute(change)
    customers.mock.script(Reset("after"), route="execute_action", linked_account_id="customer_2", calls=2)
    printed = await table.sync()
    assert re.search(r"^customer_2: \w+@example.com unknown: ", printed, re.MULTILINE)
    assert "Rows written to HubSpot: 0, failed: 0, unknown: 1\n" in printed
    assert "rows changed: 0, conflicts: 0\n" + NO_ROWS in await table.sync()
    assert len(customers.writes()) == 1
    rows = {row[0]: row[1] for row in table.rows("customer_2")}
    assert rows == {contact_id: told["email"] for contact_id, told in customers.contacts("customer_2").items()}
    table.execute("UPDATE contacts SET phone = '2' WHERE phone = '1'")
    assert "Rows written to HubSpot: 1" in await table.sync()
    assert [action_id for action_id, _ in customers.writes()][1:] == ["update_contact"]


@pytest.mark.parametrize("change", CHANGES, ids=["update", "create"])
async def test_lost_response_to_a_write_that_did_not_happen(customers: Customers, table: Table, change: str) -> None:
    """It is told by every sync, and sent again by one that is asked to."""
    await table.sync()
    table.execute(change)
    customers.mock.script(Answer(502), route="execute_action", linked_account_id="customer_2", calls=2)
    for _ in range(3):
        assert "Rows written to HubSpot: 0, failed: 0, unknown: 1\n" in await table.sync()
    assert len(customers.writes()) == 1
    assert "Rows written to HubSpot: 1, failed: 0, unknown: 0\n" in await table.sync(resend_unknown=True)
    assert NO_ROWS in await table.sync()
    first, second = customers.writes()
    assert first == second
    assert "1" in [told.get("phone") for told in customers.contacts("customer_2").values()]


async def test_refused_write(customers: Customers, table: Table) -> None:
    """A write that HubSpot refused is told, stops no other, and is tried by the next sync."""
    await table.sync()
    table.execute("UPDATE contacts SET phone = '1'")
    refused = Errored(400, {"message": "Property values were not valid"})
    customers.mock.script(refused, linked_account_id="customer_2", calls=2)
    printed = await table.sync()
    assert re.search(r"^customer_2: ada@example.com failed: .*not valid", printed, re.MULTILINE)
    assert "Rows written to HubSpot: 2, failed: 1, unknown: 0\n" in printed
    assert "Rows written to HubSpot: 1, failed: 0, unknown: 0\n" in await table.sync()
    assert customers.writes("customer_2") == [("update_contact", {"id": "61", "phone": "1"})] * 2


async def test_changed_on_both_sides(customers: Customers, table: Table) -> None:
    """Fields that one side changed are taken from it; one that both changed is kept as it is in the table."""
    await table.sync()
    table.execute("UPDATE contacts SET company = 'Ours', first_name = 'Ada', phone = '+1' WHERE contact_id = '61'")
    customers.put("customer_2", "61", company="Theirs", lastname="Lovelace", phone="+1")
    assert "rows changed: 1, conflicts: 1\n" in await table.sync()
    assert customers.writes() == [("update_contact", {"id": "61", "company": "Ours", "firstname": "Ada"})]
    assert table.rows("customer_2") == [("61", "ada@example.com", "Ada", "Lovelace", "Ours", "+1")]
    assert "rows changed: 0, conflicts: 0\n" + NO_ROWS in await table.sync()
    mine = {"email": "ada@example.com", "firstname": "Ada", "lastname": "Lovelace", "company": "Ours", "phone": "+1"}
    assert customers.contacts("customer_2") == {"61": mine}


async def test_new_row_that_hubspot_has_too(customers: Customers, table: Table) -> None:
    """A contact that comes in with the address of a row that waits is that row, not another."""
    await table.sync()
    table.execute(
        "INSERT INTO contacts (linked_account_id, email, phone) VALUES ('customer_2', 'new@example.com', '1')"
    )
    customers.put("customer_2", "62", email="New@Example.com", firstname="Ann")
    await table.sync()
    assert table.rows("customer_2")[1:] == [("62", "new@example.com", "Ann", None, None, "1")]
    told = {"id": "62", "email": "new@example.com", "phone": "1"}
    assert customers.writes() == [("update_contact", told)]


async def test_failing_account(customers: Customers, table: Table) -> None:
    """It stops no other; its rows and its cursor stay as they were, and what changed in it waits."""
    await table.sync()
    cursors = table.cursors()
    for number in range(150):
        customers.put("customer_1", str(1000 + number), email=f"{number}@example.com")
    customers.put("customer_2", "62", email="new@example.com")
    table.execute("UPDATE contacts SET phone = '1' WHERE contact_id IN ('51', '61')")
    customers.mock.script(Errored(400), linked_account_id="customer_1", calls=2)  # the second page
    printed = await table.sync()
    assert re.search(r"^customer_1: not read; .*400", printed, re.MULTILINE)
    assert "of 1 linked accounts; rows changed: 1," in printed
    assert "Rows written to HubSpot: 1," in printed
    assert len(table.rows("customer_1")) == 2
    assert table.cursors()["customer_1"] == cursors["customer_1"]
    assert table.cursors()["customer_2"] != cursors["customer_2"]
    assert customers.writes("customer_1") == []
    printed = await table.sync()
    assert "of 2 linked accounts; rows changed: 150," in printed
    assert customers.reads("customer_1")[-2]["modified_since"] == cursors["customer_1"]
    assert customers.writes("customer_1") == [("update_contact", {"id": "51", "phone": "1"})]


async def test_failure_in_the_middle_of_a_transaction(customers: Customers, table: Table) -> None:
    """Of an account whose rows cannot all be committed, none is, nor the cursor."""
    await table.sync()
    cursors, rows = table.cursors(), table.rows("customer_1")
    table.execute(
        "CREATE TRIGGER refuse BEFORE UPDATE ON contacts WHEN NEW.email = 'bad@example.com' "
        "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    )
    customers.put("customer_1", "51", company="Example")
    customers.put("customer_1", "53", email="bad@example.com")
    assert "customer_1: not read; the next run reads the same changes: refused\n" in await table.sync()
    assert (table.cursors(), table.rows("customer_1")) == (cursors, rows)
    table.execute("DROP TRIGGER refuse")
    assert "rows changed: 2, conflicts: 0" in await table.sync()


async def test_response_of_another_shape(customers: Customers, table: Table) -> None:
    """A contact that is not what it should be is an error of its account, told by its path."""
    customers.put("customer_1", "52", phone=7)
    printed = await table.sync()
    assert re.search(r"^customer_1: not read; .*phone", printed, re.MULTILINE)
    assert table.rows("customer_1") == []
    assert table.cursors().keys() == {"customer_2"}


async def test_disconnected_account(customers: Customers, table: Table) -> None:
    """It is named and is no error; its rows stay, and what changed in them waits for the connection."""
    await table.sync()
    table.execute("UPDATE contacts SET phone = '1' WHERE contact_id = '61'")
    account = customers.mock.account("customer_2")
    customers.mock.account("customer_3").disconnect("hubspot")
    for disconnect in (account.disconnect, account.expire):
        disconnect("hubspot")
        customers.mock.clear()
        printed = await table.sync()
        assert printed.startswith("customer_2: HubSpot is no longer connected; its rows wait\nRead from HubSpot: ")
        assert printed.endswith(NO_ROWS)
        assert customers.mock.requests_to("execute_action", "customer_2") == []
    account.connect("hubspot")
    printed = await table.sync()
    assert "customer_2" not in printed
    assert customers.writes() == [("update_contact", {"id": "61", "phone": "1"})]


async def test_account_that_is_disconnected_after_it_was_listed(customers: Customers, table: Table) -> None:
    """That is no error either."""
    customers.mock.script(ExpiredConnection(), linked_account_id="customer_2")
    assert (await table.sync()).startswith("customer_2: HubSpot is no longer connected; its rows wait\nRead from ")


async def test_read_only(customers: Customers, table: Table) -> None:
    """Unasked nothing is written, and the changes are kept."""
    await table.sync()
    table.execute("UPDATE contacts SET phone = '1' WHERE contact_id = '61'")
    customers.put("customer_2", "61", phone="2")
    assert "Rows to write to HubSpot with --write: 1\n" in await table.sync(write=False)
    assert customers.writes() == []
    await table.sync()
    assert customers.writes() == [("update_contact", {"id": "61", "phone": "1"})]


class Programs:
    """The example as a user starts it, with a key for the service that the customers use."""

    def __init__(self, customers: Customers, table: Table) -> None:
        self.arguments = [PROGRAM, "--database", str(table.path)]
        self.environment = {"REFOLD_API_KEY": "tk_test", "REFOLD_BASE_URL": customers.mock.base_url}

    async def run(self, *options: str) -> Finished:
        """Run it to its end."""
        return await run_program(*self.arguments, *options, environment=self.environment)

    async def run_until(self, condition: Callable[[], bool]) -> None:
        """Run it until a condition holds, then kill it."""
        async with running(*self.arguments, "--write", environment=self.environment) as process:
            await until(condition, process)


@pytest.fixture
def programs(customers: Customers, table: Table) -> Programs:
    """The example as a program."""
    return Programs(customers, table)


@pytest.mark.slow
async def test_killed_while_it_reads(customers: Customers, table: Table, programs: Programs) -> None:
    """What was committed is not read again, and what was not is."""
    script = customers.mock.script(Silence(), route="execute_action", linked_account_id="customer_2")

    def half_done() -> bool:
        return script.applied == 1 and table.path.exists() and customers_read() == {"customer_1"}

    def customers_read() -> set[str]:
        try:
            return set(table.cursors())
        except sqlite3.OperationalError:  # there are no tables yet
            return set()

    await programs.run_until(half_done)
    cursors = table.cursors()
    assert len(table.rows("customer_1")) == 2
    assert table.rows("customer_2") == []
    script.remove()
    customers.mock.clear()
    ran = await programs.run("--write")
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert "Read from HubSpot: 2 contacts of 2 linked accounts; rows changed: 1, conflicts: 0\n" in ran.output
    assert customers.reads("customer_1") == [{"limit": "100", "modified_since": str(cursors["customer_1"])}]
    assert customers.reads("customer_2") == [{"limit": "100"}]


@pytest.mark.parametrize(
    "change", [CHANGES[0], pytest.param(CHANGES[1], marks=pytest.mark.slow)], ids=["update", "create"]
)
@pytest.mark.parametrize("happened", [pytest.param(True, marks=pytest.mark.slow), False])
async def test_killed_while_it_writes(
    customers: Customers, table: Table, programs: Programs, change: str, happened: bool
) -> None:
    """The write in flight is not sent again, whether it happened or not; unless asked, if it did not."""
    await table.sync()
    table.execute(change)
    trouble = Drip(5) if happened else Silence()
    customers.mock.script(trouble, route="execute_action", linked_account_id="customer_2", calls=2)

    def on_its_way() -> bool:
        reached = "1" in [told.get("phone") for told in customers.contacts("customer_2").values()]
        return len(customers.writes()) == 1 and customers.mock.requests[-1].body is not None and reached is happened

    await programs.run_until(on_its_way)
    ran = await programs.run("--write")
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert f"Rows written to HubSpot: 0, failed: 0, unknown: {0 if happened else 1}\n" in ran.output
    assert len(customers.writes()) == 1
    ran = await programs.run("--write", "--resend-unknown")
    assert f"Rows written to HubSpot: {0 if happened else 1}, failed: 0, unknown: 0\n" in ran.output
    assert len(customers.writes()) == (1 if happened else 2)
    assert len(table.rows("customer_2")) == len(customers.contacts("customer_2"))


async def test_program_writes_only_if_asked_to(customers: Customers, table: Table, programs: Programs) -> None:
    """With a key it reads, and tells what it would write."""
    await table.sync()
    table.execute(CHANGES[0])
    ran = await programs.run()
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert "Rows to write to HubSpot with --write: 1\n" in ran.output
    assert customers.writes() == []


async def test_program_tells_errors_in_a_line(customers: Customers, programs: Programs) -> None:
    """A key that is refused ends it, without a traceback."""
    customers.mock.script(Answer(401))
    ran = await programs.run("--write")
    assert ran.exit_code == 1
    assert ran.complaints.startswith("AuthenticationError: ")
    assert "Traceback" not in ran.complaints


@pytest.mark.slow
async def test_program_without_a_key() -> None:
    """It runs as it is, against a mock of its own, and prints what three syncs do."""
    ran = await run_program(PROGRAM)
    assert ran.exit_code == 0
    assert TALKS_TO_MOCK.fullmatch(ran.complaints)
    assert ran.output == (
        "Read from HubSpot: 50 contacts of 5 linked accounts; rows changed: 50, conflicts: 0\n"
        "Rows written to HubSpot: 0, failed: 0, unknown: 0\n"
        "\n"
        "Rows change, contacts change, and a customer disconnects HubSpot:\n"
        "user_5: HubSpot is no longer connected; its rows wait\n"
        "Read from HubSpot: 6 contacts of 4 linked accounts; rows changed: 2, conflicts: 1\n"
        "Rows written to HubSpot: 3, failed: 0, unknown: 0\n"
        "\n"
        "Nothing changes:\n"
        "user_5: HubSpot is no longer connected; its rows wait\n"
        "Read from HubSpot: 6 contacts of 4 linked accounts; rows changed: 0, conflicts: 0\n"
        "Rows written to HubSpot: 0, failed: 0, unknown: 0\n"
    )
