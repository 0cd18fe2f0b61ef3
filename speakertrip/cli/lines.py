"""Text of an answer or an error as one line, whatever the name of a file in it holds."""

import re

from speakertrip.errors import SpeakertripError

PYTHON_HINT = re.compile(r" \([a-z_]+=\)\.$")
# Control characters, line separators and marks that turn the direction of writing: with them, a name could forge a
# line of an answer. The bytes that are no UTF-8 stand as lone surrogates.
UNPRINTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: object) -> str:
    r"""Return a text with escapes in the place of control characters and of bytes that are not UTF-8.

    >>> print(one_line("a\nb.wav"), one_line("b\udcff.wav"), one_line("Zo\u00eb: 1.wav"))
    a\nb.wav b\udcff.wav Zoë: 1.wav
    """
    return UNPRINTED.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def message_of(error: SpeakertripError) -> str:
    """Return what the command line says of an error: not which parameter of Python its option stands for.

    >>> message_of(SpeakertripError("ada is enrolled; forget it first by --replace (mode=)."))
    'ada is enrolled; forget it first by --replace.'
    """
    return PYTHON_HINT.sub(".", str(error))


def sentence(error: SpeakertripError) -> str:
    """Return the same on one line, for a reader of text."""
    return one_line(message_of(error))
