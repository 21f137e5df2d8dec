"""The archive of the book, and workflows that run the commands of the README with pinned actions."""

import hashlib
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

from analysis.paths import ROOT
from analysis.run import archive
from cluscam_lite.errors import CluscamError

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def built(folder: Path) -> Path:
    (folder / "html" / "_static").mkdir(parents=True)
    (folder / "html" / "index.html").write_text("<p>A book.</p>")
    (folder / "html" / "_static" / "a.css").write_text("p { color: black }")
    (folder / "html" / ".buildinfo").write_text("of this machine")
    return folder / "html"


def test_the_same_pages_give_the_same_archive(tmp_path):
    html = built(tmp_path)
    first = archive.pack(html, tmp_path / "dist" / "book.zip")
    (html / "index.html").touch()  # another time of writing
    again = archive.pack(html, tmp_path / "other" / "book.zip")
    packed = (tmp_path / "dist" / "book.zip").read_bytes()
    assert first == again == hashlib.sha256(packed).hexdigest()
    with zipfile.ZipFile(tmp_path / "dist" / "book.zip") as found:
        assert found.namelist() == ["book/_static/a.css", "book/index.html"]
        assert found.read("book/index.html") == b"<p>A book.</p>"
    assert (tmp_path / "dist" / "book.zip.sha256").read_text() == f"{first}  book.zip\n"


def test_another_page_gives_another_checksum(tmp_path):
    html = built(tmp_path)
    first = archive.pack(html, tmp_path / "book.zip")
    (html / "index.html").write_text("<p>Another.</p>")
    assert archive.pack(html, tmp_path / "book.zip") != first


def test_without_a_book_there_is_one_sentence(tmp_path):
    with pytest.raises(CluscamError, match="there is no built book in html; run `make book` first"):
        archive.pack(tmp_path / "html", tmp_path / "book.zip")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_pin_their_actions_and_run_known_commands(path):
    workflow = yaml.safe_load(path.read_text())
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    pinned = re.findall(r"uses: actions/[a-z-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", path.read_text(), re.M)
    assert len(pinned) == sum("uses" in step for step in steps)
    for job in workflow["jobs"].values():
        if job["runs-on"] != "ubuntu-24.04":  # a runner of one's own, skipped where none is set
            assert job["runs-on"][0] == "self-hosted" and job["if"] == "vars.GPU_RUNNER != ''"
    for step in steps:
        for target in re.findall(r"\bmake ([a-z]+)", step.get("run", "")):
            assert target in targets


def test_the_book_is_tested_before_it_is_published_and_links_are_checked_weekly():
    jobs = {path.stem: yaml.safe_load(path.read_text()) for path in WORKFLOWS}
    assert set(jobs["book"]["jobs"]["publish"]["needs"]) == {"test", "build"}
    assert len(jobs["links"][True]["schedule"][0]["cron"].split()) == 5  # YAML reads the key `on` as true


def test_make_knows_the_commands():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True)
    assert "make archive" in done.stdout and "make links" in done.stdout
