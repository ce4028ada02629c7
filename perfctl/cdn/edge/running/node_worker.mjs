// The process in which a Lambda@Edge function for Node runs: lines of JSON in, lines of JSON out. It has no variable of
// perfctl's environment, and one call at a time, as an environment of Lambda has.
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';

const REPLY = Number(process.env.REPLY_FD);
delete process.env.REPLY_FD;
const { parse, stringify } = JSON;
const { stdin } = process;
const MOST_REPLY = 6291556;
const MOST_LOGS = 262144;

let root = '';
let handler;
let answer = null;
let logs = [];
let logged = 0;

function write(text) {
  const bytes = Buffer.from(text + '\n');
  for (let at = 0; at < bytes.length;) at += fs.writeSync(REPLY, bytes, at);
}

function collect(chunk, encoding, done) {
  const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
  if (logged < MOST_LOGS) logs.push(text.slice(0, MOST_LOGS));
  logged += text.length;
  const told = typeof encoding === 'function' ? encoding : done;
  if (told) process.nextTick(told);
  return true;
}
process.stdout.write = collect;
process.stderr.write = collect;

function send(fields) {
  const lines = logs.join('').split('\n').filter((line) => line !== '');
  logs = [];
  logged = 0;
  write(stringify({ ...fields, logs: lines }));
}

function told(error) {
  let said = 'an error that cannot be told';
  let where = null;
  try {
    said = error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${typeof error === 'string' ? error : stringify(error)}`;
    const stack = String((error && error.stack) || '');
    const at = stack.indexOf(root);
    const place = at < 0 ? null : /^([^:\n]*):(\d+)/.exec(stack.slice(at));
    where = place ? `${place[1]}:${place[2]}` : null;
  } catch { /* its getters throw, too */ }
  return { error: said, where };
}

function resultOf(value) {
  let text;
  try { text = stringify(value); } catch (error) { return { unserializable: String(error && error.message) }; }
  if (text !== undefined && text.length > MOST_REPLY) return { error: `the response has more than the ${MOST_REPLY} bytes that Lambda returns` };
  return { result: text === undefined ? null : parse(text) };
}

function finish(fields) {
  if (answer === null) return;
  answer = null;
  stdin.ref();
  send(fields);
}

function call({ event, context: given, deadline }) {
  const waiting = { fields: { result: null } };
  answer = waiting;
  stdin.unref();
  const context = { ...given, callbackWaitsForEmptyEventLoop: true, getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()) };
  const callback = (error, value) => {
    const fields = error !== null && error !== undefined ? told(error) : resultOf(value);
    if (answer !== waiting) return;
    if (context.callbackWaitsForEmptyEventLoop) waiting.fields = fields;
    else finish(fields);
  };
  context.done = callback;
  context.succeed = (value) => callback(null, value);
  context.fail = (error) => callback(error);
  try {
    const returned = handler(event, context, callback);
    if (returned && typeof returned.then === 'function') {
      returned.then((value) => finish(resultOf(value)), (error) => finish(told(error)));
    }
  } catch (error) {
    finish(told(error));
  }
}

// Where nothing is left to do, what a callback was given is the answer, and without a callback it is null.
process.on('beforeExit', () => { if (answer !== null) finish(answer.fields); });

function fatal(error) {
  if (answer === null && handler) return;
  answer = null;
  send({ ...told(error), isFatal: true });
  process.exit(1);
}
process.on('uncaughtException', fatal);
process.on('unhandledRejection', fatal);

async function load(first) {
  root = first.root;
  try {
    const module = await import(pathToFileURL(first.file).href);
    handler = module[first.handler] ?? module.default?.[first.handler];
    if (typeof handler !== 'function') {
      handler = undefined;
      send({ error: `there is no function '${first.handler}' in it` });
    } else {
      send({ result: null });
    }
  } catch (error) {
    send(told(error));
  }
}

let rest = '';
let isFirst = true;
stdin.setEncoding('utf8');
stdin.on('data', (chunk) => {
  rest += chunk;
  for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
    const message = parse(rest.slice(0, end));
    rest = rest.slice(end + 1);
    if (isFirst) { isFirst = false; load(message); } else call(message);
  }
});
stdin.on('end', () => process.exit(0));
