// Evaluated once in each context, before the function: takes away what CloudFront Functions do not have, gives what
// they have, and returns what calls the handler. It keeps its own copies of what it uses, for a function may change
// any built-in; replies are put together from strings alone, so that no `toJSON` of the function is asked.
(function () {
  'use strict';
  const { parse, stringify } = JSON;
  const text = String;
  const RealDate = Date;
  const RealPromise = Promise;
  const then = RealPromise.prototype.then;
  const apply = Function.prototype.call.bind(Function.prototype.apply);
  const hasOwn = Function.prototype.call.bind(Object.prototype.hasOwnProperty);
  const isPromise = (value) => value instanceof RealPromise;

  return function (version, store, modules) {
    const isModern = version === 'cloudfront-js-2.0';
    let started = RealDate.now();
    let logs = '';
    let logged = 0;
    let waiting = null;

    const forbidden = (name) => function () { throw new TypeError(`${name} is not supported: no dynamic code evaluation`); };

    function closeDoors() {
      const gone = ['eval', 'Proxy', 'Reflect', 'Map', 'Set', 'WeakMap', 'WeakSet', 'SharedArrayBuffer', 'BigInt',
        'BigInt64Array', 'BigUint64Array', 'Atomics', 'AggregateError', 'escape', 'unescape', '__date_clock'];
      if (!isModern) gone.push('Symbol', 'DataView');
      const kinds = [function () {}, function* () {}, async function () {}, async function* () {}];
      for (const kind of kinds) {
        const prototype = Object.getPrototypeOf(kind);
        const constructor = forbidden('the Function constructor');
        Object.defineProperty(constructor, 'prototype', { value: prototype });
        Object.defineProperty(prototype, 'constructor', { value: constructor, configurable: false, writable: false });
      }
      globalThis.Function = Function.prototype.constructor;
      for (const name of gone) delete globalThis[name];
      globalThis.eval = forbidden('eval()');
    }

    function fixDate() {
      function FixedDate(...values) {
        if (!new.target) return new RealDate(started).toString();
        return values.length ? new RealDate(...values) : new RealDate(started);
      }
      FixedDate.prototype = RealDate.prototype;
      FixedDate.now = () => started;
      FixedDate.parse = RealDate.parse;
      FixedDate.UTC = RealDate.UTC;
      RealDate.prototype.constructor = FixedDate;
      globalThis.Date = FixedDate;
    }

    function words(values) {
      let line = '';
      for (let at = 0; at < values.length; at++) {
        let word;
        try { word = typeof values[at] === 'object' ? stringify(values[at]) : text(values[at]); } catch (error) { word = '?'; }
        line += (at ? ' ' : '') + word;
      }
      return line;
    }

    function log(...values) {
      const line = words(values);
      if (logged > 10240) return;
      logged += line.length + 1;
      logs += (logs ? ',' : '') + stringify(line.length > 10240 ? line.slice(0, 10240) : line);
    }

    function keyValueStore() {
      const pick = (key) => {
        if (!store || !hasOwn(store, key)) throw new Error(`KeyNotFound: ${text(key)}`);
        return store[key];
      };
      const settled = (work) => new RealPromise((resolve, reject) => { try { resolve(work()); } catch (error) { reject(error); } });
      return {
        get: (key, options) => settled(() => {
          const value = pick(key);
          const format = options && options.format;
          if (format === 'json') return parse(value);
          return format === 'bytes' ? globalThis.Buffer.from(value) : value;
        }),
        exists: (key) => settled(() => !!store && hasOwn(store, key)),
        count: () => settled(() => Object.keys(store || {}).length),
        meta: () => settled(() => ({
          creationDateTime: '2024-01-01T00:00:00Z', lastUpdatedDateTime: '2024-01-01T00:00:00Z',
          keyCount: Object.keys(store || {}).length,
        })),
      };
    }

    const cloudfront = {
      kvs: () => {
        if (!store) throw new Error('no key value store is associated with the function');
        return keyValueStore();
      },
      edgeLocation: () => ({ name: 'FRA', serverIp: '192.0.2.1', region: 'eu-central-1' }),
    };

    const loaded = {};
    globalThis.console = { log };
    globalThis.require = function (name) {
      if (name === 'cloudfront' && isModern) return cloudfront;
      if (!hasOwn(modules, name)) throw new Error(`Cannot find module "${text(name)}"`);
      if (!loaded[name]) loaded[name] = modules[name](isModern);
      return loaded[name];
    };
    if (!isModern) globalThis.MemoryError = class MemoryError extends InternalError {};
    for (const extend of modules.globals) extend(isModern);
    closeDoors();
    fixDate();

    const reply = (name, value) => `{"${name}":${value},"logs":[${logs}]}`;
    const done = (value) => {
      let json;
      try { json = stringify(value); } catch (error) {
        return reply('unserializable', stringify(text(error && error.message || error)));
      }
      return reply('result', json === undefined ? 'null' : json);
    };
    const failed = (error) => {
      let said = 'an error that cannot be told';
      let stack = '';
      try { said = text(error); stack = text(error && error.stack); } catch (again) { /* its getters throw, too */ }
      return `{"error":${stringify(said)},"stack":${stringify(stack)},"logs":[${logs}]}`;
    };

    return function (handler, event, now) {
      if (event === null) return waiting;
      started = now || RealDate.now();
      logs = '';
      logged = 0;
      try {
        const result = handler(parse(event));
        if (!isModern || !isPromise(result)) return done(result);
        waiting = '';
        apply(then, result, [(value) => { waiting = done(value); }, (error) => { waiting = failed(error); }]);
        return '';
      } catch (error) {
        return failed(error);
      }
    };
  };
})()
