import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.corpora.interchange import json_lines
from speakertrip.corpora.interchange.json_lines import read_objects, write_objects
from speakertrip.errors import DataError, StorageError

objects = st.lists(
    st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())), max_size=4
)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@given(rows=objects)
def test_round_trip(scratch, name, rows):
    write_objects(scratch / name, rows)
    assert list(read_objects(scratch / name, "list")) == list(enumerate(rows, 1))


def test_the_same_rows_make_the_same_bytes(tmp_path):
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_objects(tmp_path / name, [{"a": 1}])
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()) == b'{"a": 1}\n'


def test_a_line_that_begins_with_a_number_sign_is_no_comment(tmp_path):
    (tmp_path / "a.jsonl").write_text('\n{"a": 1}\n# no\n')
    with pytest.raises(DataError, match=r"a.jsonl, line 3: not JSON"):
        list(read_objects(tmp_path / "a.jsonl", "list"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}", "Cannot read the list .*: Not a gzipped file"),
        (gzip.compress(b"{}\n" * 9, mtime=0)[:-9], "Cannot read the list .*: Compressed file ended before"),
        (gzip.compress(b"{}\n", mtime=0)[:12] + b"\xff" * 9, "Cannot read the list"),
        (gzip.compress(b"{}\n\xff\n", mtime=0), "line 2: this list is not UTF-8 text"),
        (gzip.compress(b"{}\n[]\n", mtime=0), "line 2: not a JSON object"),
        (gzip.compress(b"[" * 100_000, mtime=0), "line 1: not JSON"),
    ],
)
def test_bad_compressed_files(tmp_path, content, message):
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read_objects(tmp_path / "a.gz", "list"))


def test_a_line_without_end_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "LONGEST_LINE", 2**20)
    with gzip.open(tmp_path / "bomb.gz", "wb") as file:
        for _ in range(64):
            file.write(bytes(2**20))
    with pytest.raises(DataError, match="line 1: longer than 1 MiB; no list"):
        list(read_objects(tmp_path / "bomb.gz", "list"))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_failure_leaves_the_old_file(tmp_path, name):
    write_objects(tmp_path / name, [{"a": 1}])
    with pytest.raises(StorageError, match="not UTF-8 text"):
        write_objects(tmp_path / name, [{"a": 2}, {"a": "\udcff"}])
    assert list(read_objects(tmp_path / name, "list")) == [(1, {"a": 1})]
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_where_nothing_can_be_written(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot write"):
        write_objects(tmp_path / "file" / name, [{}])
