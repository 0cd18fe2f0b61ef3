"""The one door to speechbrain, and what has to be said to it on the way in."""

import sys

from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.lobes.models.Xvector import Xvector
from speechbrain.nnet.CNN import Conv1d
from speechbrain.utils.importutils import DeprecatedModuleRedirect
from torch import nn

__all__ = ["ECAPA_TDNN", "Xvector", "skip_empty_padding"]

# speechbrain leaves redirects of old names among the loaded modules that try to import what is not installed when
# anybody (a debugger, hypothesis) asks a module for its file. They have none.
for _module in list(sys.modules.values()):
    if type(_module) is DeprecatedModuleRedirect and "__file__" not in vars(_module):
        _module.__file__ = None


def skip_empty_padding(module: nn.Module) -> None:
    """Keep convolutions of width 1 from padding by nothing, which copies their whole input (15 % of a step)."""
    for layer in module.modules():
        if isinstance(layer, Conv1d) and layer.kernel_size == 1:
            layer.padding = "valid"
