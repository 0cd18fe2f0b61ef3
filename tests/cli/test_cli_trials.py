import pytest

from speakertrip.cli import run
from speakertrip.manifests import Utterance, read_enrollment_map, read_trials, write_manifest


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    utterances = [
        Utterance(f"{s}/{v}/{i}.wav", tmp_path / "a.wav", s, session=v, sex=sex)
        for s, sex in (("a", "f"), ("b", "f"), ("c", "m"), ("d", None))
        for v in ("x", "y")
        for i in range(2)
    ]
    write_manifest("m.jsonl", utterances)
    return "m.jsonl"


def test_all_pairs(manifest, capsys):
    assert run(["manifest", "trials", manifest, "--out", "lists/trials.txt"]) == 0
    assert capsys.readouterr() == ("lists/trials.txt: 120 trials (24 target)\n", "")
    trials = read_trials("lists/trials.txt")
    assert (len(trials), trials.targets.sum(), trials.repeats) == (120, 24, 0)


def test_conditions(manifest, capsys):
    options = [
        "--same-sex",
        "--cross-session",
        "--targets-per-speaker",
        "3",
        "--nontargets",
        "10",
        "--seed",
        "1",
    ]
    assert run(["manifest", "trials", manifest, "--out", "t.txt", *options]) == 0
    out, err = capsys.readouterr()
    assert out == "t.txt: 19 trials (9 target)\n"
    assert err == "Left out for lack of what the conditions ask for: 4 utterances.\n"
    for enrollment, test in zip(read_trials("t.txt").enrollments, read_trials("t.txt").tests, strict=True):
        assert "d/" not in enrollment + test
        assert enrollment[:3] != test[:3]


def test_models(manifest, capsys):
    options = ["--enroll-utterances", "2", "--enrollments-out", "map.txt", "--cross-session"]
    assert run(["manifest", "trials", manifest, "--out", "t.txt", *options]) == 0
    assert capsys.readouterr().out == "t.txt: 32 trials (8 target)\nmap.txt: 4 models of 2 utterances\n"
    models, trials = read_enrollment_map("map.txt"), read_trials("t.txt")
    assert set(trials.enrollments) == models.keys()
    assert not {id_ for ids in models.values() for id_ in ids} & set(trials.tests)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--cross-language"], 6, "m.jsonl: no utterance has a language"),
        (
            ["--enroll-utterances", "4", "--enrollments-out", "map.txt"],
            6,
            "m.jsonl: no speaker has 4 utterances",
        ),
        (["--enroll-utterances", "2"], 2, "--enroll-utterances and --enrollments-out go together"),
        (["--same-language", "--cross-language"], 2, "exclude each other"),
        (["--out", "./m.jsonl"], 2, "must be different files"),
        (["--targets", "-1"], 2, "--targets"),
        (["--out", "m.jsonl/t.txt"], 7, "Cannot write"),
    ],
)
def test_where_it_cannot(manifest, tmp_path, capsys, options, code, message):
    assert run(["manifest", "trials", manifest, "--out", "t.txt", *options]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["m.jsonl"]
