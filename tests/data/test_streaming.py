"""Streams of examples: read once, from their beginning, into what a folder of the same pictures becomes."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset

import sparring
from sparring import workflows
from sparring.data import Dataset, Stream, cached, kept, open, storage
from sparring.errors import UserError
from sparring.kinds import classes_of


def pixels(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (8, 8, 3), dtype=np.uint8)


class Pictures:
    """Gives pictures one after another, and counts them.

    Args:
        numbers: of the pictures.
        form: from uint8 `(H, W, C)` to what is given.
    """

    def __init__(self, numbers=range(300), form=lambda pixels: pixels):
        self.numbers, self.form, self.given = numbers, form, 0

    def __iter__(self):
        for index in self.numbers:
            self.given += 1
            yield self.form(pixels(index))


class Torch(Pictures, IterableDataset):
    length = 300

    def __len__(self):
        return self.length


class Labelled(Pictures):
    def __iter__(self):
        for index, picture in zip(self.numbers, super().__iter__(), strict=True):
            yield {"image": picture, "label": torch.tensor(index % 3)}


@pytest.fixture
def same_as_folder(tmp_path):
    """The pictures of the streams as files, opened."""
    for index in range(300):
        Image.fromarray(pixels(index)).save(tmp_path / f"{index:03}.png")
    return open(tmp_path, cache=False)


@pytest.mark.parametrize("large", [1, 1 << 30])
@pytest.mark.parametrize("cache", [True, False])
def test_a_stream_becomes_what_a_folder_becomes(same_as_folder, monkeypatch, large, cache):
    monkeypatch.setattr("sparring.data.streaming.LARGE", large)
    monkeypatch.setattr(storage, "LARGE", large)
    sources = [Pictures(), Torch(), (pixels(i) for i in range(300)), Pictures(form=Image.fromarray)]
    sources.append(Pictures(form=lambda pixels: torch.from_numpy(pixels).permute(2, 0, 1)))
    for source in sources:
        data = open(source, cache=cache)
        assert data.fingerprint == same_as_folder.fingerprint
        assert torch.equal(data.batch(5, 16, seed=1)["x"], same_as_folder.batch(5, 16, seed=1)["x"])
        assert torch.equal(data.held_out()["x"], same_as_folder.held_out()["x"])
    assert "300 examples" in " ".join(data.notes)


def test_pictures_are_not_held_while_others_are_read():
    held: list[weakref.ref[Image.Image]] = []

    def watched(pixels):
        picture = Image.fromarray(pixels)
        held.append(weakref.ref(picture))
        assert sum(each() is not None for each in held) <= 64 + 2
        return picture

    open(Pictures(form=watched))
    assert len(held) == 300


@pytest.mark.parametrize("limit", [1, 8, 9, 10, 17, 100, 269])
def test_no_more_is_read_than_the_limit_takes(limit):
    endless = Pictures(count())
    data = open(endless, limit=limit)
    assert len(data) == limit
    held_out = len(data.held_out()["x"])
    assert endless.given == max(64, limit + held_out)
    assert held_out == max(1, (limit + held_out) // 10)
    assert open(Pictures(), limit=limit).fingerprint == data.fingerprint


def test_a_limit_holds_where_copies_leave_more_to_train_on():
    # of 200, 20 are held out at most: one of the smaller groups, and then no other fits
    copies = [k // 30 for k in range(150)] + [5] * 18 + [6] * 18 + [7] * 14
    data = open(Pictures(copies), limit=180)
    assert len(data) == 180
    assert len(data.held_out()["x"]) in (14, 18)
    assert data.fingerprint != open(Pictures(copies)).fingerprint


def test_a_limit_beyond_the_end_is_refused():
    with pytest.raises(UserError, match="limit = 300, but there are 270"):
        open(Pictures(), limit=300)


def test_a_stream_without_an_end_is_not_read_for_ever(monkeypatch):
    monkeypatch.setattr("sparring.data.streaming.BUDGET", 100_000)
    monkeypatch.setenv(kept.VARIABLE, "0.0001")
    endless = Pictures(count())
    with pytest.raises(UserError, match=r"goes on beyond .*limit=N"):
        open(endless)
    assert endless.given < 1000
    assert not [path for path in cached.root().rglob("*") if path.is_file()]


def test_labels_are_those_that_occur():
    data = open(Labelled())
    assert classes_of(data.schema) == ("0", "1", "2")
    known = {pixels(i).transpose(2, 0, 1).tobytes(): i % 3 for i in range(300)}
    rows = data.rows(slice(None))
    assert [known[x.numpy().tobytes()] for x in rows["x"]] == rows["y"].tolist()
    named = Labelled()
    named.classes = ("ape", "bee", "cow")
    assert classes_of(open(named).schema) == ("ape", "bee", "cow")


def test_a_stream_with_a_name_is_read_once():
    first = open(Stream(Labelled(), "three"))
    again = Labelled()
    data = open(Stream(again, "three"))
    assert again.given == 64
    assert data.fingerprint == first.fingerprint
    assert "read from the cache" in data.notes[-1]
    for other in ({"limit": 100}, {"channels": 1}, {"cache": False}):
        again = Labelled()
        open(Stream(again, "three"), **other)
        assert again.given > 64
    assert len(open(Stream(Torch(), "torch"))) == 270
    longer = Torch(range(400))
    longer.length = 400
    assert len(open(Stream(longer, "torch"))) == 360
    changed = Labelled(range(1, 301))
    assert open(Stream(changed, "three")).fingerprint != first.fingerprint
    assert changed.given == 300


def test_a_stream_without_a_name_is_read_anew():
    short = open(Pictures(range(200)))
    full = open(Pictures())  # it begins alike
    assert (len(short), len(full)) == (180, 270)


def test_processes_that_start_together_read_a_stream_once():
    going, stopped = threading.Event(), threading.Event()

    class Slow(Pictures):
        def __iter__(self):
            for picture in super().__iter__():
                if self.given == 200:
                    going.set()
                    assert stopped.wait(10)
                yield picture

    with ThreadPoolExecutor(1) as pool:
        one = pool.submit(open, Slow())
        assert going.wait(10)
        other = Slow()
        data = open(other, progress=lambda what, _: stopped.set() if what.startswith("waiting") else None)
        assert data.fingerprint == one.result().fingerprint
    assert other.given == 64


def options(**more):
    found = {"batch": 4, "recipe": "dcgan", "rounds": 4, "doctor": "off", "mirror": True, "limit": 100}
    return found | {"options": {"width": 4, "latent_dim": 4}, "checkpoint_every": 2, "log_every": 1} | more


@pytest.mark.parametrize("how", ["by the stream", "from the cache", "opened before"])
def test_a_run_is_resumed_exactly(tmp_path, how):
    whole = sparring.train(Pictures(count()), out=tmp_path / "whole", **options())
    source, said = Pictures(count()), options()
    if how == "opened before":
        source = open(source, mirror=said.pop("mirror"), limit=said.pop("limit"))
    playing = workflows.run(workflows.plan(source, out=tmp_path / "cut", **said))
    next(status for status in playing if status.round == 2)
    playing.close()
    del source, playing
    gc.collect()
    assert not list(cached.root().rglob("*.part"))
    if how == "by the stream":
        kept.thin(0)
        with pytest.raises(UserError, match="handed over in memory"):
            sparring.resume(tmp_path / "cut")
        with pytest.raises(UserError, match="has changed"):
            sparring.resume(tmp_path / "cut", source=Pictures(count(1)))
        resumed = sparring.resume(tmp_path / "cut", source=Pictures(count()))
    else:
        resumed = sparring.resume(tmp_path / "cut")
    last = "checkpoints/000004/networks.safetensors"
    assert (resumed.path / last).read_bytes() == (whole.path / last).read_bytes()


def test_progress_tells_how_much_was_read():
    told: list[tuple[str, float]] = []
    open(Pictures(), progress=lambda what, share: told.append((what, share)), limit=270)
    assert told[-1] == ("reading the Pictures: 300 examples, 0 MB", 1.0)
    assert [share for _, share in told] == sorted(share for _, share in told)


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (iter(()), "gives no examples"),
        (DataLoader(Torch(), batch_size=4), r"gives batches \(give its .dataset"),
        (Pictures(form=lambda pixels: {"text": pixels}), "has no picture"),
        ((("a.png") for _ in range(9)), "gives a str"),
        (((pixels(i), None if i == 99 else 1) for i in range(100)), "example 99 of the generator has the label None"),
        (Pictures(range(1)), "holds one single example"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(items, says):
    with pytest.raises(UserError, match=says):
        open(items)


def test_a_stream_of_the_hugging_face_hub(tmp_path, noise):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    pictures = [noise(i) for i in range(100)]
    items = datasets.Dataset.from_dict({"image": pictures, "label": [i % 2 for i in range(100)]}, features=features)
    items.to_parquet(tmp_path / "0.parquet")
    found = str(tmp_path / "0.parquet")
    stream = datasets.load_dataset("parquet", data_files=found, split="train", streaming=True, cache_dir=tmp_path)
    data = open(stream)
    assert isinstance(data, Dataset)
    assert (len(data), classes_of(data.schema)) == (90, ("cat", "dog"))
    assert len(open(stream.take(50))) == 45
    assert len(open(stream.with_format("torch"), limit=18)) == 18
    assert data.fingerprint == open(stream).fingerprint == open(tmp_path / "0.parquet").fingerprint
