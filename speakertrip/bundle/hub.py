"""Models of the hub: the one door to huggingface_hub, and its errors in one sentence each."""

import errno
import re
import warnings
from collections.abc import Callable, Collection
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from speakertrip.errors import BundleError, SpeakertripError, SpeakertripWarning, StorageError

Marker = Callable[[Collection[str]], str | None]
Wanted = Callable[[Path, Collection[str]], Collection[str]]
COMMIT = re.compile(r"[0-9a-f]{40}")  # what names one state of a model for ever
MOVES = 3  # times that a branch may move while its files are fetched, until they count as they are
TIMEOUT = 10.0  # seconds until the hub must have answered what a model consists of
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)
# One of these is below each version of huggingface_hub, and raises errors of its own.
HTTP_LIBRARIES = ("httpcore", "httpx", "httpx2", "requests", "urllib3")
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN to a token that may read it"


def fetch(
    name: str,
    revision: str | None,
    token: str | None,
    marker: Marker,
    wanted: Wanted,
) -> tuple[Path, str]:
    """Bring the files of a model into the cache of huggingface_hub (``HF_HUB_CACHE``), unless they are there.

    A full commit hash that is in the cache needs no network. Where the hub cannot be reached, the cache answers, with
    a warning unless ``HF_HUB_OFFLINE`` asks for it.

    Args:
        name: ``ORG/NAME``.
        revision: branch, tag or commit; None: the main branch.
        token: of the hub; None: the one that the user is logged in with, if any.
        marker: of the names of a model's files, says by which file it is known; None where it is of no known kind.
        wanted: of the folder that holds that file and the names of all files, says which are needed.

    Returns:
        The folder that holds the files, and the commit they are of.

    Raises:
        BundleError: there is no such model or revision, access is refused, a file is missing in it, or it is neither
            in the cache nor can the hub be reached.
        StorageError: the cache cannot be written.

    Warns:
        SpeakertripWarning: the hub cannot be reached and the cache answers.
    """
    pinned = revision is not None and COMMIT.fullmatch(revision) is not None
    if pinned and (folder := _cached(name, revision, marker, wanted)):
        return folder, folder.name
    try:
        folder = _download(name, revision, token, marker, wanted)
    except SpeakertripError:
        raise
    except Exception as error:
        problem = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else error
        problem = problem if isinstance(problem, Exception) else error
        if not _is_away(problem):
            raise _refusal(problem, name, revision) from None
        cached = _cached(name, revision, marker, wanted)
        if cached is None:
            raise BundleError(_not_here(problem, name, revision)) from None
        if not isinstance(problem, OfflineModeIsEnabled):
            text = f"The hub cannot be reached; {name} is taken from the cache, as of commit {cached.name}."
            warnings.warn(text, SpeakertripWarning, stacklevel=2)
        folder = cached
    return folder, folder.name


def _download(name: str, revision: str | None, token: str | None, marker: Marker, wanted: Wanted) -> Path:
    """Fetch what is not in the cache, and return the folder; raises what huggingface_hub does, too."""
    for _ in range(MOVES):
        info = HfApi(token=token).model_info(name, revision=revision, timeout=TIMEOUT)
        names = [entry.rfilename for entry in info.siblings or ()]
        first = marker(names)
        if first is None:
            raise BundleError(
                f"The model {name} of the hub is of no kind that speakertrip reads: it holds neither a bundle "
                "(SHA256SUMS) nor a SpeechBrain model (hyperparams.yaml) nor exactly one ONNX file."
            )
        # By the commit: where the branch stands in the cache, another one may be whole, and this one is not yet.
        folder = Path(hf_hub_download(name, first, revision=info.sha or revision, token=token)).parent
        files = wanted(folder, names)
        if missing := [file for file in files if file not in names]:
            raise BundleError(
                f"The model {name} of the hub lacks {missing[0]} as of commit {folder.name}; name another --revision."
            )
        for file in files:
            hf_hub_download(name, file, revision=folder.name, token=token)
        # By the branch, last: the cache learns where it stands. That is elsewhere if the branch was moved meanwhile, or
        # if the hub is away and the cache answers.
        if Path(hf_hub_download(name, first, revision=revision, token=token)).parent == folder:
            break
    return folder


def _cached(
    name: str,
    revision: str | None,
    marker: Marker,
    wanted: Wanted,
) -> Path | None:
    """Return the folder of a model that is in the cache with all that is needed."""
    try:
        folder = Path(snapshot_download(name, revision=revision, local_files_only=True, allow_patterns=[]))
        names = [path.name for path in folder.iterdir()]
        whole = marker(names) is not None and set(wanted(folder, names)) <= set(names)
    except (LocalEntryNotFoundError, HFValidationError, SpeakertripError):
        return None
    return folder if whole else None


def _is_away(error: Exception) -> bool:
    """Tell whether the hub did not answer, or not as a hub does."""
    if isinstance(error, HfHubHTTPError):
        return int(error.response.status_code) >= 500
    if isinstance(error, OfflineModeIsEnabled | LocalEntryNotFoundError):
        return True
    if (
        isinstance(error, EntryNotFoundError | HFValidationError)
        or getattr(error, "errno", None) in UNWRITABLE
    ):
        return False
    return (
        isinstance(error, OSError | ValueError) or type(error).__module__.partition(".")[0] in HTTP_LIBRARIES
    )


def _not_here(error: Exception, name: str, revision: str | None) -> str:
    which = name if revision is None else f"{name} at {revision}"
    if isinstance(error, OfflineModeIsEnabled):
        return (
            f"There is no folder {name}, and {which} is not in the cache of the hub's models, while HF_HUB_OFFLINE "
            "forbids to fetch it; unset that once, or name a folder."
        )
    if isinstance(error, HfHubHTTPError):
        why = f"the hub answers with an error ({error.response.status_code})"
    else:
        why = f"the hub cannot be reached ({type(error).__name__})"
    return (
        f"There is no folder {name}, {which} is not in the cache of the hub's models, and {why}; check the network and "
        "try again, or name a folder."
    )


def _refusal(error: Exception, name: str, revision: str | None) -> SpeakertripError:
    """Return what the hub, or the disk, said, in one sentence."""
    which = f"the model {name}" if revision is None else f"the model {name} at {revision}"
    if isinstance(error, HFValidationError):
        return BundleError(f"There is no folder {name}, and it is no name of a model of the hub (ORG/NAME).")
    if isinstance(error, GatedRepoError):
        return BundleError(
            f"Access to the model {name} is granted on request: accept its terms at its page on the hub, then {LOG_IN}."
        )
    if isinstance(error, RevisionNotFoundError):
        return BundleError(
            f"The model {name} has no revision {revision}; see its branches, tags and commits on the hub."
        )
    if isinstance(error, EntryNotFoundError):
        return BundleError(
            f"A file of {which} that its list names is missing on the hub; name another revision."
        )
    if isinstance(error, RepositoryNotFoundError):
        return BundleError(
            f"There is no folder {name}, and no model of that name on the hub that you may read; check the name, and "
            f"if the model is private, {LOG_IN}."
        )
    if isinstance(error, HfHubHTTPError):
        code = error.response.status_code
        if code in (401, 403):
            return BundleError(f"The hub refuses access to {which} ({code}); {LOG_IN}.")
        return BundleError(f"The hub refuses {which} ({code}); try again later.")
    if isinstance(error, OSError):
        return StorageError(
            f"The cache of the hub's models cannot be written: {error.strerror}; free space, or set HF_HUB_CACHE to "
            "another folder."
        )
    raise error
