from dataclasses import replace

import pytest

from speakertrip.backend import FalseAlarmPoint, FalseAlarmRate, FalseAlarmTable, GivenThreshold
from speakertrip.backend.storage import digest
from speakertrip.bundle import Bundle, LengthErrors, LengthTable
from speakertrip.bundle.lengths import Rate
from speakertrip.verifier import SpeakerVerifier, StoreCalibration, short_speech

RATE = Rate(value=0.25, interval=(0.1, 0.4))
ROWS = tuple(
    LengthErrors(
        seconds=seconds, eer=RATE, miss=RATE, false_alarm=RATE, trials=8, targets=4, target_speakers=2
    )
    for seconds in (0.5, 2.0)
)


@pytest.fixture
def bundle(bundle_folder) -> Bundle:
    found = Bundle.load(bundle_folder)
    point = FalseAlarmPoint(rate=0.1, threshold=0.5, false_alarm=0.1, interval=(0.0, 0.2), miss=0.3)
    known = {
        "lengths": LengthTable(rows=ROWS),
        "false_alarms": FalseAlarmTable(nontargets=20, points=(point,)),
    }
    return replace(found, calibration=found.calibration.model_copy(update=known))


@pytest.mark.parametrize(
    ("seconds", "measured"), [(0.3, 0.5), (0.9, 0.5), (1.1, 2.0), (1.99, 2.0), (2.0, None)]
)
def test_the_length_that_is_nearest(bundle, tmp_path, seconds, measured):
    verifier = SpeakerVerifier(bundle, tmp_path / "speakers.sqlite", "cpu")
    found = short_speech(verifier, verifier.store_rule(), seconds)
    assert (found and found.measured.seconds) == measured
    assert found is None or found.at_threshold


def test_rates_are_of_the_threshold_that_they_were_counted_at_alone(bundle, tmp_path, write_speech):
    store = tmp_path / "speakers.sqlite"
    verifier = SpeakerVerifier(bundle, store, "cpu")
    verifier.enroll("a", write_speech(tmp_path / "a.wav", 0, 3.0))
    assert short_speech(verifier, verifier.enrolled("a").rule, 1.0).at_threshold
    assert not short_speech(verifier, verifier.enrolled("a", "best").rule, 1.0).at_threshold
    asked = SpeakerVerifier(bundle, store, "cpu", operating_point=FalseAlarmRate(0.1))
    assert not short_speech(asked, asked.store_rule(), 1.0).at_threshold
    calibration = StoreCalibration(
        backend=digest(bundle.backend),
        weight=2.0,
        bias=0.5,
        per_profile=False,
        calibration=bundle.calibration,
    )
    verifier.store.calibrations.write(bundle.identity, calibration.model_dump_json(), {})
    assert not short_speech(verifier, verifier.store_rule(), 1.0).at_threshold


@pytest.mark.parametrize(("whole", "said"), [((0.1, 0.2), True), ((0.1, 0.25), False), (None, True)])
def test_where_it_errs_no_more_than_on_whole_utterances(bundle, tmp_path, whole, said):
    calibration = bundle.calibration.model_copy(update={"eer_interval": whole})
    verifier = SpeakerVerifier(replace(bundle, calibration=calibration), tmp_path / "speakers.sqlite", "cpu")
    assert bool(short_speech(verifier, verifier.store_rule(), 1.0)) == said


def at_lengths(bundle, **rates):
    """Return the bundle with an EER of 10 % [5, 15], on whole utterances as with little speech, and other rates."""
    low = Rate(value=0.1, interval=(0.05, 0.15))
    row = ROWS[0].model_copy(update={"eer": low, "miss": low, "false_alarm": low} | rates)
    known = {"eer_interval": (0.05, 0.15), "lengths": LengthTable(rows=(row,))}
    return replace(bundle, calibration=bundle.calibration.model_copy(update=known))


@pytest.mark.parametrize("name", ["miss", "false_alarm"])
@pytest.mark.parametrize(("interval", "said"), [((0.16, 0.5), True), ((0.15, 0.5), False)])
def test_where_the_threshold_fails_and_the_equal_error_rate_does_not(bundle, tmp_path, name, interval, said):
    failing = at_lengths(bundle, **{name: Rate(value=0.3, interval=interval)})
    verifier = SpeakerVerifier(failing, tmp_path / "s.sqlite", "cpu")
    found = short_speech(verifier, verifier.rule, 0.4)
    assert (found and found.at_threshold) == (said or None)
    asked = SpeakerVerifier(failing, tmp_path / "s.sqlite", "cpu", operating_point=GivenThreshold(0.7))
    assert short_speech(asked, asked.rule, 0.4) is None  # of that threshold nothing is known
    assert short_speech(verifier, verifier.rule.of_best(), 0.4) is None


def test_a_rule_that_was_made_twice_is_the_same(bundle, tmp_path):
    """As of two threads at once, from Python 3.12."""
    bare = replace(bundle, calibration=bundle.calibration.model_copy(update={"false_alarms": None}))
    verifier = SpeakerVerifier(bare, tmp_path / "s.sqlite", "cpu")
    one = verifier.rule
    vars(verifier).pop("rule", None)
    assert short_speech(verifier, one, 0.4).at_threshold
    assert not short_speech(verifier, one.of_best(), 0.4).at_threshold


def test_where_nothing_was_measured(bundle, tmp_path):
    for calibration in (None, bundle.calibration.model_copy(update={"lengths": None})):
        verifier = SpeakerVerifier(replace(bundle, calibration=calibration), tmp_path / "s.sqlite", "cpu")
        rule = SpeakerVerifier(bundle, tmp_path / "s.sqlite", "cpu").rule
        assert short_speech(verifier, rule, 0.6) is None
