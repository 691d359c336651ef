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
