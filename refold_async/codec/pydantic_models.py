"""Pydantic models as JSON. They are known by what they have: nothing here imports pydantic, which need not be there."""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, Final, Protocol, TypeGuard, cast

from refold_async.runtime.foreign_errors import safe_str

__all__ = ["PydanticModel", "dumped", "is_pydantic_model", "is_pydantic_one", "not_json"]

_MASK: Final = "**********"
"""What pydantic's secrets are in JSON, unless a model says otherwise."""


class PydanticModel(Protocol):
    """A pydantic model, of version 2 or later."""

    def model_dump(self, *, mode: str = ..., by_alias: bool = ..., exclude_unset: bool = ...) -> Any:
        """Return its fields, as JSON has them in the mode `json`."""
        ...


def is_pydantic_model(value: object) -> TypeGuard[PydanticModel]:
    """Tell whether a value is a pydantic model."""
    kind = type(value)
    return hasattr(kind, "__pydantic_serializer__") and hasattr(kind, "model_dump")


def is_pydantic_one(value: object) -> bool:
    """Tell whether a value is a model of pydantic's version 1, or its class. Version 2 has that as `pydantic.v1`."""
    return hasattr(value, "__validators__") and hasattr(value, "__config__")


def not_json(value: object) -> str:
    """Return why a value that nothing here encodes is no JSON."""
    name = type(value).__name__
    if is_pydantic_one(value):
        return f"{name} is a model of pydantic 1, and models of version 2 are taken: pass its .dict(by_alias=True)"
    return f"{name} is no JSON type"


def dumped(model: PydanticModel) -> Any:
    """Return a model as JSON has it, by its aliases, without what is None only because nobody said otherwise.

    A null can clear a field of the app, so that it has to be meant: it is there where the caller set None. Other
    defaults are there, for a model that declares one means it to be sent.

    Raises:
        TypeError: Its serializers raised something, or it holds a secret, of which pydantic makes asterisks.
    """
    try:
        whole = model.model_dump(mode="json", by_alias=True)
        given = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
        masks = any(value == _MASK for value in _values(whole))
        secret = masks and any(hasattr(value, "get_secret_value") for value in _values(model.model_dump()))
    except Exception as error:  # noqa: BLE001 - the caller's serializers may raise anything
        raise TypeError(safe_str(error)) from None
    if secret:
        raise TypeError(
            f"{type(model).__name__} holds a secret, which pydantic would send as {_MASK}: give its field a "
            "field_serializer that returns get_secret_value()"
        )
    return _without_unset_nulls(whole, given)


def _values(whole: object) -> Iterator[object]:
    """Give all values in a model's fields that are no mapping and no collection."""
    pending = [whole]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending += cast("dict[object, object]", one).values()
        elif isinstance(one, list | tuple | set | frozenset):
            pending += cast("Sequence[object]", one)
        else:
            yield one


def _without_unset_nulls(whole: Any, given: Any) -> Any:
    """Return a JSON value without those members that are null in it and missing in what was given."""
    if isinstance(whole, dict):
        meant = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        return {
            name: _without_unset_nulls(member, meant.get(name))
            for name, member in cast("dict[str, Any]", whole).items()
            if member is not None or name in meant
        }
    if isinstance(whole, list):
        # As long as what it is of: only fields are left out of what was given.
        one_by_one = cast("Sequence[Any]", given) if isinstance(given, list) else repeat(None)
        pairs = zip(cast("Sequence[Any]", whole), one_by_one, strict=False)
        return [_without_unset_nulls(one, meant_one) for one, meant_one in pairs]
    return whole
