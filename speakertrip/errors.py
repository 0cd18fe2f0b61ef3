"""The exceptions of speakertrip: one tree, and each class carries the exit code of its command.

Catch ``SpeakertripError`` for everything that this package raises on purpose. Each message is one sentence:
what is wrong, where (file and line), and what to do about it.
"""


class SpeakertripError(Exception):
    """Base of every error that speakertrip raises on purpose."""

    exit_code = 70


INTERRUPTED = 130  # the exit code after Ctrl-C, of whatever stopped in good order
NO_MATPLOTLIB = "A picture needs matplotlib: install the plot extra, speakertrip[plot]."


def counted(count: int, thing: str) -> str:
    """Return a count in the words of a message.

    >>> counted(1, "speaker"), counted(1200, "utterance")
    ('1 speaker', '1,200 utterances')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


class SpeakertripWarning(UserWarning):
    """What the package warns of: the result stands, but may be worse than expected."""


class UsageError(SpeakertripError):
    """The call itself is wrong: options that contradict each other or name nothing."""

    exit_code = 2


class AudioError(SpeakertripError):
    """Audio that is missing, cannot be decoded, or holds no speech to work with."""

    exit_code = 3


class SamplesError(AudioError):
    """Audio whose samples are no numbers to compute with: not finite, or far beyond full scale."""


class TruncatedError(AudioError):
    """Audio that ends, or can be decoded no further, before the end that its header states."""


class StoreError(SpeakertripError):
    """The store of enrolled speakers: an unknown speaker, or a file that is no store."""

    exit_code = 4


class BundleError(SpeakertripError):
    """A model bundle that is missing, damaged, or not of a kind this version can run."""

    exit_code = 5


class DataError(SpeakertripError):
    """A manifest, trial list or score file that is missing or malformed."""

    exit_code = 6


class ConfigError(SpeakertripError):
    """A configuration file or override that is missing, malformed or contradictory."""

    exit_code = 6


class StorageError(SpeakertripError):
    """Something could not be written: a full disk, a read-only folder, a closed output."""

    exit_code = 7


class TrainingError(SpeakertripError):
    """Training cannot go on: the loss is not finite, or the data cannot fill a batch."""

    exit_code = 6


class DivergedError(TrainingError):
    """What was learnt is of no use: a loss or embeddings that are not finite, or that have collapsed."""


class ToldElsewhereError(TrainingError):
    """Another process of a training failed and says why: this one ends with the same exit code and says nothing.

    Args:
        exit_code: of the other process.
    """

    def __init__(self, exit_code: int) -> None:
        super().__init__("Another process of this training failed; see its message.")
        self.exit_code = exit_code
