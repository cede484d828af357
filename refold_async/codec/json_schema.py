"""What of a JSON value does not fit a JSON Schema. The only module that knows jsonschema, and loads it when asked."""

import re
from typing import Any

from refold_async.codec.excerpts import shortened
from refold_async.errors import ConfigurationError

__all__ = ["misfits"]


def misfits(value: Any, schema: Any, name: str) -> list[str]:
    """Return what does not fit, each with its place.

    Args:
        value: The JSON value.
        schema: The JSON Schema; references to other documents are not followed.
        name: What to call the value.

    Raises:
        ConfigurationError: jsonschema is not installed, or the schema is none.
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
        # With a registry of its own, that holds nothing, it fetches nothing.
        errors = list(validator_class(schema, registry=Registry[Any]()).iter_errors(value))
    except (SchemaError, Unresolvable, RecursionError, ArithmeticError, re.error, TypeError, AttributeError) as error:
        problem = error.message if isinstance(error, SchemaError) else str(error)
        raise ConfigurationError(f"The schema of {name} cannot be used: {shortened(problem, 300)}") from None
    return [f"{error.json_path.replace('$', name, 1)}: {shortened(error.message, 300)}" for error in errors]
