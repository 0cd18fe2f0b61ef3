import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import DataError
from speakertrip.manifests import Trials, read_manifest, read_trials, write_trials
from speakertrip.manifests import lines as lines_module
from speakertrip.manifests.lines import is_listable
from speakertrip.manifests.trials import separator

EXAMPLE = Path(__file__).parents[2] / "manifests" / "example"

# A last field "target" is taken for the label of the Kaldi form.
ids = st.text(min_size=1).filter(is_listable).filter(lambda id_: id_ not in ("target", "nontarget"))
pairs = st.dictionaries(st.tuples(ids, ids), st.booleans(), min_size=1, max_size=6)


def columns(rows: dict[tuple[str, str], bool]) -> Trials:
    return Trials.of([a for a, _ in rows], [b for _, b in rows], np.array(list(rows.values())))


def assert_same(first: Trials, second: Trials) -> None:
    assert first.enrollments == second.enrollments
    assert first.tests == second.tests
    np.testing.assert_array_equal(first.targets, second.targets)
    assert first.targets.dtype == np.bool_


@given(pairs)
def test_round_trip_in_the_voxceleb_form(scratch, rows):
    write_trials(scratch / "trials.txt", columns(rows))
    assert_same(read_trials(scratch / "trials.txt"), columns(rows))


@given(pairs)
def test_the_kaldi_form(scratch, rows):
    sep = separator(*zip(*rows, strict=True))
    lines = [f"{a}{sep}{b}{sep}{'target' if same else 'nontarget'}\n" for (a, b), same in rows.items()]
    (scratch / "kaldi.txt").write_text("".join(lines), newline="\n")
    assert_same(read_trials(scratch / "kaldi.txt"), columns(rows))


def test_the_cn_celeb_form(tmp_path):
    path = tmp_path / "trials.lst"
    path.write_text("id00800-enroll test/id00800-singing-01-001.wav 1\n1 0 0\n")
    trials = read_trials(path)
    assert trials.enrollments == ["id00800-enroll", "1"]
    assert trials.tests == ["test/id00800-singing-01-001.wav", "0"]
    assert trials.targets.tolist() == [True, False]


@given(
    st.text()
    | st.lists(st.sampled_from(["1", "0", "a", "target", "nontarget", " ", "\t", "\n"])).map("".join)
)
def test_any_text_is_a_trial_list_or_a_data_error(scratch, text):
    path = scratch / "text.txt"
    path.write_text(text)
    with suppress(DataError):
        read_trials(path)


def test_voxceleb_line(tmp_path):
    path = tmp_path / "veri_test.txt"
    path.write_text("1 id10270/x6uYqmx31kE/00001.wav id10270/8jEAjG6SegY/00008.wav\n")
    trials = read_trials(path)
    assert trials.enrollments == ["id10270/x6uYqmx31kE/00001.wav"]
    assert trials.tests == ["id10270/8jEAjG6SegY/00008.wav"]
    assert trials.targets.tolist() == [True]
    assert len(trials) == 1
    write_trials(tmp_path / "copy.txt", trials)
    assert (tmp_path / "copy.txt").read_bytes() == path.read_bytes()


def test_a_pair_may_come_twice(tmp_path):
    path = tmp_path / "trials.txt"
    path.write_text("1 a b\n0 b a\n1 a b\n")
    trials = read_trials(path)
    assert trials.targets.tolist() == [True, False, True]
    assert trials.repeats == 1
    assert Trials.of(["a"] * 4, ["b", "c", "b", "b"], np.ones(4)).repeats == 2


def plain_read(path: Path) -> tuple[list[tuple[str, str, bool]], list[int]]:
    """Read a list line by line, with nothing but what the format says."""
    rows, numbers, kaldi = [], [], None
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        a, b, c = [field.strip() for field in line.split("\t")] if "\t" in line else line.split()
        kaldi = c in ("target", "nontarget") if kaldi is None else kaldi
        rows.append((a, b, {"target": True, "nontarget": False}[c]) if kaldi else (b, c, a == "1"))
        numbers.append(number)
    return rows, numbers


odd_ids = st.sampled_from(
    ["a.b.wav", "a.c.wav", "a b", "ä/ö.wav", "\u3000".join("ab"), "x\x1fy", "1", "0", "a\0", "a"]
)
odd_lines = st.sampled_from(["", "  ", "# comment", " # 1 a b"])


@given(
    st.lists(st.tuples(odd_ids, odd_ids, st.booleans()) | odd_lines, max_size=30),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(1, 80),
)
def test_blocks_are_read_as_lines_are(scratch, rows, kaldi, line_end, spaced, block):
    lines, last = [], {}
    for row in rows:
        if isinstance(row, str):
            lines.append(row)
            continue
        a, b, same = row
        same = last.setdefault((a, b), same)
        sep = " " if a.split() == [a] and b.split() == [b] and not spaced else "\t"
        lines.append(sep.join((a, b, "target" if same else "nontarget") if kaldi else (str(int(same)), a, b)))
    path = scratch / "blocks.txt"
    path.write_text("".join(f"{line}{line_end}" for line in lines), encoding="utf-8", newline="")
    if not last:
        with pytest.raises(DataError, match="holds no trial"):
            read_trials(path)
        return
    expected, numbers = plain_read(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "BLOCK", block)
        trials = read_trials(path)
    read = list(zip(trials.enrollments, trials.tests, trials.targets.tolist(), strict=True))
    assert read == expected
    assert [trials.where(row) for row in range(len(trials))] == [f"{path}, line {n}" for n in numbers]
    assert sorted(trials.ids) == sorted({id_ for a, b, _ in expected for id_ in (a, b)})


def test_a_bad_line_of_a_later_block_is_named(tmp_path, monkeypatch):
    path = tmp_path / "trials.txt"
    path.write_text("# list\n" + "1 a b\n" * 20 + "1 a\n")
    monkeypatch.setattr(lines_module, "BLOCK", 16)
    with pytest.raises(DataError, match="line 22: a trial has 3 fields, this line has 2: '1 a'"):
        read_trials(path)
    path.write_text("1 a b\n" * 20 + "\n2 a b\n")
    with pytest.raises(DataError, match="line 22: '2' is no label"):
        read_trials(path)


def test_short_and_long_lines_do_not_make_up_for_each_other(tmp_path):
    path = tmp_path / "trials.txt"
    path.write_text("1 a\n0 1 b c\n")  # six fields in two lines
    with pytest.raises(DataError, match="line 1: a trial has 3 fields, this line has 2"):
        read_trials(path)


def test_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"1 a b\n0 a c")))
    trials = read_trials("-")
    assert trials.tests == ["b", "c"]
    assert trials.where(1) == "-, line 2"


def test_columns_of_one_length():
    with pytest.raises(ValueError, match="of one length"):
        Trials.of(["a"], ["b", "c"], [True])


def test_where_a_trial_made_in_memory_stands():
    trials = Trials.of(["a", "a"], ["b", "c"], [True, False])
    assert trials.where(1) == "The trial a and c"
    assert trials.keys().tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 a b\n1 a\n", "line 2: a trial has 3 fields, this line has 2"),
        ("1 a b c\n", "line 1: a trial has 3 fields, this line has 4"),
        ("1 my file.wav b\n", "line 1: a trial has 3 fields, this line has 4"),
        ("1\ta\t\n", "line 1: a trial has 3 fields"),
        ("1 a b\na b target\n", "line 2: 'a' is no label"),
        ("a b target\n1 a b\n", "line 2: 'b' is no label"),
        ("a b 1\n1 a b\n", "line 2: 'b' is no label"),
        ("1 a 1\na b 1\n", "line 2: 'a' is no label"),
        ("2 a b\n", "line 1: '2' is no label"),
        ("true a b\n", "line 1: 'true' is no label"),
        ("1 a b\n0 a b\n", "line 2: a and b stand on line 1 with the other label"),
        ("# x\n1 a b\n\n0 c d\n0 a b\n", "line 5: a and b stand on line 2 with the other label"),
        ("1 a b\n1 c d\n0 c d\n0 a b\n1 a b\n", r"the other label \(2 such pairs\)"),
        ("# nothing\n", "holds no trial"),
    ],
)
def test_bad_lists(tmp_path, text, message):
    path = tmp_path / "trials.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_trials(path)


@pytest.mark.parametrize("id_", ["", "a\tb", "a\nb", " a", "#a"])
def test_ids_that_would_not_be_read_back_are_not_written(tmp_path, id_):
    with pytest.raises(DataError, match="cannot stand in a list"):
        write_trials(tmp_path / "trials.txt", Trials.of(["a"], [id_], np.array([True])))
    assert list(tmp_path.iterdir()) == []


def test_tabs_stand_only_where_an_id_holds_white_space():
    assert separator(["a", "b"], ["c"]) == " "
    assert separator(["a", "b"], ["c d"]) == "\t"
    assert separator(["a\u3000b"]) == "\t"


def test_example():
    trials = read_trials(EXAMPLE / "trials.txt")
    speakers = {row.id: row.speaker for row in read_manifest(EXAMPLE / "manifest.jsonl")}
    same = [speakers[a] == speakers[b] for a, b in zip(trials.enrollments, trials.tests, strict=True)]
    assert trials.targets.tolist() == same == [True, True, False, False]
