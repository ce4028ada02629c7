"""Where edge locations are: their names begin with the code of an airport nearby."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A city and the region that it is in."""

    city: str
    region: str


_CITIES = {
    "North America": (
        "ATL Atlanta, BNA Nashville, BOS Boston, CLT Charlotte, CMH Columbus, DEN Denver, DFW Dallas, DTW Detroit, "
        "EWR Newark, GSP Greenville, HIO Hillsboro, IAD Ashburn, IAH Houston, IND Indianapolis, JAX Jacksonville, "
        "JFK New York, LAX Los Angeles, LAS Las Vegas, MCI Kansas City, MCO Orlando, MIA Miami, MSP Minneapolis, "
        "MSY New Orleans, ORD Chicago, PDX Portland, PHL Philadelphia, PHX Phoenix, PIT Pittsburgh, QRO Queretaro, "
        "RIC Richmond, SAN San Diego, SEA Seattle, SFO San Francisco, SLC Salt Lake City, STL St. Louis, TPA Tampa, "
        "YTO Toronto, YUL Montreal, YVR Vancouver, YYC Calgary, YYZ Toronto, MEX Mexico City"
    ),
    "Europe": (
        "AMS Amsterdam, ARN Stockholm, ATH Athens, BCN Barcelona, BEG Belgrade, BER Berlin, BRU Brussels, "
        "BUD Budapest, CDG Paris, CPH Copenhagen, DUB Dublin, DUS Dusseldorf, FCO Rome, FRA Frankfurt, HAM Hamburg, "
        "HEL Helsinki, IEV Kyiv, IST Istanbul, LHR London, LIS Lisbon, MAD Madrid, MAN Manchester, MRS Marseille, "
        "MUC Munich, MXP Milan, OPO Porto, OSL Oslo, OTP Bucharest, PMO Palermo, PRG Prague, SOF Sofia, TXL Berlin, "
        "VIE Vienna, WAW Warsaw, ZAG Zagreb, ZRH Zurich"
    ),
    "Asia": (
        "BKK Bangkok, CGK Jakarta, HAN Hanoi, HKG Hong Kong, ICN Seoul, KHH Kaohsiung, KIX Osaka, KUL Kuala Lumpur, "
        "MNL Manila, NRT Tokyo, SGN Ho Chi Minh City, SIN Singapore, TPE Taipei"
    ),
    "India": "BLR Bengaluru, BOM Mumbai, CCU Kolkata, DEL New Delhi, HYD Hyderabad, MAA Chennai, PNQ Pune",
    "Middle East": "AUH Abu Dhabi, BAH Manama, DOH Doha, DXB Dubai, FJR Fujairah, JED Jeddah, MCT Muscat, TLV Tel Aviv",
    "South America": (
        "ASU Asuncion, BOG Bogota, EZE Buenos Aires, FOR Fortaleza, GIG Rio de Janeiro, GRU Sao Paulo, LIM Lima, "
        "SCL Santiago, UIO Quito"
    ),
    "Africa": "CAI Cairo, CPT Cape Town, JNB Johannesburg, LOS Lagos, NBO Nairobi",
    "Oceania": "AKL Auckland, BNE Brisbane, MEL Melbourne, PER Perth, SYD Sydney",
    "China": "BJS Beijing, PVG Shanghai, SZX Shenzhen, ZHY Zhongwei",
}

_PLACES = {
    code: Place(city, region)
    for region, cities in _CITIES.items()
    for code, _, city in (entry.partition(" ") for entry in cities.split(", "))
}

UNKNOWN = "elsewhere"


def place_of(location: str) -> Place | None:
    """The city and region of `FRA56-P1`; None for a code that is not known here.

    >>> place_of("FRA56-P1")
    Place(city='Frankfurt', region='Europe')
    """
    return _PLACES.get(location[:3].upper())
