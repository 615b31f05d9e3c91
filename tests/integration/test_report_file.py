"""The report as a file on disk."""

from pathlib import Path

from simulation.report.content import Headlines, ReportContent
from simulation.report.page import render_report, write_report


def test_the_report_is_one_file_and_replaces_the_earlier_one(tmp_path: Path) -> None:
    content = ReportContent("Run", "One store.", {"clients": "1"}, Headlines())
    write_report(content, tmp_path / "report.html")
    write_report(content, tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render_report(content)
