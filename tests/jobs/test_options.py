"""The options of fan-outs: what `help()` and signatures show of them, and what becomes of misspelled ones."""

import inspect
import pydoc
import re
import shutil
import sys
from pathlib import Path
from py_compile import compile as compile_file
from typing import Any, Final

import pytest

import refold_async
from refold_async import AsyncRefold
from refold_async.jobs.options import ActionFanOutOptions, FanOutOptions
from support.running_programs import run_program

OPTIONS: Final[dict[str, Any]] = {
    "account": None,
    "key": None,
    "concurrency": 50,
    "grace": 5.0,
    "job_timeout": None,
    "max_refusal_wait": 600.0,
    "stop_after": None,
    "progress": None,
    "journal": None,
    "retry_failed": False,
    "resend_unknown": False,
}
"""The options of both methods, and their defaults."""
FURTHER: Final[dict[str, Any]] = {
    "into": None,
    "idempotent": False,
    "reconcile": None,
    "connection_id": None,
    "headers": None,
    "timeout": None,
    "skip_disconnected": False,
}
"""Those of actions alone."""


def as_seen(method: str, *, of_client: bool) -> Any:
    """Return a method as users ask for help about it: of the class, or of a client."""
    return getattr(AsyncRefold("tk_test") if of_client else AsyncRefold, method)


@pytest.mark.parametrize("of_client", [False, True])
@pytest.mark.parametrize(("method", "options"), [("fan_out", OPTIONS), ("fan_out_action", OPTIONS | FURTHER)])
def test_signatures_show_every_option(method: str, options: dict[str, Any], of_client: bool) -> None:
    """With its default and its type, as keyword arguments and nothing besides."""
    parameters = inspect.signature(as_seen(method, of_client=of_client)).parameters
    by_keyword = {name: each for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}
    assert {name: each.default for name, each in by_keyword.items()} == options
    assert not [each for each in parameters.values() if each.kind is each.VAR_KEYWORD]
    assert ("self" in parameters) is not of_client
    types = {name: inspect.formatannotation(each.annotation) for name, each in by_keyword.items()}
    assert types["account"].endswith(
        "Callable[[~Item], str | refold_async.resources.account.AccountScope | "
        "refold_async.models.linked_accounts.LinkedAccount] | None"
    )
    assert (types["concurrency"], types["stop_after"], types["journal"]) == (
        "int",
        "float | None",
        "'Journal | JournalPart | PostgresJournal | None'",
    )


@pytest.mark.parametrize("of_client", [False, True])
@pytest.mark.parametrize(("method", "options"), [("fan_out", OPTIONS), ("fan_out_action", OPTIONS | FURTHER)])
def test_help_describes_every_option(method: str, options: dict[str, Any], of_client: bool) -> None:
    """By the text that stands where it is declared, in lines that are not too long."""
    help_text = pydoc.plain(pydoc.render_doc(as_seen(method, of_client=of_client)))
    title, *lines = (line.strip() for line in help_text.splitlines()[2:])
    assert title.startswith(f"{method}(")
    described = {name for name in options if any(line.startswith(f"{name}: ") for line in lines)}
    assert described == options.keys()
    assert "**options" not in help_text
    concurrency = "concurrency: How many items may be in progress at the same time; by default 50."
    assert any(line.startswith(concurrency) for line in lines)
    assert max(map(len, (inspect.getdoc(as_seen(method, of_client=of_client)) or "").splitlines())) < 120
    assert lines.index("Args:") < lines.index("Returns:") < lines.index("Raises:")


def test_help_of_the_client_shows_them_too() -> None:
    """The methods are methods like any other."""
    help_text = pydoc.plain(pydoc.render_doc(AsyncRefold))
    assert re.search(r"\bfan_out\([\s|]*self,[\s|]*items: ", help_text)
    assert help_text.count("max_refusal_wait: Seconds that an item may wait in total") == 2
    assert AsyncRefold.fan_out.__name__ == AsyncRefold("tk_test").fan_out.__name__ == "fan_out"


@pytest.mark.parametrize("declared", [FanOutOptions, ActionFanOutOptions])
def test_every_option_is_documented(declared: Any) -> None:
    """A new one needs a type, a default, and a text below."""
    parameters = inspect.signature(AsyncRefold.fan_out_action).parameters
    documentation = inspect.getdoc(AsyncRefold.fan_out_action) or ""
    for name in declared.__annotations__:
        assert name in parameters
        (text,) = re.findall(rf"^    {name}: (.*(?:\n {{8}}.*)*)", documentation, re.MULTILINE)
        default = parameters[name].default
        if default is not None and default is not False:  # editors show no other default of it
            assert f"by default {default:g}." in text


@pytest.mark.slow
async def test_help_without_sources(tmp_path: Path) -> None:
    """A program that came without its sources shows the options as far as it can."""
    shutil.copytree(Path(refold_async.__file__).parent, tmp_path / "refold_async")
    source = tmp_path / "refold_async" / "jobs" / "options.py"
    compile_file(str(source), cfile=str(source.with_suffix(".pyc")), doraise=True)
    source.unlink()
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from refold_async import AsyncRefold; "
    ran = await run_program("-P", "-c", program + "help(AsyncRefold.fan_out)")
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert "concurrency: int = 50" in ran.output
    assert "    concurrency\n" in ran.output
    ran = await run_program("-P", "-OO", "-c", program + "help(AsyncRefold.fan_out)")
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert "concurrency: int = 50" in ran.output


@pytest.mark.parametrize(
    "lost",
    [
        "del options.__file__",
        "options.__file__ = __file__; __import__('linecache').cache[__file__] = (9, None, ['if'], __file__)",
    ],
    ids=["without a file", "another file"],
)
async def test_help_of_a_module_whose_file_is_gone(tmp_path: Path, lost: str) -> None:
    """As in a program that loads modules from memory, or while an update of the package is being installed."""
    program = tmp_path / "program.py"
    program.write_text(f"""
from refold_async import AsyncRefold
from refold_async.jobs import options
{lost}
help(AsyncRefold.fan_out)
""")
    ran = await run_program(str(program))
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert "concurrency: int = 50" in ran.output


async def test_help_costs_those_who_ask_for_it() -> None:
    """A job makes neither signature nor documentation."""
    program = """
import sys
from refold_async import AsyncRefold
AsyncRefold("tk_test").fan_out_action(["user_1"], "hubspot", "get_contact")
print('refold_async.jobs.options_help' in sys.modules)
"""
    ran = await run_program("-c", program)
    assert (ran.output, ran.complaints) == ("False\n", "")


@pytest.mark.parametrize("client", ["create_autospec(AsyncRefold)()", "create_autospec(AsyncRefold, instance=True)"])
async def test_mocks_of_the_client(client: str) -> None:
    """They take the calls that the client takes, and no others; in a program in which nobody has asked for help yet."""
    program = f"""
from unittest.mock import create_autospec
from refold_async import AsyncRefold
client = {client}
client.fan_out(["user_1"], print, concurrency=5)
client.fan_out_action(["user_1"], "hubspot", "get_contact", into=dict)
for options in {{"concurency": 5}}, {{"call": print}}:
    try:
        client.fan_out(["user_1"], print, **options)
    except TypeError as error:
        print(error)
client.fan_out.assert_called_once_with(["user_1"], print, concurrency=5)
"""
    ran = await run_program("-c", program)
    assert ran.complaints == ""
    assert ran.output == "got an unexpected keyword argument 'concurency'\nmultiple values for argument 'call'\n"


async def test_tools_find_a_function() -> None:
    """By the client and by its class; in a program in which nobody has asked for help yet."""
    program = """
import inspect
from refold_async import AsyncRefold
print("Await `call(scope, item)` for every item" in inspect.getsource(AsyncRefold("tk_test").fan_out))
print(inspect.isfunction(AsyncRefold.fan_out), AsyncRefold("tk_test").fan_out.__func__ is AsyncRefold.fan_out)
"""
    ran = await run_program("-c", program)
    assert (ran.output, ran.complaints) == ("True\nTrue True\n", "")


def test_a_client_of_a_class_of_its_own() -> None:
    """Its methods may call those that they stand for, which are named in errors."""

    class Client(AsyncRefold):
        def fan_out(self, items: Any, call: Any, **options: Any) -> Any:
            return super().fan_out(items, call, **options)

    with pytest.raises(TypeError, match=r"^AsyncRefold\.fan_out\(\) got an unexpected keyword argument 'grce'"):
        Client("tk_test").fan_out([], print, grce=5)
    Client("tk_test").fan_out([], print, grace=5)


@pytest.mark.parametrize("name", ["concurency", "no_such_option", "idempotent"])
def test_misspelled_options(name: str) -> None:
    """They raise what Python raises of any function, with the suggestion that Python 3.13 makes."""

    class Plain:
        def fan_out(self, items: Any, call: Any, *, concurrency: int = 50) -> None: ...

    def message(client: Any) -> str:
        with pytest.raises(TypeError) as caught:
            client.fan_out([], None, **{name: 5})
        return str(caught.value)

    told = message(AsyncRefold("tk_test"))
    suggestion = ". Did you mean 'concurrency'?" if name == "concurency" else ""
    assert told == f"AsyncRefold.fan_out() got an unexpected keyword argument '{name}'{suggestion}"
    by_python = message(Plain()).rpartition("Plain.")[2]
    assert told.endswith(by_python) if sys.version_info >= (3, 13) else by_python in told


def test_misspelled_options_of_actions() -> None:
    """Each method has its own options."""
    with pytest.raises(TypeError, match=r"^AsyncRefold\.fan_out_action\(\) got an unexpected keyword argument 'in_to'"):
        AsyncRefold("tk_test").fan_out_action([], "hubspot", "get_contact", in_to=dict)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


def test_a_file_for_every_item() -> None:
    """One path would not do for many items: the error says what does."""
    untyped: Any = AsyncRefold("tk_test")
    with pytest.raises(TypeError, match=r"argument 'save_to': each item needs a path of its own\. Use fan_out\(items"):
        untyped.fan_out_action(["user_1"], "hubspot", "get_contact", save_to="report.pdf")
