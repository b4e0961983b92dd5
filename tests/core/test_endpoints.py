"""
Pauses between attempts, and the checks before the first request (requests themselves: tests/rewards/test_judge.py,
test_server.py).
"""

import pytest

from open_r1.core.endpoints import pause, shown


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", 7.0), ("0", 0.0), ("1.5", 1.5), ("100000", 120.0), ("inf", 120.0), ("-3", 0.0), ("nan", 0.0)],
)
def test_retry_after_is_obeyed_within_reason(retry_after, seconds):
    assert pause(0, retry_after) == seconds


@pytest.mark.parametrize("retry_after", [None, "", "soon", "\xb2", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_other_pauses_double_with_some_chance(retry_after):
    for attempt, most in [(0, 2.0), (1, 4.0), (4, 32.0), (5, 60.0), (50, 60.0)]:
        assert all(most / 2 <= pause(attempt, retry_after, base=2.0) <= most for _ in range(20))


@pytest.mark.parametrize(
    ("url", "text"),
    [("http://a:1/v1", "http://a:1/v1"), ("https://me:secret@a/v1", "https://a/v1"), ("nonsense", "nonsense")],
)
def test_a_url_is_shown_without_its_password(url, text):
    assert shown(url) == text
