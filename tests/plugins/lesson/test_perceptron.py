"""A single-layer perceptron learns what a line divides, and says why where none does."""

from tests.kit.caller import Caller


async def test_and_is_learned_and_xor_is_not(caller: Caller) -> None:
    learned = await caller("lesson", "perceptron", data="and")
    assert learned.tone == "good"
    failed = await caller("lesson", "perceptron", data="xor")
    assert failed.tone == "bad"
    assert "not linearly separable" in failed.text
