"""An HTML document that asks the network for nothing: its frame, and the policy that holds it to that."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib import resources
from pathlib import Path

from sparring.errors import writing
from sparring.reporting.markup import Markup, tag


def document(
    title: str,
    *body: Markup,
    style: str,
    data: Sequence[Markup] = (),
    scripts: Sequence[str] = (),
    module: bool = False,
    allowed: str = "",
) -> str:
    """The whole document.

    Args:
        title: of the window.
        body: what is shown.
        style: the style sheet.
        data: elements that are not shown, for the scripts.
        scripts: run in their order, and no others are.
        module: whether they are modules.
        allowed: what scripts may do beyond that, in the words of a content security policy.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(scripts, allowed)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    own = (tag("script", Markup(script), type="module" if module else None) for script in scripts)
    return f"<!doctype html>\n{tag('html', head, tag('body', tag('main', *body), *data, *own), lang='en')}\n"


def resource(package: str, name: str) -> str:
    """The text of a file that lies in a package."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def write(text: str, out: Path) -> None:
    """Write a document whole, or not at all.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    temporary = out.with_name(f".{out.name}.part")
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(out)


def _policy(scripts: Sequence[str], allowed: str) -> str:
    """Nothing from anywhere, and no script but the document's own."""
    digests = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    may = " ".join([*(f"'sha256-{digest}'" for digest in digests), allowed]).strip()
    own = f"img-src data:; style-src 'unsafe-inline'; script-src {may}"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"
