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
        ("[loss]\nmargin = 'wide'", r"loss\.margin: must be a number or a section"),
        ("[loss]\nmargin = true", r"loss\.margin: must be a number or a section"),
        (
            '[loss]\nkind = "joint"\nsoftmax.kind = "ge2e"\ntriplet.margin = 9',
            r"loss\.triplet\.margin\.value: must be less",
        ),
        ("[optimizer]\nsteps = true", r"optimizer\.steps: must be a number, not true"),
        ("[optimizer]\nlr = '1e-3'", r'optimizer\.lr: must be a number, not "1e-3"'),
        ("[data]\nspeeds = [0.9, true]", r"data\.speeds\.1: must be a number, not true"),
        ("[compute]\ncompile = 'yes'", r'compute\.compile: must be true or false, not "yes"'),
        ("[compute]\ncompile = 1", r"compute\.compile: must be true or false, not 1"),
        ("[data]\nspeeds = []\n[optimizer]\nsteps = 0", r"data: speeds must .* \(and 1 more\)"),
        ("[optimizer]\nsteps = 99999999999999999999", r"optimizer\.steps: must be less than or equal to"),
        ("[optimizer]\nlr = 1e300", r"optimizer\.lr: must be less than or equal to"),
        ("[loss]\nmemory.size = 99999999999", r"loss\.memory\.size: must be less than or equal to"),
        ("[data]\nmemory_gib = 1e300", r"data\.memory_gib: must be less than or equal to"),
        ('[data]\nmanifest = "a\\u0000b"', r"data\.manifest: a name of a file holds no NUL"),
        (f"seed = {'9' * 5000}", "holds a number of thousands of digits"),
        (
            "[optimizer]\nfrozen_steps = 3",
            r"config\.toml: optimizer\.frozen_steps: the triplet loss has nothing",
        ),
        ('[encoder]\nkind = "resnext"', r"encoder: .*'ecapa', 'xvector'"),
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
    with pytest.raises(ConfigError, match=r"The value of --set 'seed=.* is not TOML: "):
        read_config(write("seed = 1"), ["seed=" + "[" * 200_000])


@pytest.mark.parametrize(
    "override", ["optimizer.decay.x.y=1", "loss.margin.x.y.kind=1", "loss.kind=[]", "x.y.z=1"]
)
def test_overrides_that_lead_nowhere_are_named(write, override):
    with pytest.raises(ConfigError, match=override.partition(".")[0]):
        read_config(write("seed = 1"), [override])


@pytest.mark.parametrize("override", ["loss.margin", "=3", "loss..margin=1", "seed.x=1"])
def test_bad_overrides_are_named(write, override):
    with pytest.raises(ConfigError, match=r"^--set '"):
        read_config(write("seed = 1"), [override])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["seed=2", "foo=3"], r"^--set 'foo=3': foo: no such option\.$"),
        (["loss.margin=9"], r"^--set 'loss\.margin=9': loss\.margin\.value: must be less"),
        (["loss={margin = 9}"], r"^--set .*: loss\.margin\.value: must be less"),
        (["optimizer.steps=true"], r"^--set 'optimizer\.steps=true': optimizer\.steps: must be a number"),
        ([f"seed={'9' * 5000}"], r"^--set 'seed=9{55}\.\.\.': seed: is too large\.$"),
        (["seed=-2", "seed=-1", "loss.margin=0.3"], r"^--set 'seed=-1': seed: must be"),
        (["features={f_min = 7700}"], r"^--set .*: features: f_min \(7700\) must lie below"),
        (
            ["features.f_min=7000"],
            r"^\S+config\.toml with --set 'features\.f_min=7000': features: f_min \(7000\)",
        ),
        (["seed=1", "features.f_max=9000"], r"^--set 'features\.f_max=9000': features\.f_max: must be"),
        (["data.speeds=[0.9,1.0"], r"^The value of --set 'data\.speeds=\[0\.9,1\.0' is not TOML: Unclosed"),
        (["optimizer.lr=3e-4\nfoo=3"], r"^--set 'optimizer\.lr=3e-4\\nfoo=3' gives more than one key"),
        (["features.mels.kind=x"], r"goes into 'mels', which is not a section; give the whole of it"),
    ],
)
def test_a_fault_of_an_override_names_the_override(write, overrides, message):
    path = write("[features]\nmels = 40\nf_max = 6000\n")
    with pytest.raises(ConfigError, match=message):
        read_config(path, overrides)
    with pytest.raises(ConfigError, match=r"^\S+config\.toml: features\.mels: must be"):
        read_config(write("[features]\nmels = 7\n"), ["seed=1", "batch.speakers=8"])


def test_numbers_may_be_written_as_many_write_them(write):
    config = read_config(write(""), ["optimizer.lr=.001", "optimizer.steps=1e3", "optimizer.clip_norm=5."])
    assert (config.optimizer.lr, config.optimizer.steps, config.optimizer.clip_norm) == (0.001, 1000, 5.0)


def test_a_value_may_have_several_lines(write):
    assert read_config(write(""), ["data.speeds=[0.9,\n1.0]"]).data.speeds == (0.9, 1.0)


def test_a_byte_order_mark_is_no_entry(write):
    assert read_config(write("\ufeffseed = 3")).seed == 3


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["optimizer.steps=100", "optimizer.warmup_steps=100"], r"warmup_steps \(100\) must be less than"),
        (["optimizer.steps=5", "average.kind=last", "average.every=5"], r"average\.every \(5\) must be less"),
        (
            ["optimizer.steps=5", 'loss.margin={kind = "linear", start = 0.1, end = 0.4, steps = 6}'],
            r"loss\.margin\.steps \(6\) must not be",
        ),
        (
            ["optimizer.steps=5", 'loss={kind = "aam-softmax", margin_warmup_steps = 6}'],
            r"loss\.margin_warmup_steps \(6\) must not be",
        ),
        (
            [
                "optimizer.steps=5",
                'loss={kind = "joint", softmax = {kind = "aam-softmax", margin_warmup_steps = 6}}',
            ],
            r"loss\.softmax\.margin_warmup_steps \(6\) must not be",
        ),
    ],
)
def test_schedules_that_outlast_the_run_are_refused(write, overrides, message):
    with pytest.raises(ConfigError, match=message) as caught:
        read_config(write(""), overrides)
    assert "with --set 'optimizer.steps=" in str(caught.value)
    longer = overrides[0].replace("=5", "=6").replace("=100", "=101")
    assert read_config(write(""), [longer, *overrides[1:]])


def test_a_short_run_needs_no_other_warm_up_than_the_default(write):
    config = read_config(write(""), ["optimizer.steps=100"])
    assert config.optimizer.steps < config.optimizer.warmup_steps
    assert TrainConfig.model_validate(config.model_dump()) == config


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


@pytest.mark.parametrize("key", ["watch.pictures", "watch.tensorboard", "compute.compile"])
@pytest.mark.parametrize("value", [True, False])
def test_what_is_true_or_false_can_be_set(write, key, value):
    section, option = key.split(".")
    text = str(value).lower()
    for config in (
        read_config(write(f"[{section}]\n{option} = {text}\n")),
        read_config(write(""), [f"{key}={text}"]),
    ):
        assert getattr(getattr(config, section), option) is value
