"""The options of a run: declared once, validated, written to and read from TOML."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, field_validator

from sparring.errors import UserError, did_you_mean
from sparring.schedules import Varying


class Options(BaseModel):
    """A frozen set of named, validated options; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


O = TypeVar("O", bound=Options)  # noqa: E741


class DataOptions(Options):
    """Where the data comes from and how it is prepared."""

    source: str = Field(description="a built-in name or a path; empty for data handed over in memory")
    b: str | None = Field(None, description="a path of the second of two domains, where they lie apart")
    pairs: Literal["names", "side-by-side"] | None = Field(
        None, description="which pictures are pairs: files of one name in two folders, or the two halves of each"
    )
    swap: bool = Field(False, description="of two domains, a becomes b and b becomes a")
    size: tuple[PositiveInt, PositiveInt] | None = Field(
        None, description="height and width that pictures are brought to"
    )
    size_a: tuple[PositiveInt, PositiveInt] | None = Field(
        None, description="of a, the first of two domains, where it is not that of b"
    )
    channels: Literal[1, 3, 4, "raw"] | None = Field(None, description="1 grey, 3 RGB, 4 RGBA, raw as they are stored")
    mirror: bool = Field(False, description="show each picture mirrored half the time")
    limit: PositiveInt | None = Field(None, description="so many training examples only, chosen at random")
    frames: Literal["first", "all"] = Field(
        "first", description="which frames of an animation, or pages of a TIFF, are examples"
    )
    scale: Literal["auto", "each", "one"] = Field(
        "auto", description="whether each column of points is scaled by itself, or all by one number"
    )
    range: tuple[float, float] | None = Field(
        None, description="values that become black and white, of arrays and of files of more than 8 bits"
    )

    @field_validator("range", mode="before")
    @classmethod
    def _typed(cls, value: Any) -> Any:
        """As it is typed: "0,4095"."""
        return tuple(value.split(",")) if isinstance(value, str) else value

    @field_validator("size_a", mode="before")
    @classmethod
    def _typed_size(cls, value: Any) -> Any:
        """As it is typed: "16x16", or 16 for a square."""
        if isinstance(value, int):
            return value, value
        return tuple(value.lower().split("x")) if isinstance(value, str) else value

    @property
    def named(self) -> str:
        """The source in words; empty for data handed over in memory."""
        return f"{self.source} and {self.b}" if self.b else self.source

    @property
    def place(self) -> str | tuple[str, str]:
        """The source, or both of them where two domains lie apart; empty for data handed over in memory."""
        return (self.source, self.b) if self.b else self.source


class Budget(Options):
    """When a run ends: at whichever of these comes first."""

    minutes: float | None = Field(None, gt=0, description="of training, resumed parts included")
    images: int | None = Field(None, gt=0, description="examples shown to the first player")
    rounds: int | None = Field(None, gt=0, description="rounds of the game")
    epochs: float | None = Field(None, gt=0, description="passes of the first player over the data")
    until: Literal["converged"] | None = Field(None, description="the doctor's verdict that ends the run")

    def __bool__(self) -> bool:
        """Whether there is any limit at all."""
        return any(value is not None for value in self.model_dump().values())


FOUND_OUT = ("horizon", "begins", "parts", "fingerprint", "makes", "columns", "versions", "init")
"""What a run finds out when it begins and writes into its config; it cannot be asked for."""


class Origin(Options):
    """Where networks of a run come from that did not begin it anew."""

    run: str = Field(description="the run's directory")
    data: str = Field(description="the fingerprint of its data")
    round: int = Field(description="of the checkpoint")
    networks: tuple[str, ...] = Field(description="those that were taken over")


class RunConfig(Options):
    """All that is needed to play a run again."""

    recipe: str = Field("default", description="see `sparring recipes`")
    seed: int = Field(0, ge=0, description="of weights, noise and order")
    device: str = Field("auto", description="auto, cpu, cuda or mps; a run writes down the one that it took")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="of the networks' arithmetic")
    accumulate: int = Field(1, gt=0, description="batches averaged in one optimizer step, in each process")
    threads: int | None = Field(None, gt=0, description="of the processor; by default one for points, all for pictures")
    augment: Literal["auto", "none", "diff", "ada"] = Field(
        "auto", description="how pictures are changed before D sees them, reals and fakes alike"
    )
    augment_p: Varying | None = Field(
        None, ge=0, le=1, description="of ada: its strength, a number or a schedule; by default found as the run goes"
    )
    freeze_d: int = Field(0, ge=0, description="so many first layers of D stay as another run has left them")
    schedule: int | None = Field(None, gt=0, description="images over which schedules run; by default, the whole run")
    log_every: str = Field(
        "1s", coerce_numbers_to_str=True, description="how often a log line is written: seconds (5s) or rounds (100)"
    )
    sample_every: str = Field(
        "20s", coerce_numbers_to_str=True, description="how often a grid of samples is drawn: likewise"
    )
    checkpoint_every: str = Field(
        "60s", coerce_numbers_to_str=True, description="how often a checkpoint is written: likewise"
    )
    evaluate_every: str = Field(
        "",
        coerce_numbers_to_str=True,
        description="how often samples are scored into metrics.jsonl: likewise; by default never",
    )
    evaluate_samples: int = Field(1000, ge=20, description="how many are scored, at most")
    evaluate_features: str = Field("", description="see `sparring evaluate`; by default what suits the data")
    doctor: str = Field(
        "auto", coerce_numbers_to_str=True, description="how often the game is examined: auto, off, or as above"
    )
    on_trouble: Literal["warn", "stop", "restore"] = Field(
        "warn", description="what happens when the doctor names a disease; restore ends at the best checkpoint"
    )
    keep: int = Field(3, gt=0, description="how many of the newest checkpoints stay")
    data: DataOptions
    budget: Budget = Budget()  # pyright: ignore[reportCallIssue]
    options: dict[str, Any] = Field(default_factory=dict, description="the recipe's own options")
    horizon: int | None = Field(
        None, gt=0, description="the round at which schedules end; set when the length of the run is known"
    )
    begins: int = Field(0, ge=0, description="the round in which that was decided")
    parts: int | None = Field(
        None, gt=0, description="batches averaged in one step by all processes together; set when the run begins"
    )
    fingerprint: str = Field("", description="of the data; set when the run begins")
    makes: str = Field("x", description="the column that samples are of; set when the run begins")
    columns: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="of an example, and the kind of each; set when the run begins"
    )
    init: Origin | None = Field(None, description="the run that networks were taken over from; set when the run begins")
    versions: dict[str, str] = Field(
        default_factory=dict, description="of sparring, torch and python; set when the run begins"
    )


def validated(model: type[O], values: Mapping[str, Any], where: str) -> O:
    """The options that these values make.

    Args:
        model: which options.
        values: by name.
        where: where the values came from, for the error.

    Raises:
        UserError: an unknown name (did you mean?), or a value of the wrong type or out of range.

    Examples:
        >>> validated(Budget, {"minuts": 3}, "budget")
        Traceback (most recent call last):
        sparring.errors.UserError: budget: there is no option 'minuts' (did you mean minutes?)
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UserError(
                f"{where}: there is no option {name!r}", did_you_mean(name.rsplit(".")[-1], _names(model, first["loc"]))
            ) from None
        raise UserError(
            f"{where}: {name} = {first.get('input')!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        ) from None


def _names(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    for part in path[:-1]:
        inner = model.model_fields[str(part)].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return list(model.model_fields)


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """`["lr=1e-4", "latent=uniform"]` -> `{"lr": 1e-4, "latent": "uniform"}`; values are TOML, or else text.

    Raises:
        UserError: one has no `=`.

    Examples:
        >>> parse_settings(["lr=1e-4", "latent=uniform", "n_critic=5"])
        {'lr': 0.0001, 'latent': 'uniform', 'n_critic': 5}
    """
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            raise UserError(f"--set {setting}: expected key=value", "for example --set lr=1e-4")
        try:
            values[name.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[name.strip()] = text.strip()
    return values


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        UserError: it is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "a run directory holds its config.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UserError(f"{path} cannot be read as TOML: {error}", "name the config.toml that a run wrote") from None


def to_toml(tables: Mapping[str, Any]) -> str:
    """TOML of plain values and tables; None is left out.

    Examples:
        >>> print(to_toml({"seed": 0, "data": {"source": "digits", "size": [28, 28]}}), end="")
        seed = 0
        <BLANKLINE>
        [data]
        source = "digits"
        size = [28, 28]
    """
    return "\n".join(_lines(tables, "")) + "\n"


def _lines(tables: Mapping[str, Any], above: str) -> list[str]:
    lines = [f"{key} = {_value(value)}" for key, value in tables.items() if not _table(value) and value is not None]
    for key, table in tables.items():
        if _table(table):
            lines += ["", f"[{above}{key}]", *_lines(table, f"{above}{key}.")]
    return lines


def _table(value: object) -> bool:
    return isinstance(value, Mapping)


def _value(value: Any) -> str:
    # JSON's text, numbers and lists are TOML's too, but for the one control character that JSON leaves bare
    return json.dumps(value, allow_nan=False, ensure_ascii=False).replace("\x7f", "\\u007f")
