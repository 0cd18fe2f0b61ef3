from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import TrainingError
from speakertrip.samplers import HardSpeakers, PKSampler


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


def test_each_batch_draws_by_chance_of_its_own():
    speakers = [i // 10 for i in range(200)]
    sampler = PKSampler(speakers, [None] * 200, p=2, k=4, seed=0)
    drawn = [tuple(row % 10 for row, _ in batch) for batch in take(sampler, 30)]  # of ten like the others'
    assert len(set(drawn)) == 30


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


@given(corpora(), st.integers(0, 1000), st.sampled_from(["speaker", "utterance"]), st.integers(1, 4))
def test_the_shares_of_all_ranks_are_the_batch_of_a_single_process(corpus, seed, balance, world_size):
    speakers, sessions, p, k = corpus
    world_size = min(world_size, p)
    whole = take(PKSampler(speakers, sessions, p, k, seed, balance=balance), 4)
    shares = [
        take(PKSampler(speakers, sessions, p, k, seed, balance=balance, rank=rank, world_size=world_size), 4)
        for rank in range(world_size)
    ]
    for step, batch in enumerate(whole):
        assert [pair for share in shares for pair in share[step]] == batch
    sizes = [len(share[0]) for share in shares]
    assert sizes == [k * len(part) for part in np.array_split(range(p), world_size)]


@given(corpora(), st.integers(0, 1000), st.integers(0, 12), st.booleans())
def test_balanced_by_utterances_any_step_can_start_and_no_speaker_is_twice_in_a_batch(
    corpus, seed, start, grouped
):
    speakers, sessions, p, k = corpus
    groups = sessions if grouped else None
    whole = take(PKSampler(speakers, sessions, p, k, seed, groups=groups, balance="utterance"), start + 3)
    resumed = PKSampler(speakers, sessions, p, k, seed, start, groups=groups, balance="utterance")
    assert take(resumed, 3) == whole[start:]
    for batch in whole:
        assert len({speakers[row] for row, _ in batch}) == p


def test_balanced_by_utterances_each_comes_equally_often():
    counts = [2, 2, 4, 6, 8, 10, 16]
    speakers = [speaker for speaker, count in enumerate(counts) for _ in range(count)]
    sampler = PKSampler(speakers, [None] * 48, p=3, k=2, seed=0, balance="utterance")
    assert sampler.batches_per_epoch == 8  # 24 places
    draws = Counter(row for batch in take(sampler, 100 * 8) for row, _ in batch)
    assert [draws[row] for row in range(48)] == pytest.approx([100] * 48, abs=5 * 100**0.5)


def test_balanced_by_speakers_each_comes_equally_often():
    speakers = [speaker for speaker, count in enumerate([1, 3, 30, 6, 2]) for _ in range(count)]
    sampler = PKSampler(speakers, [None] * 42, p=2, k=2, seed=0)
    shown = Counter(speakers[row] for batch in take(sampler, 2 * 300) for row, _ in batch)
    assert [shown[speaker] / 600 for speaker in range(5)] == pytest.approx([0.8] * 5, abs=0.1)


def test_every_epoch_has_the_same_length():
    speakers = [speaker for speaker, count in enumerate([1, 9, 4, 7, 2]) for _ in range(count)]
    sampler = PKSampler(speakers, [None] * 23, p=2, k=2, seed=0, balance="utterance")
    assert sampler.batches_per_epoch == (1 + 5 + 2 + 4 + 1) // 2
    places = 6 * 2 * 2  # of 13, one left out in each epoch
    for epoch in range(10):
        sampler.start = epoch * 6
        shown = Counter(speakers[row] for batch in take(sampler, 6) for row, _ in batch)
        assert sum(shown.values()) == places
        assert all(shown[speaker] <= 2 * most for speaker, most in enumerate([1, 5, 2, 4, 1]))


@pytest.mark.parametrize("start", [0, 1, 4, 5])
def test_hard_batches_are_those_of_the_centroids_and_end_with_the_epoch(start):
    speakers = [i // 2 for i in range(24)]
    families = np.arange(12) % 3
    hard = HardSpeakers(share=1)
    hard.update(np.eye(3)[families])
    sampler = PKSampler(speakers, [None] * 24, p=4, k=2, seed=0, hard=hard)
    assert sampler.batches_per_epoch == 3
    sampler.start = start // 3 * 3
    whole = take(sampler, 9)
    assert len(whole) == 3
    for batch in whole:
        assert len({families[speakers[row]] for row, _ in batch}) == 1
    sampler.start = start
    assert take(sampler, 9) == whole[start % 3 :]
    assert [draw for batch in whole for _, draw in batch] == list(
        range(start // 3 * 24, start // 3 * 24 + 24)
    )


def test_before_there_are_centroids_hard_batches_are_the_usual_ones():
    speakers, sessions = [i // 2 for i in range(24)], [None] * 24
    hard = PKSampler(speakers, sessions, 4, 2, seed=0, hard=HardSpeakers(0.5))
    assert take(hard, 9) == take(PKSampler(speakers, sessions, 4, 2, seed=0), 3)


def test_centroids_of_another_corpus_are_refused():
    hard = HardSpeakers(0.5)
    hard.update(np.eye(5))
    sampler = PKSampler([0, 1, 2], [None] * 3, p=2, k=2, seed=0, hard=hard)
    with pytest.raises(TrainingError, match=r"^There are centroids of 5 speakers, but 3 to sample from\.$"):
        next(iter(sampler))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"world_size": 4},
            r"A batch of 3 speakers cannot be shared by 4 processes; raise batch\.speakers\.",
        ),
        ({"rank": 2, "world_size": 2}, r"Rank 2 is none of 2 processes, which count from 0\."),
        ({"rank": -1}, r"Rank -1 is none of 1 processes, which count from 0\."),
        ({"balance": "session"}, r"A batch is balanced by 'speaker' or 'utterance', not by 'session'\."),
        ({"groups": ["a"]}, r"There are 3 utterances but 1 groups; give one for each, or None\."),
        (
            {"hard": HardSpeakers(0.5), "groups": ["a"] * 3},
            r"Hard speakers go with neither .*; leave one out\.",
        ),
        (
            {"hard": HardSpeakers(0.5), "balance": "utterance"},
            r"Hard speakers go with neither .*; leave one out\.",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_sentence(options, message):
    with pytest.raises(TrainingError, match=f"^{message}$"):
        PKSampler([0, 1, 2], [None] * 3, p=3, k=2, seed=0, **options)
