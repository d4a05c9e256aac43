"""The page in a real browser: no error, no request, nothing wider than the screen. Needs Chromium."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lamina.model import Model

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]
# Beside the page in a frame: what the browser says of its width
PROBE = """<!doctype html><title>probe</title>
<iframe src="report.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  const room = page.documentElement;
  const sections = page.querySelectorAll("section").length;
  document.title = JSON.stringify([room.scrollWidth, room.clientWidth, sections]);
}}</script>"""


def browse(page: Path, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += [
        "--disable-component-update",
        "--disable-sync",
        "--no-sandbox",
        "--allow-file-access-from-files",
    ]
    profile = f"--user-data-dir={folder / 'profile'}"
    return subprocess.run(
        [CHROMIUM, "--headless", *quiet, profile, *flags, page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def report(churn_model: Model, churn_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    return churn_model.report(churn_folder / "test.csv", folder / "report.html", by="plan")


def test_no_error_and_no_request(report: Path, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    ran = browse(report, tmp_path, f"--log-net-log={log}", "--enable-logging=stderr", "--v=0", "--dump-dom")
    assert "CONSOLE" not in ran.stderr
    assert "At a glance" in ran.stdout
    events = json.loads(log.read_text())["events"]
    asked = {str(each["params"]["url"]) for each in events if "url" in each.get("params", {})}
    assert not [each for each in asked if each.startswith("http") and "chromium" not in each], asked


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen(report: Path, tmp_path: Path, width: int) -> None:
    probe = report.parent / f"probe{width}.html"
    probe.write_text(PROBE.format(width=width))
    ran = browse(
        probe, tmp_path, f"--window-size={width + 40},1000", "--dump-dom", "--virtual-time-budget=5000"
    )
    title = ran.stdout.partition("<title>")[2].partition("</title>")[0]
    whole, room, sections = json.loads(title)
    assert whole <= room
    assert sections >= 8


def test_it_prints(report: Path, tmp_path: Path) -> None:
    browse(report, tmp_path, f"--print-to-pdf={tmp_path / 'r.pdf'}")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
