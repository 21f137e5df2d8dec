"""`python -m analysis COMMAND ...`: `cluscam` from a clone, on a machine where this project itself is not installed.

A rented GPU, say: PyTorch, torchvision, timm, pyarrow, scikit-learn, pandas and PyYAML are enough for the studies, but
for the methods that come from grad-cam, which wants matplotlib as well.
"""

import sys

if __name__ == "__main__":
    from cluscam_lite.__main__ import one_sentence

    one_sentence()

from importlib.metadata import EntryPoint

from cluscam_lite.cli import GROUP, main

COMMANDS = [
    EntryPoint("train", "analysis.chapters.alzheimer.networks.training.command:train", GROUP),
    EntryPoint("study", "analysis.studies.command:study", GROUP),
    EntryPoint("verdicts", "analysis.judging.command:verdicts", GROUP),
    EntryPoint("bench", "analysis.bench.command:bench", GROUP),
]

if __name__ == "__main__":
    sys.exit(main(added=COMMANDS))
