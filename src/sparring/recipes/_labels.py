"""What recipes with labels share."""

from torch import Tensor, cat
from torch.nn.functional import one_hot

from sparring.errors import UserError
from sparring.kinds import Schema, classes_of


def told(x: Tensor, y: Tensor, classes: int) -> Tensor:
    """Examples with their labels, one-hot: `(B, C + classes, H, W)`, or `(B, D + classes)`."""
    label = one_hot(y, classes).to(x.dtype)
    return cat([x, label.reshape(*label.shape, *[1] * (x.ndim - 2)).expand(-1, -1, *x.shape[2:])], dim=1)


def classes_for(recipe: str, schema: Schema) -> int:
    """How many classes the data has.

    Raises:
        UserError: it has no labels.
    """
    classes = len(classes_of(schema))
    if not classes:
        raise UserError(f"{recipe} needs data with labels", "a folder for each class, or an array with labels")
    return classes
