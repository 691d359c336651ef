import pytest

from sparring.recipes import RECIPES


def test_the_list_has_a_line_a_recipe(sparring):
    said = sparring("recipes")
    assert (said.code, said.err) == (0, "")
    assert [line.split()[0] for line in said.out.splitlines()] == list(RECIPES)
    for line, recipe in zip(said.out.splitlines(), RECIPES.values(), strict=True):
        assert line == f"{recipe.name:<16}{recipe.summary}"
        assert line[15] == " "  # the columns stay apart


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_explained_with_all_its_options(sparring, name):
    recipe = RECIPES[name]
    said = sparring("recipes", name)
    assert (said.code, said.err) == (0, "")
    assert recipe.title in said.out
    assert f"arXiv {recipe.arxiv}" in said.out or not recipe.arxiv
    for key, field in recipe.options.model_fields.items():
        (line,) = (line for line in said.out.splitlines() if line.startswith(f"  {key} = "))
        assert field.description
        assert line.endswith(field.description)
        if field.default is not None:
            assert f" = {field.default} " in line


def test_an_unknown_recipe_is_refused(refused):
    refused("recipes", "wgan-pg", says="did you mean wgan-gp?")
