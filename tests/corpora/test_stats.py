import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.corpora.stats import KEYS, QUANTILES, compute_stats, quantiles
from speakertrip.manifests import Utterance

ROWS = st.lists(
    st.builds(
        Utterance,
        id=st.text("ab", min_size=1),
        path=st.just(Path("a.wav")),
        speaker=st.sampled_from("abcd"),
        session=st.sampled_from(["x", "y", None]),
        duration=st.none() | st.floats(0.1, 100),
        sample_rate=st.sampled_from([8000, 16000, None]),
        language=st.sampled_from(["ü", "en", None]),
        sex=st.none(),
        extra=st.fixed_dictionaries({"corpus": st.sampled_from(["c", None, 5])}),
    ),
    min_size=1,
    max_size=12,
)


@given(ROWS)
def test_counts_by_plain_loops(rows):
    stats = compute_stats(rows)
    speakers, sessions = defaultdict(int), defaultdict(set)
    for row in rows:
        speakers[row.speaker] += 1
        if row.session is not None:
            sessions[row.speaker].add(row.session)
    assert sorted(stats.utterances_per_speaker) == sorted(speakers.values())
    assert sorted(stats.sessions_per_speaker) == sorted(map(len, sessions.values()))
    assert (stats.total.utterances, stats.total.speakers) == (len(rows), len(speakers))
    assert stats.total.hours == pytest.approx(sum(row.duration or 0 for row in rows) / 3600, abs=1e-6)
    assert stats.without_duration == sum(row.duration is None for row in rows)
    assert list(stats.durations) == [row.duration for row in rows if row.duration is not None]
    assert "sex" not in stats.groups
    for key, groups in stats.groups.items():
        assert key in KEYS
        for value, amount in groups.items():
            own = [
                row
                for row in rows
                if str(row.extra["corpus"] if key == "corpus" else getattr(row, key)) == (value or "None")
            ]
            assert amount.utterances == len(own)
            assert amount.speakers == len({row.speaker for row in own})
        assert sum(amount.utterances for amount in groups.values()) == len(rows)
        sizes = [amount.utterances for amount in groups.values()]
        assert sizes == sorted(sizes, reverse=True)
    json.dumps(stats.to_json(), allow_nan=False)


def test_quantiles():
    values = np.arange(101.0)
    assert list(quantiles(values).values()) == pytest.approx([0, 5, 25, 50, 75, 95, 100])
    assert set(quantiles(np.array([3.0])).values()) == {3.0}
    assert list(quantiles(values)) == list(QUANTILES)
