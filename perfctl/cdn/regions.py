"""Which AWS region's cache stands behind an edge location, from the airport's code that its name begins with.

CloudFront's locations ask the nearest of 13 regional edge caches (developer guide, "How CloudFront works with regional
edge caches"); which one is not published, so this table takes the nearest by geography.
"""

from __future__ import annotations

from functools import cache

UNKNOWN = "unknown"

_AIRPORTS = {
    "us-east-1": "IAD DCA EWR JFK LGA PHL BOS ATL MIA JAX TPA CLT RIC YUL YTO YYZ BGI SJU BWI",
    "us-east-2": "CMH ORD DTW CLE IND MSP STL MCI PIT BNA",
    "us-west-1": "SFO LAX SAN PHX LAS SMF ONT",
    "us-west-2": "SEA HIO PDX DEN SLC YVR DFW IAH AUS HNL MFE QRO",
    "sa-east-1": "GRU GIG FOR POA CNF CWB BSB SCL EZE BOG LIM",
    "eu-west-1": "DUB SNN ORK",
    "eu-west-2": "LHR LCY MAN EDI LGW CDG MRS LYS BRU LIS MAD BCN OPO",
    "eu-central-1": "FRA DUS TXL BER HAM MUC AMS ZRH GVA VIE PRG WAW BUD OTP SOF ATH MXP FCO PMO ZAG BEG CPH ARN OSL"
    " HEL TLV IST KBP CAI JNB CPT LOS NBO DXB FJR RUH JED BAH DOH MCT",
    "ap-northeast-1": "NRT KIX HND TPE",
    "ap-northeast-2": "ICN",
    "ap-southeast-1": "SIN KUL BKK HKG MNL CGK SGN HAN DAC",
    "ap-southeast-2": "SYD MEL PER BNE AKL",
    "ap-south-1": "BOM DEL MAA BLR HYD CCU PNQ AMD CMB",
}
_REGIONS = {airport: region for region, airports in _AIRPORTS.items() for airport in airports.split()}
REGIONS = tuple(_AIRPORTS)


@cache
def region_of(location: str) -> str:
    """The region behind an edge location.

    >>> region_of("FRA56-P3"), region_of("XXX1-C1")
    ('eu-central-1', 'unknown')
    """
    return _REGIONS.get(location[:3].upper(), UNKNOWN)
