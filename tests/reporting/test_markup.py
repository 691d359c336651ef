import json
from html.parser import HTMLParser

import pytest

from sparring.reporting.markup import data, tag, together

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"'><b>",
    "<!--",
    "&lt;",
    "ünï\u2028码",
]


class Reader(HTMLParser):
    """Every tag with its attributes, and all text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, name, attributes):
        self.tags.append((name, dict(attributes)))

    def handle_data(self, text):
        self.text += text


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text(text):
    read = Reader(tag("p", text, tag("b", text), title=text, data_name=text))
    assert read.tags == [("p", {"title": text, "data-name": text}), ("b", {})]
    assert read.text == text * 2
    assert Reader(together(text)).tags == []


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_ends_the_script_that_its_data_lies_in(text):
    known = {text: [text, 1, None]}
    read = Reader(tag("script", data(known), type="application/json"))
    assert [name for name, _ in read.tags] == ["script"]
    assert json.loads(read.text) == known


def test_json_has_no_values_that_browsers_refuse():
    with pytest.raises(ValueError, match="not JSON compliant"):
        data({"a": float("nan")})
