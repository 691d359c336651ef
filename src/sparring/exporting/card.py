"""The model card: what somebody needs to know who was only given the weights."""

from collections.abc import Mapping
from typing import Any

from sparring import __version__, recipes
from sparring.config import Origin
from sparring.metrics.table import BETTER
from sparring.readable import number, printable
from sparring.reporting.story import Story
from sparring.workflows import CUSTOM, Generator

MOST_CLASSES = 20
"""Classes that are named one by one."""


def card(generator: Generator, story: Story, checkpoint: str, name: str) -> str:
    """The model card, in Markdown with the Hub's header; whose licence the weights have is the user's to say.

    Args:
        generator: what it is of.
        story: the run's.
        checkpoint: "latest", "best", or a round.
        name: of the folder.
    """
    parts = [_header(generator), f"# {printable(name)}", _what(generator, story, checkpoint), _reading(generator, name)]
    parts += [_training(story), _evaluation(story.evaluation), _diagnosis(story), _limits()]
    return "\n\n".join(parts) + "\n"


def _header(generator: Generator) -> str:
    pictures = len(generator.kind.shape) == 3
    lines = ["---", "library_name: sparring", *(["pipeline_tag: unconditional-image-generation"] if pictures else [])]
    lines += ["tags: [gan, sparring]", "# license: yours to choose, to match the licence of the training data", "---"]
    return "\n".join(lines)


def _what(generator: Generator, story: Story, checkpoint: str) -> str:
    kind = generator.kind
    noise = ", ".join(f"{part.name} ({part.dim} {part.kind})" for part in generator.parts)
    run = story.run
    round = run.round_of(run.which(checkpoint))
    lines = [
        f"A generator of {kind.name} ({kind.describe()}): the averaged weights of round {round:,}.",
        f"Trained with [Sparring](https://pypi.org/project/sparring/) {__version__}.",
        "",
        f"- input `z`: float32 `(B, {generator.latent_dim})`: {noise}",
    ]
    if generator.classes:
        shown = ", ".join(f"{k} {printable(each)}" for k, each in enumerate(generator.classes[:MOST_CLASSES]))
        more = len(generator.classes) - MOST_CLASSES
        lines.append(f"- input `y`: int64 `(B,)`, a class: {shown}{f', and {more} more' if more > 0 else ''}")
    shape = ", ".join(map(str, kind.shape))
    lines.append(
        f"- output: float32 `(B, {shape})`, in the range in which the networks saw the data; `G.to_array` brings it "
        "back (pictures: uint8 `(B, H, W, C)` from [-1, 1]; points: their own units)"
    )
    return "\n".join(lines)


def _reading(generator: Generator, name: str) -> str:
    z = "G.noise(range(16))"
    call = f"G({z}, torch.zeros(16, dtype=torch.long))  # 16 of class 0" if generator.classes else f"G({z})"
    lines = [
        "## Reading it back",
        f"`pip install sparring`, then, beside the folder (`{z}` is the noise of `sparring sample --seeds 0-15`):",
        "",
        "```python",
        *(["import torch"] if generator.classes else []),
        "import sparring",
        "",
        f"G = sparring.load_generator({name!r})  # an nn.Module in eval mode",
        f"x = {call}",
        "samples = G.to_array(x)",
        "```",
    ]
    return "\n".join(lines)


def _training(story: Story) -> str:
    config = story.config
    lines = ["## Training"]
    if config.recipe != CUSTOM:
        recipe = recipes.get(config.recipe)
        paper = f" ([arXiv {recipe.arxiv}](https://arxiv.org/abs/{recipe.arxiv}))" if recipe.arxiv else ""
        lines.append(f"- recipe `{recipe.name}`: {recipe.title}{paper}")
    lines += [
        f"- options: {', '.join(f'`{key}={value}`' for key, value in config.options.items())}",
        f"- {story.round:,} rounds, {story.images:,} examples shown, seed {config.seed}",
        f"- data: fingerprint `{config.fingerprint}`; which data that is, and its licence, is for you to say",
        *_origin(config.init),
        f"- versions: {', '.join(f'{key} {value}' for key, value in config.versions.items())}",
    ]
    return "\n".join(lines)


def _origin(init: Origin | None) -> list[str]:
    """No path of the machine: a run is known by its data."""
    if init is None:
        return []
    whose = f"a run on other data (fingerprint `{init.data}`), round {init.round:,}"
    return [f"- began with {', '.join(init.networks)} of {whose}; its data and their licence count too"]


def _evaluation(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "## Evaluation\nNone was made. `sparring evaluate RUN` makes one; export again after it."
    provenance = found.get("provenance") or {}
    lines = [
        "## Evaluation",
        f"The newest, of round {found.get('round', '?')}: {found.get('extractor', '?')} features,",
        f"{provenance.get('samples', '?')} samples on either side.",
        "*Reals* is what real examples get by the same measure: the floor.",
        "Numbers of other features, or of another number of samples, do not compare.",
        "",
        "| metric | samples | ± | reals | N | better |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        values = (number(row.get(key)) for key in ("value", "spread", "floor"))
        better = BETTER.get(row.get("better"), "-")
        lines.append(f"| {row.get('name')} | {' | '.join(values)} | {row.get('n', '?')} | {better} |")
    copies = found.get("copies")
    if copies:
        said = "copies of the training data were found" if copies.get("flagged") else "no sign of copying"
        lines += ["", f"Memorisation: {said}; {copies.get('exact', '?')} exact copies among the samples."]
    return "\n".join(lines)


def _diagnosis(story: Story) -> str:
    if not story.readings:
        return "## Diagnosis\nThe training was not examined."
    last = story.readings[-1]
    troubles = list(dict.fromkeys(each.verdict for each in story.readings[:-1] if each.trouble))
    before = f" Seen before: {', '.join(troubles)}." if troubles else ""
    return f"## Diagnosis\nThe doctor's verdict at round {last.round:,}: **{last.verdict}**. {last.evidence}{before}"


def _limits() -> str:
    return (
        "## Limits\nSamples follow the training data, its gaps and its biases included. How near they are to that data "
        "is all that was measured: not what they are fit for."
    )
