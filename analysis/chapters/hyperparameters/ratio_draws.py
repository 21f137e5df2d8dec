"""r of Algorithm 3 in every bootstrap draw of the reference run, kept beside its rows.

    python -m analysis.chapters.hyperparameters.ratio_draws

The draws take minutes, and three chapters need them. Each block is kept with the hash of its rows, so draws of
other rows are never used. A test computes some of them again.
"""

import json
import sys

from analysis.chapters.hyperparameters.evidence import whole_images
from analysis.chapters.hyperparameters.mixture_evidence import KEPT, RATIO_DRAWS, digest, fitted_draws
from analysis.chapters.hyperparameters.study import STUDY
from analysis.page.panels import blocks
from analysis.run.provenance import package_versions
from analysis.studies.rows import reference_rows
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import atomic_path

SEED = 0


def main() -> int:
    """The command line. Returns the exit status: 2 if the study has not run."""
    try:
        rows = reference_rows(STUDY)
        if not len(rows):
            raise CluscamError(f"the study {STUDY.name} has no rows in {KEPT.parent}; run it first")
        found = [
            {
                "model": model,
                "layer": layer,
                "rows": digest(block),
                "seed": SEED,
                "r": fitted_draws(model, block, RATIO_DRAWS, SEED).tolist(),
            }
            for model, layer, block in blocks(whole_images(rows))
        ]
        with atomic_path(KEPT) as temporary:
            temporary.write_text(json.dumps({"versions": package_versions(), "blocks": found}) + "\n", encoding="utf-8")
    except CluscamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(f"{len(found)} blocks, {RATIO_DRAWS} draws each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
