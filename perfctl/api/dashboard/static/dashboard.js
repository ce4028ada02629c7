// The page: what the feed says, put where it is shown.

import { Chart, spark } from "./charts.js";
import { NONE, ago, byId, clock, el, isMeasured, number, ratio, say, seconds } from "./dom.js";
import { follow, token } from "./live.js";
import { preparePlan, showPlan } from "./plan.js";
import * as tables from "./tables.js";

const FIGURES = [
  ["api_response_time_ms", "API response time", "ms"],
  ["requests_per_second", "Requests", "/s"],
  ["error_rate", "Error rate", "%"],
  ["cache_hit_rate", "Cache hit rate", "%"],
  ["database_query_time_ms", "Database query time", "ms"],
  ["active_connections", "Active connections", ""],
  ["cpu_usage_percent", "CPU", "%"],
  ["memory_usage_mb", "Memory", "MB"],
  ["network_io_mb", "Network", "MB/s"],
  ["disk_io_mb", "Disk", "MB/s"],
];
const RATIOS = new Set(["error_rate", "cache_hit_rate"]);
const WINDOW = "perfctl.window";

const state = { parts: {}, charts: null, at: {}, skew: 0, refresh: 5, window: "1h", live: "connecting", expected: [], firing: null, health: null };
const shown = {
  cache: tables.cacheTable(), slow: tables.slowTable(showPlan), routes: tables.routeTable(),
  cdn: tables.cdnTable(), health: tables.healthTable(), alerts: tables.alertTable(),
};
const cards = new Map(FIGURES.map(([name, title]) => [name, card(title)]));
const charts = new Map();
let restart = () => {};

byId("figure-cards").append(...[...cards.values()].map((one) => one.node));
Object.values(shown).forEach((draw) => draw([], { reason: "waiting for the server" }));
preparePlan();
prepareToken();
prepareWindows(["15m", "1h", "6h", "24h", "7d"]);
restart = follow(() => `events?window=${state.window}`, { event, state: tellState, token: askForToken });
setInterval(tellAges, 1000);

function event(name, said) {
  if (name === "hello") hello(said);
  else if (name === "part") part(said);
  else if (name === "charts") drawCharts(said);
  else if (name === "beat") beat(said);
  tellState("live", "live");
}

function hello(said) {
  state.refresh = said.refresh_seconds;
  state.skew = said.now - Date.now() / 1000;
  const words = [said.context, said.is_protected ? "protected" : "", said.is_read_only ? "read only" : ""].filter(Boolean);
  say(byId("context"), words.join(" · "));
  state.expected = said.parts;
  settle();
  document.title = `perfctl · ${said.context}`;
}

function beat(said) {
  state.skew = said.now - Date.now() / 1000;
  for (const [part_, at] of Object.entries(said.at)) state.at[part_] = at;
  tellAges();
}

function part(said) {
  state.parts[said.part] = said;
  state.at[said.part] = said.at;
  const draw = DRAWN[said.part];
  if (draw) draw(said);
  tellAges();
}

function reasonOf(said) {
  if (!said?.error) return null;
  const since = said.since ? ` since ${clock(said.since)}` : "";
  return `no answer${since}: ${said.error.message}${said.error.hint ? ` (${said.error.hint})` : ""}`;
}

const DRAWN = {
  metrics: drawFigures,
  cache: drawCache,
  "slow-queries": (said) => shown.slow(tables.slowRows(said.data), { reason: reasonOf(said), more: more(said) }),
  invalidations: (said) => drawCdn(said),
  health: drawHealth,
  alerts: drawAlerts,
};

function more(said) {
  const all = said.data?.total ?? 0;
  const notes = [...(said.data?.notes ?? [])];
  if (all > 20) notes.unshift(`20 of ${number(all)} shapes of statement; perfctl db slow has the rest.`);
  return [reasonOf(said), ...notes].filter(Boolean).join(" ") || null;
}

function card(title) {
  const value = el("p", { class: "value" });
  const picture = el("div");
  const words = el("p", { class: "said" });
  return { node: el("li", { class: "figure" }, el("h3", {}, title), value, picture, words), value, picture, words };
}

function drawFigures(said) {
  const data = said.data;
  for (const [name, , unit] of FIGURES) {
    const one = cards.get(name);
    const value = data ? data[name] : null;
    const known = isMeasured(value);
    const text = !known ? NONE : RATIOS.has(name) ? ratio(value).slice(0, -2) : number(value);
    one.node.classList.toggle("off", !known);
    if (one.value.dataset.shown !== text) {
      one.value.dataset.shown = text;
      one.value.replaceChildren(text, ...(known && unit ? [el("small", {}, unit)] : []));
    }
    const why = data ? data.unmeasured[name] ?? data.sources[name] : reasonOf(said);
    say(one.words, why ?? "nothing measures it here");
  }
}

function drawSparks() {
  for (const [name, one] of cards) {
    const values = state.charts.figures[name] ?? [];
    one.picture.replaceChildren(...(values.some(isMeasured) ? [spark(values)] : []));
  }
}

function drawCharts(said) {
  state.charts = said;
  const window = [said.start, said.end];
  for (const given of said.charts) {
    if (!charts.has(given.id)) charts.set(given.id, new Chart(byId("charts"), given));
    charts.get(given.id).update(said.times, { ...given, lines: worth(given) }, window);
  }
  say(byId("charts-as-of"), `${state.window}, in steps of ${seconds(said.step_seconds)}`);
  drawSparks();
  shown.routes(tables.routeRows(said.tables.routes), { reason: said.reason });
  drawCache(state.parts.cache);
  drawCdn(state.parts.invalidations);
}

// Lines that have no value in the window are left out, unless none has.
function worth(given) {
  const known = given.lines.filter((line) => line.values.some(isMeasured));
  return known.length ? known : given.lines;
}

function drawCache(said) {
  const rows = tables.cacheRows(said?.data, state.charts?.tables.namespaces);
  const all = said?.data;
  const whole = all && all.hits + all.misses ? `${number(all.keys)} keys; ${ratio(all.hit_ratio)} of ${number(all.hits + all.misses)} look-ups were hits, by all processes since they are counted` : null;
  shown.cache(rows, { reason: reasonOf(said), more: reasonOf(said) ?? whole });
}

function drawCdn(said) {
  const cdn = state.charts?.tables.cdn ?? {};
  const facts = [
    isMeasured(cdn.hit_ratio) ? `hit ratio ${ratio(cdn.hit_ratio)} of ${number(cdn.requests)} requests` : null,
    isMeasured(cdn.invalidation_p95_seconds) ? `95 % of invalidations within ${seconds(cdn.invalidation_p95_seconds)}` : null,
  ].filter(Boolean).join("; ");
  shown.cdn(tables.cdnRows(said?.data), { reason: reasonOf(said), more: [reasonOf(said), facts].filter(Boolean).join(" ") || null });
}

function drawHealth(said) {
  const status = said.data?.status;
  const overall = byId("overall");
  overall.hidden = !status;
  overall.className = `pill ${status ?? ""}`;
  say(overall, status ? { pass: "✓ healthy", warn: "! needs a look", fail: "✕ unhealthy" }[status] : "");
  shown.health(tables.healthRows(said.data), { reason: reasonOf(said) });
  if (status && state.health !== null && state.health !== status) announce(`Health is ${status}`);
  if (status) state.health = status;
}

function drawAlerts(said) {
  const rows = tables.alertRows(said.data);
  const firing = rows.filter((row) => row.state === "firing");
  const banner = byId("firing");
  banner.hidden = firing.length === 0;
  banner.replaceChildren(el("strong", {}, firing.length === 1 ? "1 alert fires: " : `${firing.length} alerts fire: `),
    firing.map((row) => row.name).join(", "), " ", el("a", { href: "#alerts" }, "see why"));
  const names = firing.map((row) => row.name).sort().join(", ");
  if (names && state.firing !== names) announce(`Firing: ${names}`);
  else if (!names && state.firing) announce("No alert fires any more");
  state.firing = names;
  shown.alerts(rows, { reason: reasonOf(said) });
}

const PLACES = [["metrics", "figures-as-of"], ["cache", "cache-as-of"], ["slow-queries", "database-as-of"], ["invalidations", "cdn-as-of"], ["health", "health-as-of"], ["alerts", "alerts-as-of"]];

// A part that this server does not ask for is empty, and not awaited.
function settle() {
  for (const [name, draw] of [["alerts", shown.alerts], ["invalidations", shown.cdn], ["cache", shown.cache], ["slow-queries", shown.slow]]) {
    if (!state.parts[name] && !state.expected.includes(name)) draw([], {});
  }
}

function tellAges() {
  const now = Date.now() / 1000 + state.skew;
  for (const [name, place] of PLACES) {
    const at = state.at[name];
    const old = isMeasured(at) ? now - at : null;
    const stale = old !== null && old > 6 * state.refresh;
    say(byId(place), old === null ? "" : stale ? `stale: of ${clock(at)}, ${ago(old)}` : "");
  }
  const freshest = Math.max(...Object.values(state.at).filter(isMeasured), -Infinity);
  if (state.live !== "live" || !Number.isFinite(freshest)) return;
  const stale = now - freshest > 6 * state.refresh;
  byId("live").dataset.state = stale ? "stale" : "live";
  say(byId("live-words"), stale ? `stale: ${ago(now - freshest)}` : `live, ${clock(freshest - state.skew)}`);
}

function tellState(now, words, reason = null) {
  const before = state.live;
  state.live = now;
  document.body.classList.toggle("gone", now === "gone");
  byId("notice").hidden = now !== "gone";
  if (now === "gone") say(byId("notice"), `The server does not answer: what is shown may be old. ${reason ?? ""}`);
  if (now !== "live") {
    byId("live").dataset.state = now;
    say(byId("live-words"), words);
  } else if (before !== "live") tellAges();
  if (now === "gone" && before === "live") announce("The server does not answer; trying again");
  if (now === "live" && before !== "live") {
    byId("live").dataset.state = "live";
    if (state.wasGone) announce("The server answers again");
  }
  if (now === "gone") state.wasGone = true;
  if (now === "live") state.wasGone = false;
}

function announce(words) {
  byId("said").textContent = words;
}

function prepareWindows(names) {
  const kept = sessionStorage.getItem(WINDOW);
  if (names.includes(kept)) state.window = kept;
  const choose = (name) => { state.window = name; sessionStorage.setItem(WINDOW, name); restart(); };
  byId("windows").append(...names.map((name) => el("label", {},
    el("input", { type: "radio", name: "window", value: name, checked: name === state.window, onchange: () => choose(name) }),
    el("span", {}, name))));
}

let given = () => {};

function prepareToken() {
  byId("token").addEventListener("cancel", (cancelled) => cancelled.preventDefault());
  byId("token-form").addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    token.set(byId("token-value").value.trim());
    byId("token-value").value = "";
    byId("token").close();
    given();
  });
}

function askForToken(refused) {
  if (refused) say(byId("token-words"), "That token was refused: another one, with the scope read.");
  if (!byId("token").open) byId("token").showModal();
  return new Promise((resume) => { given = resume; });
}
