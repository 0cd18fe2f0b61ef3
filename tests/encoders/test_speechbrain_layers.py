import sys

import torch

from speakertrip.encoders.speechbrain_layers import Conv1d, skip_empty_padding


def test_a_debugger_may_ask_every_module_for_its_file():
    redirects = [m for m in list(sys.modules.values()) if type(m).__name__ == "DeprecatedModuleRedirect"]
    assert [module.__file__ for module in redirects] == [None] * len(redirects)


def test_only_convolutions_of_width_1_lose_their_padding():
    layers = torch.nn.ModuleList(Conv1d(4, width, in_channels=4) for width in (1, 3))
    features = torch.randn(2, 10, 4)
    before = [layer(features) for layer in layers]
    skip_empty_padding(layers)
    assert [layer.padding for layer in layers] == ["valid", "same"]
    for layer, expected in zip(layers, before, strict=True):
        torch.testing.assert_close(layer(features), expected, atol=0, rtol=0)
