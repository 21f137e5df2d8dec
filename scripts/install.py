"""Run pip with these arguments, one line of progress at a time: `python scripts/install.py -e '.[book]'`.

pip's own words, of which a slow or unusual registry makes hundreds of lines, go into `pip.log` in the environment's
folder. If pip fails, its last lines are shown and the log is named.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

PIP = [sys.executable, "-m", "pip", "install", "--progress-bar", "off", "--no-input", "--disable-pip-version-check"]
LOG = Path(sys.prefix) / "pip.log"
TAIL = 12  # lines of the log to show after a failure
POLL = 1.0  # seconds between two looks at the log
EVERY = 30.0  # seconds between two lines where the output is not a terminal
# what pip writes when it begins a package: "Downloading torch-2.9.0-cp311-...whl (899.8 MB)"
STEPS = {
    r"Collecting ([\w.-]+)": "looking for {0}",
    r"\s+(?:Downloading|Using cached) (?:\S*/)?([\w.]+-[\w.!+]+)-\S+ (\([^)]*\))": "fetching {0} {1}",
    r"(Building wheels?|Installing build dependencies|Preparing metadata)": "{0}",
    r"Installing collected packages: (.*)": "unpacking {0}",
}


def step(line: str) -> str | None:
    """What pip does, from a line that it wrote; None if the line does not say."""
    for pattern, words in STEPS.items():
        if found := re.match(pattern, line):
            if words.startswith("unpacking"):
                return f"unpacking {found[1].count(',') + 1} packages"
            return words.format(*found.groups())
    return None


def shown(seconds: float) -> str:
    """A duration in words."""
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def main(arguments: list[str]) -> int:
    """Run pip and show what it does; its exit status."""
    terminal, start, said, doing = sys.stdout.isatty(), time.monotonic(), 0.0, "starting pip"
    with LOG.open("w", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen([*PIP, *arguments], stdout=log, stderr=subprocess.STDOUT)
    try:
        with LOG.open(encoding="utf-8", errors="replace") as log:
            while process.poll() is None:
                time.sleep(POLL)
                for line in log:
                    doing = step(line) or doing
                passed = time.monotonic() - start
                if terminal:
                    print(f"\r\033[K  {shown(passed)}: {doing}"[:100], end="", flush=True)
                elif passed - said >= EVERY:
                    said = passed
                    print(f"  {shown(passed)}: {doing}", flush=True)
    except KeyboardInterrupt:
        process.wait()
        print("\nInterrupted; the same command goes on.", file=sys.stderr)
        return 130
    if terminal:
        print("\r\033[K", end="")
    if process.returncode:
        lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
        print(*[line for line in lines if not line.startswith("WARNING")][-TAIL:], sep="\n", file=sys.stderr)
        print(f"All that pip said is in {LOG}.", file=sys.stderr)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
