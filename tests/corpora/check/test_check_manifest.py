"""Plant damage in a sound corpus, one kind at a time and all at once: exactly that is found."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip.audio import resample
from speakertrip.corpora.check import Kind, check_manifest
from speakertrip.corpora.shards import write_shards
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance, read_manifest, write_manifest

OPENSPEECH = Path(__file__).parents[4] / "shared" / "openspeech"
RATE = 16_000
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


def write_corpus(folder, speakers, speech_like):
    """Speakers with two sessions of two utterances each, in four formats, everything stated."""
    rows = []
    for seed in range(4 * speakers):
        speaker, session, suffix = f"s{seed // 4}", f"d{seed // 2 % 2}", SUFFIXES[seed % 4]
        path = folder / f"{speaker}/{session}/ü {seed}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, speech_like(2.0, seed), RATE)
        name, checksum = path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append(Utterance(name, path, speaker, session, 0.0, 2.0, RATE, sha256=checksum.upper()))
    write_manifest(folder / "manifest.jsonl", rows)
    return folder


@pytest.fixture(scope="module")
def sound_corpus(tmp_path_factory, speech_like):
    return write_corpus(tmp_path_factory.mktemp("sound"), 5, speech_like)


class Corpus:
    """A copy of the sound corpus that can be damaged; the manifest states no checksums."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = [replace(row, sha256=None) for row in read_manifest(folder / "manifest.jsonl")]

    def check(self, quick: bool = False):
        write_manifest(self.folder / "manifest.jsonl", self.rows)
        return check_manifest(self.folder / "manifest.jsonl", quick=quick)

    def found(self, quick: bool = False) -> list[tuple[Kind, int]]:
        return [(finding.kind, finding.row.line - 1) for finding in self.check(quick).findings]

    def path(self, place: int) -> Path:
        return self.rows[place].path

    def change(self, place: int, **changes) -> None:
        self.rows[place] = replace(self.rows[place], **changes)

    def cut(self, place: int, share: float) -> None:
        content = self.path(place).read_bytes()
        self.path(place).write_bytes(content[: round(share * len(content))])

    def sing(self, place: int, waveform, **options) -> None:
        soundfile.write(self.path(place), waveform, RATE, **options)


@pytest.fixture
def corpus(sound_corpus, tmp_path):
    shutil.copytree(sound_corpus, tmp_path / "copy")
    return Corpus(tmp_path / "copy")


def copy_of(corpus, place, other):
    """Put the samples of one file into another, of another format."""
    waveform, _ = soundfile.read(corpus.path(other), dtype="int16")
    corpus.sing(place, waveform)


def as_clipped(waveform):
    return np.clip(8 * waveform, -1, 1)


DAMAGE = {
    # name: (the only finding, whether headers tell, what does it at a place)
    "no file": (Kind.MISSING, True, lambda c, k, make: c.path(k).unlink()),
    "a link to nowhere": (Kind.MISSING, True, lambda c, k, make: (c.path(k).unlink(), c.path(k).symlink_to("x"))),
    "no bytes": (Kind.EMPTY, True, lambda c, k, make: c.path(k).write_bytes(b"")),
    "no samples": (Kind.EMPTY, True, lambda c, k, make: c.sing(k, np.zeros(0, np.float32))),
    "text": (Kind.UNREADABLE, True, lambda c, k, make: c.path(k).write_text("No audio.")),
    "a folder": (Kind.UNREADABLE, True, lambda c, k, make: (c.path(k).unlink(), c.path(k).mkdir())),
    "half of a WAV": (Kind.TRUNCATED, True, lambda c, k, make: c.cut(k, 0.5)),
    "half of a FLAC": (Kind.TRUNCATED, False, lambda c, k, make: c.cut(k + 1, 0.5)),
    "half of an Ogg": (Kind.TRUNCATED, True, lambda c, k, make: c.cut(k + 2, 0.5)),
    "half of an MP3": (Kind.TRUNCATED, False, lambda c, k, make: c.cut(k + 3, 0.5)),
    "another file": (Kind.CHECKSUM, False, lambda c, k, make: c.change(k, sha256="0" * 64)),
    "another rate": (Kind.SAMPLE_RATE, True, lambda c, k, make: c.change(k, sample_rate=8_000)),
    "shorter than stated": (Kind.DURATION, True, lambda c, k, make: c.change(k, duration=2.5)),
    "longer than stated": (Kind.PART, True, lambda c, k, make: c.change(k, duration=1.5)),
    "a stretch that ends late": (Kind.BEYOND_END, True, lambda c, k, make: c.change(k, start=1.0)),
    "a stretch that begins late": (Kind.BEYOND_END, True, lambda c, k, make: c.change(k, start=2.0)),
    "a stretch of nothing": (Kind.SHORT, True, lambda c, k, make: c.change(k, start=1.0, duration=0.3)),
    "NaN": (Kind.NOT_FINITE, False, lambda c, k, make: c.sing(k, make(2, k) * np.nan, subtype="FLOAT")),
    "infinity": (Kind.NOT_FINITE, False, lambda c, k, make: c.sing(k, make(2, k) / 0.0, subtype="DOUBLE")),
    "silence": (Kind.SILENT, False, lambda c, k, make: c.sing(k, np.zeros(2 * RATE))),
    "an offset": (Kind.SILENT, False, lambda c, k, make: c.sing(k, np.full(2 * RATE, 0.25))),
    "clipping": (Kind.CLIPPED, False, lambda c, k, make: c.sing(k, as_clipped(make(2, k)))),
    "a word": (Kind.LITTLE_SPEECH, False, lambda c, k, make: c.sing(k, word(make(2, k)))),
    "a FLAC named .wav": (Kind.EXTENSION, True, lambda c, k, make: c.sing(k, make(2, k), format="FLAC")),
    "the same samples": (Kind.DUPLICATE, False, lambda c, k, make: copy_of(c, k, k + 1)),
    "the same samples of others": (Kind.TWO_SPEAKERS, False, lambda c, k, make: copy_of(c, k, (k + 5) % 20)),
}  # fmt: skip


def word(waveform):
    rng = np.random.default_rng(0)
    spoken = 1e-3 * rng.standard_normal(len(waveform))
    spoken[:3000] += waveform[:3000]
    return spoken


def test_a_sound_corpus_gives_no_finding(sound_corpus):
    for quick in (False, True):
        found = check_manifest(sound_corpus / "manifest.jsonl", quick=quick)
        assert (found.utterances, found.speakers, found.findings) == (20, 5, [])
        assert (found.errors, found.notes, found.counts) == (0, 0, {})


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("name", DAMAGE)
def test_exactly_what_is_planted_is_found(corpus, speech_like, name):
    kind, in_header, damage = DAMAGE[name]
    damage(corpus, 8, speech_like)
    found = corpus.check().findings
    assert [finding.kind for finding in found] == [kind]
    assert found[0].message.count(str(corpus.folder)) == 0
    assert found[0].row.path in found[0].message
    assert [each for each, _ in corpus.found(quick=True)] == ([kind] if in_header else [])


def test_a_stretch_that_two_ids_name(corpus):
    corpus.rows.append(replace(corpus.rows[3], id="again"))
    corpus.rows.append(replace(corpus.rows[4], id="of another", speaker="s0", session="d0"))
    for quick in (False, True):
        found = corpus.check(quick).findings
        assert [(each.kind, each.row.line) for each in found] == [
            (Kind.SAME_STRETCH, 21),
            (Kind.TWO_SPEAKERS, 22),
        ]
        assert "line 4," in found[0].message
        assert "line 5," in found[1].message
        assert "s1 there, s0 here" in found[1].message


def test_stretches_of_one_file(corpus):
    for start in (0.5, 1.0):
        corpus.rows.append(replace(corpus.rows[0], id=f"from {start}", start=start, duration=1.0))
    corpus.change(0, duration=0.7)  # no part: other rows name the rest
    assert corpus.found() == []
    corpus.rows.append(replace(corpus.rows[0], id="late", start=1.3, duration=1.0))
    assert corpus.found() == [(Kind.BEYOND_END, 22)]


def test_silence_is_no_duplicate_of_silence(corpus):
    for place in (0, 4):
        corpus.sing(place, np.zeros(2 * RATE))
    assert corpus.found() == [(Kind.SILENT, 0), (Kind.SILENT, 4)]


def test_speakers_with_little(corpus):
    corpus.rows = [*corpus.rows[:6], *corpus.rows[8:9], *corpus.rows[12:]]
    corpus.change(-1, session=None)
    corpus.change(-2, session=None)
    found = corpus.check().findings
    assert [(each.kind, each.row.utterance.speaker) for each in found] == [
        (Kind.ONE_UTTERANCE, "s2"),
        (Kind.ONE_SESSION, "s1"),
    ]
    assert not any(each.kind.is_error for each in found)
    corpus.rows = [replace(row, session=None) for row in corpus.rows if row.speaker != "s2"]
    assert corpus.found() == []  # no session is stated: none is missing


def test_a_long_file_is_heard_in_blocks(corpus, speech_like, monkeypatch):
    whole = corpus.check().findings
    monkeypatch.setattr("speakertrip.corpora.check.stretch.BLOCK", 0.5)
    corpus.sing(8, speech_like(2.3, 99))
    corpus.change(8, duration=None)
    copy_of(corpus, 1, 8)
    corpus.change(1, duration=2.3)
    assert whole == []
    assert corpus.found() == [(Kind.TWO_SPEAKERS, 8)]


def test_over_an_hour(corpus):
    soundfile.write(corpus.path(8), np.zeros(3601 * 4000, np.int16), 4000, subtype="PCM_U8")
    corpus.change(8, duration=None, sample_rate=4000)
    assert corpus.found() == [(Kind.LONG, 8)]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_all_damage_at_once(tmp_path, speech_like):
    """Every kind in one corpus, each at a speaker of its own: no damage hides another, or invents one."""
    corpus = Corpus(write_corpus(tmp_path, len(DAMAGE) + 2, speech_like))
    expected = []
    for number, (kind, _, damage) in enumerate(DAMAGE.values()):
        damage(corpus, 4 * number, speech_like)
        expected.append((kind, f"s{number}"))
    found = [(each.kind, each.row.utterance.speaker) for each in corpus.check().findings]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert len({kind for kind, _ in expected}) >= 14


def test_json_and_order(corpus):
    corpus.path(7).unlink()
    corpus.path(2).unlink()
    corpus.change(1, duration=1.0)
    found = corpus.check()
    assert (found.errors, found.notes, found.counts) == (2, 1, {Kind.MISSING: 2, Kind.PART: 1})
    assert [each.row.line for each in found.findings] == [3, 8, 2]
    assert json.loads(json.dumps(found.findings[2].to_json())) == {
        "kind": "part",
        "severity": "note",
        "line": 2,
        "id": "s0/d0/ü 1.flac",
        "path": "s0/d0/ü 1.flac",
        "speaker": "s0",
        "message": "Of s0/d0/ü 1.flac, only the first 1 s of 2.00 s are named.",
    }


def test_progress_counts_utterances(corpus):
    corpus.rows.append(replace(corpus.rows[0], id="b", start=0.5, duration=1.0))
    write_manifest(corpus.folder / "manifest.jsonl", corpus.rows)
    seen = []
    check_manifest(
        corpus.folder / "manifest.jsonl", progress=lambda count, total: seen.append((count, total))
    )
    assert sum(count for count, _ in seen) == 21
    assert {total for _, total in seen} == {21}


def test_a_manifest_that_is_none(tmp_path):
    (tmp_path / "m.jsonl").write_text('{"id": "a"}\n')
    with pytest.raises(DataError, match=r"m\.jsonl, line 1"):
        check_manifest(tmp_path / "m.jsonl")


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are POSIX's")
def test_paths_that_lead_nowhere(corpus):
    os.mkfifo(corpus.folder / "pipe.wav")
    (corpus.folder / "loop.wav").symlink_to("loop.wav")
    for place, path in enumerate(
        ("pipe.wav", "loop.wav", "n" * 300 + ".wav", "nul\0.wav", "/dev/zero", "s0")
    ):
        corpus.change(place, path=corpus.folder / path)
    for quick in (False, True):
        found = corpus.check(quick).findings
        assert sorted(each.row.line for each in found) == [1, 2, 3, 4, 5, 6]
        assert {each.kind for each in found} == {Kind.MISSING, Kind.UNREADABLE}
        assert all(str(corpus.folder) not in each.message for each in found)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_other_rates_and_channels(corpus, speech_like, rate):
    waveform = resample(speech_like(2.0, 5), RATE, rate)
    soundfile.write(corpus.path(8), np.column_stack([waveform, 0.5 * waveform]), rate)
    corpus.change(8, sample_rate=rate)
    assert corpus.found() == []


def test_utterances_of_shards(corpus, tmp_path):
    corpus.check()
    rows = write_shards(corpus.rows, tmp_path / "shards")
    assert all(row.span for row in rows)
    manifest = tmp_path / "shards" / "manifest.jsonl"
    write_manifest(manifest, rows)
    assert check_manifest(manifest).findings == []
    rows[5] = replace(rows[5], duration=3.0, sha256="0" * 64)
    rows.append(replace(rows[9], id="again"))
    write_manifest(manifest, rows)
    found = [(each.kind, each.row.line) for each in check_manifest(manifest).findings]
    assert found == [(Kind.CHECKSUM, 6), (Kind.DURATION, 6), (Kind.SAME_STRETCH, 21)]


def test_messages_name_the_utterance_in_its_shard(corpus, tmp_path):
    corpus.path(2).write_bytes(b"no audio")
    corpus.sing(3, np.zeros(2 * RATE))
    two = [replace(corpus.rows[2], id=name, duration=1.0) for name in ("one", "two")]
    rows = write_shards([*corpus.rows, replace(two[0], start=0.5), two[1]], tmp_path / "shards")
    lost = replace(rows[0], id="lost", path=tmp_path / "shards" / "9.tar")
    beyond = replace(rows[0], id="beyond", span=(0, 10**9))
    manifest = tmp_path / "shards" / "manifest.jsonl"
    write_manifest(manifest, [*rows, lost, beyond])
    first, unreadable = rows[2].id, "is not audio that can be decoded"
    expected = {
        first: unreadable,
        "one": unreadable,
        "two": unreadable,
        rows[3].id: "is silent",
        "lost": ": there is no such file",
        "beyond": "does; write the shards again",
    }
    findings = check_manifest(manifest).findings
    assert {each.row.utterance.id for each in findings} == expected.keys()
    for each in findings:
        id_, shard = each.row.utterance.id, each.row.path
        assert shard in ("000000.tar", "9.tar")
        assert f"{id_} in {shard}" in each.message
        assert expected[id_] in each.message
        assert str(tmp_path) not in each.message


@pytest.mark.skipif(not OPENSPEECH.exists(), reason="needs ../shared/openspeech")
@pytest.mark.parametrize(("name", "step"), [("dev-2s", 2), ("dev", 15), ("train", 50)])
def test_real_speech_has_notes_only(tmp_path, name, step):
    rows = read_manifest(OPENSPEECH / f"manifest.{name}.jsonl")[::step]
    write_manifest(tmp_path / "m.jsonl", rows)
    found = check_manifest(tmp_path / "m.jsonl")
    assert (found.utterances, found.errors) == (len(rows), 0)
    assert set(found.counts) <= {Kind.CLIPPED, Kind.LITTLE_SPEECH, Kind.ONE_SESSION, Kind.ONE_UTTERANCE}
    assert Kind.ONE_UTTERANCE in found.counts or name == "dev-2s"
