import os

from tests.load.memory import MIB, Memory, is_flat, resident


def test_this_process_has_some_memory_and_one_that_ended_has_none() -> None:
    assert resident(os.getpid()) > MIB
    assert resident(1 << 30) == 0


def test_memory_is_sampled_by_name() -> None:
    with Memory(lambda: {"tests": [os.getpid()]}) as memory:
        pass
    middle, last = memory.thirds("tests")
    assert middle == last > MIB


def test_the_first_third_of_a_run_does_not_count() -> None:
    memory = Memory(dict)
    memory.samples["web"] = [50, 60, 100, 100, 104, 104]
    assert memory.thirds("web") == (100, 104)


def test_growth_of_a_tenth_is_flat_and_more_is_not() -> None:
    assert is_flat(1_000 * MIB, 1_100 * MIB)
    assert not is_flat(1_000 * MIB, 1_200 * MIB)
