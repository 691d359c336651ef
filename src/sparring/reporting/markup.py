"""HTML in which nothing that was not meant to be a tag can become one."""

import json
from html import escape
from typing import Any


class Markup(str):
    """HTML that is finished. Any other string is text, and is escaped on its way into a tag."""

    __slots__ = ()


EMPTY = frozenset({"input", "img", "link", "meta"})
"""Tags that hold nothing."""


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element.

    Args:
        name: of the tag.
        children: finished markup, text that will be escaped, or None for nothing.
        attributes: `class_` is `class`, `aria_label` is `aria-label`; True is an attribute without a value, None and
            False are none.

    Examples:
        >>> tag("p", "1 < ", tag("b", "2"), class_="x", hidden=True)
        '<p class="x" hidden>1 &lt; <b>2</b></p>'
        >>> tag("img", alt='"', src=None)
        '<img alt="&quot;">'
    """
    said = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in EMPTY:
        return Markup(f"<{name}{said}>")
    return Markup(f"<{name}{said}>{together(*children)}</{name}>")


def together(*children: object) -> Markup:
    """Markup and text, one after the other; None is nothing.

    Examples:
        >>> together(Markup("<b>"), "<b>", None)
        '<b>&lt;b&gt;'
    """
    return Markup(
        "".join(child if isinstance(child, Markup) else escape(str(child)) for child in children if child is not None)
    )


def note(text: str) -> Markup:
    """A sentence on how to read what it stands below."""
    return tag("p", text, class_="note")


def data(value: Any) -> Markup:
    r"""JSON for the inside of a script tag, which no text in it can end.

    Examples:
        >>> print(data({"name": "</script><!--"}))
        {"name":"\u003c/script>\u003c!--"}
    """
    return Markup(json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"))


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
