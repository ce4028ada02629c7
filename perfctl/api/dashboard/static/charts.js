// Sparklines and charts. uPlot draws the charts; the same numbers stand in a table below each.

import { NONE, clock, el, isMeasured, milliseconds, number, ratio, say, seconds, svg } from "./dom.js";

const WORDS = { ratio, ms: milliseconds, s: seconds, "1/s": (value) => `${number(value)}/s`, count: number, "%": (value) => `${number(value)} %` };

export function worded(unit) {
  return WORDS[unit] ?? ((value) => (isMeasured(value) ? `${number(value)} ${unit}` : NONE));
}

// A line over the whole width, broken where nothing was measured.
export function spark(values) {
  const known = values.filter(isMeasured);
  const picture = svg("svg", { viewBox: "0 0 100 28", preserveAspectRatio: "none", "aria-hidden": "true" });
  if (known.length < 2) return picture;
  const low = Math.min(...known);
  const high = Math.max(...known);
  const y = (value) => (high === low ? 14 : 26 - (24 * (value - low)) / (high - low));
  const x = (place) => (100 * place) / (values.length - 1);
  for (const run of runs(values)) {
    const line = run.map((place) => `${x(place).toFixed(2)} ${y(values[place]).toFixed(2)}`).join("L");
    const [first, last] = [x(run[0]).toFixed(2), x(run.at(-1)).toFixed(2)];
    picture.append(svg("path", { class: "under", d: `M${first} 28L${line}L${last} 28Z` }), svg("path", { d: run.length > 1 ? `M${line}` : `M${line}h.5` }));
  }
  return picture;
}

function runs(values) {
  const found = [];
  let run = [];
  values.forEach((value, place) => {
    if (isMeasured(value)) run.push(place);
    else if (run.length) { found.push(run); run = []; }
  });
  return run.length ? [...found, run] : found;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const LINES = ["--one", "--two", "--three", "--four"];

export class Chart {
  constructor(place, given) {
    this.given = given;
    this.plotted = el("div", { class: "plot", role: "img" });
    this.key = el("p", { class: "key" });
    this.numbers = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${given.title}, as a table` });
    this.details = el("details", {}, el("summary", {}, "As a table"), this.numbers);
    this.details.addEventListener("toggle", () => this.tell());
    const heading = el("h3", {}, given.title);
    place.append(el("article", { class: "chart", id: `chart-${given.id}` }, heading, this.key, this.plotted, this.details));
    this.picture = null;
    new ResizeObserver(() => this.resize()).observe(this.plotted);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.drop(); this.draw(); });
  }

  update(times, given, window) {
    this.times = times;
    this.window = window;
    if (given.lines.length !== this.given.lines.length) this.drop();
    this.given = given;
    this.draw();
    this.tell();
  }

  draw() {
    if (!this.times) return;
    const empty = !this.given.lines.some((line) => line.values.some(isMeasured));
    this.details.hidden = empty;
    this.plotted.setAttribute("aria-label", this.words());
    if (empty) {
      this.drop();
      this.key.replaceChildren();
      this.plotted.replaceChildren(el("p", { class: "none" }, `- ${this.given.reason ?? "nothing was recorded in this window"}`));
      return;
    }
    const data = [this.times, ...this.given.lines.map((line) => line.values)];
    if (this.picture) this.picture.setData(data);
    else this.make(data);
    this.legend(null);
  }

  make(data) {
    const show = worded(this.given.unit);
    const axis = { stroke: colour("--pale"), font: "11px system-ui, sans-serif", grid: { stroke: colour("--faint"), width: 1 }, ticks: { show: false } };
    this.plotted.replaceChildren();
    this.picture = new uPlot({
      width: Math.max(120, this.plotted.clientWidth),
      height: this.plotted.clientHeight,
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false, x: false, y: false } },
      scales: { x: { time: true, range: () => this.window }, y: { range: (_, low, high) => bounds(this.given, low, high) } },
      axes: [
        { ...axis, space: 64, size: 24, gap: 6, values: (_, ticks) => ticks.map((at) => this.hours(at)) },
        { ...axis, size: (_, values) => 14 + 6.2 * Math.max(3, ...(values ?? []).map((text) => text.length)), values: (_, ticks) => ticks.map(show), space: 34 },
      ],
      series: [{}, ...this.given.lines.map((line, place) => ({
        label: line.name, stroke: colour(LINES[place % 4]), width: 1.6, spanGaps: false, points: { size: 4 },
      }))],
      hooks: { setCursor: [(plot) => this.legend(plot.cursor.idx ?? null)] },
    }, data, this.plotted);
  }

  hours(at) {
    const day = new Date(at * 1000);
    const long = this.window[1] - this.window[0] > 172800;
    if (long) return day.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return day.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", hour12: false });
  }

  legend(place) {
    const show = worded(this.given.unit);
    const lines = this.given.lines.map((line, position) => {
      const value = place === null ? line.values.findLast(isMeasured) : line.values[place];
      return el("span", {}, el("i", { class: `i${position % 4}` }), `${line.name} `, el("b", {}, isMeasured(value) ? show(value) : NONE));
    });
    const when = place === null ? "" : clock(this.times[place]);
    this.key.replaceChildren(...lines, ...(when ? [el("span", {}, when)] : []));
  }

  words() {
    const show = worded(this.given.unit);
    const said = this.given.lines.map((line) => {
      const known = line.values.filter(isMeasured);
      if (!known.length) return `${line.name}: not measured`;
      return `${line.name}: last ${show(known.at(-1))}, from ${show(Math.min(...known))} to ${show(Math.max(...known))}`;
    });
    return `${this.given.title}. ${said.join("; ")}`;
  }

  tell() {
    if (!this.details.open || !this.times) return;
    const show = worded(this.given.unit);
    const head = el("tr", {}, el("th", { scope: "col" }, "time"), this.given.lines.map((line) => el("th", { scope: "col", class: "n" }, line.name)));
    const rows = this.times.map((at, place) => el("tr", {}, el("th", { scope: "row" }, clock(at)),
      this.given.lines.map((line) => el("td", { class: "n" }, isMeasured(line.values[place]) ? show(line.values[place]) : NONE))));
    this.numbers.replaceChildren(el("table", {}, el("thead", {}, head), el("tbody", {}, rows.reverse())));
  }

  resize() {
    if (this.picture) this.picture.setSize({ width: Math.max(120, this.plotted.clientWidth), height: this.plotted.clientHeight });
  }

  drop() {
    this.picture?.destroy();
    this.picture = null;
  }
}

function bounds(given, low, high) {
  if (!isMeasured(low) || !isMeasured(high)) return [0, 1];
  if (given.unit === "ratio") {
    const least = low > 0.5 ? Math.max(0, Math.floor((low - 0.02) * 10) / 10) : 0;
    return [least, given.full ? 1 : Math.min(1, Math.max(high * 1.2, 0.01))];
  }
  return [0, high > 0 ? high * 1.12 : 1];
}
