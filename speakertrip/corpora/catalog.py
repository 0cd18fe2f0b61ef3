"""What can be downloaded, from where, with which checksum; and where to ask for the rest.

The checksums are those that the publishers state, or that the field's public recipes have checked downloads against
(torchaudio: LibriSpeech and VCTK; WeSpeaker: CN-Celeb1, MUSAN, RIRS; PaddleSpeech: the lists of VoxCeleb; Kiwano: the
pieces of CN-Celeb2).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from speakertrip.corpora.download import Checksum, download
from speakertrip.corpora.layout import require_splits
from speakertrip.corpora.unpack import unpack
from speakertrip.corpora.voxceleb_lists import OFFICIAL_LISTS, read_official_list
from speakertrip.errors import UsageError
from speakertrip.manifests.lines import FilePath

Progress: TypeAlias = Callable[[str, int, "int | None"], None]


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A published file.

    Attributes:
        url: where it is; the last part is its name.
        checksum: as published, or as a published recipe has it; None: none is known.
    """

    url: str
    checksum: Checksum | None = None

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus that can be downloaded.

    Attributes:
        terms: the licence, and where it stands.
        splits: the files of each split, in order; several are pieces of one archive.
        default: what is downloaded where no split is named; empty: one must be named.
        folder: where its archive unpacks to, if it brings no folder of its own.
    """

    terms: str
    splits: Mapping[str, Sequence[RemoteFile]]
    default: Sequence[str]
    folder: str = ""


def _openslr(number: int, name: str, checksum: Checksum | None = None) -> RemoteFile:
    return RemoteFile(f"https://www.openslr.org/resources/{number}/{name}", checksum)


LIBRISPEECH = {
    "train-clean-100": "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    "train-clean-360": "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    "train-other-500": "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
    "dev-clean": "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    "dev-other": "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
    "test-clean": "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    "test-other": "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
}
CATALOG = {
    "librispeech": Corpus(
        "CC BY 4.0, https://www.openslr.org/12/",
        {
            name: [_openslr(12, f"{name}.tar.gz", Checksum("sha256", digest))]
            for name, digest in LIBRISPEECH.items()
        },
        [],
    ),
    "speechocean": Corpus(
        "CC BY 4.0, https://www.openslr.org/101/",
        {"speechocean762": [_openslr(101, "speechocean762.tar.gz")]},
        ["speechocean762"],
    ),
    "cnceleb": Corpus(
        "CC BY-SA 4.0, https://www.openslr.org/82/",
        {
            "cnceleb1": [
                _openslr(82, "cn-celeb_v2.tar.gz", Checksum("md5", "7ab1b214028a7439e26608b2d5a0336c"))
            ],
            "cnceleb2": [
                _openslr(82, "cn-celeb2_v2.tar.gzaa", Checksum("md5", "4cdf738cff565ce35ad34274848659c3")),
                _openslr(82, "cn-celeb2_v2.tar.gzab", Checksum("md5", "4ff59a7009b79ef7043498ad3882b81b")),
                _openslr(82, "cn-celeb2_v2.tar.gzac", Checksum("md5", "3aa8e6e7f7ec4382f9926b1b31498228")),
            ],
        },
        ["cnceleb1", "cnceleb2"],
    ),
    "vctk": Corpus(
        "CC BY 4.0, https://datashare.ed.ac.uk/handle/10283/3443",
        {
            "vctk": [
                RemoteFile(
                    "https://datashare.ed.ac.uk/bitstream/handle/10283/3443/VCTK-Corpus-0.92.zip",
                    Checksum("sha256", "f96258be9fdc2cbff6559541aae7ea4f59df3fcaf5cf963aae5ca647357e359c"),
                )
            ]
        },
        ["vctk"],
        folder="VCTK-Corpus-0.92",
    ),
    "voxceleb-trials": Corpus(
        "CC BY 4.0, https://mm.kaist.ac.kr/datasets/voxceleb/",
        {name: [RemoteFile(each.url, Checksum("md5", each.md5))] for name, each in OFFICIAL_LISTS.items()},
        [name for name in OFFICIAL_LISTS if name.endswith("cleaned")],
    ),
    "musan": Corpus(
        "CC BY 4.0, https://www.openslr.org/17/",
        {"musan": [_openslr(17, "musan.tar.gz", Checksum("md5", "0c472d4fc0c5141eca47ad1ffeb2a7df"))]},
        ["musan"],
    ),
    "rirs": Corpus(
        "Apache 2.0, https://www.openslr.org/28/",
        {"rirs": [_openslr(28, "rirs_noises.zip", Checksum("md5", "e6f48e257286e05de56413b4779d8ffb"))]},
        ["rirs"],
    ),
}
BEHIND_A_FORM = {
    "voxceleb1": "The audio of VoxCeleb1 is given on request: fill in the form at "
    "https://mm.kaist.ac.kr/datasets/voxceleb/.",
    "voxceleb2": "The audio of VoxCeleb2 is given on request: fill in the form at "
    "https://mm.kaist.ac.kr/datasets/voxceleb/.",
    "common-voice": "Common Voice is given to who agrees to its terms: choose a language at "
    "https://commonvoice.mozilla.org/datasets.",
}


def fetch(
    name: str, folder: FilePath, splits: Sequence[str] = (), progress: Progress | None = None
) -> list[Path]:
    """Download splits of a corpus into a folder, and unpack them there.

    What is there already is not fetched again; a call after an interrupted one goes on where it broke off. The
    archives stay, as the proof of what was unpacked.

    Args:
        name: a key of ``CATALOG``.
        folder: where to; it is created.
        splits: of that corpus; none: its default.
        progress: called with (what is done, bytes done, bytes in all or None).

    Returns:
        The downloaded files.

    Raises:
        UsageError: the corpus is unknown or behind a form, or it has no such split.
        DataError, StorageError: as of ``download``, ``unpack`` and ``read_official_list``.
    """
    if name in BEHIND_A_FORM:
        raise UsageError(BEHIND_A_FORM[name])
    if name not in CATALOG:
        raise UsageError(f"There is no download {name!r}; take one of {', '.join(CATALOG)}.")
    corpus = CATALOG[name]
    chosen = list(dict.fromkeys(splits or corpus.default))
    require_splits(name, chosen, list(corpus.splits))
    fetched: list[Path] = []
    for split in chosen:
        parts = []
        for file in corpus.splits[split]:
            parts.append(Path(folder) / file.name)
            download(file.url, parts[-1], file.checksum, _named(progress, file.name))
        if split in OFFICIAL_LISTS:
            read_official_list(parts[0], split)
        else:
            unpack(parts, Path(folder) / corpus.folder, _named(progress, f"unpacking {parts[0].name}"))
        fetched += parts
    return fetched


def _named(progress: Progress | None, what: str) -> Callable[[int, int | None], None] | None:
    return (lambda done, total: progress(what, done, total)) if progress else None
