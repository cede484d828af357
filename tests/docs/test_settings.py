"""The page of settings: it lists every option with its default, and every environment variable that is read."""

import inspect
import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

import attrs
import pytest

import refold_async
from docs.wording import ROOT
from refold_async import AsyncRefold, RateLimit, RetryPolicy, Timeout
from refold_async.cli import options

PAGE: Final = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")


def rows_of(heading: str) -> dict[str, list[str]]:
    """Return the rows of the first table below a heading, each by what is in its first column."""
    table = re.split(rf"^#+ {re.escape(heading)}$", PAGE, maxsplit=1, flags=re.MULTILINE)[1].partition("\n|")[2]
    rows = [row.strip("|").split("|") for row in table.partition("\n\n")[0].splitlines()[2:]]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in rows}


def defaults_of(heading: str) -> dict[str, Any]:
    """Return the default of each option in a table; `inspect.Parameter.empty` if there is none."""
    evaluated = {name.strip("`"): cells[0].strip("`") for name, cells in rows_of(heading).items()}
    return {
        name: eval(code, dict(vars(refold_async))) if code else inspect.Parameter.empty
        for name, code in evaluated.items()
    }


def test_options_of_the_client() -> None:
    """The table has all of them, in the order of the constructor, with their defaults."""
    parameters = list(inspect.signature(AsyncRefold).parameters.values())
    assert list(defaults_of("Options of the client").items()) == [(one.name, one.default) for one in parameters]


@pytest.mark.parametrize("settings", [Timeout, RetryPolicy, RateLimit], ids=lambda settings: settings.__name__)
def test_options_of_settings(settings: type[Any]) -> None:
    """The tables of the classes that users configure have all fields, with their defaults."""
    fields: Mapping[str, Any] = {
        field.name: inspect.Parameter.empty if field.default is attrs.NOTHING else field.default
        for field in attrs.fields(settings)
    }
    assert defaults_of(settings.__name__) == fields


def test_every_variable_is_listed() -> None:
    """The page names those variables that the sources name, and no others."""
    sources = [*ROOT.glob("refold_async/**/*.py"), ROOT / "pytest_refold_async.py"]
    named = {name for path in sources for name in re.findall(r"\bREFOLD_[A-Z_]+\b", path.read_text(encoding="utf-8"))}
    listed = re.findall(r"`(REFOLD_[A-Z_]+)`", " ".join(rows_of("Environment variables")))
    assert set(listed) == named
    assert set(re.findall(r"\bREFOLD_[A-Z_]+\b", PAGE)) == named


def test_options_of_commands() -> None:
    """The table has every option that commands share."""
    shared = {
        f"--{field.name.replace('_', '-')}"
        for name in options.__all__
        if isinstance(value := getattr(options, name), type) and attrs.has(value)
        for field in attrs.fields(value)
    }
    assert {name.partition("`, `")[0].strip("`") for name in rows_of("Command line")} == shared


def test_extras() -> None:
    """The table has every extra of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {f"`{project['name']}[{extra}]`" for extra in project["optional-dependencies"]}
    assert set(rows_of("Extras")) == extras
