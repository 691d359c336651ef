"""`sparring recipes`: what there is, and one recipe with its options."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sparring.recipes import Recipe


def recipes(name: Annotated[str | None, typer.Argument(help="One recipe, with its options.")] = None) -> None:
    """List the recipes, or explain one."""
    from sparring.recipes import RECIPES, get

    if name is None:
        for recipe in RECIPES.values():
            typer.echo(f"{recipe.name:<16}{recipe.summary}")
    else:
        typer.echo(explain(get(name)))


def explain(recipe: "Recipe") -> str:
    """The paper, the equations and the options of a recipe, as text."""
    import inspect
    import sys

    lines = [
        f"{recipe.name}: {recipe.summary}",
        f"{recipe.title}" + (f", arXiv {recipe.arxiv}" if recipe.arxiv else ""),
    ]
    lines += ["", inspect.getdoc(sys.modules[recipe.build.__module__]) or "", "", "Options (--set key=value):"]
    for key, field in recipe.options.model_fields.items():
        default = "(network)" if field.default is None else field.default
        others = {"points": recipe.points, "colour": recipe.colour}
        elsewhere = ", ".join(f"{data}: {values[key]}" for data, values in others.items() if key in values)
        shown = f"  {key} = {default}" + (f" ({elsewhere})" if elsewhere else "")
        lines.append(shown.ljust(36) + f"  {field.description}")
    return "\n".join(lines)
