"""What a client would rather read: a browser asks for HTML, every other client gets JSON."""

from __future__ import annotations


def prefers_html(accept: bytes | str) -> bool:
    """Whether the header Accept names HTML, and names it before JSON.

    >>> prefers_html("text/html,application/xhtml+xml,*/*;q=0.8"), prefers_html("*/*"), prefers_html("")
    (True, False, False)
    >>> prefers_html("text/html;q=0.5, application/json")
    False
    """
    text = accept.decode("latin-1") if isinstance(accept, bytes) else accept
    if "text/html" not in text.lower():
        return False
    weights = _weights(text)
    html = weights.get("text/html", 0.0)
    return html > 0 and html >= weights.get("application/json", 0.0)


def _weights(text: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in text.lower().split(","):
        kind, _, parameters = part.partition(";")
        weights.setdefault(kind.strip(), _weight(parameters))
    return weights


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
