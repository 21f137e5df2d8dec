"""A results folder in which something stands that is no file, or from which the rows were removed."""

import os
import shutil

import pytest
from same_rows import same_rows
from toy_study import CELLS, PROFILE, TOY, files, parquets
from waiting import wait_for

from analysis.engine import read, run, status
from analysis.engine.configuration import check_configuration
from analysis.engine.store import Store
from cluscam_lite.errors import CluscamError


@pytest.fixture
def copy(undisturbed, tmp_path):
    return shutil.copytree(undisturbed, tmp_path / "copy")


def test_after_the_cells_were_removed_a_rerun_makes_them_again(undisturbed, copy):
    shutil.rmtree(copy / "cells")
    assert status(TOY, PROFILE, copy).done == 0
    assert run(TOY, PROFILE, copy, quiet=True).complete
    assert files(copy) == files(undisturbed) and same_rows(read(TOY, copy), read(TOY, undisturbed))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_in_place_of_a_cell_is_named_and_replaced(undisturbed, copy, capsys, make):
    path = parquets(copy)[1]
    path.unlink()
    make(path)
    found = status(TOY, PROFILE, copy)
    assert (found.done, found.damaged, found.complete) == (CELLS - 1, 1, False)
    with pytest.raises(CluscamError, match="cannot be read as a file"):
        read(TOY, copy)
    assert run(TOY, PROFILE, copy).complete
    assert "is damaged (it cannot be read as a file); the cell is made again" in capsys.readouterr().out
    assert files(copy) == files(undisturbed) and same_rows(read(TOY, copy), read(TOY, undisturbed))


@pytest.mark.parametrize("name", ["configuration.json", "manifest.json", "cells/other.parquet"])
def test_a_pipe_in_another_place_is_one_sentence(copy, name):
    (copy / name).unlink(missing_ok=True)
    os.mkfifo(copy / name)
    with pytest.raises(CluscamError, match=f"{os.path.basename(name)}"):
        check_configuration(Store(copy), Store(copy).configuration() or [] if "configuration" not in name else [])


def test_a_run_that_is_killed_while_it_writes_is_swept_by_the_next(undisturbed, tmp_path, start):
    out = tmp_path / "out"
    process = start(out, TOY_KILL="table:2")
    process.communicate(timeout=60)
    wait_for(lambda: list((out / "cells").glob(".*.part.parquet")))
    assert run(TOY, PROFILE, out, quiet=True).complete
    assert files(out) == files(undisturbed)
