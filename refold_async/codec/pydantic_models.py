"""Pydantic models as JSON. They are known by what they have: nothing here imports pydantic, which need not be there."""

from collections.abc import Collection, Iterable
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
    defaults are there, for a model that declares one means it to be sent. Sets are sorted: else the same parameters
    would be others in the next process, and another job to its journal.

    Raises:
        TypeError: Its serializers raised something, or it holds a secret, of which pydantic makes asterisks.
    """
    try:
        whole = model.model_dump(mode="json", by_alias=True)
        given = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return _as_meant(whole, given, model.model_dump(by_alias=True))
    except Exception as error:  # noqa: BLE001 - the caller's serializers may raise anything
        reason = safe_str(error)
    raise TypeError(reason)


def _as_meant(whole: Any, given: Any, plain: Any) -> Any:
    """Return a JSON value without those members that are null in it and missing in what was given.

    Args:
        whole: The value.
        given: The same of what was set alone.
        plain: What Python has for it.
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
        raise TypeError(f"{plain} is no JSON value")  # a null could clear a field
    if whole == _MASK and hasattr(plain, "get_secret_value"):
        raise TypeError(
            f"it holds a secret, which pydantic would send as {_MASK}: give its field a field_serializer that returns "
            "get_secret_value()"
        )
    return whole


def _beside(members: Collection[Any], others: Any) -> Iterable[Any]:
    """Return what stands beside each member, or None for each where a serializer made something else of it."""
    alike = isinstance(others, Collection) and len(others) == len(members)  # pyright: ignore[reportUnknownArgumentType]
    return cast("Iterable[Any]", others) if alike else repeat(None)
