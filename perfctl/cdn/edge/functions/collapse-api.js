// perfctl: runtime=cloudfront-js-2.0 trigger=viewer-request
// Equal questions to a public API become equal requests, so that the edge answers them from one cached answer and asks
// the origin once for all that wait. A request that is somebody's own (Authorization, or a session's cookie) is left.

const SESSION = /^(session|sid|sessionid|connect\.sid|phpsessid|jsessionid|auth|token|jwt|__host-.*|__secure-.*)$/i;

function handler(event) {
    const request = event.request;
    const headers = request.headers;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead || headers.authorization || Object.keys(request.cookies).some(isSession)) return request;
    request.cookies = {};
    if (headers.accept && /json|\*\/\*/i.test(headers.accept.value)) headers.accept = { value: 'application/json' };
    ['cache-control', 'pragma', 'user-agent', 'accept-language', 'x-requested-with'].forEach(function (name) {
        delete headers[name];
    });
    const sorted = {};
    Object.keys(request.querystring).sort().forEach(function (name) {
        if (name !== '_' && name !== 'cachebuster') sorted[name] = request.querystring[name];
    });
    request.querystring = sorted;
    return request;
}

function isSession(name) {
    return SESSION.test(name);
}
