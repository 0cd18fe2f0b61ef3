"""Another pitch at the same speed: with librosa, of the extra ``augment``."""

from speakertrip.audio.augment.effect import Waveform, fit
from speakertrip.audio.waveform import SAMPLE_RATE
from speakertrip.errors import ConfigError


def require_pitch_shift() -> None:
    """Check that the library is there.

    Raises:
        ConfigError: it is not.
    """
    try:
        import librosa.effects  # noqa: F401
    except ImportError:
        raise ConfigError("A shift of the pitch needs librosa: pip install 'speakertrip[augment]'.") from None


def shift_pitch(waveform: Waveform, semitones: float) -> Waveform:
    """Shift the pitch of ``(samples,)`` at 16 kHz by semitones, up or down; 0 changes nothing.

    A phase vocoder stretches time, and resampling takes the stretch back.
    """
    if not semitones:
        return waveform
    from librosa.effects import pitch_shift

    window = 1024  # samples: 64 ms; the default of librosa, 2048, is made for music at 22 kHz
    padded = fit(waveform, max(window, len(waveform)))
    shifted = pitch_shift(padded, sr=SAMPLE_RATE, n_steps=semitones, n_fft=window, res_type="soxr_hq")
    return fit(shifted, len(waveform))
