"""How many halvings lie between a picture and the small map that a convolutional network starts from."""

import math


def halvings(height: int, width: int, smallest: int = 4) -> int:
    """The number of times that both sides can be halved (rounding up) before one is shorter than `smallest`.

    Examples:
        >>> halvings(64, 64), halvings(28, 28), halvings(24, 40), halvings(8, 8)
        (4, 2, 2, 1)
    """
    return max(1, int(math.log2(min(height, width) / smallest) + 1e-9))


def start(height: int, width: int, count: int) -> tuple[int, int]:
    """The map that reaches at least (height, width) after `count` doublings; the surplus is cropped.

    Examples:
        >>> start(28, 28, 2), start(24, 40, 2), start(30, 30, 2)
        ((7, 7), (6, 10), (8, 8))
    """
    return -(-height // 2**count), -(-width // 2**count)
