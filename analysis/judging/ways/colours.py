"""The colours of the words, the same in every figure."""

from analysis.judging.rules import (
    CONTRADICTED,
    NEGLIGIBLE,
    NOT_TESTED,
    REVERSED,
    SUPPORTED,
    UNDECIDED,
    UNINFORMATIVE,
)
from analysis.page.figures import KEPT
from analysis.studies.rows import NOT_RUN

COLOURS = {
    SUPPORTED: KEPT,
    CONTRADICTED: "#c44e52",
    REVERSED: "#c44e52",
    NEGLIGIBLE: "#e8a0a2",
    UNDECIDED: "#dd9a3c",
    UNINFORMATIVE: "#b3b3b3",
    NOT_RUN: "#d9d9d9",
    NOT_TESTED: "#ececec",
}
