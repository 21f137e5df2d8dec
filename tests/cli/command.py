"""The command line, asked for what it refuses."""

from cluscam_lite.cli import main


def fails(capsys, arguments, *words, status=2):
    """The command fails with one line on standard error that has the words in it, and no traceback."""
    assert main(arguments) == status
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("cluscam: "), shown.err
    for word in words:
        assert word in lines[0], lines[0]
    return shown.out
