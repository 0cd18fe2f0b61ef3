import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.corpora.interchange.csv_table import read_table, write_table
from speakertrip.errors import DataError

fields = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))


@given(st.lists(st.tuples(fields, fields), max_size=4))
def test_round_trip_and_the_standard_reader(scratch, rows):
    path = scratch / "a.csv"
    write_table(path, ["one", "two"], rows)
    expected = [{"one": one, "two": two} for one, two in rows]
    assert [row for _, row in read_table(path, "table", ["one", "two"])] == expected
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file, skipinitialspace=True)) == expected


@pytest.mark.parametrize("field", ["a\nb", "a\rb", "a\0b"])
def test_what_a_table_cannot_carry(tmp_path, field):
    with pytest.raises(DataError, match="holds a line break or a NUL"):
        write_table(tmp_path / "a.csv", ["one"], [[field]])
    assert not list(tmp_path.iterdir())


def test_lines_are_counted_from_where_a_row_begins(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfone, two\r\n\r\n"a\r\nb", c\r\nd,e\r\n')
    assert list(read_table(tmp_path / "a.csv", "table", ["two"])) == [
        (3, {"one": "a\nb", "two": "c"}),
        (5, {"one": "d", "two": "e"}),
    ]


def test_a_line_that_begins_with_a_number_sign_is_a_row(tmp_path):
    (tmp_path / "a.csv").write_text("one\n#1\n")
    assert list(read_table(tmp_path / "a.csv", "table", ["one"])) == [(2, {"one": "#1"})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one,one\n", "line 1: the header names a column twice"),
        ("two\n", "line 1: the header lacks the column 'one'"),
        ("one\na,b\n", r"line 2: expected 1 fields \(one\), found 2"),
        ('one\na\n"b\n', "line 3: not comma-separated values"),
        ('one\n"a"b\n', "line 2: not comma-separated values"),
        ("one\n" + "a" * 200_000, "line 2: not comma-separated values"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        list(read_table(tmp_path / "a.csv", "table", ["one"]))
