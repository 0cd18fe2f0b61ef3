import math
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from speakertrip.corpora.split_shares import split_by_shares
from speakertrip.errors import DataError, UsageError
from speakertrip.manifests import Utterance

USUAL = {"train": 0.8, "dev": 0.1, "test": 0.1}


def corpus(speakers, by_name=None):
    """Return utterances of speakers given as ``(utterances, sex, corpus)``, interleaved."""
    names = by_name or [f"s{number}" for number in range(len(speakers))]
    rows = [
        (turn, Utterance(f"{name}/{turn}", Path("a.wav"), name, sex=sex, extra={"corpus": corpus_}))
        for name, (count, sex, corpus_) in zip(names, speakers, strict=True)
        for turn in range(count)
    ]
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def speakers_of(part):
    return {utterance.speaker for utterance in part}


def split_or_none(*arguments, **options):
    try:
        return split_by_shares(*arguments, **options)
    except DataError:
        return None


SPEAKERS = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from(["m", "f", None]), st.sampled_from(["a", "b"])),
    min_size=1,
    max_size=60,
)
SHARES = st.lists(st.integers(1, 10), min_size=1, max_size=4).map(
    lambda weights: {f"p{n}": Fraction(weight, sum(weights)) for n, weight in enumerate(weights)}
)


@given(SPEAKERS, SHARES, st.integers(0, 3), st.sampled_from([(), ("sex",), ("sex", "corpus")]))
def test_the_promises(speakers, shares, seed, by):
    utterances = corpus(speakers)
    assume(all(any(speaker[["count", "sex", "corpus"].index(key)] for speaker in speakers) for key in by))
    parts = split_or_none(utterances, shares, seed, by)
    if (
        parts is None
    ):  # some part has no speaker: possible only where its share is of less than one in each stratum
        assert len(speakers) * min(shares.values()) < len(shares) + 1
        return
    assert list(parts) == list(shares)
    assert sorted(u.id for part in parts.values() for u in part) == sorted(u.id for u in utterances)
    names = [speakers_of(part) for part in parts.values()]
    assert sum(map(len, names)) == len(set().union(*names)) == len(speakers)
    for part in parts.values():  # the order of the manifest
        ids = {u.id for u in part}
        assert part == [u for u in utterances if u.id in ids]
    # Each stratum in its share, rounded up or down.
    stratum = {
        f"s{n}": tuple({"sex": s[1], "corpus": s[2]}[key] for key in by) for n, s in enumerate(speakers)
    }
    for values, size in Counter(stratum.values()).items():
        for part, share in zip(parts.values(), shares.values(), strict=True):
            count = sum(stratum[name] == values for name in speakers_of(part))
            assert math.floor(size * share) <= count <= math.ceil(size * share)
    assert split_by_shares(utterances[::-1], shares, seed, by).keys() == parts.keys()
    again = split_by_shares(utterances[::-1], shares, seed, by)
    assert [speakers_of(part) for part in again.values()] == names


@given(st.lists(st.integers(1, 3), min_size=10, max_size=60), st.integers(0, 3))
def test_many_small_strata_have_their_share_in_all(sizes, seed):
    speakers = [(1, str(stratum), "a") for stratum, size in enumerate(sizes) for _ in range(size)]
    parts = split_by_shares(corpus(speakers), USUAL, seed, ["sex"])
    for name, part in parts.items():
        assert abs(len(speakers_of(part)) - USUAL[name] * len(speakers)) < 2


def test_the_seed_decides():
    utterances = corpus([(3, "m", "a")] * 40)
    parts = [split_by_shares(utterances, USUAL, seed) for seed in range(6)]
    assert len({frozenset(speakers_of(each["test"])) for each in parts}) == 6
    assert all([len(speakers_of(part)) for part in each.values()] == [32, 4, 4] for each in parts)
    often = Counter(
        name for each in range(200) for name in speakers_of(split_by_shares(utterances, USUAL, each)["test"])
    )
    assert set(often) == speakers_of(utterances)  # each speaker's expectation is 20, of deviation 4.2
    assert 3 < min(often.values()) <= max(often.values()) < 42


def test_utterances_are_balanced_too():
    counts = [1] * 100 + [3] * 40 + [30] * 10 + [200] * 10
    utterances = corpus([(count, None, "a") for count in counts])
    for seed in range(5):
        parts = split_by_shares(utterances, {"train": 0.8, "dev": 0.2}, seed)
        assert len(parts["dev"]) / len(utterances) == pytest.approx(0.2, abs=0.01)


def test_added_speakers_move_few_others():
    names = [f"name {number}" for number in range(210)]
    speakers = [(1 + number % 5, "mf"[number % 2], "a") for number in range(210)]
    before = split_by_shares(corpus(speakers[:200], names[:200]), USUAL, 0, ["sex"])
    after = split_by_shares(corpus(speakers, names), USUAL, 0, ["sex"])
    was = {name: part for part, each in before.items() for name in speakers_of(each)}
    moved = [
        name for part, each in after.items() for name in speakers_of(each) if was.get(name, part) != part
    ]
    assert len(moved) <= 12  # of 200: two strata of three groups each, with two borders each


def test_a_speaker_of_two_values_has_the_commoner():
    utterances = [
        *corpus([(1, "m", "a")] * 10),
        *(replace(row, id=row.id + "b", speaker="s0", sex="f") for row in corpus([(3, "f", "a")])),
    ]
    parts = split_by_shares(utterances, {"one": 0.5, "two": 0.5}, 0, ["sex"])
    males = [len(speakers_of(part) - {"s0"}) for part in parts.values()]
    assert sorted(males) in ([4, 5],)


@pytest.mark.parametrize(
    "shares",
    [{"a": 0.5}, {"a": 0.7, "b": 0.7}, {"a": 1.0, "b": 0.0}, {"a": 1.5, "b": -0.5}, {"a": 0.333, "b": 0.666}],
)
def test_shares_that_are_none(shares):
    with pytest.raises(UsageError, match=r"must be above 0, and 1 together; they are [-0-9.+ ]+\.$"):
        split_by_shares(corpus([(1, "m", "a")] * 9), shares, 0)


def test_what_cannot_be_split():
    utterances = corpus([(5, "m", "a")] * 3)
    with pytest.raises(DataError, match=r"'test' would have no speaker: 3 are too few for its share of 0\.1"):
        split_by_shares(utterances, {"train": 0.5, "dev": 0.4, "test": 0.1}, 0)
    with pytest.raises(DataError, match="No utterance of the manifest has the key 'accent'"):
        split_by_shares(utterances, {"train": 1}, 0, ["sex", "accent"])
