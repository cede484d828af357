"""An extension of griffe, which reads the sources for the reference: the constructors of attrs classes.

griffe runs nothing, so it does not know the `__init__` that attrs makes of a class's fields.
"""

from typing import Any, Final

import griffe

__all__ = ["AttrsClasses"]

_DECORATORS: Final = {"attrs.frozen", "attrs.define"}
_FIELD: Final = "attrs.field"


class AttrsClasses(griffe.Extension):
    """Gives attrs classes the constructor that they have at run time."""

    def on_package(self, *, pkg: griffe.Module, **_options: Any) -> None:
        """Go through a package that was read.

        Args:
            pkg: The package.
        """
        for module in [pkg, *_modules_in(pkg)]:
            for class_ in module.classes.values():
                if not class_.is_alias and "__init__" not in class_.members and _decorator(class_) is not None:
                    _set_constructor(class_)


def _modules_in(module: griffe.Module) -> list[griffe.Module]:
    inner = [member for member in module.modules.values() if not member.is_alias]
    return [*inner, *(deeper for member in inner for deeper in _modules_in(member))]


def _decorator(class_: griffe.Class) -> dict[str, str] | None:
    """Return the options of a class's attrs decorator; None if it has no such decorator."""
    for decorator in class_.decorators:
        if isinstance(decorator.value, griffe.Expr) and decorator.value.canonical_path in _DECORATORS:
            return {name: str(value) for name, value in _options_of(decorator.value).items()}
    return None


def _options_of(call: Any) -> dict[str, Any]:
    if not isinstance(call, griffe.ExprCall):
        return {}
    return {option.name: option.value for option in call.arguments if isinstance(option, griffe.ExprKeyword)}


def _set_constructor(class_: griffe.Class) -> None:
    parameters: dict[str, griffe.Parameter] = {}
    for base in reversed([class_, *class_.mro()]):
        options = _decorator(base)
        if options is not None:
            parameters |= _parameters_of(base, keywords_only=options.get("kw_only") == "True")
    by_kind = sorted(parameters.values(), key=lambda parameter: parameter.kind is griffe.ParameterKind.keyword_only)
    own = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
    constructor = griffe.Function("__init__", parameters=griffe.Parameters(own, *by_kind), returns="None", lineno=0)
    constructor.parent = class_
    class_.set_member("__init__", constructor)


def _parameters_of(class_: griffe.Class, *, keywords_only: bool) -> dict[str, griffe.Parameter]:
    parameters = {}
    for name, field in class_.attributes.items():
        of_the_class = "class-attribute" in field.labels and "instance-attribute" not in field.labels
        if field.annotation is None or of_the_class or "property" in field.labels:
            continue
        declared = isinstance(field.value, griffe.ExprCall) and field.value.canonical_path == _FIELD
        options = _options_of(field.value) if declared else {}
        if str(options.get("init")) == "False":
            continue
        default = options.get("default") if declared else field.value
        if "factory" in options:
            default = f"{options['factory']}()"
        by_keyword = keywords_only or str(options.get("kw_only")) == "True"
        kind = griffe.ParameterKind.keyword_only if by_keyword else griffe.ParameterKind.positional_or_keyword
        parameters[name] = griffe.Parameter(
            name.lstrip("_"), annotation=field.annotation, kind=kind, default=default, docstring=field.docstring
        )
    return parameters
