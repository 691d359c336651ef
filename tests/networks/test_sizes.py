from sparring.networks.sizes import halvings, start

SIDES = range(4, 70)


def test_halved_sides_are_as_small_as_allowed_and_no_smaller() -> None:
    for height in SIDES:
        for width in (height, height + 1, 2 * height):
            assert halvings(height, width) == max(1, max(k for k in range(8) if height / 2**k >= 4)), (height, width)
            assert halvings(width, height) == halvings(height, width)


def test_doubling_the_start_reaches_the_size_with_less_than_a_step_to_spare() -> None:
    for side in SIDES:
        count = halvings(side, side + 3)
        for reached, asked in zip(start(side, side + 3, count), (side, side + 3), strict=True):
            assert 0 <= reached * 2**count - asked < 2**count, side
