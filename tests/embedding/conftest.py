import pytest

from speakertrip.embedding import Embedder


@pytest.fixture(scope="module")
def embedder(make_bundle) -> Embedder:
    return Embedder(make_bundle().model, "cpu")
