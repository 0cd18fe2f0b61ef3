"""The codecs: a tone of each kind of file that is made here, and decoded."""

import io
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from speakertrip.doctor.check import INTERNAL, Check

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RATE, SECONDS, HERTZ = 16_000, 0.5, 440.0
NEAR = 20.0  # hertz, and hundredths of a second, by which a lossy codec may be off
KINDS = {
    "WAV": ("WAV", "PCM_16"), "FLAC": ("FLAC", "PCM_16"), "OGG Vorbis": ("OGG", "VORBIS"), "OGG Opus": ("OGG", "OPUS"),
    "MP3": ("MP3", "MPEG_LAYER_III"),
}  # fmt: skip
OLD = "Install a newer soundfile, whose wheel has its own libsndfile: pip install --upgrade soundfile."


def check_codecs() -> list[Check]:
    """Decode a tone of each kind."""
    from speakertrip.audio.codec import encode_bytes

    checks = []
    for name, kind in KINDS.items():
        try:
            checks.append(_decode(name, encode_bytes(_tone(), RATE, *kind), OLD))
        except Exception as error:  # soundfile has errors of its own
            checks.append(Check.failed(name, RuntimeError(f"cannot be encoded ({error})"), OLD))
    return [*checks, _check_m4a()]


def _check_m4a() -> Check:
    if find_spec("av") is None:
        words = "not decoded: av is not installed; if you need it: pip install 'speakertrip[m4a]'"
        return Check("m4a", "ok", words)
    advice = "pip install --force-reinstall av"
    try:
        content = _encode_m4a()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it is broken, or a build without an encoder
        return Check("m4a", "warning", f"no clip could be made to try it ({error})", advice)
    return _decode("m4a", content, advice)


def _decode(name: str, content: bytes, advice: str) -> Check:
    from speakertrip.audio import AudioBytes, decode

    try:
        waveform, rate = decode(AudioBytes(content, f"A clip of {name}"))
        right = _is_tone(waveform, rate)
    except Exception as error:
        return Check.failed(name, error, advice)
    if right:
        return Check(name, "ok", "decoded")
    return Check(name, "failed", "a tone is decoded as something else", advice, INTERNAL)


def _tone() -> "npt.NDArray[np.float32]":
    import numpy as np

    waveform = 0.5 * np.sin(2 * np.pi * HERTZ * np.arange(round(SECONDS * RATE)) / RATE)
    return np.asarray(waveform, dtype=np.float32)


def _is_tone(waveform: "npt.NDArray[np.float32]", rate: int) -> bool:
    import numpy as np

    loudest = np.abs(np.fft.rfft(waveform)).argmax() * rate / len(waveform)
    return bool(abs(loudest - HERTZ) < NEAR and abs(len(waveform) / rate - SECONDS) < NEAR / 100)


def _encode_m4a() -> bytes:
    av, content = import_module("av"), io.BytesIO()
    frame = av.AudioFrame.from_ndarray(_tone()[None], format="fltp", layout="mono")
    frame.sample_rate = RATE
    with av.open(content, "w", format="ipod") as output:
        stream = output.add_stream("aac", rate=RATE, layout="mono")
        for each in (frame, None):
            output.mux(stream.encode(each))
    return content.getvalue()
