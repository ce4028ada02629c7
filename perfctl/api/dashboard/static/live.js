// The live feed: server-sent events read from a fetch, which can carry a token where EventSource cannot.

const KEPT = "perfctl.token";
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;

export const token = {
  get: () => sessionStorage.getItem(KEPT),
  set: (value) => sessionStorage.setItem(KEPT, value),
  forget: () => sessionStorage.removeItem(KEPT),
};

export async function ask(path, { signal } = {}) {
  const held = token.get();
  const headers = { Accept: "application/json", ...(held ? { Authorization: `Bearer ${held}` } : {}) };
  return fetch(path, { headers, signal, cache: "no-store", credentials: "omit", redirect: "error" });
}

// `on.event(name, data)`, `on.state(state, words)` with live, connecting or gone; `on.token(words)` gives a promise of one.
export function follow(path, on) {
  let stop = new AbortController();
  let waited = FIRST_WAIT;
  let heard = Date.now();
  let silence = 45000;
  let timer = 0;
  let generation = 0;

  async function run(mine) {
    while (mine === generation) {
      stop = new AbortController();
      try {
        const answer = await ask(path(), { signal: stop.signal });
        if (answer.status === 401 || answer.status === 403) {
          const refused = token.get() !== null;
          token.forget();
          on.state("connecting", "waiting for a token");
          await on.token(refused);
          continue;
        }
        if (!answer.ok) throw new Error(await reasonOf(answer));
        waited = FIRST_WAIT;
        await read(answer, mine);
        throw new Error("the server ended the feed");
      } catch (error) {
        if (mine !== generation) return;
        await pause(String(error.message || error), mine);
      }
    }
  }

  async function read(answer, mine) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    heard = Date.now();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || mine !== generation) return;
      heard = Date.now();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      blocks.forEach(dispatch);
    }
  }

  function dispatch(block) {
    let name = "message";
    const data = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) name = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5));
    }
    if (!data.length) return;
    const said = JSON.parse(data.join("\n"));
    if (name === "hello") silence = Math.max(5000, said.beat_seconds * 3000);
    on.event(name, said);
  }

  async function pause(reason, mine) {
    const until = Date.now() + waited * (0.8 + 0.4 * Math.random());
    waited = Math.min(LONGEST_WAIT, waited * 2);
    while (mine === generation && Date.now() < until) {
      on.state("gone", `server gone: again in ${Math.ceil((until - Date.now()) / 1000)} s`, reason);
      await new Promise((resume) => { timer = setTimeout(resume, 500); });
    }
    if (mine === generation) on.state("connecting", "connecting");
  }

  function restart() {
    generation += 1;
    clearTimeout(timer);
    stop.abort();
    waited = FIRST_WAIT;
    run(generation);
  }

  setInterval(() => { if (Date.now() - heard > silence) stop.abort(); }, 2000);
  addEventListener("online", restart);
  restart();
  return restart;
}

async function reasonOf(answer) {
  try {
    const said = await answer.json();
    return said.error.message;
  } catch {
    return `the server answered ${answer.status}`;
  }
}
