"""The signature and documentation of methods that take the options of fan-outs, for `help()` and interactive shells."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, ForwardRef

from refold_async.jobs import options
from refold_async.jobs.options import Account

__all__ = ["document"]

_WIDTH: Final = 112
"""The longest that a line of documentation may be."""


def document(function: Callable[..., Any], declared: Any, account: Any) -> None:
    """Show the options that a function takes as keyword arguments in its signature and documentation.

    Args:
        function: The function. A line of its documentation that begins with `**` is replaced by all options.
        declared: The class that declares the options: a TypedDict.
        account: The type that replaces the class's second type parameter.
    """
    signature = inspect.signature(function)
    parameters = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
    for name, hint in declared.__annotations__.items():
        annotation = hint.__origin__
        if isinstance(annotation, ForwardRef):
            annotation = annotation.__forward_arg__
        elif Account in getattr(annotation, "__parameters__", ()):
            annotation = annotation[tuple(account if each is Account else each for each in annotation.__parameters__)]
        kind = inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(name, kind, default=hint.__metadata__[0], annotation=annotation))
    function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]
    if function.__doc__ is not None:  # None if Python strips documentation
        documented = _documentation()
        lines: list[str] = []
        for line in inspect.cleandoc(function.__doc__).splitlines():
            if line.lstrip().startswith("**"):
                for name in declared.__annotations__:
                    text = f"{name}: {documented.get(name, '')}".rstrip(": ")
                    lines += textwrap.wrap(text, _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8)
            else:
                lines.append(line)
        function.__doc__ = "\n".join(lines)


def _documentation() -> dict[str, str]:
    """Return the text below each option where it is declared; nothing if the program came without its source."""
    try:
        source = ast.parse(inspect.getsource(options))
    except (OSError, TypeError, SyntaxError):  # of a module without a file, and of a file that is being replaced
        return {}
    classes = [node for node in source.body if isinstance(node, ast.ClassDef)]
    return {
        field.target.id: " ".join(text.value.value.split())
        for body in (each.body for each in classes)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
