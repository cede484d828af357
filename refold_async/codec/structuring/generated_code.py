"""Generates the functions that make objects with fields, as attrs and cattrs generate theirs.

They neither loop nor call anything for a value that is of the right type, and they set fields without any call.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, NoReturn

import attrs

from refold_async.codec.structuring.plain_values import Hook, wrong_type

__all__ = ["Part", "generate"]

_MISSING: Final = object()
_FACTORY: Final[Any] = attrs.Factory  # attrs declares this class as a function


class Part(NamedTuple):
    """A field, and what its value is made from."""

    field: Any
    """The field of an attrs class."""
    names: Sequence[str] = ()
    """The names that the value may have in the JSON object. Without names, the field has its default."""
    hook: Hook | None = None
    """What makes the value; None if it stays as it is."""
    plain: type | None = None
    """The type of the values that the hook returns unchanged, so that it is not called for them."""


def generate(
    target: Any, parts: Iterable[Part], *, null_is_missing: bool, whole: str | None = None, twin: type | None = None
) -> Hook:
    """Return the function that makes an object of a class: it only sets its fields.

    It may raise any exception if the JSON does not fit. For a frozen class with an id and a time, it is:

        def structure(value, _):
            if type(value) is not dict:
                raise wrong_type(dict, value)
            made = new(target)
            part = value['id']
            set_id(made, part if type(part) is plain_id else hook_id(part, type_id))
            part = value.get('time', missing)
            set_time(made, default_time if part is missing else hook_time(part, type_time))
            return made

    Args:
        target: An attrs class with slots.
        parts: All its fields, except `whole`.
        null_is_missing: Whether a field whose value is null has its default, as if it were missing.
        whole: The field for the JSON object itself.
        twin: A class with the same layout that is not frozen. If it is given, an object is made as its instance first.
    """
    names: dict[str, Any] = {
        "wrong_type": wrong_type,
        "new": object.__new__,
        "target": target,
        "twin": twin,
        "missing": None if null_is_missing else _MISSING,
        "refuse": _refuse,
    }
    set_directly = twin is not None or target.__setattr__ is object.__setattr__
    lines = ["if type(value) is not dict:", "    raise wrong_type(dict, value)"]
    lines.append("made = new(target)" if twin is None else "made = new(twin)")
    for part in parts:
        name = part.field.name
        names |= {f"hook_{name}": part.hook, f"type_{name}": part.field.type, f"plain_{name}": part.plain}
        names |= {f"default_{name}": part.field.default, f"set_{name}": getattr(target, name).__set__}
        *before, made = _code_of(part, null_is_missing=null_is_missing)
        lines += [*before, f"made.{name} = {made}" if set_directly else f"set_{name}(made, {made})"]
    if whole is not None:
        lines.append(f"made.{whole} = value")
    if twin is not None:
        lines.append("made.__class__ = target")
    source = "\n    ".join(["def structure(value, _):", *lines, "return made"])
    exec(compile(source, f"<structures {target.__name__}>", "exec"), names)  # noqa: S102 - made of names of fields only
    return names["structure"]  # type: ignore[no-any-return]


def _code_of(part: Part, *, null_is_missing: bool) -> list[str]:
    """Return the lines that find a value, and the expression for what is made of it."""
    name = part.field.name
    default = _code_of_default(part.field)
    if not part.names:
        return [default]
    plain = "" if part.plain is None else f"part if type(part) is plain_{name} else "
    made = "part" if part.hook is None else f"hook_{name}(part, type_{name})"
    first, *others = part.names
    if part.field.default is attrs.NOTHING and not others and not null_is_missing:
        return [f"part = value[{first!r}]", f"{plain}{made}"]
    lines = [f"part = value.get({first!r}, missing)"]
    for other in others:
        lines += ["if part is missing:", f"    part = value.get({other!r}, missing)"]
    return [*lines, f"{plain}{default} if part is missing else {made}"]


def _code_of_default(field: Any) -> str:
    if field.default is attrs.NOTHING:
        return f"refuse({field.name!r})"
    if not isinstance(field.default, _FACTORY):
        return f"default_{field.name}"
    return f"default_{field.name}.factory({'made' if field.default.takes_self else ''})"


def _refuse(name: str) -> NoReturn:
    raise KeyError(name)
