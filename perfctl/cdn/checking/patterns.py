"""Whether path patterns leave anything for a later one: language containment of patterns with `*` and `?`.

A pattern is a nondeterministic automaton whose states are its positions. A later pattern is walked together with the
sets of positions of all earlier ones (the subset construction), over the letters that occur and one that stands for
every other; where it accepts and none of them does, the walk's letters are a path that reaches it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

_OTHER = "\x00"
"""Stands for every letter that no pattern names."""
_MOST_STATES = 20_000

State = tuple[frozenset[int], tuple[frozenset[int], ...]]


def path_left(pattern: str, earlier: Sequence[str]) -> str | None:
    """A path that this pattern matches and none of the earlier ones does; None where there is none.

    Where the search would be too long, the pattern itself: nothing is claimed then.

    >>> path_left("/img/*.png", ["/img/*"]), path_left("/img/*", ["/img/*.png"])
    (None, '/img/')
    """
    own, before = _anchored(pattern), [_anchored(each) for each in earlier]
    letters = [*sorted({*"".join((own, *before))} - {"*", "?"}), _OTHER]
    start: State = (_closed(own, {0}), tuple(_closed(each, {0}) for each in before))
    seen: dict[State, tuple[State, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if len(own) in state[0] and not any(len(each) in at for each, at in zip(before, state[1], strict=True)):
            return _spelled(state, seen)
        for letter in ("/",) if seen[state] is None else letters:
            following = _moved(own, before, state, letter)
            if following[0] and following not in seen:
                seen[following] = (state, letter)
                waiting.append(following)
        if len(seen) > _MOST_STATES:
            return pattern
    return None


def covering(pattern: str, earlier: Sequence[str]) -> tuple[str, ...]:
    """The earlier patterns that leave nothing for this one: one alone where that is enough; none where it matches."""
    if path_left(pattern, earlier) is not None:
        return ()
    return next(((each,) for each in earlier if path_left(pattern, [each]) is None), tuple(earlier))


def _anchored(pattern: str) -> str:
    return pattern if pattern.startswith(("/", "*")) else "/" + pattern


def _closed(pattern: str, positions: set[int]) -> frozenset[int]:
    """With those that are reached by letting a `*` stand for nothing."""
    for position in sorted(positions):
        while position < len(pattern) and pattern[position] == "*":
            position += 1
            positions.add(position)
    return frozenset(positions)


def _moved(own: str, before: Sequence[str], state: State, letter: str) -> State:
    moved = tuple(_step(each, at, letter) for each, at in zip(before, state[1], strict=True))
    return _step(own, state[0], letter), moved


def _step(pattern: str, positions: frozenset[int], letter: str) -> frozenset[int]:
    following = set()
    for position in positions:
        if position < len(pattern):
            if pattern[position] == "*":
                following.add(position)
            elif pattern[position] in ("?", letter):
                following.add(position + 1)
    return _closed(pattern, following)


def _spelled(state: State, seen: dict[State, tuple[State, str] | None]) -> str:
    letters = []
    while (came := seen[state]) is not None:
        state, letter = came
        letters.append("x" if letter == _OTHER else letter)
    return "".join(reversed(letters))
