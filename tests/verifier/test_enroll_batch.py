import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip.enrollment.profiles.origin import Origin
from speakertrip.errors import AudioError, DataError, StoreError
from speakertrip.manifests import Utterance
from speakertrip.verifier import SpeakerVerifier, enroll_utterances, group_by_speaker, renew


@pytest.fixture
def verifier(tmp_path, bundle_folder) -> SpeakerVerifier:
    return SpeakerVerifier.from_pretrained(bundle_folder, tmp_path / "speakers.sqlite", "cpu")


@pytest.fixture
def utterances(tmp_path, write_speech) -> list[Utterance]:
    return [
        Utterance(f"s/{seed}.wav", write_speech(tmp_path / f"{seed}.wav", seed, 1.2), "s", duration=1.2)
        for seed in range(3)
    ]


def test_speakers_and_models(utterances):
    others = [replace(each, id=f"t/{number}", speaker="t") for number, each in enumerate(utterances)]
    both = [*utterances, *others]
    assert group_by_speaker(both) == {"s": utterances, "t": others}
    assert group_by_speaker(both, {"m": ["s/2.wav", "s/0.wav"], "n": ["t/1"]}) == {
        "m": [utterances[2], utterances[0]],
        "n": [others[1]],
    }
    with pytest.raises(DataError, match="The enrollment model m mixes speakers: s, t"):
        group_by_speaker(both, {"m": ["s/0.wav", "t/0"]})
    with pytest.raises(DataError, match="does not hold s/9"):
        group_by_speaker(both, {"m": ["s/9"]})


def test_it_is_the_enrollment_of_the_files(verifier, utterances):
    batch = enroll_utterances(verifier, "spk1", utterances)
    alone = verifier.enroll("spk2", [each.path for each in utterances])
    assert batch.added == 3
    facts = [
        [(each.path, each.sha256, each.seconds, each.speech_seconds, each.snr_db) for each in rows]
        for rows in (batch.profile.enrollments, alone.enrollments)
    ]
    assert facts[0] == facts[1]
    np.testing.assert_allclose(batch.profile.embeddings, alone.embeddings, atol=1e-5)


def no_decoding(monkeypatch, verifier):
    monkeypatch.setattr(verifier, "load", lambda files: pytest.fail("it is decoded again"))


def test_what_is_enrolled_is_skipped(verifier, utterances, monkeypatch):
    before = enroll_utterances(verifier, "spk1", utterances[:2]).profile
    verifier.enroll("spk2", [each.path for each in utterances[:2]])  # the files, without a manifest
    with monkeypatch.context() as patch:
        no_decoding(patch, verifier)
        for name in ("spk1", "spk2"):
            for mode in ("new", "add", "replace"):
                assert enroll_utterances(verifier, name, utterances[1::-1], mode).added == 0
        assert enroll_utterances(verifier, "spk1", utterances[:1], "add").added == 0
        with pytest.raises(StoreError, match="spk1 is enrolled already, from other utterances"):
            enroll_utterances(verifier, "spk1", utterances[:1])
    assert verifier.store.get("spk1").identifier == before.identifier
    assert enroll_utterances(verifier, "spk1", utterances, "add").added == 1
    assert len(verifier.store.get("spk1").enrollments) == 3
    assert enroll_utterances(verifier, "spk1", utterances[:1], "replace").added == 1
    assert len(verifier.store.get("spk1").enrollments) == 1


def test_a_file_that_changed_is_another_utterance(verifier, utterances, write_speech):
    enroll_utterances(verifier, "spk1", utterances)
    write_speech(utterances[0].path, 7, 1.2)
    with pytest.raises(StoreError, match="from other utterances"):
        enroll_utterances(verifier, "spk1", utterances)


def test_another_model(verifier, utterances, tmp_path, make_bundle):
    enroll_utterances(verifier, "spk1", utterances)
    make_bundle(seed=1).save(tmp_path / "other")
    other = SpeakerVerifier.from_pretrained(tmp_path / "other", verifier.store.path, "cpu")
    for mode, said in (("new", "or with another model"), ("add", "speakers re-enroll")):
        with pytest.raises(StoreError, match=said):
            enroll_utterances(other, "spk1", utterances, mode)
    assert enroll_utterances(other, "spk1", utterances, "replace").added == 3


def test_stretches_of_one_file(verifier, tmp_path, speech_like, make_bundle):
    voice = np.concatenate([speech_like(1.2, seed) for seed in range(3)])
    soundfile.write(tmp_path / "long.wav", voice, 16_000, subtype="FLOAT")
    cut = [
        Utterance(f"s/{number}", tmp_path / "long.wav", "s", start=1.2 * number, duration=1.2)
        for number in range(3)
    ]
    done = enroll_utterances(verifier, "spk1", cut)
    assert [each.seconds for each in done.profile.enrollments] == [1.2] * 3
    assert done.profile.enrollments[1].path == f"{tmp_path / 'long.wav'}#start=1.2&duration=1.2"
    assert len({each.sha256 for each in done.profile.enrollments}) == 3
    expected = verifier.embedder.embed([voice[begin : begin + 19_200] for begin in (0, 19_200, 38_400)])
    np.testing.assert_allclose(done.profile.embeddings, expected, atol=1e-4)
    assert enroll_utterances(verifier, "spk1", cut).added == 0
    with pytest.raises(StoreError, match="from other utterances"):
        enroll_utterances(verifier, "spk1", [*cut[:2], replace(cut[2], duration=1.0)])
    # What the store says of them is enough to embed them again.
    make_bundle(seed=1).save(tmp_path / "other")
    other = SpeakerVerifier.from_pretrained(tmp_path / "other", verifier.store.path, "cpu")
    renewed = renew(other, "spk1")
    np.testing.assert_allclose(renewed.embeddings, other.embedder.embed_utterances(cut), atol=1e-5)


def test_utterances_of_a_shard(verifier, utterances, tmp_path):
    content = [each.path.read_bytes() for each in utterances]
    (tmp_path / "shard.tar").write_bytes(b"".join(content))
    first = [sum(map(len, content[:number])) for number in range(3)]
    spans = [
        replace(each, path=tmp_path / "shard.tar", span=(begin, len(data)))
        for each, begin, data in zip(utterances, first, content, strict=True)
    ]
    done = enroll_utterances(verifier, "spk1", spans)
    assert [each.sha256 for each in done.profile.enrollments] == [
        hashlib.sha256(data).hexdigest() for data in content
    ]
    assert Origin.parse(done.profile.enrollments[2].path).span == spans[2].span
    assert enroll_utterances(verifier, "spk1", utterances).added == 0  # the same files


@pytest.mark.parametrize("bad", ["text", "missing", "silent", "short"])
def test_nothing_is_stored_if_one_utterance_is_bad(verifier, utterances, tmp_path, bad):
    path = Path(tmp_path / "bad.wav")
    if bad == "text":
        path.write_text("This is no audio.\n")
    elif bad != "missing":
        soundfile.write(path, np.zeros(32_000 if bad == "silent" else 100, np.float32), 16_000)
    with pytest.raises(AudioError, match=r"^spk1 is not enrolled: .*bad\.wav"):
        enroll_utterances(verifier, "spk1", [*utterances, Utterance("s/bad", path, "s")])
    assert verifier.store.find("spk1") is None
    with pytest.raises(AudioError, match="is not enrolled"):
        enroll_utterances(verifier, "spk1", [replace(utterances[0], duration=0.5)])
