"""The command that plays a run again."""

import shlex
from typing import Any

from sparring import recipes
from sparring.config import FOUND_OUT, Budget, DataOptions, Options, RunConfig, parse_settings, to_toml
from sparring.kinds import from_tables
from sparring.workflows.configuring import CUSTOM, DEFAULT_BUDGET

FLAGS = {
    *("seed", "device", "evaluate_every", "doctor", "on_trouble", "channels", "mirror", "pairs", "batch", "augment"),
    *Budget.model_fields,
}
"""Options of `sparring train` by their own names; the others are `--set`."""


def command(config: RunConfig) -> str | None:
    """`sparring train ...` with all that differs from the defaults, quoted for a POSIX shell.

    Args:
        config: of the run.

    Returns:
        None where no command can do it: the data or the game came from Python.
    """
    if config.recipe == CUSTOM or not config.data.source:
        return None
    data = config.data
    words = ["sparring", "train", *(["--a", data.source, "--b", data.b] if data.b else [data.source])]
    words += ["--recipe", config.recipe] if config.recipe != RunConfig.model_fields["recipe"].default else []
    words += ["--init", config.init.run] if config.init else []
    for name, value in _unusual(config).items():
        if name == "size":
            words += ["--size", f"{value[0]}x{value[1]}"]
        elif name in FLAGS:
            flag = f"--{name.replace('_', '-')}"
            words += [flag] if value is True else [flag, str(value)]
        else:
            words += ["--set", f"{name}={_setting(name, value)}"]
    return shlex.join(words)


def _unusual(config: RunConfig) -> dict[str, Any]:
    """What differs from the defaults, by option."""
    found: dict[str, Any] = {}
    apart = {"recipe", "data", "budget", "options", *FOUND_OUT}
    of_recipe = recipes.resolve(recipes.get(config.recipe), {}, from_tables(config.columns))
    defaults = _defaults(RunConfig), _defaults(DataOptions), of_recipe.model_dump()
    own = {name: value for name, value in config.model_dump().items() if name not in apart}
    own["accumulate"] = config.parts or config.accumulate  # one process plays what several have played
    data = {name: value for name, value in config.data.model_dump().items() if name not in ("source", "b")}
    for values, usual in zip((own, data, config.options), defaults, strict=True):
        found |= {name: value for name, value in values.items() if value is not None and value != usual.get(name)}
    if config.budget != DEFAULT_BUDGET:
        found |= {name: value for name, value in config.budget.model_dump().items() if value is not None}
    return found


def _defaults(model: type[Options]) -> dict[str, Any]:
    """By option; None for one that has to be given."""
    return {
        name: None if field.is_required() else field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
    }


def _setting(name: str, value: Any) -> str:
    """As text that `--set` reads back as the value: bare if that will do."""
    if isinstance(value, str) and parse_settings([f"{name}={value}"])[name] == value:
        return value
    return to_toml({"value": value}).removeprefix("value = ").removesuffix("\n")
