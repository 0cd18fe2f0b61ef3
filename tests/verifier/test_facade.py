import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip import FalseAlarmRate, OperatingPoint, SpeakerVerifier
from speakertrip.audio import AudioBytes
from speakertrip.backend import FalseAlarmPoint, FalseAlarmTable, GivenThreshold
from speakertrip.bundle import Bundle
from speakertrip.enrollment import SpeakerStore
from speakertrip.errors import (
    AudioError,
    BundleError,
    StorageError,
    StoreError,
    UsageError,
)
from speakertrip.manifests import Utterance
from speakertrip.verifier import enroll_utterances


@pytest.fixture
def verifier(tmp_path, bundle_folder) -> SpeakerVerifier:
    return SpeakerVerifier.from_pretrained(bundle_folder, tmp_path / "speakers.sqlite", "cpu")


@pytest.fixture
def files(tmp_path, write_speech) -> list[Path]:
    return [write_speech(tmp_path / f"{seed}.wav", seed, 1.2 + 0.1 * seed) for seed in range(3)]


def test_enroll_and_verify(verifier, files, rejecting_folder, tmp_path):
    profile = verifier.enroll("spk1", files[:2])
    assert (profile.name, profile.model) == ("spk1", verifier.bundle.identity)
    assert [e.path for e in profile.enrollments] == [str(file) for file in files[:2]]
    assert [e.sha256 for e in profile.enrollments] == [
        hashlib.sha256(file.read_bytes()).hexdigest() for file in files[:2]
    ]
    assert [e.seconds for e in profile.enrollments] == [1.2, 1.3]

    decision = verifier.verify("spk1", files[2])
    assert decision.accepted
    assert type(decision.score) is float
    embeddings = verifier.embedder.embed([soundfile.read(file, dtype="float32")[0] for file in files]).astype(
        np.float64
    )
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    mean = units[:2].mean(axis=0)
    assert decision.score == pytest.approx(mean @ units[2] / np.linalg.norm(mean), abs=1e-5)
    assert verifier.verify_against(files[:2], str(files[2])).score == pytest.approx(decision.score, abs=1e-6)

    # The threshold is no part of the model's identity.
    strict = SpeakerVerifier.from_pretrained(rejecting_folder, tmp_path / "speakers.sqlite", "cpu")
    assert not strict.verify("spk1", files[2]).accepted
    assert strict.verify("spk1", files[2]).threshold == 1.1


def test_the_same_audio_scores_1(verifier, files):
    assert verifier.verify_against([files[0]], files[0]).score == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("seconds", [None, 0.0, 0.3, -2.0])
def test_nothing_is_stored_if_one_file_is_bad(verifier, files, tmp_path, seconds):
    bad = tmp_path / "bad.wav"
    if seconds is not None:
        level = 0.5 if seconds > 0 else 0.0
        soundfile.write(bad, np.full(round(abs(seconds) * 16_000), level, np.float32), 16_000)
    with pytest.raises(AudioError, match=r"bad\.wav"):
        verifier.enroll("spk1", [*files, bad])
    assert not verifier.store.path.exists()
    verifier.enroll("spk1", files[:1])
    for mode in ("add", "replace"):
        with pytest.raises(AudioError, match=r"bad\.wav"):
            verifier.enroll("spk1", [bad, *files], mode)
    assert len(verifier.store.get("spk1").enrollments) == 1


def test_modes(verifier, files):
    verifier.enroll("spk1", files[:1])
    with pytest.raises(StoreError, match="enrolled already"):
        verifier.enroll("spk1", files[1:])
    assert len(verifier.enroll("spk1", files[1:], "add").enrollments) == 3
    assert len(verifier.enroll("spk1", files[2:], "replace").enrollments) == 1


def test_a_file_counts_once(verifier, files, tmp_path):
    copy = tmp_path / "copy.wav"
    copy.write_bytes(files[0].read_bytes())
    skipped: list[Path] = []
    profile = verifier.enroll("spk1", [files[0], files[1], copy, files[1]], "new", skipped.append)
    assert [e.path for e in profile.enrollments] == [str(files[0]), str(files[1])]
    assert skipped == [copy, files[1]]
    skipped.clear()
    profile = verifier.enroll("spk1", [copy, files[2]], "add", skipped.append)
    assert [e.path for e in profile.enrollments] == [str(file) for file in files]
    assert skipped == [copy]
    assert len(verifier.enroll("spk1", [copy, *files], "add").enrollments) == 3
    assert len(verifier.enroll("spk1", [*files, copy], "replace").enrollments) == 3
    assert (
        len(verifier.enroll("spk2", files, "add").enrollments) == 3
    )  # another speaker's files are not counted


def test_stretches_of_one_file_are_two_utterances(verifier, write_speech, tmp_path):
    file = write_speech(tmp_path / "long.wav", 0, 4.0)
    stretches = [Utterance(f"u{start}", file, "ada", start=start, duration=1.5) for start in (0.0, 2.0)]
    profile = verifier.enroll("ada", stretches)
    assert [each.path for each in profile.enrollments] == [
        f"{file}#duration=1.5",
        f"{file}#start=2.0&duration=1.5",
    ]
    # As from a manifest: nothing is left to do.
    assert enroll_utterances(verifier, "ada", stretches).added == 0
    assert len(verifier.enroll("ada", stretches, "add").enrollments) == 2


def test_many_threads_share_one_verifier(verifier, files):
    """Enroll, verify and identify at once: nobody sees another's answer, and nothing is lost."""
    verifier.enroll("spk", files[:1])
    alone = {file: verifier.verify("spk", file).score for file in files}

    def work(number: int) -> float:
        name, file = f"spk{number}", files[number % 3]
        verifier.enroll(name, [file])
        assert verifier.identify(file, top=100).profiles > 1
        assert verifier.verify(name, file).score == pytest.approx(1, abs=1e-6)
        return verifier.verify("spk", file).score

    with ThreadPoolExecutor(8) as pool:
        scores = list(pool.map(work, range(24)))
    assert scores == pytest.approx([alone[files[number % 3]] for number in range(24)], abs=1e-6)
    assert len(verifier.store.names()) == 25


def test_nothing_is_skipped_if_one_file_is_bad(verifier, files, tmp_path):
    skipped: list[Path] = []
    with pytest.raises(AudioError):
        verifier.enroll("spk1", [files[0], files[0], tmp_path / "absent.wav"], "new", skipped.append)
    assert skipped == []


def test_audio_in_memory_is_that_of_the_file(verifier, files):
    profile = verifier.enroll("spk1", [AudioBytes(files[0].read_bytes(), "Standard input")])
    assert [e.path for e in profile.enrollments] == ["Standard input"]
    assert profile.enrollments[0].sha256 == hashlib.sha256(files[0].read_bytes()).hexdigest()
    probe = AudioBytes(files[1].read_bytes(), "upload")
    assert verifier.verify("spk1", probe) == verifier.verify_against([files[0]], files[1])
    with pytest.raises(AudioError, match=r"^upload is not audio"):
        verifier.verify("spk1", AudioBytes(b"text", "upload"))


def test_an_open_file_is_that_of_its_path(verifier, files):
    with files[0].open("rb") as enrolled, files[1].open("rb") as probe:
        profile = verifier.enroll("spk1", [enrolled])
        assert [e.path for e in profile.enrollments] == [str(files[0])]
        assert profile.enrollments[0].sha256 == hashlib.sha256(files[0].read_bytes()).hexdigest()
        assert verifier.verify("spk1", probe) == verifier.verify_against([files[0]], files[1])


def test_another_models_profile_is_refused(verifier, files, tmp_path, make_bundle):
    verifier.enroll("spk1", files[:1])
    make_bundle(seed=1).save(tmp_path / "other")
    other = SpeakerVerifier.from_pretrained(tmp_path / "other", verifier.store.path, "cpu")
    for refused in (lambda: other.verify("spk1", files[0]), lambda: other.enroll("spk1", files[1:], "add")):
        with pytest.raises(StoreError, match="spk1 was enrolled with another model"):
            refused()


def test_a_bundle_without_identity_cannot_tell_its_embeddings_from_others(make_bundle, tmp_path):
    with pytest.raises(UsageError, match="no identity"):
        SpeakerVerifier(make_bundle(), tmp_path / "speakers.sqlite")


def test_what_cannot_be_asked(verifier, files):
    for refused in (
        lambda: verifier.enroll("spk1", []),
        lambda: verifier.enroll("", files),
        lambda: verifier.verify_against([], files[0]),
    ):
        with pytest.raises(UsageError):
            refused()
    with pytest.raises(StoreError, match="There is no store"):
        verifier.verify("spk1", files[0])
    verifier.enroll("spk2", files[:1])
    with pytest.raises(StoreError, match="No speaker named spk1"):
        verifier.verify("spk1", files[0])
    with pytest.raises(BundleError):
        SpeakerVerifier.from_pretrained(files[0])


def test_the_path_may_be_relative_and_the_name_composed(verifier, files, monkeypatch):
    monkeypatch.chdir(files[0].parent)
    profile = verifier.enroll("Zoe\u0308", ["0.wav"])
    assert profile.enrollments[0].path == str(files[0])
    assert verifier.verify("Zo\u00eb", "0.wav").accepted


def test_the_users_own_store(bundle_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    verifier = SpeakerVerifier(Bundle.load(bundle_folder), device="cpu")
    assert verifier.store.path == tmp_path / "speakertrip" / "speakers.sqlite"
    assert not verifier.store.path.parent.exists()


def test_the_operating_point_decides_everywhere_but_at_enrollment(
    verifier, files, tmp_path, make_bundle, monkeypatch
):
    points = tuple(
        FalseAlarmPoint(rate=rate, threshold=threshold, false_alarm=rate, interval=(0.0, 1.0), miss=0.0)
        for rate, threshold in ((0.5, -0.5), (0.1, 2.0))
    )
    made = make_bundle()
    table = FalseAlarmTable(nontargets=100, points=points)
    calibration = made.calibration.model_copy(update={"false_alarms": table})
    replace(made, calibration=calibration).save(tmp_path / "bundle")

    def open_(point=None):
        return SpeakerVerifier.from_pretrained(
            tmp_path / "bundle", tmp_path / "speakers.sqlite", "cpu", operating_point=point
        )

    plain, strict = open_(), open_(FalseAlarmRate(0.1))
    assert (plain.rule.threshold.value, plain.rule.threshold.false_alarm) == (-1.0, None)
    assert (strict.rule.threshold.value, strict.rule.threshold.false_alarm) == (2.0, 0.1)
    seen = []
    monkeypatch.setattr("speakertrip.verifier.facade.warn_of_odd_ones", lambda *given: seen.append(given[-1]))
    strict.enroll("spk1", files[:2])
    assert seen == [-1.0]
    for verifier_, accepted in ((plain, True), (strict, False)):
        decisions = [
            verifier_.verify("spk1", files[2]),
            verifier_.verify_against(files[:2], files[2]),
            verifier_.identify(files[2]).candidates[0].decision,
        ]
        assert [decision.accepted for decision in decisions] == [accepted] * 3
        assert {decision.threshold for decision in decisions} == {verifier_.rule.threshold.value}
    with pytest.raises(UsageError, match="ask for 10 % or more"):
        open_(FalseAlarmRate(0.05))
    with pytest.raises(UsageError, match="likelihood ratios"):
        open_(OperatingPoint(0.5))


def events(verifier):
    return [
        (event.action, event.profile, event.score, event.accepted)
        for event in verifier.store.audit.events()
        if event.score is not None
    ]


def test_the_audit_log_keeps_decisions_about_enrolled_speakers(verifier, files, rejecting_folder):
    strict = SpeakerVerifier.from_pretrained(rejecting_folder, verifier.store, "cpu")
    profile = verifier.enroll("spk1", files[:2])
    verifier.verify("spk1", files[2])
    verifier.identify(files[2])
    assert verifier.store.audit.events() == []
    verifier.store.audit.switch(True)
    accepted, rejected = verifier.verify("spk1", files[2]), strict.verify("spk1", files[2])
    (verifier.identify(files[2]), strict.identify(files[2]), verifier.verify_against(files[:1], files[2]))
    score, whose = accepted.score, profile.identifier
    assert rejected.score == score
    told = events(verifier)
    assert [(action, whose, accepted) for action, whose, _, accepted in told] == [
        ("verify", whose, True),
        ("verify", whose, False),
        ("identify", whose, True),
        ("identify", None, False),
    ]
    assert [each[2] for each in told] == pytest.approx([score] * 4, abs=1e-6)
    last = verifier.store.audit.events()[-1]
    assert (last.model, last.threshold, last.llr) == (verifier.bundle.identity, 1.1, None)


def test_a_probe_that_cannot_be_used_is_no_decision(verifier, files, tmp_path):
    verifier.enroll("spk1", files[:2])
    verifier.store.audit.switch(True)
    for call in (lambda file: verifier.verify("spk1", file), verifier.identify):
        with pytest.raises(AudioError):
            call(tmp_path / "absent.wav")
    assert events(verifier) == []


def test_nothing_is_decided_that_the_log_cannot_keep(verifier, files, monkeypatch):
    verifier.enroll("spk1", files[:2])
    with verifier.store.database.writing():  # another process writes, and goes on
        monkeypatch.setattr("speakertrip.enrollment.store.database.BUSY_SECONDS", 0.05)
        assert verifier.verify("spk1", files[2]).accepted
        assert verifier.identify(files[2]).name == "spk1"
    verifier.store.audit.switch(True)
    with verifier.store.database.writing():
        for call in (lambda: verifier.verify("spk1", files[2]), lambda: verifier.identify(files[2])):
            with pytest.raises(
                StorageError, match="locked, so that its audit log, which is on, cannot keep a decision"
            ):
                call()
        assert verifier.verify_against(files[:1], files[2]).accepted


def test_an_encrypted_store(verifier, files, bundle_folder, tmp_path):
    store = SpeakerStore(tmp_path / "encrypted.sqlite", bytes(range(32)))
    sealed = SpeakerVerifier.from_pretrained(bundle_folder, store, "cpu")
    assert sealed.store is store
    for each in (verifier, sealed):
        each.enroll("spk1", files[:2])
        assert len(each.enroll("spk1", files, "add").enrollments) == 3
    assert sealed.verify("spk1", files[2]) == verifier.verify("spk1", files[2])
    assert sealed.identify(files[2]) == verifier.identify(files[2])
    with pytest.raises(StoreError, match="is encrypted"):
        SpeakerVerifier.from_pretrained(bundle_folder, store.path, "cpu").verify("spk1", files[2])


def test_a_model_without_a_threshold_decides_nothing(uncalibrated_folder, files, tmp_path):
    store = tmp_path / "speakers.sqlite"
    silent = SpeakerVerifier.from_pretrained(uncalibrated_folder, store, "cpu")
    silent.enroll("spk1", files[:2])  # nothing can say which sounds unlike the other
    for decide in (
        lambda: silent.verify("spk1", files[2]),
        lambda: silent.verify_against([files[0]], files[2]),
        lambda: silent.identify(files[2]),
    ):
        with pytest.raises(BundleError, match="No threshold is known of the model"):
            decide()
    for threshold, accepted in ((-1.0, True), (1.1, False)):
        told = SpeakerVerifier.from_pretrained(
            uncalibrated_folder, store, "cpu", operating_point=GivenThreshold(threshold)
        )
        decision = told.verify("spk1", files[2])
        assert (decision.accepted, decision.threshold, decision.llr) == (accepted, threshold, None)
        assert (told.identify(files[2]).name == "spk1") is accepted


def test_a_threshold_that_is_given_takes_the_place_of_the_models(bundle_folder, files, tmp_path):
    strict = SpeakerVerifier.from_pretrained(
        bundle_folder, tmp_path / "s.sqlite", "cpu", operating_point=GivenThreshold(1.1)
    )
    assert not strict.verify_against([files[0]], files[0]).accepted


def test_one_recording_is_a_list_of_one(verifier, files):
    assert [each.path for each in verifier.enroll("q", str(files[0])).enrollments] == [str(files[0])]
    assert [each.path for each in verifier.enroll("p", files[0]).enrollments] == [str(files[0])]
    (recording,) = verifier.load(files[0])
    expected = verifier.verify_against([files[0]], files[1])
    for one in (
        str(files[0]),
        files[0],
        recording,
        Utterance("u", files[0], "q"),
        AudioBytes(files[0].read_bytes(), "a"),
    ):
        assert verifier.verify_against(one, files[1]) == expected
    with pytest.raises(AudioError, match=r"x\.wav"):
        verifier.verify_against("x.wav", "y.wav")


def test_what_is_no_recording_and_no_name(verifier, files):
    verifier.enroll("s", files[:1])
    no_recording = r"^A recording is a path, .* or a Recording, not {}\.$"
    for wrong, kind in ((None, "NoneType"), (7, "int"), (np.zeros(9), "float64"), (b"RIFF", "int")):
        for call in (verifier.load, lambda files: verifier.enroll("t", files), verifier.reference):
            with pytest.raises(UsageError, match=no_recording.format(kind)):
                call(wrong)
    for probe in (None, 7, ["a.wav"]):
        for call in (verifier.identify, lambda probe: verifier.verify("s", probe), verifier.embed):
            with pytest.raises(UsageError, match=r"^A recording is a path"):
                call(probe)
    for name in (None, 7, b"s"):
        for call in (lambda name: verifier.verify(name, files[0]), lambda name: verifier.enroll(name, files)):
            with pytest.raises(UsageError, match=r"^The name of a speaker is a text, not "):
                call(name)
    assert verifier.store.names() == ["s"]
