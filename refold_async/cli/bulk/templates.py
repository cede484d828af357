"""The parameters of each row: some the same for all, some from a column of it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from refold_async.cli.parameters import parse_parameters

__all__ = ["FORMS", "Column", "Template"]

FORMS: Final = "name=text, name:=JSON, name=@COLUMN, name:=@COLUMN or @FILE (a JSON object)"


@attrs.frozen
class Column:
    """Where a row has a parameter's value."""

    name: str
    """The column."""
    as_json: bool
    """Whether the value is its JSON; else it is its text."""

    def value_of(self, row: Mapping[str, Any]) -> Any:
        """Return the value that a row gives, or None where it has none: where it is empty, or null.

        Raises:
            ValueError: It is not the JSON that it must be.
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
        """Read them off a command line.

        Raises:
            UsageError: An argument has none of the forms, or a name comes twice.
        """
        values = parse_parameters(given, Column)
        self._columns = {name: value for name, value in values.items() if isinstance(value, Column)}
        self._values = {name: value for name, value in values.items() if name not in self._columns}

    @property
    def columns(self) -> list[str]:
        """The names of the columns that it takes values from."""
        return [column.name for column in self._columns.values()]

    @property
    def complete(self) -> dict[str, Any]:
        """The parameters of a row that leaves out none, each that comes from a column with an empty text."""
        return {**self._values, **dict.fromkeys(self._columns, "")}

    def left_out_of(self, parameters: Mapping[str, Any]) -> list[str]:
        """Return the names of those that a row's parameters lack."""
        if len(parameters) == len(self._values) + len(self._columns):  # nearly all, at less cost
            return []
        return [name for name in self._columns if name not in parameters]

    @property
    def constant(self) -> dict[str, Any] | None:
        """The parameters, where they are the same for all rows; else None."""
        return None if self._columns else dict(self._values)

    def parameters_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of a row. A cell that is empty, or null, leaves its parameter out.

        Raises:
            ValueError: A column does not hold the JSON that it must.
        """
        parameters = dict(self._values)
        for name, column in self._columns.items():
            if (value := column.value_of(row)) is not None:
                parameters[name] = value
        return parameters

    def fingerprint(self, *others: str) -> str:
        """Return what tells it, and some other texts, from others."""
        columns = {name: [column.name, column.as_json] for name, column in self._columns.items()}
        told = json.dumps([self._values, columns, others], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:12]


def _parsed(column: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"what column {column!r} holds is no JSON: {error}") from None
    except RecursionError:
        raise ValueError(f"what column {column!r} holds is JSON nested too deeply") from None
