"""Map-style data sets of a user's own: read as they are needed, in the same order every time."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset as TorchDataset

import sparring
from sparring import scoring, workflows
from sparring.data import Data, OnDemand, open, viewed
from sparring.errors import UserError
from sparring.kinds import classes_of


class Noise(TorchDataset):
    """Pictures of random pixels, made as they are asked for.

    Args:
        count: how many.
        form: from uint8 `(H, W, C)` to what the set gives.
    """

    def __init__(self, count=60, form=lambda pixels: pixels):
        self.count, self.form, self.asked = count, form, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if not 0 <= index < self.count:
            raise IndexError(index)
        self.asked.append(index)
        return self.form(np.random.default_rng(index).integers(0, 256, (8, 8, 3), dtype=np.uint8))


class Labelled(Noise):
    classes = ("cat", "dog")

    def __getitem__(self, index):
        return super().__getitem__(index), index % 2


FORMS = {
    "array": lambda pixels: pixels,
    "first": lambda pixels: torch.from_numpy(pixels).permute(2, 0, 1),
    "floats": lambda pixels: torch.from_numpy(pixels).permute(2, 0, 1) / 255,
    "signed": lambda pixels: torch.from_numpy(pixels).permute(2, 0, 1) / 127.5 - 1,
    "picture": Image.fromarray,
    "fields": lambda pixels: {"image": Image.fromarray(pixels)},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_picture_is_the_same(form):
    plain, other = open(Noise()), open(Noise(form=FORMS[form]))
    assert isinstance(other, Data)
    assert other.schema["x"].shape == (3, 8, 8)
    assert (len(other), len(other.held_out()["x"])) == (54, 6)
    assert torch.equal(plain.batch(3, 7, seed=1)["x"], other.batch(3, 7, seed=1)["x"])


def test_only_what_is_needed_is_read():
    items = Noise(100_000)
    data = open(items)
    assert len(items.asked) <= 3 * 64
    items.asked.clear()
    data.batch(0, 16, seed=0)
    assert len(items.asked) == 16


def test_train_and_held_out_share_no_index():
    items = Noise()
    data = open(items)
    items.asked.clear()
    data.rows(slice(None))
    train = set(items.asked)
    items.asked.clear()
    data.held_out()
    assert not train & set(items.asked)
    assert len(train | set(items.asked)) == 60


def test_batches_are_a_function_of_seed_and_draw_and_cover_an_epoch():
    data = open(Noise(), mirror=True)
    assert torch.equal(data.batch(5, 9, 2)["x"], open(Noise(), mirror=True).batch(5, 9, 2)["x"])
    assert not torch.equal(data.batch(5, 9, 2)["x"], data.batch(6, 9, 2)["x"])
    data = open(Noise())
    assert isinstance(data, OnDemand)
    epoch = [data.batch(draw, 9, 0)["x"] for draw in range(6)]
    assert len({each.numpy().tobytes() for part in epoch for each in part}) == 54


def test_labels_are_named_by_the_set():
    data = open(Labelled())
    assert classes_of(data.schema) == ("cat", "dog")
    assert set(data.rows(slice(None))["y"].tolist()) == {0, 1}


def test_targets_name_classes_too_and_without_either_there_are_none():
    items = Labelled()
    items.classes, items.targets = None, torch.arange(60) % 2
    assert classes_of(open(items).schema) == ("0", "1")
    items.targets = None
    data = open(items)
    assert classes_of(data.schema) == ()
    assert "no labels" in data.notes[-1]


def test_a_label_that_is_no_class_is_refused():
    items = Labelled()
    items.classes = ("cat",)
    with pytest.raises(UserError, match="none of its classes"):
        open(items)


def test_a_value_beyond_those_looked_at_is_refused_and_not_clipped():
    def late(pixels):
        return pixels.astype(np.float32) / 255 * (1.5 if pixels[0, 0, 0] == odd else 1.0)

    probed = {0, 999, *np.linspace(0, 999, 64).astype(int).tolist()}
    first = next(i for i in range(1000) if i not in probed)
    odd = np.random.default_rng(first).integers(0, 256, (8, 8, 3), dtype=np.uint8)[0, 0, 0]
    items = Noise(1000, late)
    shown = {np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8)[0, 0, 0] for i in probed}
    if odd in shown:
        pytest.skip("the odd example was looked at")
    with pytest.raises(UserError, match="beyond the range"):
        open(items).rows(slice(None))
    open(items, range=(0, 1.5)).rows(slice(None))


def test_what_is_held_out_is_read_once_and_no_further_than_asked_for():
    items = Noise(1000)
    data = open(items)
    items.asked.clear()
    first = data.held_out(10)["x"]
    assert len(items.asked) == 10
    every = data.held_out()["x"]
    assert len(items.asked) == len(set(items.asked)) == len(every) == 100
    assert torch.equal(every[:10], first)
    assert len(data.held_out(500)["x"]) == len(items.asked) == 100


def test_an_evaluation_reads_no_more_than_it_looks_at(monkeypatch):
    monkeypatch.setattr(scoring, "COPY_TEST_EXAMPLES", 60)
    items = Noise(2000)
    data = open(items)
    items.asked.clear()
    seen = viewed(data, "x", most=scoring.reals_needed(40))
    assert len(items.asked) == 2 * 40 + 60 + 200
    training = [items[int(index)] for index in sorted(set(range(2000)) - set(data._kept.tolist()))]
    assert len(training) == seen.of == 1800
    scorer = scoring.Scorer(seen, "noise", samples=40)
    copied = seen.places[scorer._learnt[[3, 5]]]
    samples = np.stack([training[index].transpose(2, 0, 1) for index in copied] + [255 - training[0].T] * 38)
    found = scorer(torch.from_numpy(samples))
    assert found.copies.exact == 2
    assert set(copied.tolist()) <= set(found.copies.test.partners)
    assert "of 1,800 training examples" in " ".join(found.notes)
    assert "exact copies among 140, those that were read" in " ".join(found.notes)
    assert viewed(open(Noise(150)), "x", most=140).places is None


def test_size_channels_and_limit():
    data = open(Noise(form=Image.fromarray), size=(6, 4), channels=1, limit=10)
    assert data.schema["x"].shape == (1, 6, 4)
    assert len(data) == 10
    assert data.rows(slice(None))["x"].shape == (10, 1, 6, 4)
    assert data.fingerprint != open(Noise(form=Image.fromarray), size=(6, 4), channels=1).fingerprint


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (Noise(1), "holds 1 examples"),
        (Noise(form=lambda pixels: pixels[0, 0].astype(np.float32)), "points are given as one array"),
        (Noise(form=lambda _: "a.png"), "gives a str"),
        (Noise(form=lambda pixels: {"text": pixels}), "has no picture"),
    ],
)
def test_what_is_no_picture_is_refused(items, says):
    with pytest.raises(UserError, match=says):
        open(items)


def test_python_s_own_containers_are_no_data_sets():
    with pytest.raises(UserError, match="cannot be read from a list"):
        open([np.zeros((8, 8, 3), np.uint8)])


def test_a_run_of_it_is_resumed_exactly(tmp_path):
    options = {"batch": 4, "recipe": "dcgan", "rounds": 4, "doctor": "off"}
    options |= {"options": {"width": 4, "latent_dim": 4}, "checkpoint_every": 2, "log_every": 1}
    whole = sparring.train(Labelled(), out=tmp_path / "whole", **options)
    playing = workflows.run(workflows.plan(Labelled(), out=tmp_path / "cut", **options))
    next(status for status in playing if status.round == 2)
    playing.close()
    for other in (None, Labelled(50)):
        with pytest.raises(UserError, match=r"handed over in memory|has changed"):
            sparring.resume(tmp_path / "cut", source=other)
    resumed = sparring.resume(tmp_path / "cut", source=Labelled())
    last = "checkpoints/000004/networks.safetensors"
    assert (resumed.path / last).read_bytes() == (whole.path / last).read_bytes()


def test_a_data_set_of_the_hugging_face_hub(noise):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    pictures = [noise(i) for i in range(20)]
    items = datasets.Dataset.from_dict({"image": pictures, "label": [i % 2 for i in range(20)]}, features=features)
    data = open(items)
    assert (len(data), classes_of(data.schema)) == (18, ("cat", "dog"))
    rows = data.rows(slice(None))
    known = {np.asarray(each).transpose(2, 0, 1).tobytes(): i % 2 for i, each in enumerate(pictures)}
    assert [known[x.numpy().tobytes()] for x in rows["x"]] == rows["y"].tolist()
