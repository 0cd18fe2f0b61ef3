import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip.audio import AudioBytes
from speakertrip.enrollment import Enrollment
from speakertrip.enrollment.profiles.origin import Origin
from speakertrip.errors import AudioError, StoreError
from speakertrip.manifests import Utterance
from speakertrip.verifier import SpeakerVerifier, outdated, renew


@pytest.fixture
def old(tmp_path, bundle_folder) -> SpeakerVerifier:
    return SpeakerVerifier.from_pretrained(bundle_folder, tmp_path / "speakers.sqlite", "cpu")


@pytest.fixture
def new(tmp_path, make_bundle) -> SpeakerVerifier:
    make_bundle(seed=1).save(tmp_path / "other")
    return SpeakerVerifier.from_pretrained(tmp_path / "other", tmp_path / "speakers.sqlite", "cpu")


@pytest.fixture
def files(tmp_path, write_speech) -> list[Path]:
    return [write_speech(tmp_path / f"{seed}.wav", seed, 1.2) for seed in range(3)]


def without_embeddings(profile):
    return replace(
        profile, model="", enrollments=tuple(replace(each, embedding=None) for each in profile.enrollments)
    )


def test_a_renewed_speaker_is_as_enrolled_by_the_new_model(old, new, files):
    before = old.enroll("spk1", files)
    assert outdated(new) == ["spk1"]
    renewed = renew(new, "spk1")
    stored = new.store.get("spk1")
    assert without_embeddings(stored) == without_embeddings(renewed) == without_embeddings(before)
    assert stored.model == new.bundle.identity
    np.testing.assert_allclose(stored.embeddings, new.enroll("spk2", files).embeddings, atol=1e-5)
    assert new.verify("spk1", files[0]).score == pytest.approx(new.verify("spk2", files[0]).score, abs=1e-5)
    content = b"".join(path.read_bytes() for path in new.store.path.parent.glob("speakers.sqlite*"))
    assert not [row for row in before.embeddings if row.tobytes() in content]
    assert [row for row in stored.embeddings if row.tobytes() in content]
    assert (outdated(new), renew(new, "spk1")) == ([], None)


def test_stretches_are_embedded_as_stretches(old, new, files, tmp_path):
    voice, rate = soundfile.read(files[0], dtype="float32")
    soundfile.write(tmp_path / "long.wav", np.concatenate([voice, voice[::-1]]), rate)
    origin = Origin.of(Utterance("x", tmp_path / "long.wav", "s", start=0.2, duration=0.8))
    row = Enrollment(np.ones(24, np.float32), str(origin), origin.sha256(), 0.8)
    old.store.add("spk1", old.bundle.identity, [row])
    expected = new.embedder.embed([voice[3_200:16_000]])
    np.testing.assert_allclose(renew(new, "spk1").embeddings, expected, atol=1e-5)


@pytest.mark.parametrize("spoil", ["missing", "changed"])
def test_all_or_nothing(old, new, files, spoil):
    before = old.enroll("spk1", files)
    if spoil == "missing":
        files[2].unlink()
    else:
        files[2].write_bytes(files[1].read_bytes())
    said = "there is no such file" if spoil == "missing" else "is not what was enrolled"
    with pytest.raises(AudioError, match=rf"^spk1 stays as it was: .*2\.wav.*{said}"):
        renew(new, "spk1")
    after = old.store.get("spk1")
    assert without_embeddings(after) == without_embeddings(before)
    np.testing.assert_array_equal(after.embeddings, before.embeddings)


def test_what_was_no_file(old, new, files):
    old.enroll("spk1", [AudioBytes(files[0].read_bytes(), "Standard input")])
    with pytest.raises(AudioError, match="spk1 stays as it was: Standard input is no file"):
        renew(new, "spk1")


def test_a_speaker_who_is_changed_meanwhile_is_not_renewed(old, new, files, monkeypatch):
    old.enroll("spk1", files[:1])
    embed = new.embedder.embed_utterances

    def slowly(utterances):
        old.enroll("spk1", files[1:2], "add")
        return embed(utterances)

    monkeypatch.setattr(new.embedder, "embed_utterances", slowly)
    with pytest.raises(StoreError, match="spk1 was enrolled anew meanwhile"):
        renew(new, "spk1")
    assert [each.sha256 for each in old.store.get("spk1").enrollments] == [
        hashlib.sha256(file.read_bytes()).hexdigest() for file in files[:2]
    ]


def test_the_error_of_another_model_names_the_verb(old, new, files):
    old.enroll("spk1", files[:1])
    for refused in (lambda: new.verify("spk1", files[0]), lambda: new.enroll("spk1", files[1:], "add")):
        with pytest.raises(StoreError, match="speakertrip speakers re-enroll"):
            refused()
