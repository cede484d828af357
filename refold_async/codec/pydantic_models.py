"""Pydantic models as JSON. They are recognised by their attributes, because pydantic need not be installed."""

from collections.abc import Collection, Iterable
from itertools import repeat
from typing import Any, Final, Protocol, TypeGuard, cast

from refold_async.runtime.foreign_errors import safe_str

__all__ = ["PydanticModel", "dumped", "is_pydantic_model", "is_pydantic_one", "not_json"]

_MASK: Final = "**********"
"""How pydantic writes secrets in JSON, unless a model changes that."""


class PydanticModel(Protocol):
    """A pydantic model, of version 2 or later."""

    def model_dump(self, *, mode: str = ..., by_alias: bool = ..., exclude_unset: bool = ...) -> Any:
        """Return its fields; in the mode `json`, as JSON values."""
        ...


def is_pydantic_model(value: object) -> TypeGuard[PydanticModel]:
    """Return whether a value is a pydantic model."""
    kind = type(value)
    return hasattr(kind, "__pydantic_serializer__") and hasattr(kind, "model_dump")


def is_pydantic_one(value: object) -> bool:
    """Return whether a value is a model, or a model class, of pydantic 1, which pydantic 2 has as `pydantic.v1`."""
    return hasattr(value, "__validators__") and hasattr(value, "__config__")


def not_json(value: object) -> str:
    """Return why a value that nothing here can encode is not JSON."""
    name = type(value).__name__
    if is_pydantic_one(value):
        return f"{name} is a model of pydantic 1, which is not supported: pass its .dict(by_alias=True)"
    return f"{name} is not a JSON type"


def dumped(model: PydanticModel) -> Any:
    """Return a model as JSON, with its aliases, and without fields that are None only by default.

    A null can clear a field in the app, so it is sent only if the caller set None. Other defaults are sent, because a
    model that declares one means it to be sent. Sets are sorted: otherwise the same parameters would differ in the next
    process, and would be another job for its journal.

    Raises:
        TypeError: A serializer raised, or the model contains a secret, which pydantic replaces with asterisks.
    """
    try:
        whole = model.model_dump(mode="json", by_alias=True)
        given = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return _as_meant(whole, given, model.model_dump(by_alias=True))
    except Exception as error:  # noqa: BLE001 - the caller's serializers may raise anything
        reason = safe_str(error)
    raise TypeError(reason)


def _as_meant(whole: Any, given: Any, plain: Any) -> Any:
    """Return a JSON value without the fields that are null in it and were not set by the caller.

    Args:
        whole: The value.
        given: The same value, with only the fields that were set.
        plain: The Python value behind it.
    """
    if isinstance(whole, dict):
        meant = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        fields = cast("dict[str, Any]", whole)
        values = cast("dict[object, Any]", plain).values() if isinstance(plain, dict) else None
        return {
            name: _as_meant(field, meant.get(name), value)
            for (name, field), value in zip(fields.items(), _beside(fields, values), strict=False)
            if field is not None or name in meant
        }
    if isinstance(whole, list):
        members = cast("list[object]", whole)
        beside = zip(members, _beside(members, given), _beside(members, plain), strict=False)
        made = [_as_meant(*one) for one in beside]
        return sorted(made, key=repr) if isinstance(plain, set | frozenset) else made
    if whole is None and isinstance(plain, float):
        raise TypeError(f"{plain} is not a JSON value")  # a null could clear a field
    if whole == _MASK and hasattr(plain, "get_secret_value"):
        raise TypeError(
            f"it has a secret, which pydantic would send as {_MASK}: give its field a field_serializer that returns "
            "get_secret_value()"
        )
    return whole


def _beside(members: Collection[Any], others: Any) -> Iterable[Any]:
    """Return what corresponds to each member, or None for each if a serializer changed the structure."""
    alike = isinstance(others, Collection) and len(others) == len(members)  # pyright: ignore[reportUnknownArgumentType]
    return cast("Iterable[Any]", others) if alike else repeat(None)
