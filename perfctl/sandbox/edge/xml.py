"""The service's XML: read without entities or document types, written with its namespace."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring
from xml.parsers import expat

from perfctl.sandbox.edge.problems import ServiceProblem

NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
MAX_DEPTH = 40
MAX_ELEMENTS = 50_000


def parse(text: bytes) -> Element:
    """The document's root, names without namespaces. ServiceProblem for anything that is not plain, bounded XML.

    A document type is refused before anything in it is read, so no entity is ever expanded.
    """
    if not text.strip():
        raise ServiceProblem("MissingBody", "This operation requires a body. Ensure that the body is present.")
    reader = _Reader()
    try:
        return reader.read(text)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ServiceProblem("MalformedXML", f"The XML is not well-formed: {error}") from error


class _Reader:
    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = 0
        self._elements = 0
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._builder.data

    def read(self, text: bytes) -> Element:
        self._parser.Parse(text, True)
        return self._builder.close()

    def _refuse(self, *_: object) -> None:
        raise ServiceProblem("MalformedXML", "A document type declaration is not accepted.")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise ServiceProblem("MalformedXML", "The XML is too deep or has too many elements.")
        self._builder.start(name.rpartition("}")[2], {})

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._builder.end(name.rpartition("}")[2])


def element(tag: str, content: object = None, children: Iterable[Element] = ()) -> Element:
    """One element: text (booleans as `true` and `false`) or children."""
    made = Element(tag)
    if content is not None:
        made.text = str(content).lower() if isinstance(content, bool) else str(content)
    made.extend(children)
    return made


def leaves(**values: object) -> list[Element]:
    """One element for each value that is not None, in the order given."""
    return [element(name, value) for name, value in values.items() if value is not None]


def renamed(root: Element, tag: str) -> Element:
    """The same content under another name."""
    return element(tag, root.text, root)


def document(root: Element) -> bytes:
    """The document as the service sends it."""
    attributes = {"xmlns": NAMESPACE}
    top = Element(root.tag, attributes)
    top.text = root.text
    top.extend(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(top)


def stored(root: Element) -> str:
    """The text under which an element is kept."""
    return tostring(root, encoding="unicode")


def text_of(root: Element, path: str, default: str = "") -> str:
    """The text at `path`, `default` when it is absent or empty."""
    return (root.findtext(path) or default).strip()


def number_of(root: Element, path: str, default: int) -> int:
    """The whole number at `path`; InvalidArgument when it is none."""
    text = text_of(root, path)
    try:
        return int(text) if text else default
    except ValueError:
        raise ServiceProblem("InvalidArgument", f"The parameter {path} is not a number.") from None


def is_true(root: Element, path: str) -> bool:
    return text_of(root, path).lower() == "true"


def items_of(root: Element, path: str) -> list[Element]:
    """The members of the list at `path`."""
    found = root.find(f"{path}/Items" if path else "Items")
    return [] if found is None else list(found)


def texts_of(root: Element, path: str) -> tuple[str, ...]:
    """The members' texts of the list at `path`, as they stand."""
    return tuple(item.text or "" for item in items_of(root, path))


def check_quantities(root: Element) -> None:
    """InconsistentQuantities when a list says another number than it has."""
    for holder in root.iter():
        if holder.find("Quantity") is not None:
            quantity, items = number_of(holder, "Quantity", -1), items_of(holder, "")
            if quantity != len(items):
                raise ServiceProblem(
                    "InconsistentQuantities",
                    f"The value of Quantity ({quantity}) and the number of Items ({len(items)}) in "
                    f"{holder.tag} do not match.",
                )


def listing(tag: str, item_tag: str, items: list[Element], **envelope: object) -> Element:
    """A page of a list: its envelope's fields, Quantity, and Items when there are any."""
    root = element(tag, children=leaves(**envelope))
    SubElement(root, "Quantity").text = str(len(items))
    if items:
        root.append(element("Items", children=[renamed(item, item_tag) for item in items]))
    return root
