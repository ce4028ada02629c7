"""The grammar of budgets, read by recursive descent.

    budget     = value operator number [unit] ["for" number unit]
    value      = ["1" "-"] term
    term       = metric | statistic "(" metric ")" | "share" "(" metric operator number [unit] ")"
    metric     = name ["{" label "=" text {"," label "=" text} "}"]
    statistic  = "p" number | "mean" | "max" | "min" | "rate" | "count" | "sum"
    operator   = "<" | "<=" | ">" | ">=" | "==" | "!="

Names are checked against the catalogue, and units against the metric, so that a mistyped budget never passes.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn, cast

from perfctl.config.fault import did_you_mean, shortened
from perfctl.errors import UsageError
from perfctl.metrics.budgets.known import ALIASES, ALL_STATISTICS, QUANTILES, STATISTICS, Known, known_metrics
from perfctl.metrics.budgets.measures import WRITTEN, examples, in_unit, is_share, known_unit, per_second
from perfctl.metrics.budgets.model import Budget, Expression, Operator, Within

LENGTH_LIMIT = 1000

_TOKEN = re.compile(
    r"""(?P<number>\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?)
      | (?P<word>[A-Za-z_][A-Za-z0-9_.]*)
      | (?P<operator><=|>=|==|!=|<|>)
      | (?P<quoted>"(?:[^"\\]|\\["\\])*")
      | (?P<sign>[(){},=%/-])
      | (?P<micro>µs)""",
    re.VERBOSE,
)
_BARE = re.compile(r"[A-Za-z0-9_./:*@-]+")
_BLANK = re.compile(r"\s*")
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?)")
_SHORTEST_NEAR = 3


class BudgetError(UsageError):
    """A text that is no budget; `column` counts from 1."""

    def __init__(self, text: str, column: int, problem: str, hint: str) -> None:
        super().__init__(f"{shortened(text)}, column {column}: {problem}", hint=hint)
        self.column = column
        self.problem = problem


def parse(text: str) -> Budget:
    """The budget that a text states. BudgetError (exit 2) says at which column it is none, and what was meant.

    >>> str(parse("p95( db.query.duration ) < 50ms for 5m"))
    'p95(db.query.duration) < 50ms for 5m'
    """
    return _Parser(text).budget()


def parse_expression(text: str) -> Expression:
    """A value alone, such as an objective's `share(http.request.duration <= 200ms)`. BudgetError as `parse`."""
    return _Parser(text).expression_alone()


def is_bare(value: str) -> bool:
    """Whether a label's value needs no quotes."""
    return bool(_BARE.fullmatch(value))


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class _Parser:
    """One text, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        if len(text) > LENGTH_LIMIT:
            self._refuse(LENGTH_LIMIT, f"is longer than {LENGTH_LIMIT} characters", "write one budget")
        self._skip()

    def budget(self) -> Budget:
        expression = self._value()
        operator = self._operator("an operator such as >= or <")
        at = self._at
        written, unit = self._number("a limit")
        limit = self._limit(written, unit, expression.unit, at)
        seconds = self._for()
        self._end("the end, or 'for 5m'")
        return Budget(expression, operator, limit, unit, written, for_seconds=seconds)

    def expression_alone(self) -> Expression:
        expression = self._value()
        self._end("the end: an objective's sli has no limit")
        return expression

    def _value(self) -> Expression:
        if not self._text.strip():
            self._refuse(0, "is empty", "write a budget such as cache.hit_ratio >= 0.95")
        start = self._at
        complement = self._complement()
        expression = self._term()
        if complement and not is_share(expression.unit):
            self._refuse(start, "1 - takes a ratio", "such as 1 - http.error_ratio >= 0.999")
        return Expression(
            expression.metric,
            expression.labels,
            expression.statistic,
            expression.within,
            complement,
            expression.unit,
        )

    def _complement(self) -> bool:
        token = self._peek()
        if token is None or token.kind != "number":
            return False
        if token.text != "1":
            self._refuse(token.start, "begins with a number", "write what is measured first: p95(...) < 50ms")
        self._take()
        self._expect("-", "write 1 - and a ratio, such as 1 - http.error_ratio")
        return True

    def _term(self) -> Expression:
        token = self._peek()
        if token is None or token.kind != "word":
            self._refuse(self._at, "a metric is missing here", "such as cache.hit_ratio or p95(db.query.duration)")
        word = self._word()
        if not self._is_next("("):
            return self._bare(word)
        statistic = self._statistic(word)
        self._expect("(", "")
        known, labels = self._metric()
        self._fits(statistic, known, word)
        within = self._within(known) if statistic == "share" else None
        self._expect(")", "close the bracket after the metric")
        return Expression(known.name, labels, statistic, within, unit=_unit_of(statistic, known))

    def _bare(self, word: _Token) -> Expression:
        if word.text in ALL_STATISTICS and word.text not in known_metrics():
            self._refuse(word.end, "a metric in brackets is missing here", f"write {word.text}(METRIC)")
        known, labels = self._metric(word)
        if known.kind == "histogram":
            self._refuse(
                word.start,
                f"{known.name} is a distribution",
                f"say what of it: p95({known.name}), mean({known.name}) ...",
            )
        return Expression(known.name, labels, "sum" if known.kind == "counter" else None, unit=known.unit)

    def _metric(self, word: _Token | None = None) -> tuple[Known, tuple[tuple[str, str], ...]]:
        token = word or self._word()
        known = known_metrics().get(token.text)
        if known is None:
            self._refuse(token.start, f"unknown metric {token.text!r}", _near_metric(token.text))
        return known, self._labels(known)

    def _labels(self, known: Known) -> tuple[tuple[str, str], ...]:
        if not self._is_next("{"):
            return ()
        self._take()
        labels: dict[str, str] = {}
        while not self._is_next("}"):
            token = self._word()
            name = ALIASES.get(token.text, token.text)
            if name not in known.labels:
                self._refuse(token.start, f"{known.name} has no label {token.text!r}", _near_label(token.text, known))
            if name in labels:
                self._refuse(token.start, f"the label {token.text!r} stands twice", "keep one")
            self._expect("=", "write label=value")
            labels[name] = self._label_value()
            if not self._is_next("}"):
                self._expect(",", "write a comma or } after the value")
        self._take()
        return tuple(sorted(labels.items()))

    def _label_value(self) -> str:
        token = self._peek()
        if token is not None and token.kind == "quoted":
            self._take()
            return re.sub(r"\\(.)", r"\1", token.text[1:-1])
        found = _BARE.match(self._text, self._at)
        if found is None:
            self._refuse(self._at, "the label's value is missing here", 'write it bare, or in "quotes"')
        self._at = found.end()
        self._skip()
        return found[0]

    def _statistic(self, word: _Token) -> str:
        quantile = _QUANTILE.fullmatch(word.text)
        if word.text in ALL_STATISTICS or (quantile is not None and float(quantile[1]) > 0):
            return word.text
        is_mean = word.text in ("avg", "average")
        hint = "did you mean 'mean'?" if is_mean else did_you_mean(word.text, ALL_STATISTICS)
        return self._refuse(word.start, f"unknown statistic {word.text!r}", hint)

    def _fits(self, statistic: str, known: Known, word: _Token) -> None:
        fitting = STATISTICS[known.kind]
        if statistic in fitting or (_QUANTILE.fullmatch(statistic) and known.kind == "histogram"):
            return
        if not fitting:
            hint = f"write {known.name} alone: it is one number"
        elif known.kind == "histogram":
            hint = f"it has {QUANTILES}, {', '.join(fitting)}"
        else:
            hint = f"it is a {known.kind}, which has {', '.join(fitting)}"
        self._refuse(word.start, f"{known.name} has no {statistic}", hint)

    def _within(self, known: Known) -> Within:
        at = self._at
        operator = self._operator(f"a condition such as <= {examples(known.unit).split()[0]}")
        if operator in ("==", "!="):
            self._refuse(at, f"a share has no {operator}", "write <, <=, > or >=")
        at = self._at
        written, unit = self._number("a limit")
        return Within(operator, self._limit(written, unit, known.unit, at), unit, written)

    def _operator(self, wanted: str) -> Operator:
        token = self._peek()
        if token is None or token.kind != "operator":
            found = "'='" if token is not None and token.text == "=" else None
            hint = "write == for equal" if found else f"write {wanted}"
            self._refuse(self._at, f"{wanted} is missing here", hint)
        self._take()
        return cast(Operator, token.text)

    def _number(self, wanted: str) -> tuple[float, str]:
        sign = self._signed()
        token = self._peek()
        if token is None or token.kind != "number":
            self._refuse(self._at, f"{wanted} is missing here", "write a number and its unit, such as 50ms")
        self._take()
        return sign * float(token.text), self._unit()

    def _signed(self) -> float:
        if not self._is_next("-"):
            return 1.0
        self._take()
        return -1.0

    def _unit(self) -> str:
        token = self._peek()
        unit = ""
        if token is not None and (token.text == "%" or token.kind in ("word", "micro")) and token.text != "for":
            self._take()
            unit = token.text
        if self._is_next("/"):
            self._take()
            per = self._word()
            if per.text != "s":
                self._refuse(per.start, f"unknown unit {unit}/{per.text}", "rates are per second: /s")
            unit += "/s"
        if not known_unit(unit) and token is not None:
            self._refuse(token.start, f"unknown unit {unit!r}", _near_unit(unit))
        return unit

    def _limit(self, written: float, unit: str, own: str, at: int) -> float:
        limit = in_unit(written, unit, own)
        if limit is None:
            shown = f"{unit!r} is no unit of it" if unit else "the unit is missing"
            self._refuse(at, f"{shown}", f"write {examples(own)}")
        if is_share(own) and not 0 <= limit <= 1:
            self._refuse(at, "a ratio is between 0 and 1", f"write {written:g}% or {written / 100:g}")
        return limit

    def _for(self) -> float:
        token = self._peek()
        if token is None or token.text != "for":
            return 0.0
        self._take()
        at = self._at
        number, unit = self._number("a duration")
        seconds = in_unit(number, unit, "s")
        if seconds is None or seconds <= 0:
            self._refuse(at, "this is no duration", "write for 5m")
        return seconds

    def _word(self) -> _Token:
        token = self._peek()
        if token is None or token.kind != "word":
            self._refuse(self._at, "a name is missing here", "names are letters, digits, _ and dots")
        return self._take()

    def _expect(self, sign: str, hint: str) -> None:
        if not self._is_next(sign):
            self._refuse(self._at, f"{sign!r} is missing here", hint)
        self._take()

    def _end(self, wanted: str) -> None:
        if self._at < len(self._text):
            rest = self._text[self._at :]
            self._refuse(self._at, f"{shortened(rest[:30])} is too much", f"here comes {wanted}")

    def _is_next(self, sign: str) -> bool:
        token = self._peek()
        return token is not None and token.text == sign

    def _peek(self) -> _Token | None:
        found = _TOKEN.match(self._text, self._at)
        return _Token(found.lastgroup or "", found[0], found.start(), found.end()) if found else None

    def _take(self) -> _Token:
        token = self._peek()
        if token is None:
            self._refuse(self._at, "ends too early", "write the rest of it")
        self._at = token.end
        self._skip()
        return token

    def _skip(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at

    def _refuse(self, at: int, problem: str, hint: str) -> NoReturn:
        raise BudgetError(self._text, at + 1, problem, hint)


def _unit_of(statistic: str, known: Known) -> str:
    if statistic == "share":
        return "ratio"
    if statistic == "rate":
        return "1/s" if known.kind == "histogram" else per_second(known.unit)
    if statistic == "count":
        return ""
    return known.unit


def _near_metric(word: str) -> str:
    """The nearest name, also where only its last part was written."""
    names = tuple(known_metrics())
    nearest = did_you_mean(word, names)
    if nearest.startswith("did you mean"):
        return nearest
    partly = [name for name in names if len(word) >= _SHORTEST_NEAR and word.lower() in name]
    return f"did you mean {partly[0]!r}?" if partly else nearest


def _near_label(word: str, known: Known) -> str:
    return did_you_mean(word, (*known.labels, "ns")) if known.labels else "it has no labels"


def _near_unit(unit: str) -> str:
    same = next((known for known in WRITTEN if known.lower() == unit.lower()), None)
    return f"did you mean {same!r}?" if same else f"it is one of {', '.join(WRITTEN)}, or a rate of one: /s"
