// perfctl: runtime=cloudfront-js-2.0 trigger=viewer-request
// Browsers say in a hundred ways what they accept; the cache needs a few. Accept-Encoding becomes one of "br,gzip",
// "gzip" and nothing; the Accept of a picture becomes the best form that the browser can show.

const PICTURE = /\.(jpe?g|png|webp|avif)$/i;
const FORMS = ['image/avif', 'image/webp'];

function handler(event) {
    const request = event.request;
    const headers = request.headers;
    const coding = bestCoding(headers['accept-encoding'] ? headers['accept-encoding'].value : '');
    if (coding) headers['accept-encoding'] = { value: coding };
    else delete headers['accept-encoding'];
    if (PICTURE.test(request.uri)) headers.accept = { value: bestForm(headers.accept ? headers.accept.value : '') };
    return request;
}

function bestCoding(said) {
    const taken = takenOf(said);
    const any = taken['*'] === true;
    const gzip = taken.gzip === true || taken['x-gzip'] === true || (any && taken.gzip === undefined);
    const br = taken.br === true || (any && taken.br === undefined);
    if (br) return gzip ? 'br,gzip' : 'br';
    return gzip ? 'gzip' : '';
}

function bestForm(said) {
    const taken = takenOf(said);
    const form = FORMS.find(function (one) { return taken[one] === true; });
    return form || 'image/jpeg';
}

// Each member of a list with whether its q is above 0.
function takenOf(said) {
    const taken = {};
    said.split(',').forEach(function (part) {
        const words = part.split(';');
        const q = words.slice(1).find(function (word) { return /^\s*q\s*=/i.test(word); });
        taken[words[0].trim().toLowerCase()] = q === undefined || Number(q.split('=')[1]) > 0;
    });
    return taken;
}
