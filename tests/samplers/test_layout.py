import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import TrainingError
from speakertrip.samplers.layout import Layout, number

names = st.sampled_from(["a", "b", "c", None])


@given(st.lists(st.tuples(st.integers(0, 3), names), max_size=30), st.permutations(range(4)))
def test_every_utterance_is_where_its_speaker_and_session_are(rows, each):
    rows += [(speaker, "z") for speaker in each]  # each label at least once
    layout = Layout([speaker for speaker, _ in rows], [session for _, session in rows])
    expected = {}
    for i, (speaker, session) in enumerate(rows):
        expected.setdefault((speaker, i if session is None else session), set()).add(i)
    sessions = np.split(layout.utterances, layout.session_start[1:-1])
    found = {}
    for speaker, (begin, end) in enumerate(
        zip(layout.speaker_start[:-1], layout.speaker_start[1:], strict=True)
    ):
        for members in sessions[begin:end]:
            found.setdefault(speaker, []).append(set(members.tolist()))
    for speaker in range(4):
        wanted = [members for (owner, _), members in expected.items() if owner == speaker]
        assert sorted(map(sorted, found[speaker])) == sorted(map(sorted, wanted))
        own = [i for i, row in enumerate(rows) if row[0] == speaker]
        assert layout.utterance_counts[speaker] == len(own)
        assert layout.first_utterances()[speaker] == own[0]


def test_names_are_numbered_as_they_come():
    assert number(["x", None, "", "x", None]).tolist() == [0, 1, 2, 0, 1]


@pytest.mark.parametrize(
    ("speakers", "sessions", "message"),
    [
        ([0, 0, 1], ["a"], "There are 3 utterances but 1 sessions; give one for each, or None."),
        ([0, 2, 3], [None] * 3, "Speaker 1 has no utterance; number the speakers from 0 without a gap."),
        ([0, -1], [None] * 2, "Speaker -1 is negative; number the speakers from 0."),
    ],
)
def test_lists_that_do_not_fit_are_refused_in_one_sentence(speakers, sessions, message):
    with pytest.raises(TrainingError) as error:
        Layout(speakers, sessions)
    assert str(error.value) == message
