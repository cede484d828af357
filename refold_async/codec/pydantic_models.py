"""Pydantic models as JSON. They are known by what they have: nothing here imports pydantic, which need not be there."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any, Protocol, TypeGuard, cast

__all__ = ["PydanticModel", "dumped", "is_pydantic_model"]


class PydanticModel(Protocol):
    """A pydantic model, of version 2 or later."""

    def model_dump(self, *, mode: str = ..., by_alias: bool = ..., exclude_unset: bool = ...) -> Any:
        """Return its fields, as JSON has them in the mode `json`."""
        ...


def is_pydantic_model(value: object) -> TypeGuard[PydanticModel]:
    """Tell whether a value is a pydantic model."""
    kind = type(value)
    return hasattr(kind, "__pydantic_serializer__") and hasattr(kind, "model_dump")


def dumped(model: PydanticModel) -> Any:
    """Return a model as JSON has it, by its aliases, without what is None only because nobody said otherwise.

    A null can clear a field of the app, so that it has to be meant: it is there where the caller set None. Other
    defaults are there, for a model that declares one means it to be sent.

    Raises:
        Exception: What the model's serializers raise.
    """
    whole = model.model_dump(mode="json", by_alias=True)
    return _without_unset_nulls(whole, model.model_dump(mode="json", by_alias=True, exclude_unset=True))


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
