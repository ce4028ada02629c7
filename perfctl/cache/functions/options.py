"""What `cache_decorator` may be told, checked when it meets its function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, NoReturn, TypedDict

from perfctl.cache.functions.keymaker import Key
from perfctl.cache.serving.call import Call
from perfctl.errors import UsageError


class DecoratorOptions(TypedDict, total=False):
    """The keywords of `cache_decorator`, for type checkers; `Options` says what each means."""

    ttl: float | None
    namespace: str | None
    key: Key
    tags: Sequence[str]
    condition: Callable[..., Any] | None
    version: str | int | None
    ignore: Sequence[str]
    soft_timeout: float | None
    hard_timeout: float | None
    fail_safe: bool | None
    eager: float | None
    negative_ttl: float | None
    sliding: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The terms of one cached function. None is as configured."""

    ttl: float | None = None
    """Seconds that a value lives."""
    namespace: str | None = None
    key: Key = None
    """A template over the arguments, or a function of them; None: all of them."""
    tags: Sequence[str] = ()
    """Templates over the arguments: `clear(tag=...)` clears all that has a tag."""
    condition: Callable[..., Any] | None = None
    """Whether to keep a result: `condition(result)`, or `condition(result, *args, **kwargs)` of the call's."""
    version: str | int | None = None
    """Part of the key: another version does not read what the last one kept."""
    ignore: Sequence[str] = ()
    """Parameters that stay out of the key."""
    soft_timeout: float | None = None
    """Seconds after which a caller is given the stale value, where there is one."""
    hard_timeout: float | None = None
    """Seconds after which a caller gets TimedOutError; an async function's alone."""
    fail_safe: bool | None = None
    """Whether a stale value may stand in when the function fails."""
    eager: float | None = None
    """The share of the TTL after which a call refreshes the value in the background; 0: never."""
    negative_ttl: float | None = None
    """Seconds that a None lives."""
    sliding: bool = False
    """Each call gives the value its TTL anew."""

    def call(self) -> Call:
        """The terms as the engine has them; tags and condition belong to each call."""
        return Call(
            ttl=self.ttl,
            sliding=self.sliding,
            soft_timeout=self.soft_timeout,
            hard_timeout=self.hard_timeout,
            fail_safe=self.fail_safe,
            eager=self.eager,
            negative_ttl=self.negative_ttl,
            takes_refresh=False,
        )


def options_of(said: DecoratorOptions, function: str) -> Options:
    """The options of a function. UsageError, naming it, for one that is unknown or of the wrong type."""
    known = [field.name for field in fields(Options)]
    for name in said:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise UsageError(
                f"cache_decorator of {function} has no option {name!r}",
                hint=f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}",
            )
    options = Options(**said)
    for name in ("ttl", "soft_timeout", "hard_timeout", "negative_ttl"):
        _check_seconds(function, name, getattr(options, name))
    _check_texts(function, "tags", options.tags)
    _check_texts(function, "ignore", options.ignore)
    _check_others(function, options)
    return options


def _check_seconds(function: str, name: str, value: object) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (is_number and value > 0):  # type: ignore[operator]
        _refuse(function, name, value, "a number of seconds above 0", f"{name}=60 is a minute")


def _check_texts(function: str, name: str, value: object) -> None:
    is_listed = isinstance(value, (tuple, list, set, frozenset))
    if not is_listed or not all(isinstance(item, str) for item in value):  # type: ignore[attr-defined]
        wanted = repr((value,)) if isinstance(value, str) else '("user:{user_id}",)'
        _refuse(function, name, value, "a tuple of texts", f"write {name}={wanted}")


def _check_others(function: str, options: Options) -> None:
    if options.namespace is not None and not (isinstance(options.namespace, str) and options.namespace):
        _refuse(function, "namespace", options.namespace, "text", 'namespace="api"')
    if options.key is not None and not isinstance(options.key, str) and not _is_plain_function(options.key):
        _refuse(function, "key", options.key, "a template or a plain function", 'key="user:{user.id}"')
    if options.condition is not None and not _is_plain_function(options.condition):
        _refuse(
            function, "condition", options.condition, "a plain function", "condition=lambda result: result is not None"
        )
    if isinstance(options.version, bool) or not isinstance(options.version, (str, int, type(None))):
        _refuse(function, "version", options.version, "a number or text", "version=2")
    for name in ("fail_safe", "sliding"):
        if getattr(options, name) not in (True, False, None):
            _refuse(function, name, getattr(options, name), "True or False", f"{name}=True")
    eager = options.eager
    if eager is not None and (isinstance(eager, bool) or not isinstance(eager, (int, float)) or not 0 <= eager < 1):
        _refuse(function, "eager", eager, "a share of the TTL, 0 to 1", "eager=0.8 refreshes after four fifths of it")


def _is_plain_function(value: object) -> bool:
    return callable(value) and not inspect.iscoroutinefunction(value)


def _refuse(function: str, name: str, value: Any, wanted: str, hint: str) -> NoReturn:
    raise UsageError(f"cache_decorator of {function}: {name}={value!r} is not {wanted}", hint=hint)
