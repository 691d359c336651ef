from pathlib import Path

import pytest


def test_the_pages_path_is_the_only_line_on_stdout(sparring, trained):
    said = sparring("report", trained)
    assert (said.code, said.out, said.err) == (0, "run/report.html\n", "")
    assert Path("run/report.html").read_text().startswith("<!doctype html>\n")


def test_a_page_goes_where_it_is_told_to_and_replaces_what_is_there(sparring, trained):
    for _ in range(2):
        assert sparring("report", trained, "--out", "pages/of/mine.html").out == "pages/of/mine.html\n"
    assert [path.name for path in Path("pages/of").iterdir()] == ["mine.html"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "nowhere is not a run"),
        (["points.npy"], "points.npy is not a run"),
        (["project"], "project/config.toml was not written by a run"),
        (["bad"], "bad/config.toml cannot be read as TOML"),
        (["run", "--out", "page.pdf"], "cannot write a page as .pdf"),
        (["run", "--out", "page"], "--out page: cannot write a page as that"),
        (["run", "--out", "folder.html"], "--out folder.html is a folder"),
        (["run", "--out", "points.npy/page.html"], "cannot write points.npy/page.html"),
        (["run", "--out", f"{'a' * 300}.html"], "File name too long"),
    ],
    ids=str,
)
def test_bad_words_are_refused(refused, trained, tmp_path, words, says):
    for name, content in (("project", "[tool]\nname = 3\n"), ("bad", "recipe =\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").write_text(content)
    (tmp_path / "folder.html").mkdir()
    refused("report", *words, says=says)
