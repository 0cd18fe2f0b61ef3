import pytest

from speakertrip import config


def test_every_public_name_is_there():
    for name in config.__all__:
        assert getattr(config, name) is not None
    assert set(config._HOMES) < set(config.__all__)


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'LossesConfig'"):
        _ = config.LossesConfig
