"""The objects that Refold returns and that errors carry, as frozen attrs classes. The others are in `resources`.

Pickles of earlier versions name this package as the module of these classes.
"""

from refold_async.models import results
from refold_async.models.model import Model
from refold_async.models.results import ActionResult

__all__ = ["ActionResult", "Model"]

__getattr__ = results.__getattr__
