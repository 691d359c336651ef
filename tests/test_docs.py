"""The documents say what the code does: every block runs, every command parses, every option and term is named."""

import itertools
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import typer
from tests.conftest import GIVEN_PICTURES, data_for

import sparring.data
from sparring import workflows
from sparring.cli import app
from sparring.config import DataOptions, RunConfig, parse_settings, validated
from sparring.data import Data
from sparring.loop import play
from sparring.recipes import RECIPES

ROOT = Path(__file__).parents[1]
RECIPE_PAGES = ROOT / "docs" / "recipes"
PAGES = [path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md") if path.exists()]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLAYERS = "autoencoder|critics|discriminators?|generator|translators"

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
UsageError: Any = typer.BadParameter.__base__  # click's own, or that of the click inside newer typers


def title(path: Path) -> str:
    return str(path.relative_to(ROOT))


def python_blocks(page: Path) -> list[tuple[int, str]]:
    """(lines before it, its code), with budgets of minutes made tiny."""
    text = page.read_text(encoding="utf-8")
    found = [(text.count("\n", 0, m.start()) + 1, m[2]) for m in FENCE.finditer(text) if m[1] == "python"]
    return [(line, re.sub(r"\bminutes=[\d.]+", "rounds=2", code)) for line, code in found]


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)], ids=title)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # classes look their module up
    for line, code in python_blocks(page):
        exec(compile("\n" * line + code, title(page), "exec"), module.__dict__)


def test_the_recipe_that_the_guide_shows_is_the_recipe():
    shown = [code for _, code in python_blocks(ROOT / "docs" / "writing-a-gan.md")]
    recipe = ROOT / "src" / "sparring" / "recipes" / "softmax_gan.py"
    assert recipe.read_text(encoding="utf-8") in shown


def commands(text: str) -> list[list[str]]:
    """The words behind every `sparring` on a command line of a fenced block, or between backticks."""
    blocks = [m[2] for m in FENCE.finditer(text) if m[1] != "python"]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    found = []
    for line in lines:
        if re.match(r"(\$ )?(\S*/)?sparring ", line):
            words = shlex.split(line.removeprefix("$ "), comments=True)
            end = next((k for k, word in enumerate(words) if word in ("|", "&&", ">", "2>", ";")), len(words))
            found.append(words[1:end])
    return found


def check_command(words: list[str]) -> None:
    """Refuse a command line that `sparring` would refuse before it looks at any file.

    Raises:
        UsageError: no such command or option, a missing argument, a value of the wrong type.
        UserError: no such recipe, or a --set key that the recipe has not.
    """
    if "--help" in words or "-h" in words or words == ["--version"]:
        return
    if words[0] not in COMMANDS:
        raise UsageError(f"there is no command {words[0]}")
    if len(words) == 1:
        return  # a command that is only named
    given = COMMANDS[words[0]].make_context(words[0], words[1:]).params
    if words[0] == "recipes":
        sparring.recipes.get(given["name"])
    if words[0] == "train" and not given["resume"]:
        settings = parse_settings(given["set_"] or [])
        of_run = RunConfig.model_fields | DataOptions.model_fields
        own = {name: value for name, value in settings.items() if name not in of_run}
        validated(sparring.recipes.get(given["recipe"] or "default").options, own, "docs")


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_the_command_lines_of_a_page_parse(page):
    for words in commands(page.read_text(encoding="utf-8")):
        check_command(words)


@pytest.mark.parametrize(
    "line",
    [
        "sparring trian digits",
        "sparring train digits --minuets 5",
        "sparring train digits --rounds many",
        "sparring train digits --set wdith=4",
        "sparring train digits --recipe wgan-pg",
        "sparring sample --seeds 0-3",
    ],
)
def test_a_wrong_command_line_is_refused(line):
    (words,) = commands(f"```sh\n{line}\n```\n")
    with pytest.raises((UsageError, sparring.UserError)):
        check_command(words)


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_the_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" not in target and not target.endswith(".png"):
            assert (page.parent / target).exists(), target


def recipe_page(recipe: str) -> str:
    return (RECIPE_PAGES / f"{recipe}.md").read_text(encoding="utf-8")


def test_every_recipe_has_a_page_and_a_place_in_the_index():
    assert {path.stem for path in RECIPE_PAGES.glob("*.md")} - {"README"} == set(RECIPES)
    index = recipe_page("README")
    for name, recipe in RECIPES.items():
        assert f"[{name}]({name}.md)" in index
        assert f"(https://arxiv.org/abs/{recipe.arxiv})" in recipe_page(name)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_page_names_every_option_with_its_defaults(recipe):
    own = {key: field.default for key, field in RECIPES[recipe].options.model_fields.items()}
    columns = [own, *(own | more for more in (RECIPES[recipe].points, RECIPES[recipe].colour) if more)]
    rows = re.findall(r"^\| `(\w+)`" + r" \| (\S+)" * len(columns) + r" \|", recipe_page(recipe), re.MULTILINE)
    expected = {key: tuple("-" if each[key] is None else str(each[key]) for each in columns) for key in own}
    assert {key: tuple(defaults) for key, *defaults in rows} == expected


def sources(recipe: str) -> list[Data]:
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
    points, labels = rng.normal(size=(24, 2)), np.arange(24) % 3
    if recipe in ("projection", "cgan", "acgan", "sgan"):
        return [sparring.data.open((examples, labels)) for examples in (array, points)]
    if recipe in GIVEN_PICTURES:
        return [data_for(recipe, (1, 8, 8))]
    if recipe in ("progressive", "stylegan2"):
        return [sparring.data.open(array)]
    return [sparring.data.open(array), sparring.data.open(points)]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_page_names_the_terms_that_are_logged_and_no_others(recipe):
    logged: set[str] = set()
    phases = [{"pretrain": 0.0}, {}] if "pretrain" in RECIPES[recipe].options.model_fields else [{}]
    for data, phase in itertools.product(sources(recipe), phases):
        options = {"batch": 3, "width": 4} | phase
        plan = workflows.plan(data, recipe=recipe, rounds=1, options=options, out="never-written")
        logged |= set(next(play(plan.state, plan.data, plan.how)).terms)
    assert set(re.findall(rf"`((?:{PLAYERS})/\w+)`", recipe_page(recipe))) == logged


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_a_page_holds_no_path_of_a_machine(page):
    assert not re.search(r"(?<![\w.])/(work|tmp|home|Users)/", page.read_text(encoding="utf-8"))
