"""Refold's own responses as models, leniently and with what they came from."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (cattrs is typed in part)

import inspect
from typing import Any

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override

from refold_async.codec.structuring.declarations import origin_of
from refold_async.codec.structuring.lenient_values import identifier, lenient_hook
from refold_async.codec.structuring.misfits import looking_for_a_few
from refold_async.codec.structuring.plain_values import Hook, wrong_type
from refold_async.models.model import Model

__all__ = ["is_model", "model_hook"]


def is_model(target: Any) -> bool:
    """Tell whether a type is one of our own models."""
    return inspect.isclass(origin_of(target)) and issubclass(origin_of(target), Model)


def model_hook(target: Any, converter: Converter) -> Hook:
    """Structure one of our own models, and keep the object it came from in `raw`.

    An optional field of another kind than its type is taken for missing, and so is a member of a list: Refold's
    responses differ from its documents in small ways, and one odd name must not make a list unreadable. What decisions
    hang on stays strict.
    """
    overrides: dict[str, Any] = {name: override(omit=True) for name in ("raw", "request_id")}
    renamed = {field.name: names for field in attrs.fields(target) if (names := field.metadata.get("names"))}
    # Of these a null would not fit, and means the same as nothing.
    filled = [field.name for field in attrs.fields(target) if hasattr(field.default, "factory")]

    def hook_of_model(kind: Any) -> Hook | None:
        return converter.get_structure_hook(kind) if is_model(kind) else None

    for field in attrs.fields(target):
        if field.name in overrides or field.metadata.get("strict"):
            continue
        hook = identifier if field.type is str and field.name in renamed else lenient_hook(field.type, hook_of_model)
        if hook is not None:
            overrides[field.name] = override(struct_hook=hook)
    twin = _settable_twin(target)
    structure_fields: Hook = make_dict_structure_fn(twin, converter, **overrides)
    if converter.detailed_validation:
        structure_fields = looking_for_a_few(structure_fields)

    def tidied(value: dict[str, Any]) -> dict[str, Any]:
        fields = dict(value)
        for name, names in renamed.items():
            given = next((fields[known] for known in names if fields.get(known) is not None), None)
            if given is not None:
                fields[name] = given
        for name in filled:
            if name in fields and fields[name] is None:
                del fields[name]
        return fields

    untidy = bool(renamed or filled)

    def build(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise wrong_type(dict, value)
        model = structure_fields(tidied(value) if untidy else value, twin)
        model.raw = value
        model.__class__ = target
        return model

    return build


def _settable_twin(model: Any) -> Any:
    """Return a class that is laid out like a model and not frozen, so that what is made of it can become a model.

    attrs sets each field of a frozen object by a call. That took a fifth of the time that a long list takes.
    """
    fields = {
        field.name: attrs.field(
            default=field.default,
            validator=field.validator,
            converter=field.converter,
            type=field.type,
            kw_only=field.kw_only,
        )
        for field in attrs.fields(model)
        if not field.inherited
    }
    settable = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return attrs.make_class(
        model.__name__, fields, bases=model.__bases__, class_body=settable, slots=True, eq=False, repr=False
    )
