import json

import pytest

from speakertrip.config import AugmentConfig, TrainConfig, read_config
from speakertrip.config.augment import EFFECT_KINDS, NoiseConfig
from speakertrip.errors import ConfigError

CHAIN = """
[augment]
mask_probability = 0.3
memory_mib = 64
[[augment.chain]]
kind = "noise"
probability = 0.6
manifest = "musan/noise.jsonl"
snr_db = [5, 25]
[[augment.chain]]
kind = "telephone"
codecs = ["gsm"]
"""


@pytest.fixture
def read(tmp_path):
    def read_text(text, *overrides):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return read_config(path, overrides)

    return read_text


def test_a_chain_is_read_in_order(read):
    augment = read(CHAIN).augment
    assert (augment.mask_probability, augment.memory_mib) == (0.3, 64)
    noise, telephone = augment.chain
    assert noise == NoiseConfig(kind="noise", probability=0.6, manifest="musan/noise.jsonl", snr_db=(5, 25))
    assert (telephone.kind, telephone.probability, telephone.codecs) == ("telephone", 1.0, ("gsm",))


@pytest.mark.parametrize("kind", EFFECT_KINDS)
def test_every_kind_has_defaults(read, kind):
    more = 'manifest = "rirs"' if kind == "reverb" else ""
    [effect] = read(f'[[augment.chain]]\nkind = "{kind}"\n{more}').augment.chain
    assert effect.kind == kind


def test_what_is_written_out_is_read_again(read):
    config = read(CHAIN)
    assert TrainConfig.model_validate(json.loads(config.model_dump_json())) == config
    light = read("[augment]\nnoise_probability = 0.1")
    assert TrainConfig.model_validate(light.model_dump(mode="json")) == light


def test_overrides_reach_into_the_chain(read):
    config = read(CHAIN, "augment.chain.0.probability=1", "augment.chain.1.kind=gain")
    assert config.augment.chain[0].probability == 1
    assert config.augment.chain[1].db == (-15, 5)
    assert read(CHAIN, "augment.chain=[]").augment == AugmentConfig(mask_probability=0.3, memory_mib=64)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("augment.chain.2.probability=1", "goes into '2', which is not a section"),
        ("augment.chain.x.probability=1", "goes into 'x', which is not a section"),
        ("augment.chain.-1.probability=1", "goes into '-1', which is not a section"),
        ("augment.chain.0=1", "changes an entry of a list"),
        ("augment.chain.0.probability.x=1", "goes into 'probability', which is not a section"),
        ("augment.chain.0.snr_db.1=9", "changes an entry of a list"),
        ("augment.chain.0.snr=9", r"augment\.chain\.0\.snr: no such option"),
    ],
)
def test_bad_overrides_are_named(read, override, words):
    with pytest.raises(ConfigError, match=words):
        read(CHAIN, override)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('kind = "noise"\nsnr = 3', r"config\.toml: augment\.chain\.0\.snr: no such option"),
        ('kind = "noise"\nsnr_db = [20, 5]', r"augment\.chain\.0\.snr_db: must be \[lowest, highest\]"),
        ('kind = "noise"\nprobability = 2', r"augment\.chain\.0\.probability: must be less"),
        ('kind = "noise"\nmanifest = ""', r"augment\.chain\.0\.manifest: must not be empty"),
        (
            'kind = "nois"',
            r"augment\.chain\.0: there is no kind 'nois'; take one of 'noise', 'babble', .*'gain'\.$",
        ),
        ('kind = "noise"\nsnr_db = 3', r"augment\.chain\.0\.snr_db: must be a list\.$"),
        (
            'kind = "noise"\nsnr_db = [1, 2, 3]',
            r"augment\.chain\.0\.snr_db: must have at most 2 entries, not 3\.$",
        ),
        ("snr_db = [1, 2]", r'augment\.chain\.0: say which: kind = "noise" or kind = "babble"'),
        ('kind = "reverb"', r"augment\.chain\.0\.manifest: is missing"),
        ('kind = "babble"\nvoices = [0, 3]', r"augment\.chain\.0: voices must lie between 1 and 32"),
        ('kind = "babble"\nvoices = [4, 3]', r"augment\.chain\.0\.voices: must be \[lowest"),
        ('kind = "band"\nlow = [300, 5000]', r"augment\.chain\.0: low must lie below high"),
        ('kind = "band"\nhigh = [3000, 9000]', r"augment\.chain\.0\.high\.1: must be less"),
        ('kind = "room"\nsize = [1, 2]', r"augment\.chain\.0: size must be 1\.5 m or more"),
        ('kind = "codec"\ncodecs = []', r"augment\.chain\.0\.codecs: must have at least 1 entries, not 0"),
        (
            'kind = "codec"\ncodecs = ["aac"]',
            r"augment\.chain\.0\.codecs\.0: must be 'opus' or 'mp3'",
        ),
        ('kind = "gain"\ndb = [-inf, 0]', r"augment\.chain\.0\.db\.0: must be"),
    ],
)
def test_bad_entries_are_named_by_file_and_key(read, entry, message):
    with pytest.raises(ConfigError, match=message):
        read(f"[[augment.chain]]\n{entry}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[augment]\nchain = 3", r"augment\.chain: must be a list\.$"),
        ('[augment.chain]\nkind = "noise"', r"augment\.chain: must be a list\.$"),
        ('[augment]\nchain = ["noise"]', r"augment\.chain\.0: must be a section\.$"),
        ("augment = 3", r"augment: must be a section\.$"),
    ],
)
def test_a_chain_of_another_shape(read, text, message):
    with pytest.raises(ConfigError, match=message):
        read(text)


def test_the_second_entry_is_called_1(read):
    with pytest.raises(ConfigError, match=r"augment\.chain\.1\.codecs"):
        read(CHAIN.replace("gsm", "umts"))


def test_a_chain_takes_the_place_of_light_augmentation(read):
    with pytest.raises(ConfigError, match=r"augment: a chain takes the place of noise_probability"):
        read(CHAIN.replace("memory_mib = 64", "noise_probability = 0.2"))


@pytest.mark.parametrize("pitches", ["[]", "[1, 1]", "[13]", "2"])
def test_pitches_are_different_and_within_an_octave(read, pitches):
    with pytest.raises(ConfigError, match=r"data(\.pitches|: pitches must be)"):
        read(f"[data]\npitches = {pitches}")
