"""The parameters of each row: some the same for all rows, some from a column."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from refold_async.cli.parameters import parse_parameters
from refold_async.cli.strict_json import UnusableJSONError, parse_json

__all__ = ["FORMS", "Column", "Template"]

FORMS: Final = "name=text, name:=JSON, name=@COLUMN, name:=@COLUMN or @FILE (a JSON object)"


@attrs.frozen
class Column:
    """The column of a parameter's value."""

    name: str
    """Its name."""
    as_json: bool
    """Whether to read its text as JSON."""

    def value_of(self, row: Mapping[str, Any]) -> Any:
        """Return the value in a row; None if it is empty or null.

        Raises:
            ValueError: It is not JSON; the message is a sentence.
        """
        value = row.get(self.name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return _parsed(self.name, value) if self.as_json else value
        return value if self.as_json else json.dumps(value, ensure_ascii=False)


class Template:
    """The parameters of every row."""

    def __init__(self, given: Iterable[str]) -> None:
        """Read them from a command line.

        Raises:
            UsageError: An argument has none of the forms, or a name is given twice.
        """
        values = parse_parameters(given, Column)
        self._columns = {name: value for name, value in values.items() if isinstance(value, Column)}
        self._values = {name: value for name, value in values.items() if name not in self._columns}

    @property
    def columns(self) -> list[str]:
        """The names of the columns that it uses."""
        return [column.name for column in self._columns.values()]

    @property
    def complete(self) -> dict[str, Any]:
        """The parameters of a row that leaves out none; each parameter from a column is `...`, of no type."""
        return {**self._values, **dict.fromkeys(self._columns, ...)}

    def left_out_of(self, parameters: Mapping[str, Any]) -> list[str]:
        """Return the names of the parameters that a row leaves out."""
        if len(parameters) == len(self._values) + len(self._columns):  # the fast check for nearly all rows
            return []
        return [name for name in self._columns if name not in parameters]

    @property
    def constant(self) -> dict[str, Any] | None:
        """The parameters if they are the same for all rows, else None."""
        return None if self._columns else dict(self._values)

    def parameters_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of a row. An empty cell, or null, leaves its parameter out.

        Raises:
            ValueError: A column is not JSON; the message is a sentence.
        """
        parameters = dict(self._values)
        for name, column in self._columns.items():
            if (value := column.value_of(row)) is not None:
                parameters[name] = value
        return parameters

    def fingerprint(self, *others: str) -> str:
        """Return a hash of it and some other texts, which differs for other templates."""
        columns = {name: [column.name, column.as_json] for name, column in self._columns.items()}
        identity = json.dumps([self._values, columns, others], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()[:12]


def _parsed(column: str, text: str) -> Any:
    try:
        return parse_json(text)
    except UnusableJSONError as error:
        raise ValueError(f"its {column!r} {error}.") from None
