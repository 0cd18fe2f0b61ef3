"""Encrypted stores: whole by their key, closed without it, and nothing in clear in any file."""

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakertrip.backend import Backend, DecisionRule, Threshold
from speakertrip.enrollment import Crowd, Enrollment, SpeakerStore, decrypt_store, encrypt_store
from speakertrip.enrollment.encryption.cipher import Place, PlainCipher
from speakertrip.enrollment.encryption.sealed import SealedCipher
from speakertrip.enrollment.store import database
from speakertrip.enrollment.store.schema import APPLICATION_ID, MIGRATIONS
from speakertrip.errors import StoreError

MODEL = "0" * 64
KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
PIECE = 8  # bytes of an embedding that occur nowhere else by chance
NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cn", "Cs", "Zl", "Zp"]), min_size=1, max_size=60
).filter(str.strip)


def enrollments(seed, count=2):
    rng = np.random.default_rng(seed)
    return [
        Enrollment(
            rng.standard_normal(192).astype(np.float32),
            f"/audio/of-{seed}-{i}.wav",
            rng.bytes(32).hex(),
            1.5,
            1.25,
            20.0,
            0.0,
        )
        for i in range(count)
    ]


def facts(profile):
    rows = [
        (e.embedding.tobytes(), e.path, e.sha256, e.seconds, e.speech_seconds, e.snr_db, e.clipped, e.created)
        for e in profile.enrollments
    ]
    return profile.name, profile.model, profile.identifier, profile.created, rows


def left(folder, name, several):
    """Return what of a speaker stands in clear in the files of a store."""
    content = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    pieces = [name.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be")]
    for each in several:
        data = each.embedding.tobytes()
        pieces += [data[first : first + PIECE] for first in range(0, len(data), PIECE)]
        pieces += [each.path.encode(), each.path.encode("utf-16-le"), each.sha256.encode()]
        pieces += [bytes.fromhex(each.sha256)]
    return [piece for piece in pieces if piece in content]


@pytest.fixture
def file(tmp_path):
    (tmp_path / "store").mkdir()
    return tmp_path / "store" / "speakers.sqlite"


def ask(file, *statement):
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("PRAGMA synchronous = OFF")
        return db.execute(*statement).fetchall()


@settings(max_examples=20)
@given(st.lists(NAMES, min_size=1, max_size=3, unique=True))
def test_any_name_comes_back(tmp_path_factory, names):
    speakers = SpeakerStore(tmp_path_factory.mktemp("store") / "speakers.sqlite", KEY)
    kept = [
        speakers.add(name, MODEL, enrollments(seed), "replace").name for seed, name in enumerate(names)
    ]  # some are equal when composed
    assert speakers.names() == [summary.name for summary in speakers.summaries()] == sorted(set(kept))
    for name in kept:
        assert (speakers.get(name).name, len(speakers.get(name).enrollments)) == (name, 2)
    speakers.rename(kept[-1], f"{kept[-1][:50]} renamed")
    assert speakers.names() == sorted({*kept[:-1], f"{kept[-1][:50]} renamed"} - {kept[-1]})


def test_an_encrypted_store_does_what_another_does(tmp_path):
    told = []
    for folder, key in (("plain", None), ("sealed", KEY)):
        speakers = SpeakerStore(tmp_path / folder / "speakers.sqlite", key)
        for seed, name in enumerate(("Zo\u00eb", "\u58f0", "spk1", "spk2")):
            speakers.add(name, MODEL, enrollments(seed))
        speakers.add("spk1", MODEL, enrollments(5, 1), "add")
        speakers.add("Zo\u00eb", MODEL, enrollments(6, 1), "replace")
        speakers.rename("spk2", "aaa")
        assert speakers.remove("\u58f0") is True
        for call in (
            lambda s=speakers: s.add("spk1", MODEL, enrollments(0)),
            lambda s=speakers: s.add("spk1", "1" * 64, enrollments(0), "add"),
            lambda s=speakers: s.rename("aaa", "spk1"),
            lambda s=speakers: s.get("\u58f0"),
        ):
            with pytest.raises(StoreError) as caught:
                call()
            told.append(str(caught.value).replace(folder, ""))
        again = SpeakerStore(tmp_path / f"{folder}.copy", OTHER)
        assert again.restore(speakers.export()) == 3
        assert list(map(facts, again.profiles())) == list(map(facts, speakers.profiles()))
        summaries = [replace(each, created="") for each in speakers.summaries()]
        told.append([summaries, [facts(each)[4][0][:3] for each in speakers.profiles()]])
    assert told[:5] == told[5:]
    assert [each.name for each in told[4][0]] == ["Zo\u00eb", "aaa", "spk1"]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_store_that_is_made_with_a_key_is_private_and_never_in_clear(file, monkeypatch):
    several = enrollments(0)
    monkeypatch.setattr(PlainCipher, "seal", None)
    speakers = SpeakerStore(file, KEY)
    speakers.add("spk-first", MODEL, enrollments(1))
    with speakers.database.reading():
        speakers.add("spk-of-old", MODEL, several)
        assert file.with_name("speakers.sqlite-wal").stat().st_size
        assert left(file.parent, "spk-of-old", several) == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def calls(file, key):
    store = SpeakerStore(file, key)
    return [
        store.names,
        store.summaries,
        lambda: store.get("spk1"),
        lambda: store.add("spk2", MODEL, enrollments(1)),
        lambda: store.add("spk1", MODEL, enrollments(1), "replace"),
        lambda: store.remove("spk1"),
        lambda: store.rename("spk1", "spk2"),
        lambda: list(store.export()),
        lambda: store.restore([]),
        store.audit.events,
        lambda: store.audit.switch(True),
    ]


@pytest.mark.parametrize(
    ("made", "given_", "sentence"),
    [
        (KEY, None, "is encrypted; give its key by --key-file or SPEAKERTRIP_KEY (key=)."),
        (KEY, OTHER, "was encrypted with another key: this is the wrong key."),
        (None, KEY, "is not encrypted; leave the key out, or encrypt it by speakertrip speakers encrypt."),
    ],
)
def test_a_key_that_does_not_fit(file, made, given_, sentence):
    SpeakerStore(file, made).add("spk1", MODEL, enrollments(0))
    content = file.read_bytes()
    for call in calls(file, given_):
        with pytest.raises(StoreError) as caught:
            call()
        assert str(caught.value) == f"{file} {sentence}"
        assert caught.value.exit_code == 4
    assert SpeakerStore(file, made).names() == ["spk1"]
    assert file.read_bytes() == content


def test_every_byte_of_the_key_check(file):
    SpeakerStore(file, KEY).add("spk1", MODEL, enrollments(0))
    for column, opens in (("salt", False), ("key_check", False), ("checksum", True)):
        ((value,),) = ask(file, f"SELECT {column} FROM encryption")
        for position in range(len(value)):
            other = bytearray(value)
            other[position] ^= 0x10
            ask(file, f"UPDATE encryption SET {column} = ?", (bytes(other),))
            for key in (KEY, OTHER):
                if opens and key is KEY:  # nothing that is sealed is hurt
                    assert SpeakerStore(file, key).names() == ["spk1"]
                    continue
                with pytest.raises(
                    StoreError, match="is damaged, where it keeps the check of its key; restore"
                ):
                    SpeakerStore(file, key).names()
        ask(file, f"UPDATE encryption SET {column} = 'text'")
        if not opens:
            with pytest.raises(StoreError, match="is damaged"):
                SpeakerStore(file, KEY).names()
        ask(file, f"UPDATE encryption SET {column} = ?", (value,))
    assert SpeakerStore(file, KEY).names() == ["spk1"]


@pytest.mark.parametrize("field", ["name", "embedding", "path", "sha256"])
def test_every_byte_of_a_sealed_value(file, field):
    speakers = SpeakerStore(file, KEY)
    speakers.add("spk1", MODEL, enrollments(0))
    table, whose = ("speakers", "spk1") if field == "name" else ("enrollments", "an utterance of spk1")
    ((value,),) = ask(file, f"SELECT {field} FROM {table} WHERE id = 1")
    for position in range(0, len(value), 1 if len(value) < 60 else 17):
        other = bytearray(value)
        other[position] ^= 0x01
        ask(file, f"UPDATE {table} SET {field} = ? WHERE id = 1", (bytes(other),))
        with pytest.raises(StoreError, match=f"^The {field} of {whose} is damaged, or was moved there"):
            speakers.get("spk1")
    if field == "name":
        with pytest.raises(
            StoreError, match=r"name of the speaker with the identifier [0-9a-f]{32} is damaged"
        ):
            speakers.names()
    speakers.add("spk1", MODEL, enrollments(2), "replace")
    assert facts(speakers.get("spk1"))[4][0][1] == "/audio/of-2-0.wav"


SWAPS = {
    "utterances of one speaker": ("enrollments", "embedding", 1, 2, "embedding"),
    "embeddings of two speakers": ("enrollments", "embedding", 1, 3, "embedding"),
    "paths of two speakers": ("enrollments", "path", 1, 3, "path"),
    "checksums": ("enrollments", "sha256", 2, 3, "sha256"),
    "utterances": ("enrollments", "speaker", 1, 3, "embedding"),
    "names": ("speakers", "name", 1, 2, "name"),
    "what names are found by": ("speakers", "lookup", 1, 2, "name"),
    "identifiers": ("speakers", "identifier", 1, 2, "name"),
}


@pytest.mark.parametrize("swap", SWAPS)
def test_what_was_swapped_is_refused(file, swap):
    table, column, first, second, said = SWAPS[swap]
    speakers = SpeakerStore(file, KEY)
    for seed, name in enumerate(("spk1", "spk2")):
        speakers.add(name, MODEL, enrollments(seed))
    with closing(sqlite3.connect(file)) as db, db:
        kept = dict(db.execute(f"SELECT id, {column} FROM {table}"))
        for row, value in ((first, None), (second, kept[first]), (first, kept[second])):
            db.execute(
                f"UPDATE {table} SET {column} = ? WHERE id = ?", (b"-" if value is None else value, row)
            )
    for name in ("spk1", "spk2") if (first == 1 and second == 3) or table == "speakers" else ("spk1",):
        with pytest.raises(StoreError, match=f"^The {said} of .*{name} is damaged, or was moved there"):
            speakers.get(name)


def test_a_value_of_another_store_is_refused(file):
    first, second = SpeakerStore(file, KEY), SpeakerStore(file.with_name("other.sqlite"), KEY)
    first.add("spk1", MODEL, enrollments(0))
    second.restore(first.profiles())  # the same key, identifier and rows
    assert facts(second.get("spk1")) == facts(first.get("spk1"))
    for table, column in (("speakers", "name"), ("enrollments", "embedding")):
        ((value,),) = ask(file, f"SELECT {column} FROM {table} WHERE id = 1")
        ((before,),) = ask(second.path, f"SELECT {column} FROM {table} WHERE id = 1")
        ask(second.path, f"UPDATE {table} SET {column} = ? WHERE id = 1", (value,))
        with pytest.raises(StoreError, match="moved there from elsewhere"):
            second.get("spk1")
        ask(second.path, f"UPDATE {table} SET {column} = ? WHERE id = 1", (before,))
    assert first.names() == second.names() == ["spk1"]


def test_encrypted_in_place_and_back(file):
    plain = SpeakerStore(file)
    several = {f"spk-of-{number}": enrollments(number, 1 + number % 4) for number in range(20)}
    for number, (name, each) in enumerate(several.items()):
        plain.add(name, MODEL, each)
        if number % 3 == 2:  # rows move, and leave copies in free space
            plain.add(f"spk-of-{number - 1}", MODEL, enrollments(100 + number), "add")
    before = list(map(facts, plain.profiles()))
    assert all(len(left(file.parent, *each)) > 20 for each in several.items())  # the test can fail
    assert encrypt_store(file, KEY) is True
    assert all(left(file.parent, *each) == [] for each in several.items())
    assert list(map(facts, SpeakerStore(file, KEY).profiles())) == before
    with pytest.raises(StoreError, match="is encrypted; give its key"):
        plain.names()
    for key in (KEY, OTHER):
        with pytest.raises(StoreError, match="is encrypted already; another key needs decrypt first"):
            encrypt_store(file, key)
    with pytest.raises(StoreError, match="wrong key"):
        decrypt_store(file, OTHER)
    sealed = ask(file, "SELECT salt, key_check FROM encryption")[0]
    assert decrypt_store(file, KEY) is True
    assert list(map(facts, plain.profiles())) == before
    assert not any(each in file.read_bytes() for each in sealed)
    with pytest.raises(StoreError, match="is not encrypted"):
        decrypt_store(file, KEY)


def test_what_cannot_be_converted(file):
    for convert in (encrypt_store, decrypt_store):
        with pytest.raises(StoreError, match="There is no store"):
            convert(file, KEY)
        with pytest.raises(StoreError, match="The key is no"):
            convert(file, b"secret")
        with pytest.raises(StoreError, match="is a folder"):
            convert(file.parent, KEY)
    assert not file.exists()
    speakers = SpeakerStore(file, KEY)
    for number in range(3):
        speakers.add(f"spk{number}", MODEL, enrollments(number))
    ask(file, "UPDATE enrollments SET path = 'x' WHERE id = 5")
    content = file.read_bytes()
    with pytest.raises(StoreError, match="The path of an utterance of spk2 is damaged"):
        decrypt_store(file, KEY)
    assert file.read_bytes() == content


def test_a_reader_delays_the_erasure_and_the_next_opening_completes_it(file, monkeypatch):
    monkeypatch.setattr(database, "ERASING_SECONDS", 0.05)
    several = enrollments(0)
    plain, sealed = SpeakerStore(file), SpeakerStore(file, KEY)
    plain.add("spk-of-old", MODEL, several)
    plain.add("spk-second", MODEL, enrollments(1))
    with plain.database.reading() as reader, closing(plain.profiles()) as half:
        assert reader.execute("SELECT count(*) FROM speakers").fetchone() == (2,)
        assert next(half).name == "spk-of-old"
        assert encrypt_store(file, KEY) is False
        assert [facts(each)[4][0][1] for each in half] == ["/audio/of-1-0.wav"]
        assert sealed.names() == ["spk-of-old", "spk-second"]
        assert left(file.parent, "spk-of-old", several)
        name = reader.execute("SELECT name FROM speakers").fetchone()  # the state that it began with
        assert name == ("spk-of-old",)
    assert sealed.names() == ["spk-of-old", "spk-second"]
    assert left(file.parent, "spk-of-old", several) == []


KILLED = """
import os, signal, sys
from speakertrip.enrollment import encrypt_store
from speakertrip.enrollment.store import database, rows
where = {"before the end": (rows, "expect_erasure"), "before the erasure": (database.Database, "erase")}[sys.argv[2]]
setattr(*where, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
encrypt_store(sys.argv[1], bytes(range(32)))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_conversion_that_is_killed(file):
    several = {f"spk-of-{number}": enrollments(number, 3) for number in range(8)}
    for name, each in several.items():
        SpeakerStore(file).add(name, MODEL, each)
    before = list(map(facts, SpeakerStore(file).profiles()))
    for moment, key in (("before the end", None), ("before the erasure", KEY)):
        done = subprocess.run([sys.executable, "-c", KILLED, file, moment], check=False)
        assert done.returncode == -9
        assert list(map(facts, SpeakerStore(file, key).profiles())) == before
    assert all(left(file.parent, *each) == [] for each in several.items())


def of_version(file, version):
    """Make a file as an earlier version left it, with one speaker."""
    several = enrollments(0)
    with closing(sqlite3.connect(file)) as db, db:
        for each in range(1, version + 1):
            db.executescript(MIGRATIONS[each])
        db.execute("INSERT INTO speakers (id, name, model) VALUES (1, 'spk-of-old', ?)", (MODEL,))
        if version > 1:
            db.execute("UPDATE speakers SET identifier = ?", ("ab" * 16,))
        for each in several:
            row = each.embedding.tobytes(), each.path, each.sha256, each.seconds
            columns = "speaker, embedding, path, sha256, seconds"
            db.execute(f"INSERT INTO enrollments ({columns}) VALUES (1, ?, ?, ?, ?)", row)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
    return several


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_earlier_versions(file, version):
    several = of_version(file, version)
    content = file.read_bytes()
    speakers = SpeakerStore(file)
    for _ in range(2):
        old = speakers.get("spk-of-old")
        assert [(e.path, e.sha256, e.seconds, e.snr_db) for e in old.enrollments] == [
            (e.path, e.sha256, e.seconds, None) for e in several
        ]
        np.testing.assert_array_equal(old.embeddings, [e.embedding for e in several])
        assert not speakers.audit.is_on()
    assert file.read_bytes() == content  # reading changes no file of another version
    with pytest.raises(StoreError, match="is not encrypted; leave the key out"):
        SpeakerStore(file, KEY).names()
    assert encrypt_store(file, KEY) is True
    assert facts(SpeakerStore(file, KEY).get("spk-of-old"))[4][0][:3] == (
        several[0].embedding.tobytes(),
        several[0].path,
        several[0].sha256,
    )
    assert version == 1 or SpeakerStore(file, KEY).get("spk-of-old").identifier == "ab" * 16
    assert left(file.parent, "spk-of-old", several) == []


def test_a_file_of_an_earlier_version_is_migrated_by_the_first_writing(file):
    of_version(file, 2)
    SpeakerStore(file).add("spk1", MODEL, enrollments(1))
    assert SpeakerStore(file).names() == ["spk-of-old", "spk1"]
    assert ask(file, "SELECT lookup FROM speakers ORDER BY id") == [("spk-of-old",), ("spk1",)]
    assert SpeakerStore(file).remove("spk-of-old")


def test_an_empty_file_becomes_an_encrypted_store(file):
    file.touch()
    speakers = SpeakerStore(file, KEY)
    with pytest.raises(StoreError, match="No speaker named spk1"):
        speakers.get("spk1")
    speakers.add("spk1", MODEL, enrollments(0))
    assert speakers.names() == ["spk1"]
    with pytest.raises(StoreError, match="is encrypted"):
        SpeakerStore(file).names()


ENROLL = """
import sys
import numpy as np
from speakertrip.enrollment import Enrollment, SpeakerStore
file, process = sys.argv[1], int(sys.argv[2])
sys.stdin.read(1)  # all begin at once
for number in range(5):
    one = [Enrollment(np.full(24, 10 * process + number + 1, "f4"), "/a.wav", "", 1.0)]
    SpeakerStore(file, bytes(range(32))).add("together", "m", one, "add")
    SpeakerStore(file, bytes(range(32))).add(f"spk{process}-{number}", "m", one)
"""


def test_processes_that_enroll_at_once_lose_nothing(file):
    processes = [
        subprocess.Popen([sys.executable, "-c", ENROLL, file, str(i)], stdin=subprocess.PIPE)
        for i in range(2)
    ]
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0, 0]
    speakers = SpeakerStore(file, KEY)
    together = speakers.get("together").embeddings[:, 0].tolist()
    assert sorted(together) == [10 * i + j + 1 for i in range(2) for j in range(5)]
    assert len(list(speakers.profiles())) == 11


PLAINLY = """
import sys
import numpy as np
from speakertrip.enrollment import Enrollment, SpeakerStore
from speakertrip.errors import StoreError
try:
    for number in range(10_000):
        one = [Enrollment(np.ones(24, "f4"), "/of-old.wav", "", 1.0)]
        SpeakerStore(sys.argv[1]).add(f"spk-of-old-{number}", "m", one)
        print(number + 1, flush=True)
except StoreError as error:
    print(error)
"""


def test_nobody_enrolls_in_clear_into_a_store_that_is_encrypted_meanwhile(file):
    process = subprocess.Popen([sys.executable, "-c", PLAINLY, file], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "1\n"
    encrypt_store(file, KEY)
    *counts, said = process.communicate(timeout=60)[0].splitlines()
    assert said == f"{file} is encrypted; give its key by --key-file or SPEAKERTRIP_KEY (key=)."
    assert len(SpeakerStore(file, KEY).names()) == 1 + len(counts)
    assert b"of-old" not in b"".join(path.read_bytes() for path in file.parent.iterdir())


def test_a_path_that_is_not_utf8(file):
    each = replace(enrollments(0)[0], path=os.fsdecode(b"/caf\xe9.wav"))
    assert SpeakerStore(file, KEY).add("spk1", MODEL, [each]).enrollments[0].path == r"/caf\udce9.wav"


def test_embeddings_that_are_no_vectors_are_refused_as_in_clear(file):
    speakers = SpeakerStore(file, KEY)
    profile = speakers.add("spk1", MODEL, enrollments(0))
    with speakers.database.writing() as db:
        assert isinstance(db.cipher, SealedCipher)
        value = db.cipher.seal(b"\0\0\xc0\x7f" * 192, Place("embedding", profile.identifier, 1))
        db.execute("UPDATE enrollments SET embedding = ? WHERE id = 1", (value,))
    with pytest.raises(StoreError, match="enrollments of spk1 are damaged; enroll again by --replace"):
        speakers.get("spk1")


def searched(store, probe):
    rule_ = DecisionRule(Backend(), Threshold(0.0))
    found = Crowd(store, MODEL, rule_).search(Backend().sides(probe), 5)
    return [(each.name, each.decision.score) for each in found.candidates]


def test_searches_keep_nothing_beside_an_encrypted_store(tmp_path):
    plain = SpeakerStore(tmp_path / "plain.sqlite")
    folder = tmp_path / "sealed"
    sealed = SpeakerStore(folder / "sealed.sqlite", KEY)
    for store in (plain, sealed):
        for seed in range(20):
            store.add(f"ada{seed}", MODEL, enrollments(seed))
    probe = np.random.default_rng(99).standard_normal((1, 192)).astype(np.float32)
    assert searched(sealed, probe) == searched(plain, probe)
    assert (tmp_path / "plain.sqlite-search").is_dir()
    assert not (folder / "sealed.sqlite-search").exists()
    assert left(folder, "ada7", enrollments(7)) == []


def test_what_searches_kept_is_erased_by_an_encryption(tmp_path):
    store = SpeakerStore(tmp_path / "speakers.sqlite")
    for seed in range(20):
        store.add(f"ada{seed}", MODEL, enrollments(seed))
    probe = enrollments(7)[0].embedding[None]
    before = searched(store, probe)
    unit = (probe / np.linalg.norm(probe)).astype(np.float32)
    for name in ("ada0", "ada19"):
        store.remove(name)
    assert encrypt_store(store.path, KEY)
    files = [path for path in (tmp_path / "speakers.sqlite-search").rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    assert unit[0, :2].tobytes() not in content
    assert not [path for path in files if path.suffix == ".f32" or path.stat().st_size > 10_000]
    after = searched(SpeakerStore(store.path, KEY), probe)
    assert after[0] == before[0]
    assert not [
        path for path in (tmp_path / "speakers.sqlite-search").rglob("*") if path.stat().st_size > 10_000
    ]
