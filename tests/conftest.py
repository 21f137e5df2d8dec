"""Fixtures for all tests."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BESIDE = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The data root named by CLUSCAM_DATA, else one beside the repository; the test is skipped without either."""
    named = os.environ.get("CLUSCAM_DATA")
    root = Path(named) if named else BESIDE
    if not root.is_dir():
        pytest.skip("no data root: set CLUSCAM_DATA to test the real networks and images")
    return root


@pytest.fixture
def no_data_root(monkeypatch) -> None:
    """No data root is named in the environment, whatever the machine has."""
    monkeypatch.delenv("CLUSCAM_DATA", raising=False)


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    """A photograph of noise, 150 x 120 pixels."""
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (12, 15, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((150, 120)).save(path)
    return path
