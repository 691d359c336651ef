"""Numbers and durations as people read them."""

import unicodedata


def number(value: float | None) -> str:
    """Three digits that tell something.

    Examples:
        >>> [number(v) for v in (0.12345, 1234.5, 1e-7, 1.5e7, float("inf"), None)]
        ['0.123', '1,234', '1e-07', '1.5e+07', 'inf', '-']
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if 1000 <= abs(value) < 10_000_000 else f"{value:.3g}"


def short(count: int) -> str:
    """A count in few letters.

    Examples:
        >>> [short(n) for n in (0, 9999, 12_500, 999_999, 1_382_000)]
        ['0', '9,999', '12.5k', '1M', '1.38M']
    """
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1e3:.3g}k" if count < 999_500 else f"{count / 1e6:.3g}M"


def duration(seconds: float) -> str:
    """Seconds as minutes and seconds.

    Examples:
        >>> duration(7), duration(187), duration(7384)
        ('7s', '3m 07s', '2h 03m')
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60}h {minutes % 60:02d}m"
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def printable(text: str) -> str:
    r"""Text from outside, safe within a line of ours: line breaks, control characters and broken UTF-8 are escaped.

    Examples:
        >>> printable("two\nlines"), printable("caf\udce9.png"), printable("日本 café")
        ('two\\nlines', 'caf\\udce9.png', '日本 café')
    """
    unseen = ("Cc", "Cs", "Zl", "Zp")
    return "".join(ascii(c)[1:-1] if unicodedata.category(c) in unseen else c for c in text)


def encodable(text: str) -> bool:
    """Whether a path can be written as UTF-8; Python keeps the bytes of file names that are not as surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
