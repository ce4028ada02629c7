// Elements, and numbers as words. Data reaches the page as text nodes and attributes alone: nothing is parsed as HTML.

export const NONE = "-";

export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function byId(id) {
  return document.getElementById(id);
}

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function pill(status, words = status) {
  return el("span", { class: `pill ${status}` }, `${MARKS[status] ?? "·"} ${words}`);
}

const MARKS = {
  pass: "✓", warn: "!", fail: "✕", off: "○", resolved: "✓", pending: "…", "firing-now": "✕", inactive: "○",
  Completed: "✓", InProgress: "…", queued: "…", failed: "✕", critical: "✕", warning: "!", info: "i",
};

// A table whose rows are kept while their key stays: focus and selection survive an update.
export function table(place, { name, columns, empty }) {
  const body = el("tbody", { role: "rowgroup" });
  const head = el("tr", { role: "row" }, columns.map((column) =>
    el("th", { scope: "col", role: "columnheader", class: column.number ? "n" : null, title: column.title }, column.name)));
  const whole = el("table", { role: "table", "aria-label": name }, el("thead", { role: "rowgroup" }, head), body);
  const nothing = el("p", { class: "empty" });
  const note = el("p", { class: "empty", hidden: true });
  place.replaceChildren(whole, nothing, note);
  const kept = new Map();
  return (rows, { reason = null, more = null } = {}) => {
    const seen = new Set();
    rows.forEach((row, position) => {
      const key = row.key;
      seen.add(key);
      const known = kept.get(key) ?? made(columns, row);
      kept.set(key, known);
      if (body.children[position] !== known.node) body.insertBefore(known.node, body.children[position] ?? null);
      known.update(row);
    });
    for (const [key, known] of kept) {
      if (!seen.has(key)) { known.node.remove(); kept.delete(key); }
    }
    whole.hidden = rows.length === 0;
    nothing.hidden = rows.length !== 0;
    say(nothing, reason ?? empty);
    note.hidden = !(rows.length && (more ?? reason));
    say(note, more ?? reason ?? "");
  };
}

function made(columns, first) {
  let current = first;
  const cells = columns.map((column) => {
    const named = column.heading ? null : column.name;
    const attributes = { class: classes(column), "data-name": named, role: column.heading ? "rowheader" : "cell" };
    const cell = el(column.heading ? "th" : "td", column.heading ? { ...attributes, scope: "row" } : attributes);
    return { cell, column, shown: undefined };
  });
  const node = el("tr", { role: "row" }, cells.map(({ cell }) => cell));
  const update = (row) => {
    current = row;
    for (const part of cells) {
      const value = part.column.text(row);
      const now = JSON.stringify(value ?? null);
      if (part.shown === now) continue;
      part.shown = now;
      part.cell.replaceChildren(...[part.column.draw ? part.column.draw(value, row, () => current) : value ?? NONE].flat());
    }
  };
  return { node, update };
}

function classes(column) {
  return [column.number ? "n" : "", column.wide ? "wide" : ""].join(" ").trim() || null;
}

export function meter(share, words) {
  const bar = svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none" },
    svg("rect", { width: Math.max(0, Math.min(1, share)) * 100, height: 10 }));
  return [el("span", { class: "meter", "aria-hidden": "true" }, bar), words];
}

export function isMeasured(value) {
  return typeof value === "number" && Number.isFinite(value);
}

const FORMATS = new Map();

export function number(value, digits = 3) {
  if (!isMeasured(value)) return NONE;
  const size = Math.abs(value);
  const after = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : digits;
  if (!FORMATS.has(after)) FORMATS.set(after, new Intl.NumberFormat("en", { maximumFractionDigits: after }));
  return FORMATS.get(after).format(value);
}

export function ratio(value) {
  if (!isMeasured(value)) return NONE;
  const percent = value * 100;
  const shown = percent === 0 || percent === 100 ? percent.toFixed(0) : percent.toFixed(percent > 99.9 || percent < 0.1 ? 2 : 1);
  return `${shown}\u00a0%`;
}

export function milliseconds(value) {
  if (!isMeasured(value)) return NONE;
  if (value >= 60000) return `${number(value / 60000)} min`;
  if (value >= 1000) return `${number(value / 1000)} s`;
  return value < 1 && value > 0 ? `${number(value * 1000)} µs` : `${number(value)} ms`;
}

export function seconds(value) {
  return isMeasured(value) ? milliseconds(value * 1000) : NONE;
}

export function bytes(value) {
  if (!isMeasured(value)) return NONE;
  const power = value < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(value) / 3));
  return `${number(value / 1000 ** power)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

export function clock(unix) {
  return new Date(unix * 1000).toLocaleTimeString("en-GB", { hour12: false });
}

export function moment(text) {
  const time = text === null || text === undefined ? NaN : typeof text === "number" ? text * 1000 : Date.parse(text);
  if (Number.isNaN(time)) return NONE;
  const day = new Date(time);
  const today = day.toDateString() === new Date().toDateString();
  const hours = day.toLocaleTimeString("en-GB", { hour12: false });
  return today ? hours : `${day.toLocaleDateString("en-CA")} ${hours}`;
}

export function ago(secondsPast) {
  const past = Math.max(0, Math.round(secondsPast));
  if (past < 90) return `${past} s ago`;
  return past < 5400 ? `${Math.round(past / 60)} min ago` : `${Math.round(past / 3600)} h ago`;
}
