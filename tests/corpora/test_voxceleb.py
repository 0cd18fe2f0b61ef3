import pytest

from speakertrip.corpora.voxceleb import TEST_SPEAKERS, build_voxceleb1, build_voxceleb2
from speakertrip.errors import DataError, UsageError

DEV = ["id10001/1zcIwhmdeo4/00001.wav", "id10269/0w0bm9p4hXA/00002.wav", "id10310/-5CXp3dTEgM/00001.wav"]
TEST = ["id10270/x6uYqmx31kE/00001.wav", "id10309/0b1inHMAr6o/00001.wav"]


def ids(utterances):
    return [utterance.id for utterance in utterances]


def test_forty_test_speakers():
    assert len(TEST_SPEAKERS) == 40
    assert (min(TEST_SPEAKERS), max(TEST_SPEAKERS)) == ("id10270", "id10309")


@pytest.mark.parametrize(
    ("dev", "test"),
    [(".", "."), ("wav", "wav"), ("dev/wav", "test/wav"), ("dev", "test"), ("wav", "test/wav")],
)
def test_voxceleb1_layouts(tmp_path, write_tree, dev, test):
    write_tree(tmp_path / dev, DEV)
    write_tree(tmp_path / test, TEST)
    assert ids(build_voxceleb1(tmp_path, ["dev"])) == DEV
    assert ids(build_voxceleb1(tmp_path, ["test"])) == TEST
    assert ids(build_voxceleb1(tmp_path)) == sorted(DEV + TEST)


def test_speaker_session_and_header(tmp_path, write_tree):
    write_tree(tmp_path / "wav", TEST[:1])
    (utterance,) = build_voxceleb1(tmp_path, ["test"])
    assert utterance.speaker == "id10270"
    assert utterance.session == "x6uYqmx31kE"
    assert utterance.path == tmp_path / "wav" / TEST[0]
    assert (utterance.duration, utterance.sample_rate) == (0.5, 16_000)


@pytest.mark.parametrize("place", [".", "aac", "dev/aac", "dev/wav", "dev", "wav"])
def test_voxceleb2_layouts(tmp_path, write_tree, place):
    names = ["id00012/21Uxsk56VDQ/00001.wav", "id09272/0J6bfW6RBBo/00002.wav"]
    write_tree(tmp_path / place, names)
    write_tree(tmp_path / "test" / "aac", ["id00017/01dfn2spqyE/00001.wav"])
    assert ids(build_voxceleb2(tmp_path)) == names


def test_voxceleb2_test(tmp_path, write_tree):
    write_tree(tmp_path, ["dev/aac/id00012/x/00001.wav", "test/aac/id00017/y/00001.wav"])
    assert ids(build_voxceleb2(tmp_path, ["test"])) == ["id00017/y/00001.wav"]
    assert len(build_voxceleb2(tmp_path, ["dev", "test", "dev"])) == 2


def test_sexes(tmp_path, write_tree):
    write_tree(tmp_path / "wav", [*TEST, *DEV])
    table = tmp_path / "vox1_meta.csv"
    header = "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\n"
    table.write_text(header + "id10270\tSomeone_Ü\tm\tNew Zealand\ttest\nid10001\tA,\tf\tIreland\tdev\n")
    sexes = {utterance.speaker: utterance.sex for utterance in build_voxceleb1(tmp_path)}
    assert sexes["id10270"] == "m"
    assert sexes["id10309"] is None
    table.write_text("VoxCeleb1 ID\tName\n")
    with pytest.raises(DataError, match=r"vox1_meta.csv, line 1: expected a column 'Gender'"):
        build_voxceleb1(tmp_path)
    table.write_text(header + "id10270\n")
    with pytest.raises(DataError, match=r"vox1_meta.csv, line 2: expected a field 3"):
        build_voxceleb1(tmp_path)


def test_sexes_of_voxceleb2(tmp_path, write_tree):
    write_tree(tmp_path / "dev/aac", ["id00012/21Uxsk56VDQ/00001.wav"])
    (tmp_path / "vox2_meta.csv").write_text(
        "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012 ,n000012 ,f ,dev \n"
    )
    (utterance,) = build_voxceleb2(tmp_path)
    assert utterance.sex == "f"


def test_voxceleb2_m4a(tmp_path, speech_like, write_m4a):
    path = tmp_path / "dev/aac/id00012/21Uxsk56VDQ/00001.m4a"
    path.parent.mkdir(parents=True)
    write_m4a(path, speech_like(1.0, 0)[None], 16_000)
    (utterance,) = build_voxceleb2(tmp_path)
    assert utterance.id == "id00012/21Uxsk56VDQ/00001.m4a"
    assert (utterance.speaker, utterance.session) == ("id00012", "21Uxsk56VDQ")


def test_other_folders_are_left_out(tmp_path, write_tree):
    write_tree(tmp_path, [*TEST, "id1/a/1.wav", "id100011/a/1.wav", "musan/a/1.wav", "loose.wav"])
    assert ids(build_voxceleb1(tmp_path)) == TEST


def test_progress_counts_over_all_folders(tmp_path, write_tree):
    write_tree(tmp_path / "dev/wav", DEV)
    write_tree(tmp_path / "test/wav", TEST)
    seen: list[tuple[int, int]] = []
    build_voxceleb1(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 5) for done in range(1, 6)]


@pytest.mark.parametrize("twin", ["dev/wav/id00012/x/00001.wav", "dev/aac/id00012/x/00001.flac"])
def test_the_same_utterance_twice(tmp_path, write_tree, twin):
    write_tree(tmp_path, ["dev/aac/id00012/x/00001.wav", twin])
    with pytest.raises(DataError, match=r"00001.* are the same utterance of VoxCeleb2 dev; keep one"):
        build_voxceleb2(tmp_path)


def test_no_speaker_folder(tmp_path, write_tree):
    write_tree(tmp_path, ["wav/someone/x/00001.wav"])
    with pytest.raises(DataError, match=r"no audio of VoxCeleb1.*idXXXXX.*wav, dev, dev/wav"):
        build_voxceleb1(tmp_path)
    with pytest.raises(DataError, match=r"no audio of VoxCeleb2.*idXXXXX.*aac, wav, dev, dev/aac"):
        build_voxceleb2(tmp_path)
    with pytest.raises(DataError, match="Cannot read the folder"):
        build_voxceleb2(tmp_path / "absent")


def test_no_speaker_of_the_split(tmp_path, write_tree):
    write_tree(tmp_path / "wav", DEV)
    with pytest.raises(DataError, match="no audio of VoxCeleb1 test"):
        build_voxceleb1(tmp_path, ["test"])


def test_no_such_split(tmp_path):
    with pytest.raises(UsageError, match="VoxCeleb1 has no split 'train'; take one of dev, test"):
        build_voxceleb1(tmp_path, ["train"])
    with pytest.raises(UsageError, match="Name one or more splits of VoxCeleb2: dev, test"):
        build_voxceleb2(tmp_path, [])
