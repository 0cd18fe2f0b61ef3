import pytest

from speakertrip.corpora.cnceleb import build_cnceleb, read_cnceleb_trials
from speakertrip.errors import DataError, UsageError

DEV = ["id00000/live_broadcast-02-003.flac", "id00000/singing-01-001.flac"]
ENROLL = ["id00800/interview-01-001.flac", "id00800/singing-01-005.flac", "id00801/drama-01-001.flac"]
OTHER = ["id00800/vlog-09-001.flac"]  # neither trains nor enrolls
JOINED = ["enroll/id00800-enroll.flac", "enroll/id00801-enroll.flac"]
TEST = ["test/id00800-singing-02-001.flac", "test/id00801-speech-01-001.flac"]
SECOND = ["id10000/play-01-001.flac"]
MAP = """\
id00800-enroll id00800/singing-01-005.wav id00800/interview-01-001.wav
id00801-enroll id00801/drama-01-001.wav
"""
TRIALS = """\
id00800-enroll test/id00800-singing-02-001.wav 1
id00800-enroll test/id00801-speech-01-001.wav 0
id00801-enroll test/id00801-speech-01-001.wav 1
"""


@pytest.fixture
def corpus(tmp_path, write_tree):
    root = tmp_path / "CN-Celeb_flac"
    write_tree(root / "data", DEV + ENROLL + OTHER)
    write_tree(root / "eval", JOINED + TEST)
    write_tree(tmp_path / "CN-Celeb2_flac" / "data", SECOND)
    for name, text in {
        "CN-Celeb_flac/dev/dev.lst": "id00000\n",
        "CN-Celeb_flac/eval/lists/enroll.map": MAP,
        "CN-Celeb_flac/eval/lists/enroll.lst": "".join(
            f"{name[7:21]} {name.replace('flac', 'wav')}\n" for name in JOINED
        ),
        "CN-Celeb_flac/eval/lists/trials.lst": TRIALS,
        "CN-Celeb2_flac/spk.lst": "id10000\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def ids(rows):
    return [row.id for row in rows]


def test_splits(corpus):
    assert ids(build_cnceleb(corpus, ["dev"])) == DEV
    assert ids(build_cnceleb(corpus / "CN-Celeb_flac", ["dev"])) == DEV
    assert ids(build_cnceleb(corpus / "CN-Celeb2_flac", ["cnceleb2"])) == SECOND
    assert ids(build_cnceleb(corpus, ["dev", "cnceleb2"])) == DEV + SECOND
    assert ids(build_cnceleb(corpus, ["eval"])) == sorted(JOINED + TEST + ENROLL)


def test_rows(corpus):
    rows = {row.id: row for row in build_cnceleb(corpus, ["dev", "eval"])}
    dev, test, joined = rows[DEV[0]], rows[TEST[0]], rows[JOINED[1]]
    assert (dev.speaker, dev.session, dev.extra) == (
        "id00000",
        "live_broadcast-02",
        {"genre": "live_broadcast"},
    )
    assert (test.speaker, test.session, test.extra) == ("id00800", "singing-02", {"genre": "singing"})
    assert (joined.speaker, joined.session, joined.extra) == ("id00801", None, {})
    assert {row.language for row in rows.values()} == {"zh"}


def test_trials_fit_the_manifest(corpus):
    trials, models = read_cnceleb_trials(corpus)
    assert models == {"id00800-enroll": [ENROLL[1], ENROLL[0]], "id00801-enroll": [ENROLL[2]]}
    assert trials.enrollments == ["id00800-enroll", "id00800-enroll", "id00801-enroll"]
    assert trials.tests == [TEST[0], TEST[1], TEST[1]]
    assert trials.targets.tolist() == [True, False, True]
    known = {*ids(build_cnceleb(corpus, ["eval"])), *models}
    assert known >= {*trials.ids, *(id_ for names in models.values() for id_ in names)}


def test_joined_enrollment(corpus):
    _, models = read_cnceleb_trials(corpus, joined=True)
    assert models == {"id00800-enroll": [JOINED[0]], "id00801-enroll": [JOINED[1]]}


def test_a_release_without_a_map_has_joined_enrollments_only(corpus):
    (corpus / "CN-Celeb_flac/eval/lists/enroll.map").unlink()
    assert ids(build_cnceleb(corpus, ["eval"])) == JOINED + TEST
    assert len(read_cnceleb_trials(corpus, joined=True)[1]) == 2
    with pytest.raises(DataError, match=r"Cannot read the enrollment map .*enroll.map"):
        read_cnceleb_trials(corpus)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "trials.lst",
            "id00802-enroll test/id00800-singing-02-001.wav 1\n",
            "names the model id00802-enroll",
        ),
        (
            "trials.lst",
            "id00800-enroll test/id00809-x-02-001.wav 1\n",
            "names test/id00809-x-02-001.wav, which is",
        ),
        (
            "enroll.map",
            "id00800-enroll id00800/x-01-001.wav\n",
            "enroll.map names id00800/x-01-001.wav, which",
        ),
    ],
)
def test_lists_that_name_what_is_not_there(corpus, file, text, message):
    (corpus / "CN-Celeb_flac/eval/lists" / file).write_text(text)
    with pytest.raises(DataError, match=message):
        read_cnceleb_trials(corpus)


def test_another_folder(corpus, write_tree):
    with pytest.raises(
        DataError, match=r"is not CN-Celeb1: expected data and dev/dev.lst in it or in its CN-Celeb_"
    ):
        build_cnceleb(corpus / "CN-Celeb2_flac", ["dev"])
    with pytest.raises(DataError, match=r"is not CN-Celeb2: expected data and spk.lst in it"):
        build_cnceleb(corpus / "CN-Celeb_flac", ["cnceleb2"])
    with pytest.raises(UsageError, match="CN-Celeb has no split 'train'"):
        build_cnceleb(corpus, ["train"])
    (corpus / "CN-Celeb_flac/dev/dev.lst").write_text("id00999\n")
    with pytest.raises(DataError, match="holds no audio of the speakers"):
        build_cnceleb(corpus, ["dev"])


def test_the_same_utterance_twice(corpus, write_tree):
    write_tree(corpus / "CN-Celeb_flac/data", [DEV[1].replace("flac", "wav")])
    with pytest.raises(DataError, match="are the same utterance of CN-Celeb; keep one"):
        build_cnceleb(corpus, ["dev"])
