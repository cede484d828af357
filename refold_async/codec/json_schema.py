"""Checks a JSON value against a JSON Schema. The only module that uses jsonschema; imports it when needed."""

import re
from typing import Any

from refold_async.codec.excerpts import shortened
from refold_async.errors import ConfigurationError

__all__ = ["misfits"]


def misfits(value: Any, schema: Any, name: str) -> list[str]:
    """Return the problems of a value, each with its place.

    Args:
        value: The JSON value.
        schema: The JSON Schema. References to other documents are not followed.
        name: The name of the value in messages.

    Raises:
        ConfigurationError: jsonschema is not installed, or the schema is not valid.
    """
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import validator_for  # pyright: ignore[reportUnknownVariableType]
        from referencing import Registry
        from referencing.exceptions import Unresolvable
    except ImportError:
        raise ConfigurationError("validate() needs jsonschema: pip install refold-async[schema].") from None
    try:
        validator_class = validator_for(schema, default=Draft202012Validator)
        validator_class.check_schema(schema)
        # With an empty registry of its own, it fetches no other documents.
        errors = list(validator_class(schema, registry=Registry[Any]()).iter_errors(value))
    except (SchemaError, Unresolvable, RecursionError, ArithmeticError, re.error, TypeError, AttributeError) as error:
        problem = error.message if isinstance(error, SchemaError) else str(error)
        raise ConfigurationError(f"The schema of {name} cannot be used: {shortened(problem, 300)}") from None
    return [f"{error.json_path.replace('$', name, 1)}: {shortened(error.message, 300)}" for error in errors]
