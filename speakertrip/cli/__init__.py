"""The command line: one file per verb. Heavy imports stand inside the verbs, so that ``--help`` is quick."""

from speakertrip.cli.main import run

__all__ = ["run"]
