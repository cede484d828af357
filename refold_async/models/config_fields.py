"""What Refold returns for one column of a rule engine, which is the type of some fields of configs."""

import attrs

from refold_async.models.applications import InputOption
from refold_async.models.model import Model, Result

__all__ = ["RuleColumn", "RuleError", "RuleOperand", "RuleOptions"]


@attrs.frozen(eq=False, repr=False)
class RuleOperand(Model):
    """The operator of a rule, or its right-hand side."""

    name: str | None = None
    """The text to show to users."""
    type: str | None = None
    """`text` if users enter the value, `select` if they choose it."""
    options: list[InputOption] = attrs.field(factory=list[InputOption])
    """The values to choose from; empty if any value is allowed."""


@attrs.frozen(eq=False, repr=False)
class RuleColumn(Model):
    """What a rule about a column consists of, after the column itself."""

    operator: RuleOperand | None = None
    """How the column is compared."""
    rhs: RuleOperand | None = None
    """What the column is compared with."""


@attrs.frozen(eq=False, repr=False)
class RuleError(Model):
    """Why the code that finds the options failed."""

    message: str | None = None
    """What went wrong."""
    stack: str | None = None
    """Where in the code."""


@attrs.frozen(eq=False, repr=False)
class RuleOptions(Result):
    """What users can choose in a rule."""

    options: list[InputOption] = attrs.field(factory=list[InputOption])
    """The values to choose from."""
    rule_column: RuleColumn | None = None
    """The operators and the values for a column that was chosen."""
    conditional_code_stdout: list[str] = attrs.field(factory=list[str])
    """What the code that finds the options printed."""
    error: RuleError | None = None
    """Why that code failed; None if it did not."""
