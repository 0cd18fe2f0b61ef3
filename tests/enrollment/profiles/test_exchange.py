import json
import stat
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from speakertrip.enrollment import Enrollment, Profile, SpeakerStore, read_profiles, write_profiles
from speakertrip.errors import DataError, StoreError

REALS = st.floats(-100, 100)
WORDS = st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cn", "Cs", "Zl", "Zp"]), min_size=1, max_size=40
)


@st.composite
def profiles(draw, name=None):
    dim = draw(st.integers(1, 8))
    vectors = arrays.arrays(np.float32, dim, elements=st.floats(-10, 10, width=32)).filter(
        lambda each: np.abs(each).max() > 1e-3
    )
    enrollments = draw(
        st.lists(
            st.builds(
                Enrollment,
                vectors,
                WORDS,
                st.text(string.hexdigits, max_size=64),
                st.floats(0, 1e4),
                st.none() | st.floats(0, 1e4),
                st.none() | REALS,
                st.none() | st.floats(0, 1),
                st.just("2026-01-02 03:04:05"),
            ),
            min_size=1,
            max_size=3,
        )
    )
    identifier = draw(st.text("0123456789abcdef", min_size=32, max_size=32))
    model = f"model{len(enrollments[0].embedding)}"
    name = name or "spk" + draw(WORDS).strip()
    return Profile(name, model, tuple(enrollments), identifier, "2026-01-01 00:00:00")


def facts(profile):
    return (
        (profile.name, profile.model, profile.identifier, profile.created),
        [
            (
                e.embedding.tobytes(),
                e.path,
                e.sha256,
                e.seconds,
                e.speech_seconds,
                e.snr_db,
                e.clipped,
                e.created,
            )
            for e in profile.enrollments
        ],
    )


@given(st.data())
def test_nothing_is_lost_from_store_to_file_to_store(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("stores")
    several = [data.draw(profiles(f"spk{number}")) for number in range(data.draw(st.integers(1, 3)))]
    first, second = SpeakerStore(folder / "a.sqlite"), SpeakerStore(folder / "b.sqlite")
    assert first.restore(several) == len(several)
    assert write_profiles(folder / "speakers.jsonl", first.profiles()) == len(several)
    assert stat.S_IMODE((folder / "speakers.jsonl").stat().st_mode) == 0o600
    second.restore(read_profiles(folder / "speakers.jsonl"))
    kept, restored = list(first.profiles()), list(second.profiles())
    assert list(map(facts, restored)) == list(map(facts, kept))
    assert [facts(p)[1] for p in kept] == [facts(p)[1] for p in several]


@pytest.fixture
def file(tmp_path):
    SpeakerStore(tmp_path / "a.sqlite").add(
        "spk1", "model", [Enrollment(np.ones(4, np.float32), "a.wav", "ab", 1.5)]
    )
    write_profiles(tmp_path / "speakers.jsonl", SpeakerStore(tmp_path / "a.sqlite").profiles(["spk1"]))
    return tmp_path / "speakers.jsonl"


def change(file, key, value, enrollment=False):
    row = json.loads(file.read_text())
    (row["enrollments"][0] if enrollment else row)[key] = value
    file.write_text(json.dumps(row) + "\n")


@pytest.mark.parametrize(
    ("key", "value", "enrollment", "reason"),
    [
        ("name", "", False, "1 to 200 characters"),
        ("name", 3, False, "name: "),
        ("identifier", "me", False, "identifier: "),
        ("more", 1, False, "more: "),
        ("enrollments", [], False, "enrollments: "),
        ("embedding", "AAAA", True, "buffer size"),
        ("embedding", "", True, "no finite numbers"),
        ("embedding", "AADAfwAAgD8=", True, "no finite numbers"),
        ("embedding", "AAAAAAAAAAA=", True, "all 0, or too large"),
        ("embedding", "A", True, "embedding: "),
        ("seconds", -1, True, "seconds: "),
        ("clipped", 2, True, "clipped: "),
    ],
)
def test_what_is_no_profile_is_refused_with_its_line(file, tmp_path, key, value, enrollment, reason):
    whole = file.read_text()
    change(file, key, value, enrollment)
    file.write_text(whole.replace("spk1", "spk0") + file.read_text())
    speakers = SpeakerStore(tmp_path / "b.sqlite")
    with pytest.raises(DataError, match=f"line 2: no speaker profile: .*{reason}"):
        speakers.restore(read_profiles(file))
    assert speakers.names() == []


def test_names_that_are_taken(file, tmp_path):
    speakers = SpeakerStore(tmp_path / "b.sqlite")
    speakers.add("spk1", "model", [Enrollment(np.ones(4, np.float32), "b.wav", "", 1.0)])
    with pytest.raises(StoreError, match="spk1 is enrolled already; replace it by --replace"):
        speakers.restore(read_profiles(file))
    assert speakers.get("spk1").enrollments[0].path == "b.wav"
    speakers.restore(read_profiles(file), replace=True)
    assert [e.path for e in speakers.get("spk1").enrollments] == ["a.wav"]


def test_an_identifier_that_another_has_is_drawn_anew(file):
    speakers = SpeakerStore(file.parent / "a.sqlite")
    change(file, "name", "spk2")
    speakers.restore(read_profiles(file))
    first, second = (speakers.get(name).identifier for name in ("spk1", "spk2"))
    assert first != second
    assert len(second) == 32


def test_who_is_not_there_leaves_no_file(file):
    speakers = SpeakerStore(file.parent / "a.sqlite")
    with pytest.raises(StoreError, match="No speaker named spk2"):
        write_profiles(file.parent / "other.jsonl", speakers.profiles(["spk1", "spk2"]))
    assert sorted(path.name for path in file.parent.iterdir()) == ["a.sqlite", "speakers.jsonl"]


@pytest.mark.parametrize("there", [True, False])
def test_embeddings_of_another_size_than_those_of_their_model_are_refused(tmp_path, there):
    def profile(name, size):
        return Profile(name, "model", (Enrollment(np.ones(size, np.float32), "", "", 1.0),))

    store = SpeakerStore(tmp_path / "speakers.sqlite")
    several = [profile("spk1", 4), profile("spk2", 5)]
    if there:
        store.restore(several[:1])
        several = several[1:]
    with pytest.raises(
        StoreError, match="spk2 has embeddings of 5 numbers, and other speakers of that model have 4"
    ):
        store.restore(several)
    assert store.names() == (["spk1"] if there else [])
