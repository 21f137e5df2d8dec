"""The rows of a study that has not run are a table with the study's columns."""

import pytest

from analysis.engine import read, run
from analysis.engine.contract import empty_rows
from analysis.studies.registry import REGISTRY, find_study
from analysis.studies.rows import reference_rows

STUDIES = sorted({*REGISTRY} - {"toy"})


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_that_has_not_run_has_the_columns_of_one_that_has(name, tmp_path):
    study = find_study(name)
    empty = reference_rows(study, tmp_path / "nothing")
    assert not len(empty) and empty.equals(empty_rows(study))
    run(study, {"profile": "smoke"}, tmp_path / "rows", quiet=True)
    rows = read(study, tmp_path / "rows")
    assert empty.dtypes.to_dict() == rows.dtypes.to_dict()
    assert empty.dtypes.to_dict() == rows[:0].dtypes.to_dict()
