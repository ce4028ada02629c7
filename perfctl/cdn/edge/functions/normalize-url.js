// perfctl: runtime=cloudfront-js-2.0 trigger=viewer-request
// One cache key for one page: parameters of campaigns go, the others are sorted, double slashes and the two spellings
// of an escape become one. Nothing that an origin could tell apart on purpose is touched.

const CAMPAIGN = /^(utm_[a-z_]+|fbclid|gclid|gbraid|wbraid|dclid|msclkid|yclid|twclid|ttclid|li_fat_id|igshid|mc_[ce]id|_ga|_gl|_hsenc|_hsmi|mkt_tok|oly_(anon|enc)_id|vero_(conv|id))$/i;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

function handler(event) {
    const request = event.request;
    request.uri = oneSpelling(request.uri).replace(/\/{2,}/g, '/');
    const query = request.querystring;
    const sorted = {};
    Object.keys(query).sort().forEach(function (name) {
        if (!CAMPAIGN.test(name)) sorted[name] = query[name];
    });
    request.querystring = sorted;
    return request;
}

// RFC 3986, 6.2.2: escapes in capitals, and none of what needs none.
function oneSpelling(uri) {
    if (uri.indexOf('%') < 0) return uri;
    return uri.replace(/%[0-9a-f]{2}/gi, function (escape) {
        const letter = String.fromCharCode(parseInt(escape.slice(1), 16));
        return UNRESERVED.test(letter) ? letter : escape.toUpperCase();
    });
}
