"""Refold's own responses as models: parsed leniently, and with the JSON that they were made from."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (cattrs is typed in part)

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override

from refold_async.codec.structuring.containers import hook_for
from refold_async.codec.structuring.declarations import origin_of
from refold_async.codec.structuring.lenient_values import identifier, lenient_hook, strict_hook, unchanged_by
from refold_async.codec.structuring.misfits import looking_for_a_few
from refold_async.codec.structuring.plain_values import Hook, wrong_type
from refold_async.models.model import Model

__all__ = ["is_model", "model_hook"]

_NOT_SENT: Final = frozenset({"raw", "meta"})
"""The fields that the client fills in itself."""


def is_model(target: Any) -> bool:
    """Return whether a type is one of our own models."""
    return inspect.isclass(origin_of(target)) and issubclass(origin_of(target), Model)


def model_hook(target: Any, converter: Converter) -> Hook:
    """Structure one of our own models, and keep the JSON object in `raw`.

    An optional field whose value is not of its type is treated as missing; in a list, such an element is left out.
    Refold's responses differ from its documentation in small ways, and one odd name must not make a list unreadable.
    Fields that decisions depend on stay strict.
    """
    twin = _settable_twin(target)
    make_twin = _make_thoroughly if converter.detailed_validation else _make
    structure_fields = make_twin(twin, _lenient_hooks(target, converter), converter)

    def build(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise wrong_type(dict, value)
        model = structure_fields(value)
        model.raw = value
        model.__class__ = target
        return model

    return build


def _lenient_hooks(model: Any, converter: Converter) -> dict[str, Hook]:
    """Return the hooks of the fields of a model that need a hook of their own."""

    def hook_of_model(kind: Any) -> Hook | None:
        return converter.get_structure_hook(kind) if is_model(kind) else None

    hooks: dict[str, Hook] = {}
    for field in _fields_sent(model):
        hook: Hook | None
        if field.metadata.get("strict"):
            hook = strict_hook(field.type, partial(hook_for, converter))
        elif field.type is str and "names" in field.metadata:
            hook = identifier
        else:
            hook = lenient_hook(field.type, hook_of_model)
        if hook is not None:
            hooks[field.name] = hook
    return hooks


def _fields_sent(model: Any) -> list[Any]:
    return [field for field in attrs.fields(model) if field.name not in _NOT_SENT]


def _names_of(field: Any) -> list[str]:
    """Return the names that Refold may use for a field. The first name that an object has is used."""
    return list(dict.fromkeys([*field.metadata.get("names", ()), field.name]))


def _make(twin: Any, hooks: Mapping[str, Hook], converter: Converter) -> Callable[[dict[str, Any]], Any]:
    """Return a function that makes a model from an object. It may raise any exception if the object does not fit.

    cattrs would generate and compile code for each model. This costs less for the first object, and for objects that
    have few of many fields. It costs more for small objects.
    """
    first: dict[str, tuple[str, Hook | None, Any, type | None]] = {}
    others: list[tuple[str, str, Hook | None, Any]] = []
    for field in _fields_sent(twin):
        hook = hooks.get(field.name) or (None if field.type is Any else hook_for(converter, field.type))
        name, *more = _names_of(field)
        first[name] = field.name, hook, field.type, unchanged_by(hook)
        others += [(other, field.name, hook, field.type) for other in more]

    def make(value: dict[str, Any]) -> Any:
        fields: dict[str, Any] = {}
        for given, part in value.items():
            if part is not None and (known := first.get(given)) is not None:
                name, hook, kind, unchanged = known
                fields[name] = part if hook is None or type(part) is unchanged else hook(part, kind)
        for given, name, hook, kind in others:
            if name not in fields and (part := value.get(given)) is not None:
                fields[name] = part if hook is None else hook(part, kind)
        return twin(**fields)

    return make


def _make_thoroughly(twin: Any, hooks: Mapping[str, Hook], converter: Converter) -> Callable[[dict[str, Any]], Any]:
    """Return a function that makes a model from an object, and that reports each field that does not fit."""
    overrides: dict[str, Any] = {name: override(omit=True) for name in _NOT_SENT}
    overrides |= {name: override(struct_hook=hook) for name, hook in hooks.items()}
    structure_fields = looking_for_a_few(make_dict_structure_fn(twin, converter, **overrides))
    names = {field.name: _names_of(field) for field in _fields_sent(twin)}

    def make(value: dict[str, Any]) -> Any:
        given = {name: [value[one] for one in known if value.get(one) is not None] for name, known in names.items()}
        return structure_fields({name: parts[0] for name, parts in given.items() if parts}, twin)

    return make


def _settable_twin(model: Any) -> Any:
    """Return a class with the layout of a model that is not frozen, so that its instances can become models.

    attrs sets each field of a frozen instance by a call. That took a fifth of the time for a long list.
    """
    fields = {
        field.name: attrs.field(
            default=field.default,
            validator=field.validator,
            converter=field.converter,
            type=field.type,
            kw_only=field.kw_only,
            metadata=field.metadata,
        )
        for field in attrs.fields(model)
        if not field.inherited
    }
    settable = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return attrs.make_class(
        model.__name__, fields, bases=model.__bases__, class_body=settable, slots=True, eq=False, repr=False
    )
