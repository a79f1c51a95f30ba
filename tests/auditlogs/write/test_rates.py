"""The counters of rate limits."""

import threading
import time

import time_machine
from limits import RateLimitItemPerMinute

from auditlogs.write.rates import Windows, new_limiter

TWICE = RateLimitItemPerMinute(2)


def test_a_source_is_counted_until_its_minute_is_over() -> None:
    limiter, start = new_limiter(), time.time()
    for second, is_taken in ((0, True), (30, True), (59, False), (61, True)):
        with time_machine.travel(start + second, tick=False):
            assert limiter.hit(TWICE, "one") == is_taken
            end = start + (61 if second == 61 else 0) + 60
            assert abs(limiter.get_window_stats(TWICE, "one").reset_time - end) < 1


def test_sources_are_counted_apart() -> None:
    limiter = new_limiter()
    taken = [limiter.hit(TWICE, source) for source in "aababb"]
    assert taken == [True, True, True, False, True, False]


def test_windows_that_are_over_are_forgotten() -> None:
    windows, start = Windows(), time.time()
    with time_machine.travel(start, tick=False):
        for number in range(500):
            windows.incr(f"source {number}", 60)
    with time_machine.travel(start + 61, tick=False):
        windows.incr("one more", 60)
        assert windows.reset() == 1


def test_sources_that_were_not_seen_for_longest_make_room() -> None:
    windows = Windows(max_sources=3)
    for source in ("old", "busy", "late", "busy", "new"):
        windows.incr(source, 60)
    assert [windows.get(source) for source in ("old", "busy", "late", "new")] == [0, 2, 1, 1]


def test_no_request_starts_a_thread() -> None:
    limiter, before = new_limiter(), threading.active_count()
    for number in range(100):
        limiter.hit(TWICE, str(number))
        assert threading.active_count() == before


def test_requests_at_once_are_all_counted() -> None:
    limiter = new_limiter()
    most = RateLimitItemPerMinute(4_000)

    def hit() -> None:
        for _ in range(1_000):
            limiter.hit(most, "shared")

    threads = [threading.Thread(target=hit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert limiter.get_window_stats(most, "shared").remaining == 0
    assert not limiter.hit(most, "shared")
