"""Numbers in the prose of the results chapters come from a run: no digit stands there that was typed.

Not prose: mathematics, code, roles such as {glue:text}, exercises (which set their own numbers), and quotations, which
are the paper's. Free to be typed: references to the paper's parts, claims' ids, names of networks, and `ALLOWED`.
"""

import json
import re
from pathlib import Path

import pytest
import yaml

from analysis.paths import ROOT
from analysis.run.parameters import notebook_path

# what may stand in a chapter's prose, and why
ALLOWED = {
    "alzheimer": {"1,279": "found in the chapter on the audit", "900": "the paper's own", "380": "the paper's own"},
    "audit": {"2025": "the month of a snapshot", "900": "the paper's own"},
    "faithfulness": {"17": "the paper's cells, computed in the chapter on the audit", "192": "as before"},
    "groundtruth": {"1": "the ends of a scale", "0": "the ends of a scale"},
    "hyperparameters": {str(n): "the lines of Algorithms 2 and 3" for n in range(1, 10)},
    "logits": {"1.31": "the paper's own, printed in its Table 1"},
    "metrics": {"1,000": "the classes of ImageNet"},
    "verdicts": {"0.05": "the level of the tests"},
    "stability": {"0": "the ends of a scale", "1": "the ends of a scale", "0.9": "the claims' threshold"},
}
NOT_PROSE = (
    r"^```\{(?:exercise|solution)\}.*?^```\s*$",
    r"^```(?!\{)[^\n]*\n.*?^```\s*$",  # code, not directives
    r"^```[^\n]*$",  # the fences of directives
    r"\$\$.*?\$\$",
    r"\$[^$]*\$",
    r"\{[\w:+-]+\}`[^`]*`",
    r"`[^`]*`",
    r'"[^"]*"',
    r"\]\([^)]*\)",  # addresses of links
)
PARTS = r"Tables?|Figs?\.|Figures?|Eqs?\.|Equations?|Sections?|Appendix|Appendices|Algorithms?|[Ss]teps?|Lines?"
NUMBER = r"\d+(?:\.\d+)*"
FREE = (
    rf"(?:{PARTS})\s+{NUMBER}(?:(?:,| to| and|, and|,? or)\s+(?:(?:{PARTS})\s+)?{NUMBER})*",
    r"\bC\d+[a-z]?\b",
    r"\b[A-Za-z][A-Za-z]*-?(?:[A-Z]-?)?[vV]?\d+(?:\.\d)?\b",  # ResNet-50, InceptionV3, bfloat16, top-1
    r"\b8-bit\b",
    r"\b95\s%",  # the level of all intervals
)


def stray_digits(text: str) -> list[str]:
    """The numbers in a Markdown text that are typed into its prose."""
    for pattern in NOT_PROSE:
        text = re.sub(pattern, " ", text, flags=re.DOTALL | re.MULTILINE)
    for pattern in FREE:
        text = re.sub(pattern, " ", text)
    return re.findall(r"\d[\d.,]*\d|\d", text)


def results_chapters() -> list[str]:
    """The notebooks of the part "Replicate", and the chapter on the metrics, which has results, too."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    (replicate,) = (part for part in parts if part["caption"] == "Replicate")
    files = [Path(chapter["file"]) for chapter in replicate["chapters"]]
    return ["metrics", *(file.name for file in files if file.parent.name == "executed")]


@pytest.mark.parametrize("name", results_chapters())
def test_no_number_is_typed_into_the_prose(name):
    cells = json.loads(notebook_path(name).read_text(encoding="utf-8"))["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    typed = {digits for text in prose for digits in stray_digits(text)}
    assert typed <= set(ALLOWED.get(name, {})), f"glue these, or say in ALLOWED why not: {typed}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ClusCAM is ahead by 12.3 points on 1,000 images.", ["12.3", "1,000"]),
        ("ahead by {glue:text}`ahead` on $n = 30$ images, `n=4`", []),
        ("Tables 2 and 5, Eqs. 11 to 13, Section 4.1, Appendix C: claims C6a, C10", []),
        ("ResNet-50, InceptionV3, SqueezeNet1, a top-1 of 72", ["72"]),
        ('the paper says "59.58 of 100"', []),
        ("```bash\nrun 12\n```\n\nthen 13", ["13"]),
        ("```{exercise} X\n:label: x\n\n100 images\n```\n\nand 7", ["7"]),
        ("```{admonition} Note\nthe gain is 8\n```", ["8"]),
        ("Table 2 and 14 others", []),  # the price of reading lists of tables
        ("a 95 % interval, 96 % of them", ["96"]),
    ],
)
def test_what_counts_as_typed(text, found):
    assert stray_digits(text) == found


def test_allowed_numbers_are_still_there():
    for name in set(ALLOWED) & set(results_chapters()):
        cells = json.loads(notebook_path(name).read_text(encoding="utf-8"))["cells"]
        prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        assert set(ALLOWED[name]) <= {digits for text in prose for digits in stray_digits(text)}
