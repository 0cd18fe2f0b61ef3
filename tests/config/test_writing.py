import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.config import EcapaConfig, TrainConfig, TripletConfig, TuneSpace, read_config, to_toml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RECIPES = sorted(Path(__file__).parents[2].glob("recipes/*/*.toml"))
texts = st.text(st.characters(exclude_categories=["Cs"]))


def read_back(text: str) -> TrainConfig:
    return TrainConfig.model_validate(tomllib.loads(text))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_recipe_reads_back_and_says_no_more_than_it_did(path):
    config = read_config(path)
    text = to_toml(config)
    assert read_back(text) == config
    assert len(text.splitlines()) < 2 * len(path.read_text().splitlines()) + 10


def test_a_configuration_made_in_python_is_written_with_its_kinds():
    config = TrainConfig(encoder=EcapaConfig(channels=32), loss=TripletConfig(softplus_scale=2.0))
    assert read_back(to_toml(config)) == config


def test_a_chain_of_effects_and_an_array_of_numbers():
    chain = [{"kind": "gain", "db": [-3.0, 3.0]}, {"kind": "noise", "manifest": 'a "b" \\c\x7f.txt'}]
    config = TrainConfig.model_validate({"augment": {"chain": chain}, "data": {"speeds": [1.0]}})
    assert read_back(to_toml(config)) == config


@given(st.dictionaries(texts, texts), st.floats(1e-300, 1e4), st.text("a'\" \n\t#=[]é\x01\x7f", min_size=1))
def test_any_text_and_any_number_reads_back(licences, lr, manifest):
    entries = {"data": {"licences": licences, "manifest": manifest}, "optimizer": {"lr": lr}}
    config = TrainConfig.model_validate(entries)
    assert read_back(to_toml(config)) == config


@given(st.tuples(st.floats(0.01, 4), st.floats(0.01, 4)).map(sorted))
def test_a_space_reads_back(ends):
    space = TuneSpace(margin=ends)
    assert TuneSpace.model_validate(tomllib.loads(to_toml(space))) == space
