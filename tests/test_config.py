import math
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sparring.config import Budget, DataOptions, RunConfig, parse_settings, read_toml, to_toml, validated
from sparring.errors import UserError

NASTY = [
    "",
    " ",
    'say "hello"',
    "it's",
    '"""',
    "back\\slash",
    "C:\\new\\table",
    "trailing\\",
    "two\nlines",
    "carriage\r\nreturn",
    "\ttab",
    "".join(map(chr, range(32))),
    "\x7f",
    "\x80\x85\xa0",
    "\u2028\u2029",
    "Größe 数字 😀",
    "# no comment",
    "[data]",
    "a = 1",
    "\\u0041",
    "true",
    "1e-4",
]

BASE: dict[str, Any] = {"data": {"source": "digits"}}


def message(model: type, values: dict[str, Any]) -> str:
    with pytest.raises(UserError) as caught:
        validated(model, values, "here")
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("here: ")
    assert "pydantic" not in text
    return text


@pytest.mark.parametrize("text", NASTY, ids=repr)
def test_any_text_comes_back_from_toml(text: str, tmp_path: Path) -> None:
    tables = {"top": text, "list": [text, text], "table": {"inner": text, "list": [text]}}
    assert tomllib.loads(to_toml(tables)) == tables
    path = tmp_path / "config.toml"
    path.write_text(to_toml(tables), encoding="utf-8")
    assert read_toml(path) == tables


@pytest.mark.parametrize(
    "value",
    [0, -1, 2**40, 0.1, 1e-8, 1e22, 1e16, -2.5e-300, 0.1 + 0.2, True, False, [], [1, 2], [[1], [2.5]], ["a", "b"]],
)
def test_any_plain_value_comes_back_as_it_was(value: object) -> None:
    (found,) = tomllib.loads(to_toml({"x": value})).values()
    assert found == value
    assert type(found) is type(value)
    assert tomllib.loads(to_toml({"t": {"x": value}})) == {"t": {"x": value}}


def test_nothing_is_written_for_none_and_empty_tables_stay() -> None:
    assert tomllib.loads(to_toml({"a": None, "b": {"c": None, "d": 1}, "e": {}})) == {"b": {"d": 1}, "e": {}}


def test_plain_values_stand_before_tables_whatever_their_order() -> None:
    tables = {"table": {"a": 1}, "last": 2}  # written in this order, `last` would fall into the table
    assert tomllib.loads(to_toml(tables)) == tables


def test_a_whole_run_config_comes_back_from_toml() -> None:
    config = RunConfig(
        recipe="wgan-gp",
        seed=3,
        log_every="500",
        data=DataOptions(source='odd "dir"\\\x7f/pictures', size=(24, 40), channels=1, mirror=True),
        budget=Budget(minutes=1.5, images=200_000),
        options={"lr": 1e-4, "n_critic": 5, "latent": "uniform", "lr_d": None},
        horizon=12,
        fingerprint="f00",
        columns={"x": {"kind": "points", "offset": [0.1, -3e-9]}, "y": {"kind": "categories", "names": ["a\n", 'b"']}},
    )
    again = validated(RunConfig, tomllib.loads(to_toml(config.model_dump())), "config.toml")
    assert again.model_copy(update={"options": again.options | {"lr_d": None}}) == config


@pytest.mark.parametrize("minutes", [math.inf, math.nan])
def test_a_budget_without_end_is_refused(minutes: float) -> None:
    with pytest.raises(UserError, match="finite number"):
        validated(Budget, {"minutes": minutes}, "budget")


@pytest.mark.parametrize(
    ("model", "values", "wrong", "meant"),
    [
        (Budget, {"minuts": 3}, "minuts", "minutes"),
        (RunConfig, BASE | {"recipie": "gan"}, "recipie", "recipe"),
        (RunConfig, {"data": {"source": "x", "mirrored": True}}, "data.mirrored", "mirror"),
        (RunConfig, BASE | {"budget": {"epoch": 1}}, "budget.epoch", "epochs"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_one_that_was_meant(
    model: type, values: dict[str, Any], wrong: str, meant: str
) -> None:
    assert message(model, values).endswith(f"there is no option {wrong!r} (did you mean {meant}?)")


def test_a_name_like_no_other_is_answered_with_them_all() -> None:
    assert message(Budget, {"zzz": 1}).endswith("(choose from minutes, images, rounds, epochs, until)")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"seed": "many"}, "seed = 'many'"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": 1.5}, "seed = 1.5"),
        ({"accumulate": 0}, "accumulate = 0"),
        ({"keep": 0}, "keep = 0"),
        ({"precision": "float16"}, "'float32' or 'bfloat16'"),
        ({"budget": {"minutes": 0}}, "budget.minutes = 0"),
        ({"budget": {"minutes": math.nan}}, "budget.minutes = nan"),
        ({"budget": {"images": 1.5}}, "budget.images = 1.5"),
        ({"data": {"source": "x", "channels": 2}}, "data.channels = 2"),
        ({"data": {"source": "x", "size": [28]}}, "data.size"),
        ({"data": {"source": "x", "size": "big"}}, "data.size = 'big'"),
        ({"budget": {"until": "perfect"}}, "budget.until = 'perfect'"),
        ({"on_trouble": "cry"}, "on_trouble = 'cry'"),
        ({"data": {"source": 3}}, "data.source = 3"),
        ({"data": {}}, "data.source"),
        ({"data": "digits"}, "data = 'digits'"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(values: dict[str, Any], said: str) -> None:
    assert said in message(RunConfig, BASE | values)


def test_what_is_right_is_taken_and_frozen() -> None:
    config = validated(RunConfig, BASE | {"seed": 7, "budget": {"minutes": 2}}, "here")
    assert (config.recipe, config.seed, config.budget.minutes, config.data.source) == ("default", 7, 2.0, "digits")
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 8


def test_a_budget_is_true_when_it_has_any_limit() -> None:
    assert not Budget()
    for name in Budget.model_fields:
        assert Budget(**{name: "converged" if name == "until" else 1})


def test_settings_are_toml_values_or_else_text() -> None:
    settings = [
        "lr=1e-4",
        "latent = uniform",
        "n=5",
        "on=true",
        'quoted="a b"',
        "list=[1, 2]",
        "eq=a=b",
        "empty=",
        "p=a/b",
    ]
    assert parse_settings(settings) == {
        "lr": 1e-4,
        "latent": "uniform",
        "n": 5,
        "on": True,
        "quoted": "a b",
        "list": [1, 2],
        "eq": "a=b",
        "empty": "",
        "p": "a/b",
    }
    assert parse_settings(["a=1", "a=2"]) == {"a": 2}  # the last one stands


@pytest.mark.parametrize("setting", ["lr", "=1", " =1", ""])
def test_a_setting_without_a_key_or_a_value_is_refused(setting: str) -> None:
    with pytest.raises(UserError, match="expected key=value"):
        parse_settings([setting])


def test_files_that_are_not_toml_are_refused_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("a = = 1")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, said in (
        (broken, "cannot be read as TOML"),
        (binary, "cannot be read as TOML"),
        (tmp_path, "cannot be read as TOML"),
        (tmp_path / "none.toml", "does not exist"),
    ):
        with pytest.raises(UserError, match=said) as caught:
            read_toml(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_range_may_be_typed_as_text():
    ranges = {"0,4095": (0, 4095), "[-1.5, 3]": (-1.5, 3)}
    for text, expected in ranges.items():
        given = parse_settings([f"range={text}"])
        assert validated(DataOptions, {"source": "x", **given}, "data").range == expected
    with pytest.raises(UserError, match="range"):
        validated(DataOptions, {"source": "x", "range": "dark"}, "data")
