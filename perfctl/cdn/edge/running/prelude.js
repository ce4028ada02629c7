(function () {
  'use strict';
  const { parse, stringify } = JSON;
  const resolved = Promise.resolve.bind(Promise);
  return function (version, storeText) {
    let logs = [];
    const words = (values) => values.map((value) => {
      if (typeof value === 'string') return value;
      try { const text = stringify(value); return text === undefined ? String(value) : text; } catch (error) { return String(value); }
    }).join(' ');
    globalThis.console = { log(...values) { logs.push(words(values)); } };
    return function (handler, eventText) {
      logs = [];
      try {
        const result = globalThis[handler](parse(eventText));
        return stringify({ result: stringify(result), logs });
      } catch (error) {
        return stringify({ error: String(error), stack: String(error && error.stack), logs });
      }
    };
  };
})()
