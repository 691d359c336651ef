from sparring.progress import Count, Work


def test_a_part_that_never_began_is_no_part_of_the_whole():
    told: list[tuple[str, float]] = []
    work = Work({"a": 1.0, "cached": 6.0, "b": 3.0}, lambda part, share: told.append((part, share)))
    work("a", 1.0)
    work.of("b")(0.0)
    work("b", 1.0)
    assert told == [("a", 0.1), ("b", 0.25), ("b", 1.0)]


def test_things_are_counted_up_to_all_of_them():
    told: list[float] = []
    count = Count(4, told.append)
    for more in (1, 2, 3):
        count(more)
    assert told == [0.25, 0.75, 1.0]
