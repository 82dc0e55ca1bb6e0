"""The page in a real browser: no error, nothing wider than the screen, no label on another."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from squeezebert.comparison.schema import Report
from squeezebert.report import write_report

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# The report runs no script by its own policy, so a page around it measures it.
AROUND = """<!DOCTYPE html><meta charset="utf-8"><body><script>
const widths = [390, 768, 1400, 1600];
const found = {};
function overlaps(svg) {
  const boxes = [...svg.querySelectorAll("text.strong")].map(text => text.getBoundingClientRect());
  let number = 0;
  boxes.forEach((one, at) => boxes.slice(at + 1).forEach(other => {
    const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    if (wide > 1 && high > 3) number += 1;
  }));
  return number;
}
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style.width = width + "px"; frame.style.height = "900px"; frame.style.border = "0";
  frame.src = "report.html";
  frame.onload = () => {
    const page = frame.contentDocument;
    const shown = [...page.querySelectorAll("svg.tradeoff")].filter(svg => svg.clientWidth);
    found[width] = {
      page: page.documentElement.scrollWidth, scripts: page.scripts.length,
      charts: shown.length, overlaps: shown.map(overlaps).reduce((a, b) => a + b, 0),
      rows: page.querySelectorAll("tbody tr").length,
    };
    if (Object.keys(found).length === widths.length)
      document.body.textContent = JSON.stringify(found);
  };
  document.body.append(frame);
}
</script>"""


def opened(folder: Path, profile: Path) -> tuple[dict[str, dict[str, int]], str]:
    """What the page around the report measured, and what the browser complained about."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    around = folder / "around.html"
    around.write_text(AROUND, encoding="utf-8")
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--allow-file-access-from-files",
            "--enable-logging=stderr",
            "--virtual-time-budget=20000",
            f"--user-data-dir={profile}",
            "--dump-dom",
            around.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    body = re.search(r"<body>(\{.*\})</body>", done.stdout, re.DOTALL)
    assert body, done.stdout[-500:]
    complaints = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return json.loads(html.unescape(body.group(1))), complaints


@pytest.mark.parametrize(("name", "charts"), [("pair", 3), ("many", 4), ("awkward", 2)])
def test_the_page_fits_every_screen(
    name: str, charts: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    report: Report = request.getfixturevalue(name)
    write_report(report, tmp_path / "report")
    found, complaints = opened(tmp_path / "report", tmp_path / "profile")
    assert complaints == ""
    assert set(found) == {"390", "768", "1400", "1600"}
    for width, measured in found.items():
        assert measured["page"] <= int(width), f"{measured['page']} pixels wide on {width}"
        assert measured["scripts"] == 0
        assert measured["charts"] == charts
        assert measured["overlaps"] == 0, f"labels on labels at {width} pixels"
        assert measured["rows"] > 10
