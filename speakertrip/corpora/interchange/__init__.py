"""Manifests from and to the formats of other tools; each module of a format has ``read`` and ``write``.

What each format can hold stands in ``manifests/README.md``.
"""

from speakertrip.corpora.interchange.formats import FORMATS, export_utterances, import_utterances

__all__ = ["FORMATS", "export_utterances", "import_utterances"]
