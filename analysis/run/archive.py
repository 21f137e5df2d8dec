"""The built book as one file to download, with its checksum: `python -m analysis.run.archive`, or `make archive`.

The same pages give the same bytes: the files are in order, without the machine's times and permissions.
"""

import sys
import zipfile
from pathlib import Path

from analysis.paths import ROOT
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import atomic_path, output_folder, sha256

HTML = ROOT / "_build" / "html"
ARCHIVE = ROOT / "dist" / "cluscam-book.zip"
TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can say
LEFT_OUT = (".buildinfo", ".doctrees")


def pack(html: Path = HTML, archive: Path = ARCHIVE) -> str:
    """Pack the folder `html` into the zip file `archive`; write `archive`.sha256 beside it. Returns the SHA-256.

    The checksum's file is in the format of ``sha256sum --check``. Raises CluscamError if there is no built book, or
    the files cannot be written.
    """
    if not (html / "index.html").is_file():
        raise CluscamError(f"there is no built book in {html.name}; run `make book` first")
    files = [f for f in sorted(html.rglob("*")) if f.is_file() and not set(f.relative_to(html).parts) & set(LEFT_OUT)]
    output_folder(archive.parent)
    with atomic_path(archive) as temporary, zipfile.ZipFile(temporary, "w") as packed:
        for file in files:
            name = f"{archive.stem}/{file.relative_to(html).as_posix()}"
            entry = zipfile.ZipInfo(name, TIME)
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    digest = sha256(archive)
    with atomic_path(archive.with_name(archive.name + ".sha256")) as temporary:
        temporary.write_text(f"{digest}  {archive.name}\n", encoding="utf-8")
    return digest


def main() -> int:
    """Pack the book; returns the exit status."""
    try:
        digest = pack()
    except CluscamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"The book: {ARCHIVE.relative_to(ROOT)}, SHA-256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
