import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import DataError, StorageError
from speakertrip.manifests import lines
from speakertrip.manifests.lines import (
    ListLines,
    is_listable,
    read_blocks,
    read_lines,
    split_fields,
    write_lines,
)


def test_blank_lines_and_comments_are_skipped_and_numbers_kept(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbf# one\r\na b\r\n\r\n   \n  # two\nc d\rlast")
    assert list(read_lines(path, "list")) == [(2, "a b"), (6, "c d"), (7, "last")]


@pytest.mark.parametrize("name", ["absent.txt", "."])
def test_unreadable(tmp_path, name):
    with pytest.raises(DataError, match=r"Cannot read the trial list .*: (No such file|Is a directory)"):
        list(read_lines(tmp_path / name, "trial list"))


def test_not_utf8(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"1 a b\r\n1 caf\xe9 b\r\n")
    with pytest.raises(DataError, match="line 2: this trial list is not UTF-8 text"):
        list(read_lines(path, "trial list"))


@given(
    st.binary() | st.lists(st.sampled_from([b"a", b"\r", b"\n", "é".encode()])).map(b"".join),
    st.integers(1, 9),
)
def test_blocks_are_whole_lines_as_python_reads_them(scratch, data, size):
    path = scratch / "blocks.txt"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", size)
        try:
            expected = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            with pytest.raises(DataError, match="not UTF-8"):
                list(read_blocks(path, "list"))
            return
        blocks = list(read_blocks(path, "list"))
    assert "".join(raw.decode() for _, raw in blocks) == expected + "\n" * (expected[-1:] not in ("", "\n"))
    for place, (number, _) in enumerate(blocks):
        assert number == 1 + sum(raw.count(b"\n") for _, raw in blocks[:place])


@given(st.lists(st.booleans(), max_size=30))
def test_line_numbers_of_rows(skipped):
    numbers = [number for number, skip in enumerate(skipped, 1) if skip]
    lines_ = ListLines("list", np.array(numbers, dtype=np.int64))
    expected = [number for number, skip in enumerate(skipped, 1) if not skip]
    assert [lines_.number(row) for row in range(len(expected))] == expected


def test_fields_stand_at_tabs_where_there_are_any():
    assert split_fields("1  a   b ") == ["1", "a", "b"]
    assert split_fields("1\ta b\t c ") == ["1", "a b", "c"]
    assert split_fields("a\t\tb") == ["a", "", "b"]


@given(st.lists(st.text().filter(is_listable), min_size=2, max_size=5))
def test_what_is_listable_survives_a_line(scratch, fields):
    path = scratch / "list.txt"
    write_lines(path, ["\t".join(fields)])
    ((_, text),) = read_lines(path, "list")
    assert split_fields(text) == fields


@pytest.mark.parametrize("id_", ["", " ", "a\tb", "a\nb", "a\r", " a", "a ", "#a", "\ufeffa", "caf\udce9"])
def test_not_listable(id_):
    assert not is_listable(id_)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "list.txt"
    write_lines(path, ["old"])

    def rows():
        yield "new"
        raise DataError("the rows run out")

    with pytest.raises(DataError, match="run out"):
        write_lines(path, rows())
    with pytest.raises(StorageError, match="not UTF-8"):
        write_lines(path, ["new", "caf\udce9"])
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "list.txt"
    write_lines(str(path), ["é"])
    assert path.read_bytes() == "é\n".encode()


@pytest.mark.parametrize("name", ["file/list.txt", "file/below/list.txt", "folder"])
def test_unwritable(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="Cannot write"):
        write_lines(tmp_path / name, ["a"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk(tmp_path):
    part = tmp_path / ".list.txt.part"  # the temporary file, on a device that is always full
    part.symlink_to("/dev/full")
    with pytest.raises(StorageError, match="No space left"):
        write_lines(tmp_path / "list.txt", ["a"])
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    write_lines(tmp_path / "link.txt", ["new"])
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new\n"


def test_a_pipe_is_written_into_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_lines(pipe, ["a", "b"])
    assert os.read(reader, 100) == b"a\nb\n"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 1_000)
    monkeypatch.setattr(lines, "LONGEST_LINE", 5_000)
    (tmp_path / "long.txt").write_bytes(b"one\n" + bytes(7_000))
    with pytest.raises(DataError, match=r"long\.txt, line 2 has over .* MiB; this is no list"):
        list(read_lines(tmp_path / "long.txt", "list"))
    (tmp_path / "short.txt").write_bytes(b"one\n" + b"x" * 4_000)
    assert [number for number, _ in read_lines(tmp_path / "short.txt", "list")] == [1, 2]
