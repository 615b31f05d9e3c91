"""The page: complete, self-contained, small, and honest about what was not measured."""

import html.parser
import re

import numpy as np
import pytest

from simulation.report.content import (
    Headlines,
    Interval,
    ReportContent,
    Roc,
    Role,
    RoundPoint,
    Sample,
    SampleBox,
    Timeline,
)
from simulation.report.page import NUM_OPEN_TIMELINES, render_report
from simulation.report.picture import picture_of

_LOADING = re.compile(r"""(?:src|href|data|action|poster|srcset)\s*=\s*["'](?!data:|\#)|url\((?!\#)|@import|<script""")


def _sample(width: int = 90, height: int = 60) -> Sample:
    box = SampleBox((0.1, 0.5, 0.3, 0.9), "intrusion <0.82>", Role.ALARM)
    return Sample(np.zeros((height, width, 3), dtype=np.uint8), (box,), "store 1, 21:40")


def _timeline(number: int) -> Timeline:
    truth = np.arange(50) > 40
    return Timeline(f"clip {number}", 10.0, np.linspace(0, 2, 50), truth, (Interval(41, 49, "running"),), 1.0)


def _content(num_timelines: int = 2) -> ReportContent:
    return ReportContent(
        title="A <run> & its figures",
        summary="Twenty stores.",
        facts={"clients": "20", "seed": "<7>"},
        headlines=Headlines(0.931, 0.884, 0.902, 0.934, -0.0142, (37, 11), (9, 8)),
        notes=("Updates are not masked in this version.",),
        rounds=(RoundPoint(1, 0.9, 0.7, 100), RoundPoint(2, 0.5, 0.8, 100)),
        timelines=tuple(_timeline(number) for number in range(num_timelines)),
        rocs=(Roc("open", np.array([True, False]), np.array([1.0, 0.0])), Roc("closed", np.zeros(3, bool), np.ones(3))),
        samples=(_sample(),),
    )


class _OpenTags(html.parser.HTMLParser):
    """Collects ids and checks that every tag is closed in order."""

    _VOID = frozenset({"meta", "br", "img", "link", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self._VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = render_report(_content())
    assert _LOADING.search(page) is None
    assert "default-src 'none'" in page


@pytest.mark.parametrize("text", ['<img src="a.png">', "<script>", '<a href="http://x">', "a{b:url(x.png)}"])
def test_the_check_for_loading_finds_what_loads(text: str) -> None:
    assert _LOADING.search(text)


def test_tags_are_balanced_and_ids_are_unique() -> None:
    tags = _OpenTags()
    tags.feed(render_report(_content(num_timelines=NUM_OPEN_TIMELINES + 3)))
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))


def test_text_from_the_run_is_escaped() -> None:
    page = render_report(_content())
    assert "A &lt;run&gt; &amp; its figures" in page
    assert "&lt;7&gt;" in page
    assert "intrusion &lt;0.82&gt;" in page
    assert "<run>" not in page


def test_every_headline_is_shown_with_its_meaning() -> None:
    page = render_report(_content())
    figures = re.findall(r'<div class="figure">(.*?)</div>', page)
    assert figures == ["0.931", "0.884", "0.902", "0.934", "-0.014", "37 → 11", "9 → 8"]
    assert "93 times in 100" in page


def test_what_was_not_measured_is_left_out_or_said() -> None:
    page = render_report(ReportContent("t", "s", {}, Headlines(int8_network_auc=0.5)))
    assert re.findall(r'<div class="figure">(.*?)</div>', page) == ["0.500"]
    for words in (
        "No round was recorded.",
        "There is no ROC: the footage has no labels.",
        "No test footage was scored.",
    ):
        assert words in page
    assert "What the cameras saw" not in page


def test_rounds_without_auc_are_explained() -> None:
    page = render_report(ReportContent("t", "s", {}, Headlines(), rounds=(RoundPoint(1, 1.0, None, 1),)))
    assert "There is no AUC by round" in page


def test_a_context_with_one_class_is_listed_without_curve() -> None:
    page = render_report(_content())
    assert page.count("one class: no curve") == 1
    assert page.count("1.000</td>") == 1


def test_the_first_timelines_are_open_and_the_others_folded() -> None:
    page = render_report(_content(num_timelines=NUM_OPEN_TIMELINES + 3))
    shown, folded = page.split("<details>")
    assert shown.count('figure class="card timeline"') == NUM_OPEN_TIMELINES
    assert folded.count('figure class="card timeline"') == 3
    assert "<summary>3 more</summary>" in folded


def test_charts_and_pictures_say_in_words_what_they_show() -> None:
    page = render_report(_content())
    assert page.count('role="img"') == page.count("<desc") + 1
    assert 'aria-label="store 1, 21:40 (alarm: intrusion &lt;0.82&gt;)"' in page
    assert "1 of 1 anomaly found; 1 false alarm." not in page
    assert "1 of 1 anomaly found; 0 false alarms." in page


def test_a_large_frame_is_shrunk_and_its_boxes_with_it() -> None:
    picture = picture_of(_sample(width=960, height=640))
    (placed,) = picture.boxes
    assert (picture.width, picture.height) == (480, 320)
    assert (placed.left, placed.top, placed.width, placed.height) == pytest.approx((48.0, 160.0, 96.0, 128.0))
    assert picture.address.startswith("data:image/jpeg;base64,/9j/")


def test_a_caption_stays_inside_the_picture() -> None:
    box = SampleBox((0.9, 0.0, 1.0, 1.0), "running", Role.TRUTH)
    (placed,) = picture_of(Sample(np.zeros((60, 90, 3), np.uint8), (box,), "c")).boxes
    assert (placed.anchor, placed.caption_x) == ("end", 90.0)
    assert 0 < placed.caption_y < 60


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 0, 3), np.uint8), np.zeros((4, 4, 3), np.float32)]
)
def test_an_image_that_is_no_colour_picture_is_refused(image: object) -> None:
    with pytest.raises(ValueError, match=r"expected an image \(H, W, 3\) of uint8"):
        picture_of(Sample(image, (), "c"))  # type: ignore[arg-type]  # the wrong type is what is tested


@pytest.mark.parametrize(
    ("fps", "num_scores", "num_truth", "message"),
    [
        (0.0, 3, 3, "clip: expected at least one frame and fps above 0, got fps 0.0"),
        (10.0, 0, 0, "clip: expected at least one frame and fps above 0"),
        (10.0, 3, 2, "clip: expected 3 truth values, got 2"),
    ],
)
def test_a_timeline_that_cannot_be_drawn_is_a_wrong_call(
    fps: float, num_scores: int, num_truth: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Timeline("clip", fps, np.zeros(num_scores), np.zeros(num_truth, bool), (), 1.0)


def test_labels_and_scores_of_a_context_must_pair() -> None:
    with pytest.raises(ValueError, match="open: expected as many labels as scores, got 2"):
        Roc("open", np.zeros(2, bool), np.zeros(3))


def test_twenty_clients_stay_below_three_megabytes() -> None:
    rng = np.random.default_rng(0)
    busy = Timeline("busy", 10.0, rng.normal(size=5000), rng.random(5000) > 0.5, (), 0.0)
    chart_bytes = len(render_report(ReportContent("t", "s", {}, Headlines(), timelines=(busy,))).encode())
    noise = Sample(rng.integers(0, 255, (360, 480, 3), dtype=np.uint8), (), "c")
    assert len(picture_of(noise).address) < 200_000
    assert chart_bytes < 400_000
