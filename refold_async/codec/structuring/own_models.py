"""Refold's own answers as models: small objects at a glance, all of them leniently and with what they came from."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (cattrs is typed in part)

import inspect
import operator
from collections.abc import Mapping
from itertools import product
from typing import Any, Final

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override

from refold_async.codec.structuring.declarations import origin_of
from refold_async.codec.structuring.lenient_values import LENIENT, identifier
from refold_async.codec.structuring.misfits import looking_for_a_few
from refold_async.codec.structuring.plain_values import Hook, wrong_type
from refold_async.models.model import Model

__all__ = ["is_model", "model_hook"]


def is_model(target: Any) -> bool:
    """Tell whether a type is one of our own models."""
    return inspect.isclass(origin_of(target)) and issubclass(origin_of(target), Model)


def model_hook(target: Any, converter: Converter) -> Hook:
    """Structure one of our own models, and keep the object it came from in `raw`.

    An optional text, number or date that is none is taken for missing: Refold's answers differ from its documents in
    small ways, and one odd name must not make a list unreadable. What decisions hang on stays strict.
    """
    overrides: dict[str, Any] = {"raw": override(omit=True)}
    renamed = {field.name: names for field in attrs.fields(target) if (names := field.metadata.get("names"))}
    # Of these a null would not fit, and means the same as nothing.
    filled = [field.name for field in attrs.fields(target) if hasattr(field.default, "factory")]
    for field in attrs.fields(target):
        if field.type in LENIENT and not field.metadata.get("strict"):
            overrides[field.name] = override(struct_hook=LENIENT[field.type])
        elif field.type is str and field.name in renamed:
            overrides[field.name] = override(struct_hook=identifier)
    structure_fields: Hook = make_dict_structure_fn(target, converter, **overrides)
    if converter.detailed_validation:
        structure_fields = looking_for_a_few(structure_fields)
    keep_raw = target.raw.__set__  # past the frozen class, as its own __init__ does

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

    def build(value: Any, target: Any) -> Any:
        if type(value) is not dict:
            raise wrong_type(dict, value)
        model = structure_fields(tidied(value) if untidy else value, target)
        keep_raw(model, value)
        return model

    return build if untidy else _at_a_glance(target, build)


def _at_a_glance(model: Any, build: Hook) -> Hook:
    """Make a model at once of an object whose values are all taken as they are, which their types tell; `build` others.

    In long lists of small models most time goes into a hook's call for every field, and into setting it by another.
    """
    own = [field for field in attrs.fields(model) if not field.inherited]
    simple = all(field.type in _TAKEN_AS_IT_IS and not field.validator and not field.converter for field in own)
    if not simple or len(own) < 2 or model.__bases__ != (Model,):
        return build
    values_of = operator.itemgetter(*(field.name for field in own))
    fitting = frozenset(product(*(_TAKEN_AS_IT_IS[field.type] for field in own)))
    # attrs sets each field of a frozen object by a call. Of this class they are set like those of any object, which is
    # laid out the same and then made a model.
    settable: Any = attrs.make_class(
        model.__name__,
        [field.name for field in own],
        bases=(Model,),
        class_body={"__setattr__": object.__setattr__, "__delattr__": object.__delattr__},
        slots=True,
        eq=False,
        repr=False,
    )

    def build_at_a_glance(value: Any, target: Any) -> Any:
        try:
            values = values_of(value) if type(value) is dict else ()
        except KeyError:
            values = ()
        if tuple(map(type, values)) not in fitting:
            return build(value, target)
        made = settable(*values, raw=value)
        made.__class__ = model
        return made

    return build_at_a_glance


_TAKEN_AS_IT_IS: Final[Mapping[Any, tuple[type, ...]]] = {
    str: (str,),
    bool: (bool,),
    int: (int,),
    str | None: (str, type(None)),
    bool | None: (bool, type(None)),
    int | None: (int, type(None)),
}
"""What values of a field's type are not looked into."""
