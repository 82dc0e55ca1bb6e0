"""What a comparison found, drawn: ``report.json``, ``report.md``, ``report.html``, a picture."""

from __future__ import annotations

from squeezebert.report.write import ReportFiles, write_report

__all__ = ["ReportFiles", "write_report"]
