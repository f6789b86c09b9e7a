"""Take the pictures of the README (`make screenshots`): a morning run, the page of the morning and the report of a training."""

import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from browser import Page, browser, find_browser
from rich.console import Console

WIDTH = 1280
BLOCKRISK = [sys.executable, "-c", "from blockrisk.training.cli import main; main()"]


def take(page: Page, source: Path, target: Path, height: int, language: str = "en") -> None:
    page.size(WIDTH, height)
    page.open(source)
    page.run(f"document.querySelector('[data-language=\"{language}\"]').click()")
    page.picture(target)


def morning(demo: Path, target: Path) -> None:
    """Run a morning of the demo's data with the demo's model, and draw what it says on the terminal; needs no browser."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        settings = f'data = "{(demo / "data").resolve()}"\ncapacity = 20\nmlflow = false\n[renew]\nevery_days = 0\n'
        (place / "morning.toml").write_text(settings, encoding="utf-8")
        until = json.loads((demo / "model/manifest.json").read_text(encoding="utf-8"))["until"]
        promote = ["promote", str((demo / "model").resolve()), "--workspace", str(place / "workspace")]
        run = ["run", str(place / "morning.toml"), "--as-of", until]
        said = [subprocess.run([*BLOCKRISK, *given], check=True, capture_output=True, text=True).stdout for given in (promote, run)]
    draw(said[1].replace(f"{place}/", ""), f"blockrisk run morning.toml --as-of {until}", target)


def draw(said: str, command: str, target: Path) -> None:
    """Draw what a command said as a terminal, the same text as the same picture."""
    console = Console(record=True, width=120, file=io.StringIO(), highlight=False, force_terminal=True)
    console.print(f"$ {command}", style="bold", markup=False)
    for line in said.splitlines():
        style = "red" if line.startswith(("ALARM", "FAILED")) else "yellow" if line.startswith("!") else ""
        console.print(line, style=style, markup=False)
    picture = console.export_svg(title="blockrisk", unique_id="morning")
    target.write_text(
        re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", picture, flags=re.DOTALL), encoding="utf-8"
    )  # no font from a network


def main(demo: Path, docs: Path) -> None:
    morning(demo, docs / "morning.svg")
    program = find_browser()
    if program is None:
        sys.exit("no Chromium is installed: apt-get install chromium fonts-noto-cjk")
    with tempfile.TemporaryDirectory() as folder, browser(program) as running:
        listed, report = Path(folder) / "list.html", Path(folder) / "report.html"
        model = Path(folder) / "first"
        train = ["train", str(demo / "data"), "--out", str(model), "--no-mlflow", "--report", str(report)]
        score = ["score", str(demo / "data"), "--model", str(model), "--out", str(listed)]
        for arguments in train, score:
            subprocess.run([*BLOCKRISK, *arguments], check=True, stdout=subprocess.DEVNULL)
        page = Page(running)
        take(page, listed, docs / "list.png", 1150)
        take(page, report, docs / "report.png", 1500)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
