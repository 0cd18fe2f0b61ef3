from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.corpora.split import split_speakers
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance


def corpus(sessions_of: dict[str, list[str | None]]) -> list[Utterance]:
    rows = [
        (speaker, number, session)
        for speaker, all_ in sessions_of.items()
        for number, session in enumerate(all_)
    ]
    rows.sort(key=lambda row: row[1])  # speakers interleaved, as manifests may be
    return [
        Utterance(f"{speaker}/{number}", Path("a.wav"), speaker, session=session)
        for speaker, number, session in rows
    ]


def speakers(utterances: list[Utterance]) -> set[str]:
    return {utterance.speaker for utterance in utterances}


@given(
    st.dictionaries(
        st.text("abcdef", min_size=1, max_size=3),
        st.lists(st.sampled_from(["x", "y", None]), min_size=1, max_size=4),
        min_size=2,
        max_size=12,
    ),
    st.integers(1, 12),
    st.integers(0, 5),
)
def test_the_promises(sessions_of, held_out, seed):
    utterances = corpus(sessions_of)
    able = {speaker for speaker, sessions in sessions_of.items() if len(sessions) > 1}
    if held_out > len(able) or held_out >= len(sessions_of):
        with pytest.raises(DataError, match=f"Cannot hold out {held_out} speakers? for validation: of"):
            split_speakers(utterances, held_out, seed)
        return
    kept, held = split_speakers(utterances, held_out, seed)
    assert len(speakers(held)) == held_out
    assert speakers(held) <= able
    assert not speakers(held) & speakers(kept)
    assert kept == [utterance for utterance in utterances if utterance in kept]  # in manifest order
    assert held == [utterance for utterance in utterances if utterance in held]
    assert len(kept) + len(held) == len(utterances)
    assert (kept, held) == split_speakers(utterances, held_out, seed)


def test_each_kind_in_its_share():
    several = {f"several{number}": ["x", "y"] for number in range(30)}
    one = {f"one{number}": ["x", "x"] for number in range(10)}
    single = {f"single{number}": ["x"] for number in range(10)}
    for seed in range(5):
        _, held = split_speakers(corpus(several | one | single), 8, seed)
        kinds = [speaker.rstrip("0123456789") for speaker in speakers(held)]
        assert (kinds.count("several"), kinds.count("one"), kinds.count("single")) == (6, 2, 0)


def test_the_draw_depends_on_the_seed_and_not_on_the_order():
    utterances = corpus({f"s{number}": ["x", "y"] for number in range(20)})
    draws = [speakers(split_speakers(utterances, 5, seed)[1]) for seed in range(5)]
    assert len({frozenset(draw) for draw in draws}) > 1
    assert speakers(split_speakers(utterances[::-1], 5, 0)[1]) == draws[0]
