"""An extension of griffe, which reads the sources for the reference: the API as its callers know it.

griffe runs nothing. So it does not know the `__init__` that attrs makes of a class's fields, nor the names that stand
behind `**options`, and it shows defaults as the sources spell them.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import griffe

__all__ = ["ReadableAPI"]

_DECORATORS: Final = {"attrs.frozen", "attrs.define"}
_FIELD: Final = "attrs.field"
# Where the classes are whose objects the library makes: a reader only needs their attributes.
_RETURNED_FROM: Final = (
    "refold_async.errors",
    "refold_async.jobs.fan_out",
    "refold_async.jobs.outcomes",
    "refold_async.jobs.progress",
    "refold_async.jobs.report",
    "refold_async.journal.entries",
    "refold_async.journal.journal.JournalSummary",
    "refold_async.models",
    "refold_async.pipeline.call_events",
    "refold_async.resources",
    "refold_async.testing.server",
    "refold_async.testing.state",
    "refold_async.webhooks",
)
_PUBLIC_MODULES: Final = ("observers", "telemetry", "testing", "webhooks", "jobs.options")
_OPTIONS: Final = griffe.ParameterKind.var_keyword
_ATTRIBUTE_LABELS: Final = {"class-attribute", "instance-attribute", "module-attribute"}


class ReadableAPI(griffe.Extension):
    """Gives classes the constructors that they have at run time, and functions the options that they take."""

    def on_package(self, *, pkg: griffe.Module, **_options: Any) -> None:
        """Go through a package that was read.

        Args:
            pkg: The package.
        """
        modules = [pkg, *_modules_in(pkg)]
        own = [class_ for module in modules for class_ in module.classes.values() if not class_.is_alias]
        for module in modules:
            _hide_private_names(module)
        for class_ in own:
            if "__init__" not in class_.members and _decorator(class_) is not None:
                _set_constructor(class_)
        functions = [function for owner in [*modules, *own] for function in owner.functions.values()]
        # Only now, because a class's constructor has the fields of its bases too.
        for class_ in own:
            _simplify(class_)
        _take_over_from_private_bases(own, _documented(modules))
        for function in functions:
            if not function.is_alias:
                _expand_options(function)
                _simplify_defaults(function)


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
    parameters: dict[str, griffe.Parameter] = {}
    for name, field in class_.attributes.items():
        of_the_class = "class-attribute" in field.labels and "instance-attribute" not in field.labels
        if field.annotation is None or of_the_class or "property" in field.labels:
            continue
        declared = _is_field(field)
        options = _options_of(field.value) if declared else {}
        if str(options.get("init")) == "False":
            continue
        default = options.get("default") if declared else field.value
        if "factory" in options:
            factory = str(options["factory"])
            default = factory.removeprefix("lambda: ") if factory.startswith("lambda: ") else f"{factory}()"
        by_keyword = keywords_only or str(options.get("kw_only")) == "True"
        kind = griffe.ParameterKind.keyword_only if by_keyword else griffe.ParameterKind.positional_or_keyword
        parameters[name] = griffe.Parameter(
            name.lstrip("_"), annotation=field.annotation, kind=kind, default=default, docstring=field.docstring
        )
    return parameters


def _is_field(attribute: griffe.Attribute) -> bool:
    return isinstance(attribute.value, griffe.ExprCall) and attribute.value.canonical_path == _FIELD


def _simplify(class_: griffe.Class) -> None:
    """Leave of a class what its users need."""
    if _is_returned(class_):
        class_.members.pop("__init__", None)
    is_enumeration = any(str(base) == "Enum" for base in class_.bases)
    for attribute in class_.members.values():
        if attribute.is_alias or not isinstance(attribute, griffe.Attribute):
            continue
        attribute.labels -= _ATTRIBUTE_LABELS
        annotated = _annotated(attribute.annotation)
        if annotated:  # an option: see `refold_async.jobs.options`
            attribute.annotation, attribute.value = annotated
        elif is_enumeration and attribute.docstring is None and isinstance(attribute.value, str):
            meaning = attribute.value.strip("'\"()\n ")
            attribute.docstring = griffe.Docstring(f"{meaning[0].upper()}{meaning[1:]}.", parent=attribute)
            attribute.value = None
        elif attribute.annotation is not None:
            attribute.value = None  # the signature of the constructor has it


def _hide_private_names(module: griffe.Module) -> None:
    """Do not show how a public name is put together of private ones."""
    for attribute in module.members.values():
        if isinstance(attribute, griffe.Attribute) and not attribute.name.startswith("_"):
            attribute.labels -= _ATTRIBUTE_LABELS
            if re.search(r"\b_[A-Za-z]", str(attribute.value)):
                attribute.value = None


def _documented(modules: list[griffe.Module]) -> set[str]:
    """Return the paths of the classes that the package, which is the first, or a public module of it exports."""
    found: set[str] = set()
    package = modules[0]
    for module in modules:
        if module is not package and module.path.removeprefix(f"{package.path}.") not in _PUBLIC_MODULES:
            continue
        for name in module.exports or ():
            member = module.members.get(str(name))
            if isinstance(member, griffe.Alias) and member.resolved:
                found.add(member.final_target.path)
            elif member is not None and not member.is_alias:
                found.add(member.path)
    return found


def _take_over_from_private_bases(classes: list[griffe.Class], documented: set[str]) -> None:
    """Give a class the members that its private bases have, and leave only its public bases.

    What it inherits from a public base stands there, and is not said again.
    """
    taken: dict[str, dict[str, Any]] = {}
    for class_ in classes:
        first, last = taken.setdefault(class_.path, {}), dict[str, Any]()
        for base in reversed(class_.mro()):
            if base.path not in documented:
                of_all_models = base.path.startswith("refold_async.models.model.")
                for name, member in base.members.items():
                    if name not in class_.members and name != "__init__":
                        part = last if of_all_models or member.is_function else first
                        part[name] = griffe.Alias(name, member, parent=class_)
        first |= class_.members | last
    for class_ in classes:
        class_.bases = [base for base in class_.bases if not _is_private(base, documented)]
        class_.members.clear()
        class_.members.update(taken[class_.path])


def _is_private(base: Any, documented: set[str]) -> bool:
    path = base if isinstance(base, str) else base.canonical_path
    resolved = path.startswith("refold_async.") and path not in documented
    return resolved or path.startswith(("typing.", "object"))


def _is_returned(class_: griffe.Class) -> bool:
    return any(class_.path == place or class_.path.startswith(f"{place}.") for place in _RETURNED_FROM)


def _annotated(annotation: Any) -> tuple[Any, Any] | None:
    """Return the type and the default in `Annotated[type, default]`."""
    if isinstance(annotation, griffe.ExprSubscript) and annotation.canonical_path == "typing.Annotated":
        parts: Any = annotation.slice
        return parts.elements[0], parts.elements[1]
    return None


def _expand_options(function: griffe.Function) -> None:
    """Put the names that a function's `**options` may have in its signature, and what they mean in its docstring."""
    taken = next((parameter for parameter in function.parameters if parameter.kind is _OPTIONS), None)
    declared = _unpacked(taken.annotation) if taken else None
    if taken is None or declared is None or function.docstring is None:
        return
    described = next(
        (section for section in function.docstring.parsed if isinstance(section, griffe.DocstringSectionParameters)),
        None,
    )
    del function.parameters[taken.name]
    if described is not None:
        described.value = [parameter for parameter in described.value if parameter.name.lstrip("*") != taken.name]
    for option in _options_declared_by(function.modules_collection[declared]):
        annotation, default = _annotated(option.annotation) or (option.annotation, option.value)
        function.parameters.add(
            griffe.Parameter(
                option.name, annotation=annotation, kind=griffe.ParameterKind.keyword_only, default=default
            )
        )
        if described is not None:
            text = option.docstring.value if option.docstring else ""
            described.value.append(
                griffe.DocstringParameter(name=option.name, description=text, annotation=annotation, value=str(default))
            )


def _unpacked(annotation: Any) -> str | None:
    if isinstance(annotation, griffe.ExprSubscript) and annotation.canonical_path == "typing.Unpack":
        return str(annotation.slice.canonical_path)  # type: ignore[union-attr]
    return None


def _options_declared_by(class_: Any) -> Iterator[griffe.Attribute]:
    for base in reversed([class_, *class_.mro()]):
        yield from (member for member in base.members.values() if member.is_attribute)


def _simplify_defaults(function: griffe.Function) -> None:
    for parameter in function.parameters:
        if parameter.default is not None:
            parameter.default = _shown(parameter.default, function)


def _shown(default: Any, function: griffe.Function) -> Any:
    """Return a default as a reader understands it: an empty list instead of `list[str]()`, no private names."""
    text = str(default)
    if text.startswith(("list[", "dict[")) and text.endswith("]()"):
        return "[]" if text.startswith("list") else "{}"
    if text.startswith("_") and text.isidentifier():
        named = function.module.members.get(text)
        if isinstance(named, griffe.Attribute) and named.value is not None:
            return named.value
    return default
