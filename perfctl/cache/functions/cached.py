"""What a cached function is for those who call it: its own signature, and what else it can be asked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from perfctl.cache.model import Preloaded

_P = ParamSpec("_P")
_Q = ParamSpec("_Q")
_R_co = TypeVar("_R_co", covariant=True)
_Self = TypeVar("_Self")


class Cached(Protocol[_P, _R_co]):
    """A plain function that is cached. Methods take their instance (or class) first where the function is called;
    `key` and `invalidate` may leave it out, and with it whatever stays out of the key."""

    __name__: str
    __wrapped__: Callable[..., Any]

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co: ...

    @overload
    def __get__(self, instance: None, owner: type | None = None, /) -> Cached[_P, _R_co]: ...
    @overload
    def __get__(
        self: Cached[Concatenate[_Self, _Q], _R_co], instance: _Self, owner: type | None = None, /
    ) -> Cached[_Q, _R_co]: ...

    def key(self, *args: Any, **kwargs: Any) -> str:
        """The key of a call, within its namespace."""

    def invalidate(self, *args: Any, **kwargs: Any) -> bool:
        """Forget what a call returned, everywhere; whether it was known, or Redis forgot it."""

    def refresh(self, *args: Any, **kwargs: Any) -> _R_co:
        """Call the function now and keep what it returns. Its error is raised, and the old value stays."""

    def bypass(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """Call the function: nothing is looked up, nothing is kept."""

    def preload(
        self, calls: Iterable[Any], *, concurrency: int = 8, factory: Callable[[list[Any]], Sequence[Any]] | None = None
    ) -> Preloaded:
        """Have what is missing of these calls, each a tuple of arguments, a dict of them, or the only argument.

        Each is computed by the function, so many at a time; or those that are missing, a thousand at a time, by one
        call of `factory`, which gets their list and returns their results in the same order.
        """


class AsyncCached(Protocol[_P, _R_co]):
    """The same for an async function: all but `key` is awaited."""

    __name__: str
    __wrapped__: Callable[..., Any]

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> Coroutine[Any, Any, _R_co]: ...

    @overload
    def __get__(self, instance: None, owner: type | None = None, /) -> AsyncCached[_P, _R_co]: ...
    @overload
    def __get__(
        self: AsyncCached[Concatenate[_Self, _Q], _R_co], instance: _Self, owner: type | None = None, /
    ) -> AsyncCached[_Q, _R_co]: ...

    def key(self, *args: Any, **kwargs: Any) -> str:
        """The key of a call, within its namespace."""

    async def invalidate(self, *args: Any, **kwargs: Any) -> bool:
        """Forget what a call returned, everywhere; whether it was known, or Redis forgot it."""

    async def refresh(self, *args: Any, **kwargs: Any) -> _R_co:
        """Call the function now and keep what it returns. Its error is raised, and the old value stays."""

    async def bypass(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """Call the function: nothing is looked up, nothing is kept."""

    async def preload(
        self, calls: Iterable[Any], *, concurrency: int = 64, factory: Callable[[list[Any]], Any] | None = None
    ) -> Preloaded:
        """Have what is missing of these calls, each a tuple of arguments, a dict of them, or the only argument.

        Each is computed by the function, so many at a time; or those that are missing, a thousand at a time, by one
        call of `factory` (async or plain), which gets their list and returns their results in the same order.
        """
