"""Take the pictures of the README (`make screenshots`): the page of the morning and the report of a training."""

import subprocess
import sys
import tempfile
from pathlib import Path

from browser import Page, browser, find_browser

WIDTH = 1280


def take(page: Page, source: Path, target: Path, height: int, language: str = "en") -> None:
    page.size(WIDTH, height)
    page.open(source)
    page.run(f"document.querySelector('[data-language=\"{language}\"]').click()")
    page.picture(target)


def main(demo: Path, docs: Path) -> None:
    blockrisk = [sys.executable, "-c", "from blockrisk.training.cli import main; main()"]
    program = find_browser()
    if program is None:
        sys.exit("no Chromium is installed: apt-get install chromium fonts-noto-cjk")
    with tempfile.TemporaryDirectory() as folder, browser(program) as running:
        listed, report = Path(folder) / "list.html", Path(folder) / "report.html"
        model = Path(folder) / "first"
        train = ["train", str(demo / "data"), "--out", str(model), "--no-mlflow", "--report", str(report)]
        score = ["score", str(demo / "data"), "--model", str(model), "--out", str(listed)]
        for arguments in train, score:
            subprocess.run([*blockrisk, *arguments], check=True, stdout=subprocess.DEVNULL)
        page = Page(running)
        take(page, listed, docs / "list.png", 1150)
        take(page, report, docs / "report.png", 1500)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
