import pytest

from sparring.cli._values import parse_count, parse_seeds, parse_size
from sparring.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("24x40", (24, 40)), ("64", (64, 64)), (" 28X28 ", (28, 28)), ("1x1", (1, 1)), (None, None)],
)
def test_sizes_are_height_by_width(text: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize(
    "text", ["", "x", "0", "28x0", "0x28", "28x", "x28", "-4", "2.5", "28x28x3", "28 x 28", "28*28"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"^--size .*: not a size .*64x64"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200k", 200_000),
        ("1.5M", 1_500_000),
        ("3000", 3000),
        ("2K", 2000),
        (" 1m ", 10**6),
        ("0.5k", 500),
        (None, None),
    ],
)
def test_counts_know_thousands_and_millions(text: str | None, expected: int | None) -> None:
    assert parse_count(text) == expected


@pytest.mark.parametrize("text", ["", "k", "0", "0k", "0.5", "-3", "1g", "1e3", "1,000", "1.k", ".5k", "ten"])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"^--images .*: not a number of images .*200k"):
        parse_count(text)


@pytest.mark.parametrize(("text", "expected"), [("4.1m", 4_100_000), ("8.2m", 8_200_000), ("2.01m", 2_010_000)])
def test_decimal_counts_are_exact(text: str, expected: int) -> None:
    assert parse_count(text) == expected


@pytest.mark.parametrize("parse", [parse_count, parse_size, parse_seeds])
def test_absurdly_many_digits_are_refused_in_one_line(parse) -> None:
    with pytest.raises(UserError):
        parse("9" * 5000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-3,42", [0, 1, 2, 3, 42]),
        ("7", [7]),
        ("5-5", [5]),
        (" 1 , 3 - 4".replace(" - ", "-"), [1, 3, 4]),
        ("2,2", [2, 2]),
    ],
)
def test_seeds_are_numbers_and_ranges_that_include_their_ends(text: str, expected: list[int]) -> None:
    assert parse_seeds(text) == expected


@pytest.mark.parametrize("text", ["", ",", "1,", "a", "3-1", "-1", "1-", "1--2", "0x1", "1.5", "0-3-5"])
def test_what_is_no_list_of_seeds_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"^--seeds .*: not a list of seeds .*0-15,42"):
        parse_seeds(text)
