"""What Refold answers, as frozen attrs classes: those that errors carry. The others are in `resources`.

Pickles of earlier versions name this package as the home of these classes.
"""

from refold_async.models.model import Model
from refold_async.models.results import ActionResult, WorkflowExecution

__all__ = ["ActionResult", "Model", "WorkflowExecution"]
