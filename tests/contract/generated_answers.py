"""Answers made at random from the schemas of Refold's description, always the same ones, and what methods lose of them.

hypothesis-jsonschema does not work with current versions of hypothesis, and the description uses few kinds of schemas.
"""

import string
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from functools import cache
from typing import Any, Final, cast

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contract.description import described_answer
from contract.facts import OPERATIONS
from contract.problems import Problem
from contract.reading import Given, Read, losses_of, read

__all__ = ["generated_losses"]

_EXAMPLES: Final = 6
"""How many answers of each operation are made."""
_WHOLE: Final = 2**53
"""Whole numbers below this are exact in any JSON parser."""

# fmt: off
_NEEDED: Final = frozenset({
    "_id", "account_id", "action_id", "add_record_result", "auth_url", "columns", "config_id", "definition", "docs",
    "env_definition_id", "execution_id", "hosted_url", "id", "name", "node_status", "records", "rows", "slug",
    "success", "table_id", "token", "variable_definition_id", "version", "workflow", "workflows",
})
# fmt: on
"""The fields without which an answer says nothing: methods cannot read it. Schemas of answers do not say so."""

# Texts that may be ids, tokens and URLs: these have neither spaces nor control characters.
_TEXTS: Final = st.text(st.characters(min_codepoint=33, exclude_categories=("C", "Z")), min_size=1, max_size=20)
_TOKENS: Final = st.text(string.ascii_letters + string.digits + "-_.", min_size=1)
_NAMES: Final = st.text(string.ascii_letters + "_$. é", min_size=1, max_size=10)
_WHOLE_NUMBERS: Final = st.integers(-_WHOLE, _WHOLE)
_NUMBERS: Final = _WHOLE_NUMBERS | st.floats(allow_nan=False, allow_infinity=False)
_MOMENTS: Final = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat().replace("+00:00", "Z"))
_ANYTHING: Final[st.SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(_NAMES, parts, max_size=3),
    max_leaves=5,
)
_PLAIN: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "integer": _WHOLE_NUMBERS,
    "number": _NUMBERS,
    "boolean": st.booleans(),
    "date-time": _MOMENTS,
    "uri": _TOKENS.map("https://example.com/{}".format),
}

_SPECIAL: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "refresh_token": _TOKENS,
    "success": st.just(True),
    "token": _TOKENS,
}
"""Fields whose values are limited more than their schemas say: with `"success": false`, an answer may be an error."""


def answers(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return the strategy of the JSON values that a schema describes.

    Any field may be missing, except those in `_NEEDED`: schemas of answers require none.
    """
    kind: Any = schema.get("type")
    if isinstance(kind, list):
        return st.none() | answers({**schema, "type": cast("Sequence[Any]", kind)[0]})
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if kind == "object":
        return _objects(schema)
    if kind == "array":
        items = answers(schema.get("items", {}))
        return st.lists(items, max_size=3, unique_by=_identity)
    if kind == "string":
        return _PLAIN.get(schema.get("format", ""), _TEXTS)
    return _PLAIN.get(str(kind), _ANYTHING)


def _objects(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        others: Any = schema.get("additionalProperties")
        values = answers(cast("dict[str, Any]", others)) if isinstance(others, dict) else _ANYTHING
        return st.dictionaries(_NAMES, values, max_size=3)
    described: Mapping[str, Any] = schema["properties"]
    fields = {name: _SPECIAL[name] if name in _SPECIAL else answers(given) for name, given in described.items()}
    needed = {name: fields.pop(name) for name in [*fields] if name in _NEEDED}
    return st.fixed_dictionaries(needed, optional=fields)


def _identity(item: Any) -> Any:
    """Return what no two items of a list share: lists that come in pages have each item once."""
    return repr(cast("dict[str, Any]", item).get("_id", item) if isinstance(item, dict) else item)


def _some(strategy: st.SearchStrategy[Any]) -> Sequence[Any]:
    """Return a few values, the simplest first."""
    made: list[Any] = []

    @settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(strategy)
    def collect(value: Any) -> None:
        made.append(value)

    collect()
    return made


@cache
def _read() -> Sequence[Read]:
    return read(
        [
            Given(operation, f"{value!r:.500}", operation.status, value)
            for operation in OPERATIONS
            if operation.source == "description" and (schema := described_answer(operation)) is not None
            for value in _some(answers(schema))
        ]
    )


def generated_losses() -> Iterator[Problem]:
    """Tell what of answers made at random does not come back as a typed attribute."""
    yield from losses_of(_read())
