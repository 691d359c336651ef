import json
import sys
from pathlib import Path

import pytest

from sparring.data import inspect, open
from sparring.errors import UserError
from sparring.kinds import classes_of

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def encoded(folder) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def written(path: Path, columns: dict, features: dict | None = None) -> Path:
    table = pa.table(columns)
    if features:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path)
    return path


def test_a_column_of_bytes_is_the_folder_it_was_made_of(tmp_path, folder, encoded):
    path = written(tmp_path / "a.parquet", {"id": list(range(12)), "picture": encoded})
    data = open(path)
    assert data.fingerprint == open(folder).fingerprint
    assert "y" not in data.train


def test_the_hubs_layout_with_names_for_its_labels(tmp_path, encoded):
    rows = [{"bytes": raw, "path": "x.png"} for raw in encoded]
    label = [2, 0] * 6
    features = {"kind": {"_type": "ClassLabel", "names": ["zebra", "unused", "ape"]}}
    data = open(written(tmp_path / "a.parquet", {"image": rows, "kind": label}, features))
    assert classes_of(data.schema) == ("zebra", "ape")
    assert sorted([*data.train["y"], *data.kept["y"]]) == [0] * 6 + [1] * 6
    assert inspect(tmp_path / "a.parquet").labels == {"zebra": 6, "ape": 6}


def test_integer_labels_without_names(tmp_path, encoded):
    path = written(tmp_path / "a.parquet", {"blob": [b"?"] * 12, "image": encoded, "label": [10, 9, None] * 4})
    data = open(path)
    assert classes_of(data.schema) == ("-1", "9", "10")
    assert "the column label" in " ".join(data.notes)


def test_broken_rows_are_skipped(tmp_path, encoded):
    rows = [{"bytes": raw, "path": None} for raw in encoded[:9]] + [{"bytes": None, "path": "far.png"}]
    data = open(written(tmp_path / "a.parquet", {"image": rows}))
    assert len(data) + len(data.kept["x"]) == 9
    assert data.notes == ("skipped 1 file that is not a readable image: row 9",)


def test_errors(tmp_path, encoded, monkeypatch):
    path = written(tmp_path / "words.parquet", {"text": ["a", "b"], "n": [1, 2]})
    with pytest.raises(UserError, match="no column of pictures, only text, n"):
        open(path)
    with pytest.raises(UserError, match="has no rows"):
        open(written(tmp_path / "none.parquet", {"image": pa.array([], pa.binary())}))
    path = written(tmp_path / "cut.parquet", {"image": encoded})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="not a readable Parquet file"):
        open(path)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UserError, match=r'pip install "sparring\[parquet\]"'):
        open(path)


def sharded(folder: Path, encoded: list[bytes], split: str = "train") -> None:
    folder.mkdir(exist_ok=True)
    for shard in range(3):
        columns = {"image": encoded[4 * shard : 4 * shard + 4], "label": [0, 1] * 2}
        pq.write_table(pa.table(columns), folder / f"{split}-0000{shard}-of-00003.parquet", row_group_size=3)


def test_a_folder_of_shards_is_one_data_set(tmp_path, folder, encoded):
    sharded(tmp_path / "shards", encoded)
    data = open(tmp_path / "shards")
    whole = {x.tobytes() for x in [*data.train["x"], *data.kept["x"]]}
    assert whole == {x.tobytes() for part in (open(folder).train, open(folder).kept) for x in part["x"]}
    one = written(tmp_path / "a.parquet", {"image": encoded, "label": [0, 1] * 6})
    assert data.fingerprint == open(one).fingerprint


def test_of_the_hubs_splits_only_train_is_read(tmp_path, encoded):
    sharded(tmp_path / "shards", encoded)
    alone = open(tmp_path / "shards")
    sharded(tmp_path / "shards", encoded[::-1], "test")
    data = open(tmp_path / "shards")
    assert data.fingerprint == alone.fingerprint
    assert "3 files of train, and not from 3 others" in data.notes[0]


def test_a_broken_row_of_a_shard_is_named(tmp_path, encoded):
    sharded(tmp_path / "shards", [*encoded[:5], b"broken", *encoded[6:]])
    assert "train-00001-of-00003.parquet row 1" in " ".join(open(tmp_path / "shards").notes)


def test_few_row_groups_are_in_memory_and_none_is_read_often(tmp_path, encoded, monkeypatch):
    rows = [encoded[i % 12] for i in range(400)]
    pq.write_table(pa.table({"image": rows}), tmp_path / "a.parquet", row_group_size=10)
    read: list[int] = []
    true = pq.ParquetFile.read_row_group

    def counted(self, group, **more):
        read.append(group)
        return true(self, group, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    open(tmp_path / "a.parquet", cache=False)
    # for the headers, then for the pictures
    assert 80 <= len(read) <= 100


def test_a_table_beside_pictures_is_none_of_them(folder, encoded):
    alone = open(folder).fingerprint
    written(folder / "about.parquet", {"image": encoded[:3]})
    assert open(folder).fingerprint == alone
