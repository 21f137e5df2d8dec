"""Where the project's files are, relative to the repository's root."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAPER = ROOT / "analysis" / "paper"  # the paper's tables and the claims
REFERENCE = ROOT / "results" / "reference"  # a folder of rows for each study
ESTIMATE = ROOT / "results" / "estimate" / "paper.json"  # what the profile `paper` takes on two cores
ARCHITECTURES = ROOT / "results" / "architectures.parquet"  # networks of timm and torchvision, one of each kind
CONFIRMATION = ROOT / "results" / "confirmation"  # the same of the fifth network
