"""What the documented JavaScript of CloudFront Functions lacks.

"JavaScript runtime 1.0 features" and "... 2.0 features" of the developer guide list all that is there; what engines
commonly have beyond it is listed here.
"""

from __future__ import annotations

SYNTAX: dict[str, str] = {
    "class_declaration": "classes",
    "class": "classes",
    "generator_function_declaration": "generators",
    "generator_function": "generators",
    "yield_expression": "generators",
    "spread_element": "spread syntax (...)",
    "object_pattern": "destructuring",
    "array_pattern": "destructuring",
    "optional_chain": "optional chaining (?.)",
    "private_property_identifier": "private fields",
    "export_statement": "exports",
    "meta_property": "import.meta and new.target",
}
"""Kinds of nodes that neither runtime has."""
OPERATORS: dict[str, str] = {
    "??": "nullish coalescing (??)",
    "??=": "logical assignment (??=)",
    "||=": "logical assignment (||=)",
    "&&=": "logical assignment (&&=)",
}
INSTEAD: dict[str, str] = {
    "classes": "write functions",
    "spread syntax (...)": "use concat(), apply() or Object.assign()",
    "destructuring": "name each field: var a = o.a",
    "optional chaining (?.)": "write a && a.b",
    "nullish coalescing (??)": "write a !== undefined ? a : b",
    "for-of loops": "use forEach() or an index",
    "default values of parameters": "set them in the function's body",
}

GONE: dict[str, str] = {
    "fetch": "there is no network",
    "XMLHttpRequest": "there is no network",
    "WebSocket": "there is no network",
    "setTimeout": "there are no timers",
    "setInterval": "there are no timers",
    "setImmediate": "there are no timers",
    "clearTimeout": "there are no timers",
    "queueMicrotask": "there are no timers",
    "eval": "no code is made at run time",
    "Function": "no code is made at run time",
    "process": "there is no process, and no environment",
    "module": "a CloudFront Function exports nothing: declare function handler(event)",
    "exports": "a CloudFront Function exports nothing: declare function handler(event)",
    "global": "globalThis is there",
    "window": "globalThis is there",
    "performance": "there is no clock of high resolution",
    **dict.fromkeys(
        ("Map", "Set", "WeakMap", "WeakSet", "WeakRef", "Proxy", "Reflect", "BigInt", "Intl", "URL", "URLSearchParams"),
        "it is not among the built-ins of the runtime",
    ),
    **dict.fromkeys(
        ("structuredClone", "SharedArrayBuffer", "Atomics", "escape", "unescape"),
        "it is not among the built-ins of the runtime",
    ),
}
"""Names that no runtime has."""
GONE_IN_1: dict[str, str] = dict.fromkeys(
    ("Symbol", "Buffer", "TextEncoder", "TextDecoder", "atob", "btoa", "DataView"), "it is there from runtime 2.0 on"
)
METHODS = frozenset(
    {
        *("flat", "flatMap", "matchAll", "at", "fromEntries", "hasOwn", "findLast", "findLastIndex", "toSorted"),
        *("toReversed", "toSpliced", "normalize", "localeCompare", "getOwnPropertySymbols"),
    }
)
"""Methods that neither runtime documents."""
METHODS_IN_1 = frozenset({"replaceAll", "allSettled", "any"})
STATICS = frozenset({("Array", "from"), ("String", "raw")})
MODULES = {"cloudfront-js-1.0": ("crypto", "querystring"), "cloudfront-js-2.0": ("crypto", "querystring", "buffer")}
IMPORTS = ("cloudfront", "crypto", "querystring", "buffer")
