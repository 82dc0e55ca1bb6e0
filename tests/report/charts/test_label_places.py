from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from squeezebert.report.charts.label_places import Box, along, around, place_labels

PANEL = Box(46, 44, 366, 274)
places = st.tuples(st.floats(PANEL.left, PANEL.right), st.floats(PANEL.top, PANEL.bottom))


@given(st.lists(places, min_size=1, max_size=8))
def test_labels_cover_neither_points_nor_one_another(points: list[tuple[float, float]]) -> None:
    sizes = [(90.0 + 5 * at, 15.0) for at in range(len(points))]
    marks = [around(x, y, 17) for x, y in points]
    boxes = place_labels(points, sizes, PANEL, marks)
    assert all(box.within(PANEL) for box in boxes)
    assert not any(one.overlap(other) for one, other in combinations(boxes, 2))
    assert not any(box.overlap(mark) for box in boxes for mark in marks)


def test_a_free_point_has_its_label_to_the_right() -> None:
    [box] = place_labels([(100, 100)], [(50, 15)], PANEL)
    assert (box.left, box.top) == (110, 92.5)


def test_near_the_right_edge_it_goes_left() -> None:
    [box] = place_labels([(360, 100)], [(50, 15)], PANEL)
    assert box.right == 350


def test_a_label_wider_than_the_panel_still_gets_a_place() -> None:
    boxes = place_labels([(100, 100), (110, 100)], [(5000, 15), (50, 15)], PANEL)
    assert len(boxes) == 2
    assert boxes[1].within(PANEL)


def test_boxes_along_a_line_reach_from_end_to_end() -> None:
    boxes = along(0, 0, 30, 40, 5)
    assert (boxes[0], boxes[-1]) == (around(0, 0, 5), around(30, 40, 5))
    assert len(boxes) == 11
