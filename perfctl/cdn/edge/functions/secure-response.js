// perfctl: runtime=cloudfront-js-2.0 trigger=viewer-response
// Security headers where the origin set none, Vary where the edge may compress, and a hint in Server-Timing of how the
// body came. What tells an attacker which software runs at the origin goes.

const ALWAYS = {
    'strict-transport-security': 'max-age=63072000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'strict-origin-when-cross-origin',
};
const OF_PAGES = {
    'x-frame-options': 'SAMEORIGIN',
    'content-security-policy': "frame-ancestors 'self'; base-uri 'self'; object-src 'none'",
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};
const COMPRESSIBLE = /^(text\/|application\/(javascript|json|xml|wasm|manifest\+json|ld\+json|rss\+xml|xhtml\+xml)|image\/svg\+xml|font\/(otf|ttf))/;

function handler(event) {
    const response = event.response;
    const headers = response.headers;
    const type = headers['content-type'] ? headers['content-type'].value.toLowerCase() : '';
    fill(headers, ALWAYS);
    if (type.startsWith('text/html')) fill(headers, OF_PAGES);
    delete headers['x-powered-by'];
    delete headers['x-aspnet-version'];
    if (COMPRESSIBLE.test(type)) hintOfCompression(headers);
    return response;
}

function fill(headers, wanted) {
    Object.keys(wanted).forEach(function (name) {
        if (!headers[name]) headers[name] = { value: wanted[name] };
    });
}

function hintOfCompression(headers) {
    const vary = headers.vary ? headers.vary.value : '';
    if (!/(^|,)\s*(accept-encoding|\*)\s*(,|$)/i.test(vary)) {
        headers.vary = { value: vary ? vary + ', Accept-Encoding' : 'Accept-Encoding' };
    }
    const coding = headers['content-encoding'] ? headers['content-encoding'].value : 'identity';
    const hint = 'coding;desc="' + coding + '"';
    const said = headers['server-timing'];
    headers['server-timing'] = { value: said ? said.value + ', ' + hint : hint };
}
