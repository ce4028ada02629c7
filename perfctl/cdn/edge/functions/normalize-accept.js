// perfctl: runtime=cloudfront-js-2.0 trigger=viewer-request
// Browsers say in a hundred ways what they accept; the cache needs a few. Accept-Encoding becomes one of "br,gzip",
// "gzip" and nothing; the Accept of a picture becomes the best form that the browser can show.

const PICTURE = /\.(jpe?g|png|webp|avif)$/i;
const AVIF = /(?:^|,)\s*image\/avif\s*(?:;\s*q\s*=\s*([0-9.]+))?\s*(?:,|$)/i;
const WEBP = /(?:^|,)\s*image\/webp\s*(?:;\s*q\s*=\s*([0-9.]+))?\s*(?:,|$)/i;
const BR = /(?:^|,)\s*br\s*(?:;\s*q\s*=\s*([0-9.]+))?\s*(?:,|$)/i;
const GZIP = /(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q\s*=\s*([0-9.]+))?\s*(?:,|$)/i;
const ANY = /(?:^|,)\s*\*\s*(?:;\s*q\s*=\s*([0-9.]+))?\s*(?:,|$)/i;

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
    const any = takes(said, ANY, false);
    const gzip = takes(said, GZIP, any);
    if (takes(said, BR, any)) return gzip ? 'br,gzip' : 'br';
    return gzip ? 'gzip' : '';
}

function bestForm(said) {
    if (takes(said, AVIF, false)) return 'image/avif';
    return takes(said, WEBP, false) ? 'image/webp' : 'image/jpeg';
}

// Whether a list has a member of a weight above 0; `otherwise` where it does not name it.
function takes(said, member, otherwise) {
    const found = member.exec(said);
    if (found === null) return otherwise;
    return found[1] === undefined || Number(found[1]) > 0;
}
