"""Many names at once are judged as one by one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstudy.data.cells import are_event_ids, check_event_id

PIECES = (
    "con",
    "CON",
    "nul",
    "com1",
    "Lpt9",
    "com",
    "a",
    "Z9",
    ".",
    "..",
    "-",
    "_",
    " ",
    "",
    "\n",
    "é",
    "٣",
    "x" * 63,
    "x" * 64,
    "/",
)


def allowed(text: str) -> bool:
    """By the check that tells what is wrong."""
    try:
        check_event_id(text)
    except ValueError:
        return False
    return True


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=4).map("".join) | st.text(max_size=5), max_size=6))
def test_all_are_names_if_each_is(texts: list[str]) -> None:
    assert are_event_ids(texts) == all(allowed(text) for text in texts)


@pytest.mark.parametrize("bad", ["", "con", "aux.txt", "x.", "a\nb", "a" * 65, "-x", "a b", "é"])
def test_one_bad_name_among_many_is_found(bad: str) -> None:
    texts = [f"e{i}" for i in range(1000)]
    assert are_event_ids(texts) and not allowed(bad)
    for at in (0, 500, 1000):
        assert not are_event_ids([*texts[:at], bad, *texts[at:]])


def test_names_made_to_be_slow_are_not() -> None:
    texts = ["a" + "." * 63] * 20_000
    began = time.process_time()
    assert not are_event_ids(texts) and not are_event_ids([*["a" * 64] * 20_000, "a" + "." * 63])
    one_by_one = time.process_time()
    assert not any(map(allowed, texts)) and all(map(allowed, ["a" * 64] * 20_000))
    assert one_by_one - began < 2 * (time.process_time() - one_by_one)
