// Requests, refusals and latency by node: live, or of the last hour.

import { byId, element, write } from "./dom.js";
import { clock, number, whole } from "./words.js";

const SPANS = { live: 120, hour: 3600 };
const HOUR_INTERVAL_MS = 10000;
const HEIGHT = 170;
const NAMED = 6;
const FIGURES = [
  ["rate", "Requests a second"],
  ["refused", "Refused a second"],
  ["p99_ms", "Latency, slowest hundredth, ms"],
];
const FIELDS = FIGURES.map(([field]) => field);
// Told apart by people who see colours differently (Okabe and Ito), one set for each background.
const COLOURS = {
  light: ["#0072b2", "#d55e00", "#00795a", "#b0447e", "#946400", "#2483b8", "#5c5c5c", "#6a3d9a"],
  dark: ["#56b4e9", "#e69f00", "#1fbf94", "#e08ab8", "#f0e442", "#ff8c5a", "#b8b8b8", "#b39ddb"],
};
const DARK = window.matchMedia("(prefers-color-scheme: dark)");

const marked = (value) => (Number.isInteger(value) ? whole(value) : String(value));

// What is known of each node, second by second, as the server has sent it piece by piece.
class Series {
  constructor(span) {
    this.span = span;
    this.forget();
  }

  forget() {
    Object.assign(this, { step: 1, start: 0, until: 0, nodes: new Map() });
  }

  add({ step, start, until, nodes }) {
    if (start <= this.start || start > this.until || step !== this.step) {
      Object.assign(this, { step, start, until: start, nodes: new Map() });
    }
    const kept = (start - this.start) / step;
    const added = (until - start) / step;
    for (const id of new Set([...this.nodes.keys(), ...Object.keys(nodes)])) {
      const lines = this.nodes.get(id) ?? Object.fromEntries(FIELDS.map((field) => [field, []]));
      for (const field of FIELDS) {
        const before = lines[field].slice(0, kept);
        while (before.length < kept) before.push(null);
        lines[field] = before.concat(nodes[id]?.[field] ?? Array(added).fill(null));
      }
      this.nodes.set(id, lines);
    }
    this.until = until;
    this.trim();
  }

  trim() {
    const over = Math.max(0, (this.until - this.start - this.span) / this.step);
    this.start += over * this.step;
    for (const [id, lines] of this.nodes) {
      for (const field of FIELDS) lines[field] = lines[field].slice(over);
      if (lines.rate.every((value) => value === null)) this.nodes.delete(id);
    }
  }

  get times() {
    return Array.from({ length: (this.until - this.start) / this.step }, (_, place) => this.start + place * this.step);
  }
}

class Figure {
  constructor(field, title, charts) {
    this.field = field;
    this.title = title;
    this.charts = charts;
    this.plot = null;
    this.frame = element("div", { class: "plot", role: "img" });
    this.told = element("p", { class: "told", "aria-hidden": "true" });
    this.root = element("figure", {}, element("figcaption", {}, title), this.frame, this.told);
    new ResizeObserver(() => this.resize()).observe(this.frame);
  }

  draw() {
    const { series, ids } = this.charts;
    const data = [series.times, ...ids.map((id) => series.nodes.get(id)?.[this.field] ?? series.times.map(() => null))];
    if (this.plot === null || this.drawn !== this.charts.look) {
      this.plot?.destroy();
      this.plot = new uPlot(this.options(), data, this.frame);
      this.drawn = this.charts.look;
    } else {
      this.plot.setData(data);
    }
    this.tell();
  }

  options() {
    const style = getComputedStyle(document.documentElement);
    const axis = {
      stroke: style.getPropertyValue("--quiet"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: style.getPropertyValue("--line"), width: 1 },
      ticks: { stroke: style.getPropertyValue("--line"), width: 1, size: 4 },
    };
    const { series, ids } = this.charts;
    const short = series.span > 600 ? 5 : 8;
    return {
      width: this.frame.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: "nodes" }, drag: { x: false, y: false }, points: { size: 6 } },
      focus: { alpha: 0.2 },
      scales: {
        x: { time: true, range: () => [series.until - series.span, series.until] },
        y: { range: (_, __, most) => [0, most > 0 ? 1.1 * most : 1] },
      },
      axes: [
        { ...axis, space: 70, size: 28, values: (_, times) => times.map((at) => clock(at).slice(0, short)) },
        { ...axis, size: 52, values: (_, values) => values.map(marked) },
      ],
      series: [{}, ...ids.map((id) => ({ stroke: this.charts.colour(id), width: 1.5, points: { show: false } }))],
      hooks: { setCursor: [() => this.tell()] },
    };
  }

  // The values where the pointer is, or else the latest; a few by name, the highest first.
  tell() {
    const { series, ids } = this.charts;
    const at = (place) =>
      ids
        .map((id) => [id, series.nodes.get(id)?.[this.field][place] ?? null])
        .filter(([, value]) => value !== null)
        .sort((one, other) => other[1] - one[1]);
    const last = series.times.length - 1;
    const pointed = this.plot?.cursor.idx ?? null;
    const place = pointed === null ? last : pointed;
    const values = at(place).map(([id, value]) => `${id} ${number(value)}`);
    const more = values.length > NAMED ? ` and ${values.length - NAMED} more` : "";
    const words = values.slice(0, NAMED).join(" · ") + more || "nothing";
    write(this.told, last < 0 ? "" : `${clock(series.start + place * series.step)}  ${words}`);
    if (pointed === null) this.frame.setAttribute("aria-label", `${this.title}, by node. Now: ${words}`);
  }

  resize() {
    const width = this.frame.clientWidth;
    if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }
}

export class Charts {
  constructor() {
    this.live = new Series(SPANS.live);
    this.hour = new Series(SPANS.hour);
    this.span = "live";
    this.ids = [];
    this.look = "";
    this.figures = FIGURES.map(([field, title]) => new Figure(field, title, this));
    byId("charts").append(...this.figures.map((figure) => figure.root));
    for (const one of byId("span").children) one.addEventListener("click", () => this.choose(one.value));
    DARK.addEventListener("change", () => this.draw());
  }

  get series() {
    return this[this.span];
  }

  add(chart, fromTheStart) {
    if (fromTheStart) this.live.forget();
    this.live.add(chart);
    if (this.span === "live") this.draw();
  }

  choose(span) {
    this.span = span;
    for (const one of byId("span").children) one.setAttribute("aria-pressed", String(one.value === span));
    clearInterval(this.timer);
    if (span === "hour") {
      this.timer = setInterval(() => this.readHour(), HOUR_INTERVAL_MS);
      this.readHour();
    }
    this.draw();
  }

  async readHour() {
    try {
      const answer = await fetch("/history");
      if (!answer.ok) throw new Error(String(answer.status));
      this.hour.forget();
      this.hour.add(await answer.json());
    } catch {
      return; // that the subject does not answer is told by the events' end
    }
    if (this.span === "hour") this.draw();
  }

  draw() {
    this.ids = [...this.series.nodes.keys()].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
    this.look = JSON.stringify([this.span, DARK.matches, this.ids]);
    for (const figure of this.figures) figure.draw();
    for (const row of document.querySelectorAll("#nodes tbody tr")) this.mark(row);
  }

  colour(id) {
    const place = Math.max(0, this.ids.indexOf(id));
    const colours = COLOURS[DARK.matches ? "dark" : "light"];
    if (this.ids.length <= colours.length) return colours[place];
    return `hsl(${Math.round((place * 137.508) % 360)} 65% ${DARK.matches ? 65 : 38}%)`;
  }

  // A node's row has its line's colour, and brings that out where it is pointed at.
  mark(row) {
    const id = row.dataset.key;
    row.firstElementChild.style.setProperty("--mark", this.ids.includes(id) ? this.colour(id) : "transparent");
    if (row.marked) return;
    row.marked = true;
    const focus = (place) => this.figures.forEach(({ plot }) => plot?.setSeries(place, { focus: true }));
    row.addEventListener("mouseenter", () => focus(this.ids.indexOf(id) + 1 || null));
    row.addEventListener("mouseleave", () => focus(null));
  }
}
