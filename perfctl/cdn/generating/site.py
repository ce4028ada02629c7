"""A made-up shop on the web: what it serves, how its URLs look, who asks for them and from where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

HOST = "d111111abcdef8.cloudfront.net"
ALIAS = "www.example.com"
DISTRIBUTION = "E2EXAMPLE0CDN1"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of content: its share of the URLs and of the requests, and how the origin lets it be cached."""

    name: str
    urls_share: float
    requests_share: float
    content_type: str
    median_bytes: int
    ttl_seconds: float
    """0: never cached."""
    queries: str = "none"
    """none, campaigns (few names of campaigns, some values once only), pages, words, versions."""
    query_share: float = 0.0
    has_cookies: bool = False
    is_validated: bool = True
    """Whether the origin answers 304 to what has not changed."""
    post_share: float = 0.0


KINDS = (
    Kind("page", 0.12, 0.21, "text/html;%20charset=utf-8", 14_000, 60, "campaigns", 0.22, has_cookies=True),
    Kind("product", 0.30, 0.15, "text/html;%20charset=utf-8", 19_000, 300, "campaigns", 0.18, has_cookies=True),
    Kind("asset", 0.03, 0.22, "application/javascript", 38_000, 31_536_000, "versions", 0.10),
    Kind("image", 0.42, 0.23, "image/webp", 27_000, 86_400),
    Kind("font", 0.01, 0.03, "font/woff2", 31_000, 2_592_000),
    Kind("api", 0.08, 0.09, "application/json", 2_400, 10, "pages", 0.55, is_validated=False, post_share=0.04),
    Kind("search", 0.01, 0.03, "application/json", 5_200, 30, "words", 1.0, is_validated=False),
    Kind("account", 0.03, 0.04, "text/html;%20charset=utf-8", 6_000, 0, has_cookies=True, post_share=0.12),
)

_PATHS = {
    "page": "/{word}/{number}/",
    "product": "/products/{number}/{word}.html",
    "asset": "/assets/{word}-{number}.{hash}.js",
    "image": "/img/products/{number}-{word}.webp",
    "font": "/fonts/{word}{number}.woff2",
    "api": "/api/v1/stocks/{word}{number}",
    "search": "/search/{word}{number}",
    "account": "/account/{word}/{number}",
}
_WORDS = "alpine birch coral delta ember fjord grove haven indigo jade krill lumen maple north ocean prism quartz river"

LOCATIONS: tuple[tuple[str, float, float], ...] = (
    ("IAD89-P1", 9, 12),
    ("IAD66-C1", 5, 12),
    ("JFK50-P4", 6, 16),
    ("ATL58-P2", 4, 22),
    ("MIA3-P1", 3, 30),
    ("YTO50-P2", 2, 24),
    ("ORD58-P6", 5, 20),
    ("DFW57-P3", 4, 55),
    ("SFO53-P7", 5, 65),
    ("LAX50-P2", 5, 62),
    ("SEA900-P4", 2, 70),
    ("GRU3-P3", 3, 120),
    ("DUB56-P1", 2, 78),
    ("LHR50-P8", 6, 82),
    ("CDG52-P2", 4, 86),
    ("MAD56-P4", 2, 95),
    ("FRA56-P3", 8, 90),
    ("AMS58-P6", 3, 88),
    ("ZRH55-P1", 2, 94),
    ("WAW51-P3", 1.5, 102),
    ("MXP64-P5", 2, 98),
    ("ARN56-P1", 1.5, 104),
    ("NRT57-P4", 3, 160),
    ("ICN57-P2", 2, 175),
    ("SIN52-P1", 2, 215),
    ("HKG62-P2", 1, 200),
    ("SYD62-P3", 2, 205),
    ("BOM78-P6", 2, 190),
    ("DEL54-P5", 1.5, 195),
    ("HEL51-P1", 0.5, 110),
)
"""Name, share of the requests, milliseconds to the origin and back."""

AGENTS = (
    "Mozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)%20AppleWebKit/537.36%20(KHTML,%20like%20Gecko)%20Chrome/126.0"
    "%20Safari/537.36",
    "Mozilla/5.0%20(iPhone;%20CPU%20iPhone%20OS%2017_5%20like%20Mac%20OS%20X)%20AppleWebKit/605.1.15%20(KHTML,%20like"
    "%20Gecko)%20Version/17.5%20Mobile/15E148%20Safari/604.1",
    "Mozilla/5.0%20(Linux;%20Android%2014;%20Pixel%208)%20AppleWebKit/537.36%20(KHTML,%20like%20Gecko)%20Chrome/126.0"
    "%20Mobile%20Safari/537.36",
    "Mozilla/5.0%20(Macintosh;%20Intel%20Mac%20OS%20X%2014.5;%20rv:127.0)%20Gecko/20100101%20Firefox/127.0",
    "Mozilla/5.0%20(compatible;%20Googlebot/2.1;%20+http://www.google.com/bot.html)",
    "okhttp/4.12.0",
)
REFERERS = ("-", "-", f"https://{ALIAS}/", f"https://{ALIAS}/search", "https://www.google.com/", "https://t.co/x1y2")
_CAMPAIGNS = ("spring", "summer", "outlet", "launch", "brand")
_SOURCES = ("newsletter", "google", "facebook", "partner")


@dataclass(frozen=True, slots=True)
class Client:
    """A viewer, as the columns of a log that do not change with what it asks."""

    address: str
    agent: str
    tls: str
    """ssl-protocol and ssl-cipher."""
    version: str
    cookie: str


def path_of(kind: Kind, number: int, random: random.Random) -> str:
    """The path of a URL; `number` makes it the only one."""
    return _PATHS[kind.name].format(
        word=random.choice(_WORDS.split()), number=number, hash=f"{random.getrandbits(32):08x}"
    )


def shared_queries(kind: Kind) -> tuple[str, ...]:
    """The query strings that many requests of a kind have in common."""
    if kind.queries == "campaigns":
        return tuple(
            f"utm_source={source}&utm_campaign={campaign}&utm_medium={medium}"
            for source in _SOURCES
            for campaign in _CAMPAIGNS
            for medium in ("email", "social")
        )
    if kind.queries == "pages":
        return tuple(f"page={page}&limit={limit}" for page in range(1, 6) for limit in (20, 50))
    if kind.queries == "words":
        return tuple(f"q={word}&sort={sort}" for word in _WORDS.split() for sort in ("price", "new"))
    return tuple(f"v={version}" for version in range(3)) if kind.queries == "versions" else ()


def lone_query(kind: Kind, random: random.Random) -> str:
    """A query string that nobody else has: an identifier of a click, or a number against caches."""
    if kind.queries == "campaigns":
        return f"fbclid=IwAR{random.getrandbits(96):024x}"
    return f"_={random.getrandbits(40)}"


def client_of(random: random.Random) -> Client:
    """A made-up viewer of the documentation's addresses (RFC 5737, RFC 3849)."""
    is_v6 = random.random() < 0.25
    address = (
        f"2001:db8:{random.getrandbits(16):x}:{random.getrandbits(16):x}::{random.getrandbits(16):x}"
        if is_v6
        else f"{random.choice(('192.0.2', '198.51.100', '203.0.113'))}.{random.randrange(1, 255)}"
    )
    tls = random.choice(("TLSv1.3\tTLS_AES_128_GCM_SHA256", "TLSv1.2\tECDHE-RSA-AES128-GCM-SHA256"))
    version = random.choice(("HTTP/2.0", "HTTP/2.0", "HTTP/3.0", "HTTP/1.1"))
    cookie = f"session={random.getrandbits(64):016x};%20consent=1"
    return Client(address, random.choice(AGENTS), tls, version, cookie)
