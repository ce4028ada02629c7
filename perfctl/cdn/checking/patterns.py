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
_MOST_PLACES = 100_000
"""Positions of patterns in all states together: a tenth of a second and more; real configurations need hundreds."""

Place = tuple[int, int]
"""A pattern by its number, and a position in it. The pattern that is asked about has the number 0."""
State = frozenset[Place]


def path_left(pattern: str, earlier: Sequence[str]) -> str | None:
    """A path that this pattern matches and none of the earlier ones does; None where there is none.

    Where the search would be too long, the pattern itself: nothing is claimed then.

    >>> path_left("/img/*.png", ["/img/*"]), path_left("/img/*", ["/img/*.png"])
    (None, '/img/')
    """
    patterns = [_anchored(each) for each in (pattern, *earlier)]
    first = _moved(patterns, _closed(patterns, {(number, 0) for number in range(len(patterns))}), "/")
    seen: dict[State, tuple[State, str] | None] = {first: None}
    waiting, places = deque([first]), 0
    while waiting:
        state = waiting.popleft()
        if _is_hopeless(patterns, state):
            continue
        ended = {number for number, position in state if position == len(patterns[number])}
        if ended == {0}:
            return "/" + _spelled(state, seen)
        for letter in _letters(patterns, state):
            following = _moved(patterns, state, letter)
            if following not in seen:
                seen[following] = (state, letter)
                places += len(following)
                waiting.append(following)
        if places > _MOST_PLACES:
            return pattern
    return None


def covering(pattern: str, earlier: Sequence[str]) -> tuple[str, ...]:
    """The earlier patterns that leave nothing for this one: one alone where that is enough; none where it matches."""
    if path_left(pattern, earlier) is not None:
        return ()
    return next(((each,) for each in earlier if path_left(pattern, [each]) is None), tuple(earlier))


def _anchored(pattern: str) -> str:
    return pattern if pattern.startswith(("/", "*")) else "/" + pattern


def _closed(patterns: Sequence[str], places: set[Place]) -> State:
    """With those that are reached by letting a `*` stand for nothing."""
    for number, position in list(places):
        while position < len(patterns[number]) and patterns[number][position] == "*":
            position += 1
            places.add((number, position))
    return frozenset(places)


def _is_hopeless(patterns: Sequence[str], state: State) -> bool:
    """Whether the pattern has come to nothing, or an earlier one takes whatever follows."""
    is_alive = any(number == 0 for number, _ in state)
    return not is_alive or any(number > 0 and patterns[number][position:] == "*" for number, position in state)


def _letters(patterns: Sequence[str], state: State) -> list[str]:
    """Those that any pattern could go on with here, and one for all others."""
    named = {patterns[number][position] for number, position in state if position < len(patterns[number])}
    return [*sorted(named - {"*", "?"}), _OTHER]


def _moved(patterns: Sequence[str], state: State, letter: str) -> State:
    following = set()
    for number, position in state:
        here = patterns[number][position : position + 1]
        if here == "*":
            following.add((number, position))
        elif here in ("?", letter):
            following.add((number, position + 1))
    return _closed(patterns, following)


def _spelled(state: State, seen: dict[State, tuple[State, str] | None]) -> str:
    letters = []
    while (came := seen[state]) is not None:
        state, letter = came
        letters.append("x" if letter == _OTHER else letter)
    return "".join(reversed(letters))
