"""What an operation is made of: parameters, fields and refusals, each one line of the table."""

import re
from http import HTTPStatus
from typing import Final, Literal, Self, TypeAlias

import attrs

__all__ = [
    "ANYTHING",
    "BOOLEAN",
    "INTEGER",
    "MOMENT",
    "NOTHING",
    "NUMBER",
    "OBJECT",
    "TEXT",
    "Field",
    "Input",
    "ListOf",
    "MapOf",
    "Operation",
    "Place",
    "Refusal",
    "Security",
    "Shape",
    "Source",
    "Type",
    "Value",
    "body",
    "header",
    "page_of",
    "path",
    "query",
    "shape",
    "text",
    "unnamed",
    "usual_retrying",
]

Source: TypeAlias = Literal[
    "description", "example", "page", "seed", "seen live", "JavaScript client", "like its siblings"
]
"""Where a fact comes from. What the description tells needs no word; an `example` is an answer that a page of the
documentation shows, a `page` is its text. `like its siblings` is no document's, but what operations of a kind do."""

Place: TypeAlias = Literal["path", "query", "header", "body"]
Kind: TypeAlias = Literal["text", "moment", "integer", "number", "boolean", "object", "anything", "nothing"]
Security: TypeAlias = Literal["key", "token"]
Retrying: TypeAlias = Literal["read", "write", "idempotent"]


@attrs.frozen
class _Nullable:
    """What may be null, or not.

    Attributes:
        nullable: Whether it may.
    """

    nullable: bool = attrs.field(default=False, kw_only=True)

    def or_null(self) -> Self:
        """Return the same that may be null."""
        return attrs.evolve(self, nullable=True)

    def _or_null(self, named: str) -> str:
        return f"{named} or null" if self.nullable else named


@attrs.frozen
class Value(_Nullable):
    """A JSON value without a shape of its own.

    Attributes:
        kind: What it is; a `moment` is a text that tells a date and a time, an `object` has fields of any name.
        words: The only texts it can be; none for any.
    """

    kind: Kind
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.kind in {"anything", "nothing"}:
            return self.kind
        return self._or_null(f"{self.kind} ({', '.join(self.words)})" if self.words else self.kind)


@attrs.frozen
class ListOf(_Nullable):
    """A JSON array of values of one type."""

    items: "Type"

    def __str__(self) -> str:
        return self._or_null(f"a list, each {self.items}")


@attrs.frozen
class MapOf(_Nullable):
    """A JSON object with fields of any name, and values of one type."""

    values: "Type"

    def __str__(self) -> str:
        return self._or_null(f"an object with fields of any name, each {self.values}")


@attrs.frozen
class Shape(_Nullable):
    """A JSON object with fields of its own.

    Attributes:
        fields: Its fields.
        open: Whether it may have others.
    """

    fields: tuple["Field", ...]
    open: bool = False

    def __str__(self) -> str:
        names = ", ".join(field.name for field in self.fields)
        return self._or_null(f"an object with {names}" if names else "an object")

    def field(self, name: str) -> "Field | None":
        """Return the field of a name."""
        return next((field for field in self.fields if field.name == name), None)


Type: TypeAlias = Value | ListOf | MapOf | Shape

TEXT: Final = Value("text")
MOMENT: Final = Value("moment")
INTEGER: Final = Value("integer")
NUMBER: Final = Value("number")
BOOLEAN: Final = Value("boolean")
OBJECT: Final = Value("object")
ANYTHING: Final = Value("anything", nullable=True)
NOTHING: Final = Value("nothing", nullable=True)
"""An answer without a body."""


def text(*words: str) -> Value:
    """Return the type of a text that is one of a few words."""
    return Value("text", words)


def _attribute(field: "Field") -> str:
    """Return a name in snake_case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field.name).lower().replace("-", "_")


@attrs.frozen
class Field:
    """A field of an answer.

    Attributes:
        name: Its name in the JSON object.
        type: What it is.
        source: Where the fact comes from.
        optional: Whether an answer may come without it. The mock's answers have every field that is not.
        described: What the description takes it for, where others who know better tell otherwise.
        attribute: What the client's model calls it; empty where methods return what is in this field, None where it is
            in `raw` alone, since no document names it.
    """

    name: str
    type: Type
    source: Source = "description"
    optional: bool = attrs.field(default=False, kw_only=True)
    described: Type | None = attrs.field(default=None, kw_only=True)
    attribute: str | None = attrs.field(default=attrs.Factory(_attribute, takes_self=True), kw_only=True)


@attrs.frozen
class Input:
    """A parameter, or a field of the JSON object that is sent.

    Attributes:
        place: Where it is sent.
        name: Its name there.
        type: What it is; parameters are sent as texts that spell it.
        source: Where the fact comes from.
        required: Whether Refold asks for it.
        described: What the description takes it for, where others who know better tell otherwise.
        offered: Whether a method of ours can send it.
    """

    place: Place
    name: str
    type: Type = TEXT
    source: Source = "description"
    required: bool = attrs.field(default=False, kw_only=True)
    described: Type | None = attrs.field(default=None, kw_only=True)
    offered: bool = attrs.field(default=True, kw_only=True)


def path(name: str) -> Input:
    """Return a part of the path."""
    return Input("path", name, required=True)


def query(
    name: str,
    type: Type = TEXT,  # noqa: A002
    source: Source = "description",
    *,
    described: Type | None = None,
    offered: bool = True,
) -> Input:
    """Return a parameter of the query string."""
    return Input("query", name, type, source, described=described, offered=offered)


def header(
    name: str,
    type: Type = TEXT,  # noqa: A002
    source: Source = "description",
    *,
    required: bool = False,
    offered: bool = True,
) -> Input:
    """Return a header."""
    return Input("header", name, type, source, required=required, offered=offered)


def body(
    name: str,
    type: Type = TEXT,  # noqa: A002
    source: Source = "description",
    *,
    required: bool = False,
    described: Type | None = None,
    offered: bool = True,
) -> Input:
    """Return a field of the JSON object that is sent."""
    return Input("body", name, type, source, required=required, described=described, offered=offered)


def _error_type(refusal: "Refusal") -> str:
    """Return the usual `http_error_type` of a status."""
    return HTTPStatus(refusal.status).name


@attrs.frozen
class Refusal:
    """A status that stands for an error, and what its body tells.

    Attributes:
        status: The HTTP status.
        field: The field that carries the code, `either` where no document tells; None where the body has a `message`
            and an `error` in words alone.
        code: The code; None where no document names one.
        source: Where the fact comes from.
        error_type: `http_error_type`.
    """

    status: int
    field: Literal["error", "error_code", "either"] | None
    code: str | None
    source: Source = "example"
    error_type: str = attrs.field(default=attrs.Factory(_error_type, takes_self=True), kw_only=True)


def usual_retrying(operation: "Operation") -> Retrying:
    """Return the kind of an operation about which no document says more than its method does."""
    return "read" if operation.method == "GET" else "write"


@attrs.frozen
class Operation:
    """One operation of the API.

    Attributes:
        method: The HTTP method.
        path: The path, with the `{names}` of its parameters.
        security: What credentials do.
        answer: What it answers if it succeeds.
        inputs: Parameters and the fields of the body.
        refusals: The statuses that stand for errors.
        free_body: Whether the body is any JSON object; the fields in `inputs` are then only those that are known.
        source: Where the operation is documented.
        described_security: What credentials do by the description, where others who know better tell otherwise.
        retrying: Whether it may be sent twice: by default a GET is a read, and everything else a write.
        because: Why it is of another kind than that, in the words of its documentation.
        status: The status of its answer if it succeeds.
        any_id: Whether it takes ids that nobody knows, and creates what they name.
        optional_body: Whether a request may come without the body that it can have.
    """

    method: str
    path: str
    security: tuple[Security, ...]
    answer: Type
    inputs: tuple[Input, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    free_body: bool = False
    source: Source = "description"
    described_security: tuple[Security, ...] | None = None
    retrying: Retrying = attrs.field(default=attrs.Factory(usual_retrying, takes_self=True), kw_only=True)
    because: str | None = attrs.field(default=None, kw_only=True)
    status: int = attrs.field(default=200, kw_only=True)
    any_id: bool = attrs.field(default=False, kw_only=True)
    optional_body: bool = attrs.field(default=False, kw_only=True)

    @property
    def name(self) -> str:
        """Its method and path, by which Refold's description has it."""
        return f"{self.method} {self.path}"

    def of(self, place: Place) -> tuple[Input, ...]:
        """Return what is sent in one place."""
        return tuple(given for given in self.inputs if given.place == place)


def unnamed(operation: str) -> str:
    """Return an operation with its ids unnamed: Refold names some of them otherwise than the client."""
    return re.sub(r"{\w+}", "{}", operation)


def shape(*fields: Field, open: bool = False) -> Shape:  # noqa: A002
    """Return the type of a JSON object with these fields, and where it is open with any others."""
    return Shape(fields, open)


def page_of(docs: Type, *more: Field, described: Type | None = None) -> Shape:
    """Return the envelope of one page of a list."""
    return shape(
        Field("docs", ListOf(docs), described=None if described is None else ListOf(described)),
        Field("totalDocs", INTEGER),
        Field("limit", INTEGER),
        Field("page", INTEGER),
        Field("totalPages", INTEGER),
        Field("hasNextPage", BOOLEAN),
        Field("hasPrevPage", BOOLEAN),
        Field("nextPage", INTEGER.or_null()),
        Field("prevPage", INTEGER.or_null()),
        Field("pagingCounter", INTEGER),
        *more,
    )
