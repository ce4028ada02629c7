// The built-in modules of CloudFront Functions: querystring, crypto (FIPS 180-4, RFC 1321, RFC 2104), buffer. Those of
// runtime 1.0 use a DataView, too, which its functions do not have.
((DataView) => ({
  querystring() {
    const escape = encodeURIComponent;
    const unescape = (text) => { try { return decodeURIComponent(text); } catch (error) { return text; } };
    const parse = (text, separator, equal, options) => {
      const decode = options && options.decodeURIComponent || unescape;
      const most = options && options.maxKeys !== undefined ? options.maxKeys : 1000;
      const result = {};
      const parts = text ? text.split(separator || '&') : [];
      for (let at = 0; at < parts.length && (!most || at < most); at++) {
        if (!parts[at]) continue;
        const sign = equal || '=';
        const cut = parts[at].indexOf(sign);
        const plain = (part) => decode(part.split('+').join(' '));
        const name = plain(cut < 0 ? parts[at] : parts[at].slice(0, cut));
        const value = cut < 0 ? '' : plain(parts[at].slice(cut + sign.length));
        if (!Object.prototype.hasOwnProperty.call(result, name)) result[name] = value;
        else if (Array.isArray(result[name])) result[name].push(value);
        else result[name] = [result[name], value];
      }
      return result;
    };
    const stringify = (object, separator, equal, options) => {
      const encode = options && options.encodeURIComponent || escape;
      const pairs = [];
      Object.keys(object || {}).forEach((name) => {
        const values = Array.isArray(object[name]) ? object[name] : [object[name]];
        values.forEach((value) => pairs.push(encode(name) + (equal || '=') + encode(value === null || value === undefined ? '' : String(value))));
      });
      return pairs.join(separator || '&');
    };
    return { escape, unescape, parse, stringify, decode: parse, encode: stringify };
  },

  buffer() { return { Buffer: globalThis.Buffer }; },

  crypto(isModern) {
    const bytesOf = this.bytesOf;
    const shown = this.shown;

    function padded(bytes, isBig) {
      const size = ((bytes.length + 8) >> 6) + 1 << 6;
      const view = new DataView(new ArrayBuffer(size));
      for (let at = 0; at < bytes.length; at++) view.setUint8(at, bytes[at]);
      view.setUint8(bytes.length, 0x80);
      view.setUint32(size - (isBig ? 4 : 8), bytes.length << 3 >>> 0, !isBig);
      view.setUint32(size - (isBig ? 8 : 4), Math.floor(bytes.length / 0x20000000), !isBig);
      return view;
    }

    function written(state, isBig) {
      const view = new DataView(new ArrayBuffer(state.length * 4));
      for (let at = 0; at < state.length; at++) view.setUint32(at * 4, state[at] >>> 0, !isBig);
      return new Uint8Array(view.buffer);
    }

    const left = (value, by) => value << by | value >>> 32 - by;
    const right = (value, by) => value >>> by | value << 32 - by;

    function md5(bytes) {
      const turns = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
      const view = padded(bytes, false);
      const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
      for (let block = 0; block < view.byteLength; block += 64) {
        let [a, b, c, d] = state;
        for (let at = 0; at < 64; at++) {
          const round = at >> 4;
          const mixed = round === 0 ? b & c | ~b & d : round === 1 ? d & b | ~d & c : round === 2 ? b ^ c ^ d : c ^ (b | ~d);
          const word = round === 0 ? at : round === 1 ? (5 * at + 1) % 16 : round === 2 ? (3 * at + 5) % 16 : 7 * at % 16;
          const sum = a + mixed + Math.floor(Math.abs(Math.sin(at + 1)) * 4294967296) + view.getUint32(block + word * 4, true) | 0;
          a = d; d = c; c = b;
          b = b + left(sum, turns[round * 4 + at % 4]) | 0;
        }
        state[0] = state[0] + a | 0; state[1] = state[1] + b | 0; state[2] = state[2] + c | 0; state[3] = state[3] + d | 0;
      }
      return written(state, false);
    }

    function sha1(bytes) {
      const view = padded(bytes, true);
      const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
      const words = new Int32Array(80);
      for (let block = 0; block < view.byteLength; block += 64) {
        for (let at = 0; at < 80; at++) {
          words[at] = at < 16 ? view.getInt32(block + at * 4) : left(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], 1);
        }
        let [a, b, c, d, e] = state;
        for (let at = 0; at < 80; at++) {
          const mixed = at < 20 ? (b & c | ~b & d) + 0x5a827999 : at < 40 ? (b ^ c ^ d) + 0x6ed9eba1
            : at < 60 ? (b & c | b & d | c & d) + 0x8f1bbcdc : (b ^ c ^ d) + 0xca62c1d6;
          const sum = left(a, 5) + mixed + e + words[at] | 0;
          e = d; d = c; c = left(b, 30); b = a; a = sum;
        }
        state[0] = state[0] + a | 0; state[1] = state[1] + b | 0; state[2] = state[2] + c | 0;
        state[3] = state[3] + d | 0; state[4] = state[4] + e | 0;
      }
      return written(state, true);
    }

    const constants = [];
    const first = [];
    for (let number = 2; constants.length < 64; number++) {
      let isPrime = true;
      for (let by = 2; by * by <= number; by++) if (number % by === 0) isPrime = false;
      if (!isPrime) continue;
      if (first.length < 8) first.push((Math.sqrt(number) % 1) * 4294967296 | 0);
      constants.push((Math.cbrt(number) % 1) * 4294967296 | 0);
    }

    function sha256(bytes) {
      const view = padded(bytes, true);
      const state = first.slice();
      const words = new Int32Array(64);
      for (let block = 0; block < view.byteLength; block += 64) {
        for (let at = 0; at < 64; at++) {
          if (at < 16) { words[at] = view.getInt32(block + at * 4); continue; }
          const early = words[at - 15];
          const late = words[at - 2];
          words[at] = words[at - 16] + words[at - 7] + (right(early, 7) ^ right(early, 18) ^ early >>> 3) + (right(late, 17) ^ right(late, 19) ^ late >>> 10) | 0;
        }
        let [a, b, c, d, e, f, g, h] = state;
        for (let at = 0; at < 64; at++) {
          const one = h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + (e & f ^ ~e & g) + constants[at] + words[at] | 0;
          const two = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
          h = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
        }
        state[0] = state[0] + a | 0; state[1] = state[1] + b | 0; state[2] = state[2] + c | 0; state[3] = state[3] + d | 0;
        state[4] = state[4] + e | 0; state[5] = state[5] + f | 0; state[6] = state[6] + g | 0; state[7] = state[7] + h | 0;
      }
      return written(state, true);
    }

    const algorithms = { md5, sha1, sha256 };
    const joined = (parts) => {
      const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      parts.reduce((at, part) => { all.set(part, at); return at + part.length; }, 0);
      return all;
    };
    const algorithmOf = (name) => {
      if (!Object.prototype.hasOwnProperty.call(algorithms, name)) throw new TypeError(`not supported algorithm: "${name}"`);
      return algorithms[name];
    };
    const hasher = (before, finish) => {
      const parts = before;
      let isDone = false;
      return {
        update(data, encoding) { parts.push(bytesOf(data, encoding)); return this; },
        digest(encoding) {
          if (isDone) throw new Error('Digest already called');
          isDone = true;
          const bytes = finish(joined(parts));
          if (encoding) return shown(bytes, encoding);
          return isModern ? globalThis.Buffer.from(bytes) : shown(bytes, 'latin1');
        },
      };
    };
    return {
      createHash: (name) => hasher([], algorithmOf(name)),
      createHmac: (name, secret) => {
        const hash = algorithmOf(name);
        let key = bytesOf(secret);
        if (key.length > 64) key = hash(key);
        const pad = (by) => { const block = new Uint8Array(64).fill(by); key.forEach((byte, at) => { block[at] = byte ^ by; }); return block; };
        return hasher([pad(0x36)], (bytes) => hash(joined([pad(0x5c), hash(bytes)])));
      },
    };
  },

  // What the modules share

  utf8(text) {
    const bytes = [];
    for (let at = 0; at < text.length; at++) {
      let code = text.codePointAt(at);
      if (code > 0xffff) at++;
      if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | code >> 6, 0x80 | code & 63);
      else if (code < 0x10000) bytes.push(0xe0 | code >> 12, 0x80 | code >> 6 & 63, 0x80 | code & 63);
      else bytes.push(0xf0 | code >> 18, 0x80 | code >> 12 & 63, 0x80 | code >> 6 & 63, 0x80 | code & 63);
    }
    return Uint8Array.from(bytes);
  },

  textOf(bytes) {
    let text = '';
    for (let at = 0; at < bytes.length;) {
      const first = bytes[at++];
      const more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;
      let code = more === 0 ? first : more === 1 ? first & 31 : more === 2 ? first & 15 : first & 7;
      let isValid = more >= 0;
      let taken = 0;
      while (isValid && taken < more) {
        if ((bytes[at] & 0xc0) !== 0x80 || at >= bytes.length) isValid = false;
        else { code = code << 6 | bytes[at++] & 63; taken++; }
      }
      const isOdd = code > 0x10ffff || code >= 0xd800 && code < 0xe000 || more === 2 && code < 0x800 || more === 3 && code < 0x10000;
      text += isValid && !isOdd ? String.fromCodePoint(code) : '\ufffd';
    }
    return text;
  },

  base64(bytes, isUrl) {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789' + (isUrl ? '-_' : '+/');
    let text = '';
    for (let at = 0; at < bytes.length; at += 3) {
      const some = bytes[at] << 16 | (bytes[at + 1] || 0) << 8 | (bytes[at + 2] || 0);
      text += letters[some >> 18] + letters[some >> 12 & 63];
      text += at + 1 < bytes.length ? letters[some >> 6 & 63] : isUrl ? '' : '=';
      text += at + 2 < bytes.length ? letters[some & 63] : isUrl ? '' : '=';
    }
    return text;
  },

  ofBase64(text) {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const bytes = [];
    let bits = 0;
    let held = 0;
    for (let at = 0; at < text.length; at++) {
      const letter = text[at] === '-' ? '+' : text[at] === '_' ? '/' : text[at];
      const value = letters.indexOf(letter);
      if (value < 0) continue;
      held = held << 6 | value;
      bits += 6;
      if (bits >= 8) { bits -= 8; bytes.push(held >> bits & 255); held &= (1 << bits) - 1; }
    }
    return Uint8Array.from(bytes);
  },

  get bytesOf() {
    const { utf8, ofBase64 } = this;
    return (data, encoding) => {
      if (typeof data !== 'string') {
        if (data instanceof ArrayBuffer) return new Uint8Array(data);
        if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        throw new TypeError('data is not a string or Buffer-like object');
      }
      if (encoding === 'hex') {
        const bytes = [];
        for (let at = 0; at + 1 < data.length; at += 2) {
          const byte = parseInt(data.slice(at, at + 2), 16);
          if (byte !== byte) break;
          bytes.push(byte);
        }
        return Uint8Array.from(bytes);
      }
      if (encoding === 'base64' || encoding === 'base64url') return ofBase64(data);
      if (encoding && encoding !== 'utf8' && encoding !== 'utf-8') throw new TypeError(`"${encoding}" encoding is not supported`);
      return utf8(data);
    };
  },

  get shown() {
    const { base64, textOf } = this;
    return (bytes, encoding) => {
      if (encoding === 'hex') { let text = ''; for (let at = 0; at < bytes.length; at++) text += (bytes[at] < 16 ? '0' : '') + bytes[at].toString(16); return text; }
      if (encoding === 'base64' || encoding === 'base64url') return base64(bytes, encoding === 'base64url');
      if (encoding === 'latin1') { let text = ''; for (let at = 0; at < bytes.length; at++) text += String.fromCharCode(bytes[at]); return text; }
      if (!encoding || encoding === 'utf8' || encoding === 'utf-8') return textOf(bytes);
      throw new TypeError(`"${encoding}" encoding is not supported`);
    };
  },

  get globals() {
    const { bytesOf, shown, utf8, textOf, base64, ofBase64 } = this;

    function oldStrings() {
      const define = (on, name, value) => Object.defineProperty(on, name, { value, writable: true, configurable: true });
      const octets = (text) => { const bytes = new Uint8Array(text.length); for (let at = 0; at < text.length; at++) { if (text.charCodeAt(at) > 255) return null; bytes[at] = text.charCodeAt(at); } return bytes; };
      define(String, 'bytesFrom', (source, encoding) => shown(typeof source === 'string' ? bytesOf(source, encoding) : Uint8Array.from(source), 'latin1'));
      define(String.prototype, 'fromBytes', function (start, end) { return this.slice(start || 0, end); });
      define(String.prototype, 'fromUTF8', function (start, end) { const text = textOf(octets(this.slice(start || 0, end)) || []); return text.indexOf('\ufffd') < 0 ? text : null; });
      define(String.prototype, 'toBytes', function (start, end) { const part = this.slice(start || 0, end); return octets(part) ? part : null; });
      define(String.prototype, 'toUTF8', function (start, end) { return shown(utf8(this.slice(start || 0, end)), 'latin1'); });
    }

    function makeBuffer() {
      const isNumber = (value) => typeof value === 'number';
      class Buffer extends Uint8Array {
        toString(encoding, start, end) { return shown(Uint8Array.prototype.subarray.call(this, start || 0, end), encoding); }
        toJSON() { return { type: 'Buffer', data: Array.prototype.slice.call(this) }; }
        equals(other) { return Buffer.compare(this, other) === 0; }
        compare(other, start, end, ownStart, ownEnd) { return Buffer.compare(this.subarray(ownStart, ownEnd), other.subarray(start, end)); }
        copy(target, at, start, end) { const part = this.subarray(start || 0, end).subarray(0, target.length - (at || 0)); target.set(part, at || 0); return part.length; }
        fill(value, start, end, encoding) {
          if (isNumber(value)) return super.fill(value, start, end);
          const bytes = bytesOf(value, encoding);
          for (let at = start || 0, stop = end === undefined ? this.length : end; at < stop; at++) this[at] = bytes.length ? bytes[(at - (start || 0)) % bytes.length] : 0;
          return this;
        }
        indexOf(value, from, encoding) {
          if (isNumber(value)) return super.indexOf(value, from);
          const bytes = bytesOf(value, encoding);
          for (let at = from || 0; at + bytes.length <= this.length; at++) if (bytes.every((byte, by) => this[at + by] === byte)) return at;
          return -1;
        }
        lastIndexOf(value, from, encoding) {
          const bytes = isNumber(value) ? [value & 255] : bytesOf(value, encoding);
          for (let at = from === undefined ? this.length - bytes.length : from; at >= 0; at--) if (bytes.every((byte, by) => this[at + by] === byte)) return at;
          return -1;
        }
        includes(value, from, encoding) { return this.indexOf(value, from, encoding) >= 0; }
        write(text, at, length, encoding) { const bytes = bytesOf(text, encoding).subarray(0, length).subarray(0, this.length - (at || 0)); this.set(bytes, at || 0); return bytes.length; }
        subarray(start, end) { const part = super.subarray(start, end); Object.setPrototypeOf(part, Buffer.prototype); return part; }
        slice(start, end) { return this.subarray(start, end); }
        static alloc(size, value, encoding) { const made = new Buffer(size); return value === undefined ? made : made.fill(value, 0, size, encoding); }
        static allocUnsafe(size) { return new Buffer(size); }
        static byteLength(value, encoding) { return bytesOf(value, encoding).length; }
        static compare(one, other) {
          for (let at = 0; at < one.length && at < other.length; at++) if (one[at] !== other[at]) return one[at] < other[at] ? -1 : 1;
          return one.length === other.length ? 0 : one.length < other.length ? -1 : 1;
        }
        static concat(list, length) {
          const made = new Buffer(length === undefined ? list.reduce((sum, part) => sum + part.length, 0) : length);
          let at = 0;
          for (const part of list) { const rest = part.subarray(0, made.length - at); made.set(rest, at); at += rest.length; }
          return made;
        }
        static from(value, encoding, length) {
          if (value instanceof ArrayBuffer) return new Buffer(value, encoding, length);
          const bytes = typeof value === 'string' ? bytesOf(value, encoding) : value && value.type === 'Buffer' ? value.data : value;
          if (bytes === null || typeof bytes !== 'object') throw new TypeError('first argument is not a string or Buffer-like object');
          const made = new Buffer(bytes.length);
          made.set(bytes);
          return made;
        }
        static isBuffer(value) { return value instanceof Buffer; }
        static isEncoding(name) { return ['utf8', 'utf-8', 'hex', 'base64', 'base64url'].includes(name); }
      }
      const define = (name, value) => Object.defineProperty(Buffer.prototype, name, { value, writable: true, configurable: true });
      const view = (buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
      const kinds = [['Int8', 'Int8', 1], ['UInt8', 'Uint8', 1], ['Int16', 'Int16', 2], ['UInt16', 'Uint16', 2], ['Int32', 'Int32', 4], ['UInt32', 'Uint32', 4], ['Float', 'Float32', 4], ['Double', 'Float64', 8]];
      for (const [name, kind, size] of kinds) {
        for (const end of size === 1 ? [''] : ['BE', 'LE']) {
          define(`read${name}${end}`, function (at) { return view(this)[`get${kind}`](at || 0, end === 'LE'); });
          define(`write${name}${end}`, function (value, at) { view(this)[`set${kind}`](at || 0, value, end === 'LE'); return (at || 0) + size; });
        }
      }
      for (const isLittle of [false, true]) {
        const end = isLittle ? 'LE' : 'BE';
        const read = (buffer, at, size) => { let sum = 0; for (let by = 0; by < size; by++) sum = sum * 256 + buffer[isLittle ? at + size - 1 - by : at + by]; return sum; };
        define(`readUInt${end}`, function (at, size) { return read(this, at, size); });
        define(`readInt${end}`, function (at, size) { const sum = read(this, at, size); return sum >= Math.pow(2, 8 * size - 1) ? sum - Math.pow(2, 8 * size) : sum; });
        const write = function (value, at, size) { let rest = value < 0 ? value + Math.pow(2, 8 * size) : value; for (let by = 0; by < size; by++) { this[isLittle ? at + by : at + size - 1 - by] = rest % 256; rest = Math.floor(rest / 256); } return at + size; };
        define(`writeUInt${end}`, write);
        define(`writeInt${end}`, write);
      }
      for (const size of [2, 4, 8]) {
        define(`swap${size * 8}`, function () {
          if (this.length % size) throw new RangeError(`Buffer size must be a multiple of ${size * 8}-bits`);
          for (let at = 0; at < this.length; at += size) Uint8Array.prototype.subarray.call(this, at, at + size).reverse();
          return this;
        });
      }
      return Buffer;
    }

    function newGlobals() {
      globalThis.Buffer = makeBuffer();
      globalThis.atob = (text) => shown(ofBase64(String(text)), 'latin1');
      globalThis.btoa = (text) => {
        const bytes = new Uint8Array(String(text).length);
        for (let at = 0; at < bytes.length; at++) {
          if (String(text).charCodeAt(at) > 255) throw new TypeError('invalid character (>= U+00FF)');
          bytes[at] = String(text).charCodeAt(at);
        }
        return base64(bytes, false);
      };
      globalThis.TextEncoder = class TextEncoder {
        encode(value) { return utf8(value === undefined ? '' : String(value)); }
        encodeInto(value, target) { const bytes = utf8(value).subarray(0, target.length); target.set(bytes); return { read: value.length, written: bytes.length }; }
      };
      globalThis.TextDecoder = class TextDecoder {
        constructor(encoding, options) { this.encoding = 'utf-8'; this.fatal = !!(options && options.fatal); this.ignoreBOM = !!(options && options.ignoreBOM); }
        decode(data) {
          const decoded = data === undefined ? '' : textOf(bytesOf(data));
          if (this.fatal && decoded.indexOf('\ufffd') >= 0) throw new TypeError('The encoded data was not valid');
          return decoded.charCodeAt(0) === 0xfeff && !this.ignoreBOM ? decoded.slice(1) : decoded;
        }
      };
    }

    return [(isModern) => (isModern ? newGlobals() : oldStrings())];
  },
}))(DataView)
