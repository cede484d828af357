"""`refold generate`, and the module it writes."""

import ast
import inspect
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypedDict, assert_type

import attrs
import pytest

from generated.hubspot_actions import ActionId, CreateContactParameters, GetContactParameters, HubspotActions
from refold_async import AccountScope, ActionParameter, ActionParameters, ActionResult
from refold_async.cli.generated_module import DescribedAction, is_generated, module_source
from refold_async.testing import Answer, MockRefold
from support.command_line import CommandLine

WRITTEN: Final = Path(__file__).parent.parent / "generated" / "hubspot_actions.py"
# Texts that break out of a string or a comment, stand for other texts, or are names of something else.
HOSTILE: Final = [
    *(
        "create_contact",
        "create-contact",
        "createContact",
        "create_contact_2",
        "Create Contact",
        "CreateContactParameters",
    ),
    *(
        "class",
        "None",
        "__init__",
        "__class__",
        "_execute",
        "self",
        "str",
        "Any",
        "T",
        "Mapping",
        "overload",
        "ActionId",
    ),
    *("", "123", "..", "créer", "创建", "\U0001f600", "ﬁnd", "find", "a\ud800", "{name}", "{docstring}", "%s"),
    *('"""', "'''", '"', "\\", '\\"""', '""""', "x\n\nraise SystemExit\n", "x\r\fy", "\0", "\u202e", "# type: ignore"),
    *("type: ignore", "-*- coding: latin-1 -*-", '"""\nraise SystemExit\n"""', "\\N{BULLET}", "\\x41", "\\"),
]


class Contact(TypedDict):
    """One of HubSpot's."""

    id: str


def test_what_it_writes(command_line: CommandLine, tmp_path: Path) -> None:
    """It is this, as printed and as a file, each time."""
    file = tmp_path / "hubspot_actions.py"
    ended = command_line.run("generate", "hubspot", "-o", str(file), terminal=True)
    assert (ended.code, ended.out) == (0, "")
    assert f"{file} has 7 actions of hubspot." in " ".join(ended.err.split())
    assert file.read_text(encoding="utf-8") == WRITTEN.read_text(encoding="utf-8")
    assert command_line.run("generate", "hubspot").out == WRITTEN.read_text(encoding="utf-8")
    before = file.stat().st_mtime_ns
    assert command_line.run("generate", "hubspot", "-o", str(file)).code == 0
    assert file.stat().st_mtime_ns == before


async def test_what_it_writes_executes(account: AccountScope, mock: MockRefold) -> None:
    """Its methods execute the actions; type checkers know what they take and give."""
    hubspot = HubspotActions(account)
    jane: CreateContactParameters = {"email": "jane@example.com"}
    assert_type(await hubspot.create_contact(jane), ActionResult[Any])
    created = await hubspot.create_contact({"email": "ada@example.com", "firstname": "Ada"}, into=Contact, timeout=9)
    assert_type(created, ActionResult[Contact])
    assert created.data["id"]
    assert_type(await hubspot.get_contact(idempotent=True), ActionResult[Any])
    some: GetContactParameters = {"limit": "1"}
    assert (await hubspot.get_contact({"limit": 1})).data == (await hubspot.get_contact(some)).data
    assert [request.json for request in mock.requests_to(action_id="create_contact")] == [
        {"email": "jane@example.com"},
        {"email": "ada@example.com", "firstname": "Ada"},
    ]
    assert {request.linked_account_id for request in mock.requests} == {"user_12345"}


async def misuses(hubspot: HubspotActions) -> None:
    """Give what both type checkers refuse; each comment that were not needed would be an error to mypy."""
    await hubspot.create_contact()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await hubspot.create_contact({})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    await hubspot.create_contact({"email": 1})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    given: CreateContactParameters = {"email": "x"}
    await hubspot.create_contact(given, tmeout=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    given["emial"] = "x"  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportGeneralTypeIssues]
    misspelled: ActionId = "create_contct"  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(misspelled)


def test_rate_limit(command_line: CommandLine) -> None:
    """An app with many actions is read several at a time, and as fast as Refold lets."""
    catalogue = command_line.mock.catalogue
    catalogue.add_app("large")
    for number in range(60):
        catalogue.action("large", f"action_{number}", parameters=[{"name": "text", "required": True}])(_nothing)
    refusal = Answer(429, retry_after=0.01)
    command_line.mock.script(refusal, route="get_action_parameters", calls=range(20, 30))
    ended = command_line.run("generate", "large")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("\nclass ") == 61 + 2
    statuses = [request.status for request in command_line.mock.requests_to("get_action_parameters")]
    assert statuses.count(200) == 61
    assert statuses.count(429) == 10


async def _nothing(_context: object, _parameters: object) -> None: ...


def test_chosen_actions(command_line: CommandLine) -> None:
    """Some alone can be had, and the module tells how it is written anew."""
    ended = command_line.run("generate", "hubspot", "--action", "get_contact", "--action", "create_contact")
    assert "class CreateContactParameters" in ended.out
    assert "class UpdateContactParameters" not in ended.out
    assert "refold generate hubspot --action=create_contact --action=get_contact\n" in ended.out
    assert command_line.run("generate", "hubspot", "--action=create_contact", "--action=get_contact").out == ended.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["hubspt"], "Did you mean 'hubspot'?"),
        (["hubspot", "--action", "create_contct"], "Did you mean 'create_contact'?"),
    ],
)
def test_what_is_unknown(command_line: CommandLine, arguments: list[str], says: str) -> None:
    """An app or an action that there is not fails, and nothing is written."""
    ended = command_line.run("generate", *arguments)
    assert (ended.code, ended.out) == (1, "")
    assert says in ended.err


def test_what_cannot_be_executed(command_line: CommandLine) -> None:
    """An action that the client could not name, or without a schema, is left out, which is told."""
    for action_id in ("..", "gone"):
        command_line.mock.catalogue.action("hubspot", action_id)(_nothing)
    command_line.mock.script(Answer(404), route="get_action_parameters", action_id="gone")
    ended = command_line.run("generate", "hubspot")
    assert (ended.code, ended.out) == (0, WRITTEN.read_text(encoding="utf-8"))
    assert ended.err.count("refold: Left out ") == 2
    assert "`refold actions SLUG` lists" in ended.err
    command_line.mock.script(Answer(403), route="get_action_parameters", action_id="get_contact")
    failed = command_line.run("generate", "hubspot")
    assert (failed.code, failed.out) == (1, "")
    assert "Traceback" not in failed.err


def test_files_of_others(command_line: CommandLine, tmp_path: Path) -> None:
    """A file that it did not write stays as it is, until it is told to replace it; it asks before it calls."""
    file = tmp_path / "mine.py"
    file.write_text("MINE = True\n")
    file.chmod(0o600)
    refused = command_line.run("generate", "hubspot", "-o", str(file))
    assert refused.code == 2
    assert f"{file} exists, and refold generate did not write it: pass --force to replace it." in refused.err
    assert command_line.mock.request_count == 0
    assert file.read_text() == "MINE = True\n"
    assert command_line.run("generate", "hubspot", "-o", str(file), "--force").code == 0
    assert is_generated(file.read_text(encoding="utf-8"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    link = tmp_path / "link.py"
    link.symlink_to(file)
    assert command_line.run("generate", "hubspot", "-o", str(link), "--action", "get_contact").code == 0
    assert link.is_symlink()
    assert "class UpdateContactParameters" not in file.read_text(encoding="utf-8")
    assert sorted(os.listdir(tmp_path)) == ["link.py", "mine.py"]


@pytest.mark.parametrize("where", ["", "no/such/directory/x.py", "a_directory", "a_pipe", "an_open_pipe", "\0"])
def test_where_nothing_can_be_written(command_line: CommandLine, tmp_path: Path, where: str) -> None:
    """It says so before it calls."""
    (tmp_path / "a_directory").mkdir()
    os.mkfifo(tmp_path / "a_pipe")
    reading, writing = os.pipe()
    (tmp_path / "an_open_pipe").symlink_to(f"/dev/fd/{writing}")
    ended = command_line.run("generate", "hubspot", "--force", "-o", f"{tmp_path}/{where}")
    os.close(reading)
    os.close(writing)
    assert (ended.code, ended.out) == (2, "")
    assert "cannot be written: " in ended.err
    assert command_line.mock.request_count == 0


def test_where_nobody_may_write(command_line: CommandLine, unprivileged: Path) -> None:
    """That is told before it calls, too."""
    unprivileged.chmod(0o500)
    ended = command_line.run("generate", "hubspot", "-o", f"{unprivileged}/x.py")
    assert (ended.code, command_line.mock.request_count) == (2, 0)
    assert f"cannot be written: Permission denied in {unprivileged}." in ended.err


def test_what_fails_leaves_the_file(command_line: CommandLine, tmp_path: Path) -> None:
    """A file that is there stays whole where the new one cannot be made."""
    file = tmp_path / "hubspot_actions.py"
    assert command_line.run("generate", "hubspot", "-o", str(file), "--action", "get_contact").code == 0
    before = file.read_bytes()
    command_line.mock.script(Answer(403), route="get_action_parameters", action_id="update_contact")
    assert command_line.run("generate", "hubspot", "-o", str(file)).code == 1
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["hubspot_actions.py"]


def hostile_module(slug: str = "hubspot") -> str:
    """Return the source of a module all of whose texts are hostile."""
    parameters = [ActionParameter(name=name, label=name, required=name < "c", type=name) for name in HOSTILE]
    kinds = [ActionParameter(name=kind, type=kind) for kind in ("text", "number", "map", "json", "date", "new")]
    given = [ActionParameters(slug, "x", tuple(parameters)), ActionParameters(slug, "x", tuple(kinds))]
    return module_source(
        slug,
        [
            DescribedAction(action_id, given[number % 2], HOSTILE[-number], " ".join(HOSTILE))
            for number, action_id in enumerate(HOSTILE)
        ],
        chosen=True,
    )


def module_of(source: str) -> ModuleType:
    """Return a module, run."""
    module = ModuleType("hostile_actions")
    exec(compile(source, "hostile_actions.py", "exec", dont_inherit=True), module.__dict__)
    return module


@attrs.define
class Scope:
    """Keeps what is executed."""

    executed: list[tuple[Any, ...]] = attrs.field(factory=list[tuple[Any, ...]])

    async def execute_action(self, *arguments: Any, **options: Any) -> None:
        """Keep it."""
        self.executed.append((*arguments, options))


async def test_hostile_texts() -> None:
    """They run nothing, and each action can be executed by a method of its own, with parameters of its own."""
    source = hostile_module()
    definitions = [
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef | ast.Assign | ast.AnnAssign)
    ]
    allowed = (ast.ImportFrom, ast.If, ast.Assign, ast.AnnAssign, ast.ClassDef, ast.Expr)
    assert all(isinstance(node, allowed) for node in ast.parse(source).body)
    assert len(definitions) == 5 + len(set(HOSTILE))
    module = module_of(source)
    scope = Scope()
    actions = module.HubspotActions(scope)
    methods = [name for name in dir(module.HubspotActions) if not name.startswith("_")]
    assert all(name.isascii() and name.isidentifier() for name in methods)
    for name in methods:
        await getattr(actions, name)({"x": 1}, idempotent=True)
    assert sorted(executed[1] for executed in scope.executed) == sorted(set(HOSTILE))
    assert all(executed[2:] == ({"x": 1}, {"into": None, "idempotent": True}) for executed in scope.executed)
    typed = [value for name, value in vars(module).items() if name.endswith("Parameters") or "Parameters_" in name]
    assert len(typed) == len(set(HOSTILE))
    assert {frozenset(of.__annotations__) for of in typed} == {
        frozenset(HOSTILE) - {""},
        frozenset(["text", "number", "map", "json", "date", "new"]),
    }
    assert next(of.__required_keys__ for of in typed if "number" not in of.__annotations__) == {
        name for name in HOSTILE if "" < name < "c"
    }


@pytest.mark.parametrize("slug", HOSTILE)
def test_hostile_apps(slug: str) -> None:
    """Whatever an app is called, it has a class, and the module knows it by its name."""
    module = module_of(module_source(slug, [DescribedAction("x", ActionParameters(slug, "x", ()))]))
    assert slug == module.SLUG
    (made,) = [name for name, value in vars(module).items() if inspect.isclass(value) and name.endswith("Actions")]
    assert made.isascii()


def method_of(made: ast.stmt, name: str) -> str:
    """Return the syntax of a method."""
    assert isinstance(made, ast.ClassDef)
    return next(ast.dump(node) for node in made.body if isinstance(node, ast.AsyncFunctionDef) and node.name == name)


def test_names_stay() -> None:
    """Methods of ids that are names already are called so, whichever others there are; the order does not matter."""
    nothing = ActionParameters("x", "x", ())
    actions = [DescribedAction(action_id, nothing) for action_id in ("get-a", "get_a", "get a", "get_b")]
    source = module_source("x", actions)
    assert source == module_source("x", reversed(actions))
    class_of_others = ast.parse(module_source("x", actions[1:])).body[-1]
    for method in ("get_a", "get_b"):
        assert method_of(ast.parse(source).body[-1], method) == method_of(class_of_others, method)
    for method in ("get_a", "get_a_2", "get_a_3", "get_b"):
        assert f"async def {method}(" in source


@pytest.mark.parametrize(
    "checker", [["mypy", "--strict", "--no-incremental"], ["pyright", "--pythonpath", sys.executable]]
)
@pytest.mark.slow
def test_type_checkers(tmp_path: Path, checker: list[str]) -> None:
    """They find nothing wrong with what is made of hostile texts."""
    pytest.importorskip(checker[0])
    (tmp_path / "hostile_actions.py").write_bytes(hostile_module().encode())
    (tmp_path / "written.py").write_bytes(WRITTEN.read_bytes())
    sources = Path(inspect.getfile(AccountScope)).parent.parent.parent
    found_by_itself = sources.name == "site-packages"
    ran = subprocess.run(
        [sys.executable, "-m", *checker, "hostile_actions.py", "written.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ} | ({} if found_by_itself else {"MYPYPATH": str(sources)}),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
