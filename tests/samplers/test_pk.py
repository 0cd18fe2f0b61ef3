from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import TrainingError
from speakertrip.samplers import PKSampler


def take(sampler, count):
    return list(islice(sampler, count))


@st.composite
def corpora(draw):
    counts = draw(st.lists(st.integers(1, 6), min_size=2, max_size=9))
    speakers = [speaker for speaker, count in enumerate(counts) for _ in range(count)]
    sessions = draw(
        st.lists(st.sampled_from(["a", "b", None]), min_size=len(speakers), max_size=len(speakers))
    )
    return (
        draw(st.permutations(speakers)),
        sessions,
        draw(st.integers(2, len(counts))),
        draw(st.integers(2, 5)),
    )


@given(corpora(), st.integers(0, 1000))
def test_every_batch_has_p_different_speakers_with_k_utterances_each(corpus, seed):
    speakers, sessions, p, k = corpus
    sampler = PKSampler(speakers, sessions, p, k, seed)
    draws = []
    for batch in take(sampler, 5):
        labels = [speakers[row] for row, _ in batch]
        groups = [labels[i * k : (i + 1) * k] for i in range(p)]
        assert all(len(set(group)) == 1 for group in groups)
        assert len({group[0] for group in groups}) == p
        for i in range(p):
            rows = [row for row, _ in batch[i * k : (i + 1) * k]]
            assert len(set(rows)) == min(
                k, speakers.count(groups[i][0])
            )  # repeats only where there are too few
        draws += [draw for _, draw in batch]
    assert draws == list(range(5 * p * k))


@given(corpora(), st.integers(0, 1000), st.integers(1, 20))
def test_a_stream_started_at_any_step_goes_on_as_the_uninterrupted_one(corpus, seed, start):
    speakers, sessions, p, k = corpus
    whole = take(PKSampler(speakers, sessions, p, k, seed), start + 3)
    assert take(PKSampler(speakers, sessions, p, k, seed, start=start), 3) == whole[start:]


def test_an_epoch_shows_every_speaker_once():
    speakers = [i // 2 for i in range(24)]
    sampler = PKSampler(speakers, [None] * 24, p=4, k=2, seed=0)
    assert sampler.batches_per_epoch == 3
    epochs = [
        [speakers[row] for batch in take(sampler, 6)[e * 3 : e * 3 + 3] for row, _ in batch] for e in (0, 1)
    ]
    for epoch in epochs:
        assert sorted(set(epoch)) == list(range(12))
    assert epochs[0] != epochs[1]


def test_different_sessions_come_first():
    speakers, sessions = [0] * 6 + [1] * 2, ["a", "a", "a", "b", "b", "c", "a", "a"]
    for batch in take(PKSampler(speakers, sessions, p=2, k=3, seed=0), 50):
        chosen = [sessions[row] for row, _ in batch if speakers[row] == 0]
        assert sorted(chosen) == ["a", "b", "c"]


def test_another_seed_draws_otherwise():
    speakers = [i // 3 for i in range(30)]
    batches = [take(PKSampler(speakers, [None] * 30, 5, 2, seed), 4) for seed in (0, 1)]
    assert batches[0] != batches[1]


def test_batches_share_a_group_as_far_as_it_goes():
    groups = ["a"] * 7 + ["b"] * 5 + [None] * 2 + ["c"]  # one utterance a speaker
    sampler = PKSampler(list(range(15)), [None] * 15, p=3, k=2, seed=0, groups=groups)
    for epoch in range(20):
        batches = [[groups[row] for row, _ in batch] for batch in take(sampler, 5 * (epoch + 1))[5 * epoch :]]
        pure = sorted(batch[0] for batch in batches if len(set(batch)) == 1)
        assert pure[:3] == ["a", "a", "b"]  # 7 // 3 and 5 // 3; leftovers may agree by chance
        assert sum(len(batch) for batch in batches) == 15 * 2


@given(corpora(), st.integers(0, 100))
def test_groups_leave_the_epoch_complete(corpus, seed):
    speakers, sessions, p, k = corpus
    sampler = PKSampler(speakers, sessions, p, k, seed, groups=sessions)
    shown = [speakers[row] for batch in take(sampler, sampler.batches_per_epoch) for row, _ in batch]
    assert len(set(shown)) == sampler.batches_per_epoch * p
    assert len(shown) == sampler.batches_per_epoch * p * k


def test_too_few_speakers_are_refused():
    with pytest.raises(
        TrainingError, match=r"batch of 3 speakers cannot be filled from 2; lower batch\.speakers"
    ):
        PKSampler([0, 0, 1, 1], [None] * 4, p=3, k=2, seed=0)
