from pathlib import Path

import pytest

from speakertrip.config import EcapaConfig, RunningAverageConfig, TrainConfig, XVectorConfig, read_config
from speakertrip.errors import ConfigError

RECIPES = sorted((Path(__file__).parents[2] / "recipes").rglob("*.toml"))


@pytest.fixture
def write(tmp_path):
    def write_text(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return path

    return write_text


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_shipped_config_loads(path):
    assert isinstance(read_config(path), TrainConfig)


def test_recipes_are_found():
    assert len(RECIPES) >= 4


def test_an_empty_file_gives_the_defaults(write):
    assert read_config(write("")) == TrainConfig()


def test_values_and_overrides(write):
    path = write('seed = 3\n[encoder]\nkind = "xvector"\nchannels = 64\n[loss]\nmargin = 0.3\n')
    config = read_config(path, ["loss.margin=0.5", "data.manifest=other.jsonl", "data.speeds=[1.0]"])
    assert config.seed == 3
    assert isinstance(config.encoder, XVectorConfig)
    assert config.encoder.channels == 64
    assert config.loss.margin.value == 0.5
    assert (config.data.manifest, config.data.speeds) == ("other.jsonl", (1.0,))
    assert isinstance(read_config(path, ["encoder.kind=ecapa"]).encoder, EcapaConfig)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[loss]\nmargn = 0.3", r"config\.toml: loss\.margn: no such option"),
        ("[los]\nmargin = 0.3", r"los: no such option"),
        ("[loss]\nmargin = -1", r"loss\.margin\.value: must be greater than 0"),
        ("[features]\nf_min = 8000", r"features: f_min \(8000\) must lie below f_max \(7600\)"),
        ("[encoder]\nchannels = 64", r'encoder: say which: kind = "ecapa" or kind = "xvector"'),
        (
            '[loss]\nkind = "joint"\nsoftmax.scale = 9',
            r"loss\.softmax: say which: kind = \"aam-softmax\" or ",
        ),
        ("loss.margin.start = 0.1", r"loss\.margin: say which: kind = \"constant\" or "),
        ("augment.chain = [{ snr_db = [0, 9] }]", r"augment\.chain\.0: say which: kind = \"noise\" or "),
        (
            '[loss]\nkind = "joint"\nsoftmax.kind = "ge2e"\ntriplet.margin = 5',
            r"loss\.triplet\.margin\.value: must",
        ),
        ("[loss]\nmargin = nan", r"loss\.margin\.value: must be a finite number"),
        ("[loss]\nmargin = 'wide'", r"loss\.margin\.value: must be a valid number"),
        ('[encoder]\nkind = "resnet"', r"encoder: .*'ecapa', 'xvector'"),
        ('[encoder]\nkind = "ecapa"\nchannels = 100', r"encoder: channels \(100\) must be a multiple"),
        ("[data]\nspeeds = [1.0, 1.0]", r"data: speeds must be a non-empty list of different factors"),
        ("[augment]\nnoise_snr_db = [20, 5]", r"augment\.noise_snr_db: must be \[lowest, highest\]"),
        ("[loss]\nmargin = 0\nminer.share = 2", r"loss\.margin\.value: .* \(and 1 more\)"),
        ("loss = 3", r"loss: must be"),
        ('[batch]\nhard_share = 0.5\ngroup_by = "corpus"', r"batch: hard_share goes with neither group_by"),
        ("[augment]\nnoise_snr_db = [-4000, 0]", r"augment\.noise_snr_db"),
        ("seed = 99999999999", r"seed: must be less than"),
        ("seed = ", "is not TOML"),
    ],
)
def test_bad_entries_are_named_by_file_and_key(write, text, message):
    with pytest.raises(ConfigError, match=message):
        read_config(write(text))


def test_another_kind_empties_its_section(write):
    path = write('[loss]\nkind = "triplet"\nmargin = 0.4\nminer = { kind = "hardest-share", share = 0.1 }\n')
    assert read_config(path, ["loss.kind=aam-softmax"]).loss.margin == 0.2
    assert read_config(path, ["loss.miner.kind=batch-hard"]).loss.miner.kind == "batch-hard"
    assert read_config(path, ["loss.miner.kind=hardest-share"]).loss.miner.share == 0.1


@pytest.mark.parametrize(
    ("text", "override", "found"),
    [
        ("[loss]\nmargin = 0.7", "loss.kind=aam-softmax", {"kind": "aam-softmax"}),  # no squared distance
        ("[loss]\nmargin = 0.7", "loss.kind=triplet", {"kind": "triplet", "margin": 0.7}),
        ('[loss]\nkind = "triplet"\nmargin = 0.7', 'loss.kind="triplet"', {"kind": "triplet", "margin": 0.7}),
        ('[loss]\nkind = "triplet"\nmargin = 0.7', "loss.kind= triplet ", {"kind": "triplet", "margin": 0.7}),
        ("[loss.miner]\nshare = 0.2", "loss.miner.kind=batch-hard", {"miner": {"kind": "batch-hard"}}),
        (
            '[loss.miner]\nkind = "random"\ncount = 3',
            "loss.miner.kind=distance-weighted",  # which has the same options
            {"miner": {"kind": "distance-weighted", "count": 3}},
        ),
        (
            '[loss]\nkind = "joint"\nsoftmax.kind = "ge2e"\nsoftmax.scale = 5\ntriplet.miner.share = 0.3',
            "loss.triplet.miner.kind=hardest-share",
            {
                "kind": "joint",
                "softmax": {"kind": "ge2e", "scale": 5},
                "triplet": {"miner": {"kind": "hardest-share", "share": 0.3}},
            },
        ),
        (
            '[loss]\nkind = "joint"\nsoftmax.kind = "ge2e"\nsoftmax.scale = 5',
            "loss.softmax.kind=aam-softmax",
            {"kind": "joint", "softmax": {"kind": "aam-softmax"}},
        ),
    ],
)
def test_a_kind_keeps_the_options_that_are_its_own_and_no_others(write, text, override, found):
    assert read_config(write(text), [override]).loss == TrainConfig.model_validate({"loss": found}).loss


def test_an_average_has_the_options_of_its_kind_only(write):
    last = write('[average]\nkind = "last"\ncount = 3')
    assert read_config(last, ["average.kind=ema"]).average == RunningAverageConfig(kind="ema", decay=0.999)
    with pytest.raises(ConfigError, match=r"average\.decay: no such option"):
        read_config(last, ["average.decay=0.9"])
    with pytest.raises(
        ConfigError, match=r'average: say which: kind = "none" or kind = "ema" or kind = "last"'
    ):
        read_config(write("average.decay = 0.99"))
    assert read_config(write("average.decay = 0.99"), ["average.kind=ema"]).average.decay == 0.99


def test_a_kind_within_a_list_of_tables_empties_its_own(write):
    path = write('augment.chain = [{ kind = "codec" }, { kind = "noise", snr_db = [0, 9] }]')
    chain = read_config(path, ["augment.chain.1.kind=gain"]).augment.chain
    assert [each.kind for each in chain] == ["codec", "gain"]


def test_the_first_kind_of_a_section_that_has_no_usual_one_keeps_its_options(write):
    encoder = read_config(write("[encoder]\nchannels = 64"), ["encoder.kind=xvector"]).encoder
    assert encoder == XVectorConfig(channels=64)


def test_brackets_without_end_are_refused(write):
    with pytest.raises(ConfigError, match=r"config\.toml has brackets too deep within each other"):
        read_config(write("seed = " + "[" * 200_000))
    with pytest.raises(ConfigError, match="seed: must be"):
        read_config(write("seed = 1"), ["seed=" + "[" * 200_000])


@pytest.mark.parametrize(
    "override", ["optimizer.decay.x.y=1", "loss.margin.x.y.kind=1", "loss.kind=[]", "x.y.z=1"]
)
def test_overrides_that_lead_nowhere_are_named(write, override):
    with pytest.raises(ConfigError, match=override.partition(".")[0]):
        read_config(write("seed = 1"), [override])


@pytest.mark.parametrize("override", ["loss.margin", "=3", "loss..margin=1", "seed.x=1"])
def test_bad_overrides_are_named(write, override):
    with pytest.raises(ConfigError, match="override"):
        read_config(write("seed = 1"), [override])


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="Cannot read the configuration"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_config(tmp_path / "binary.toml")


def test_a_file_without_end_does_not_fill_the_memory(tmp_path, write):
    at_most = 2**20
    assert read_config(write("seed = 3\r\n#" + "x" * (at_most - 11))).seed == 3
    with pytest.raises(ConfigError, match=r"config\.toml has over 1 MiB; this is no configuration\.$"):
        read_config(write("seed = 3\n#" + "x" * (at_most - 9)))
    if Path("/dev/zero").exists():
        with pytest.raises(ConfigError, match="/dev/zero has over 1 MiB"):
            read_config("/dev/zero")


def test_configs_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        TrainConfig().seed = 3
