"""Names of tools and of parameters: what every API accepts, and no two the same."""

import re
from typing import Final

import pytest

from refold_async.resources.tools.names import parameter_names, tool_names

TOOL: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
PARAMETER: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def test_names_that_fit() -> None:
    """They are the app's and the action's, and parameters keep theirs."""
    assert tool_names("hubspot", ["get_contact", "a-B__9"]) == {
        "get_contact": "hubspot__get_contact",
        "a-B__9": "hubspot__a-B__9",
    }
    assert parameter_names(["email", "first.name", "x-1"]) == {name: name for name in ("email", "first.name", "x-1")}


@pytest.mark.parametrize(
    ("slug", "action_id"),
    [
        ("hubspot", "get contact"),
        ("hubspot", "kontakt_anlegen_für"),
        ("hubspot", "a" * 56),
        ("a.b", "c"),
        ("a__b", "c"),
        ("a_", "b"),
        ("🦊", "🦊"),
        ("x", "\ud800"),
        ("x", "a" * 500),
    ],
)
def test_a_tool_that_needs_another_name(slug: str, action_id: str) -> None:
    """It gets one that all APIs accept, always the same."""
    name = tool_names(slug, [action_id])[action_id]
    assert TOOL.fullmatch(name)
    assert re.search("_[0-9a-f]{8}$", name)
    assert tool_names(slug, ["other", action_id])[action_id] == name


def test_the_longest_name_that_fits() -> None:
    """64 characters do."""
    name = "hubspot__" + "a" * 55
    assert tool_names("hubspot", ["a" * 55]) == {"a" * 55: name}
    assert len(name) == 64


def test_tools_that_would_have_the_same_name() -> None:
    """What differs in what cannot be in a name, or is cut, has different names, also for different apps."""
    ids = ["a b", "a.b", "a/b", "a_b", "ä_b", "a" * 60 + "1", "a" * 60 + "2"]
    names = tool_names("hubspot", ids)
    assert len(set(names.values())) == len(ids)
    pairs = [("a", "b__c"), ("a__b", "c"), ("a_", "b"), ("a", "_b"), ("a-", "b"), ("a", "-b")]
    apart = [tool_names(slug, [action_id])[action_id] for slug, action_id in pairs]
    assert len(set(apart)) == len(pairs)


def test_an_action_with_the_changed_name_of_another() -> None:
    """It keeps its name, and the other one gets one more."""
    changed = tool_names("x", ["a b"])["a b"].removeprefix("x__")
    for ids in (["a b", changed], [changed, "a b"]):
        names = tool_names("x", ids)
        assert names[changed] == f"x__{changed}"
        assert len(set(names.values())) == 2
        assert all(TOOL.fullmatch(name) for name in names.values())


def test_parameters_that_need_other_names() -> None:
    """They get ones that fit and are different, in the same order."""
    names = parameter_names(["first name", "first:name", "first_name", "", "a" * 65, "a" * 66, "größe"])
    assert list(names) == ["first name", "first:name", "first_name", "", "a" * 65, "a" * 66, "größe"]
    assert names["first_name"] == "first_name"
    assert all(PARAMETER.fullmatch(name) for name in names.values())
    assert len(set(names.values())) == len(names)
