"""Structures a JSON value into a type: by a fast converter of cattrs, or by a thorough one that finds each misfit."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (cattrs is typed in part)

import operator
from datetime import date, datetime
from enum import Enum
from functools import partial
from typing import Any, Final

from cattrs import Converter, StructureHandlerNotFoundError
from cattrs.preconf.json import JsonConverter, configure_converter

from refold_async.codec.structuring.classes import class_hook, made_once, typed_dict_hook
from refold_async.codec.structuring.containers import (
    is_list,
    is_mapping,
    is_other_collection,
    is_tuple,
    list_hook,
    mapping_hook,
    named_tuple_hook,
    refuse,
    tuple_hook,
)
from refold_async.codec.structuring.declarations import (
    is_class_with_fields,
    is_named_tuple,
    is_pydantic,
    is_typed_dict,
    plain_form,
)
from refold_async.codec.structuring.misfits import MisfitError, ThoroughConverter, describe, start_looking
from refold_async.codec.structuring.own_models import is_model, model_hook
from refold_async.codec.structuring.plain_values import (
    Hook,
    WrongTypeError,
    enum_hook,
    exactly,
    is_literal,
    literal_hook,
    number,
    plain,
)
from refold_async.codec.structuring.pydantic_classes import pydantic_hook
from refold_async.codec.structuring.unions import is_union, union_hook

__all__ = ["MOST_TYPES", "NO_BYTES", "converters", "structure"]

MOST_TYPES: Final = 256
"""After how many new types the converters are made again."""

NO_BYTES: Final = "JSON has no bytes: use a str, and decode it."
"""The message about types of bytes."""


def _refuse_bytes(_: Any, target: Any) -> Any:
    raise StructureHandlerNotFoundError(NO_BYTES, target)


def _moment(value: Any, target: Any) -> Any:
    """Read a date or a time in ISO 8601."""
    if type(value) is not str:
        raise WrongTypeError(f"expected a {target.__name__} in ISO 8601")
    return target.fromisoformat(value)


def _behind_a_name(target: Any, converter: Converter) -> Hook:
    """Look up the type behind a name when it is used, because that type may contain itself."""
    form = plain_form(target)
    return lambda value, _: converter.structure(value, form)


def _prepared(converter: Converter) -> Converter:
    """Return a converter that can structure everything which `into=` accepts."""
    configure_converter(converter)
    converter.register_structure_hook_factory(is_other_collection, refuse)
    converter.register_structure_hook_func(lambda target: target is object, lambda value, _: value)
    converter.register_structure_hook_func(is_literal, literal_hook)
    converter.register_structure_hook(Enum, enum_hook)
    converter.register_structure_hook(bytes, _refuse_bytes)
    for nothing in (None, type(None)):
        converter.register_structure_hook_func(partial(operator.is_, nothing), exactly(type(None)))
    for kind in (str, bool, int):
        converter.register_structure_hook(kind, plain(kind))
    converter.register_structure_hook(float, number)
    for moment in (date, datetime):
        converter.register_structure_hook(moment, _moment)
    converter.register_structure_hook_factory(is_list, list_hook)
    converter.register_structure_hook_factory(is_mapping, mapping_hook)
    converter.register_structure_hook_factory(is_tuple, tuple_hook)
    converter.register_structure_hook_factory(is_named_tuple, made_once(named_tuple_hook))
    converter.register_structure_hook_factory(is_class_with_fields, class_hook)
    converter.register_structure_hook_factory(is_typed_dict, typed_dict_hook)
    converter.register_structure_hook_factory(is_model, model_hook)
    converter.register_structure_hook_factory(is_pydantic, pydantic_hook)
    converter.register_structure_hook_factory(is_union, union_hook)
    converter.register_structure_hook_factory(lambda target: plain_form(target) is not target, _behind_a_name)
    return converter


class _Converters:
    """A fast converter, and a thorough one.

    They keep code for each type and never forget one, but a program may make classes at run time, as many as it makes
    calls. So they are made again after many types, which frees the classes that are no longer used.
    """

    def __init__(self) -> None:
        self._new_types = 0
        self._make()

    def _make(self) -> None:
        self.fast = _prepared(JsonConverter(detailed_validation=False))
        self.thorough = _prepared(ThoroughConverter(self.fast))

    def note_new_type(self) -> None:
        """Note that a type is about to be used which was not used before, or not for long."""
        self._new_types += 1
        if self._new_types > MOST_TYPES:
            self._new_types = 1
            self._make()


converters: Final = _Converters()


def structure(value: Any, target: Any, root: str) -> Any:
    """Return a JSON value as `target`.

    Args:
        value: The JSON value.
        target: An attrs class, dataclass, pydantic model, TypedDict, `list[...]`, `X | None`, …
        root: The name of the value in the paths of the error.

    Raises:
        MisfitError: The value does not fit. The error shows only the first few fields that do not fit.
    """
    try:
        return converters.fast.structure(value, target)
    except Exception:  # noqa: BLE001, S110 - the thorough converter finds out what and where
        pass
    start_looking()
    try:
        return converters.thorough.structure(value, target)
    except Exception as error:  # noqa: BLE001 - the caller's classes may raise anything
        problem = describe(error, root)
    raise MisfitError(problem)
