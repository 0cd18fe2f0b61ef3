"""The encoder of recipes that train in seconds."""

TINY_ENCODER = """
[encoder]
kind = "ecapa"
channels = 16
embedding_dim = 16
attention_channels = 8
se_channels = 8
res2net_scale = 4
"""
