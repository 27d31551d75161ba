// Three small charts of the last half hour. Their values come from the table next to them.

import { clockText } from "../times.js";
import { fetchPart } from "../feed.js";
import uPlot from "../vendor/uPlot.esm.js";

const SPAN_S = 30 * 60;
const EDGE_S = SPAN_S / 12; // nearer to the left edge, a time would touch the lowest value beside it
const HOLE_S = 150; // a longer gap between samples interrupts the line
const REDRAW_MS = 5000;
// Whole numbers only: a step of 2.5 would leave an axis with nothing but its 0.
const STEPS = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
const KEPT_S = 365 * 24 * 3600; // the longest that browsers keep a cookie is 400 days
const plots = [];
const inks = {};
let samples = [];
let now = null;
let drawnAt = 0;

// Draws the charts from the table of the page, if it shows them. Call it after every merge.
export function mountHistory(main) {
  if (!document.getElementById("history").open) return;
  samples = [...main.querySelectorAll("#history tr[data-at]")].map(({ dataset }) => ({
    at: Number(dataset.at), live: Number(dataset.live), packets: Number(dataset.packets),
    archived: Number(dataset.archived), failed: Number(dataset.failed),
  }));
  const boxes = main.querySelectorAll("[data-plot]");
  if (!boxes.length) return;
  if (!plots.length) {
    for (const box of boxes) plots.push({ name: box.dataset.plot, chart: draw(box) });
    new ResizeObserver(() => plots.forEach(fit)).observe(boxes[0]);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }
  refresh();
}

// Adds the current figures at the end of the charts.
export function addNow(figures) {
  now = { at: Date.now() / 1000, live: figures.live, packets: figures.packets_per_s, archived: null, failed: null };
  const isSeen = plots.length && document.getElementById("history").open && !document.hidden;
  if (isSeen && Date.now() - drawnAt > REDRAW_MS) refresh();
}

function refresh() {
  drawnAt = Date.now();
  for (const { name, chart } of plots) chart.setData(columns(name));
}

function fit({ chart }) {
  const box = chart.root.parentElement;
  if (box.clientWidth && box.clientWidth !== chart.width) chart.setSize({ width: box.clientWidth, height: box.clientHeight });
}

function repaint() {
  plots.forEach(({ chart }) => chart.redraw());
}

function columns(name) {
  const points = now && name !== "results" ? [...samples, now] : samples;
  const known = [];
  for (const point of points) {
    const before = known.at(-1);
    // A point without values makes uPlot interrupt the line.
    if (before && point.at - before.at > HOLE_S) known.push({ at: before.at + 1 });
    known.push(point);
  }
  const column = (key) => known.map((point) => point[key] ?? null);
  const keys = { live: ["live"], packets: ["packets"], results: ["archived", "failed"] }[name];
  return [column("at"), ...keys.map(column)];
}

// A canvas cannot use custom properties, so the colour is read from an element that has it.
function colour(name, alpha = 1) {
  const ink = inks[name] ??= document.body.appendChild(
    Object.assign(document.createElement("span"), { className: `plot__ink plot__ink--${name}` }),
  );
  return () => {
    const value = getComputedStyle(ink).color;
    return alpha === 1 ? value : value.replace("rgb(", "rgba(").replace(")", `, ${alpha})`);
  };
}

function draw(box) {
  const name = box.dataset.plot;
  const style = getComputedStyle(box);
  const axis = {
    stroke: () => getComputedStyle(box).color, ticks: { show: false },
    font: `${Math.round(parseFloat(style.fontSize) * 0.78)}px ${style.fontFamily}`,
  };
  const line = (key) => ({ stroke: colour(key), width: 1.8, points: { show: false }, fill: area(key) });
  const bars = (key) => ({ ...line(key), paths: uPlot.paths.bars({ size: [0.7, 14] }), width: 0, fill: colour(key) });
  return new uPlot({
    width: box.clientWidth || 300,
    height: box.clientHeight || 110,
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false }, sync: { key: "history" }, points: { show: false } },
    scales: { x: { range: () => [Date.now() / 1000 - SPAN_S, Date.now() / 1000] }, y: { range: fromZero } },
    axes: [
      { ...axis, size: 20, gap: 3, space: 70, grid: { show: false }, values: withoutEdge },
      { ...axis, size: Math.round(parseFloat(style.fontSize) * 2.9), gap: 4, space: 20, incrs: STEPS, grid: { stroke: colour("line"), width: 1 }, values: (_, ticks) => ticks.map(tickText) },
    ],
    series: [{}, ...(name === "results" ? [bars("archived"), bars("failed")] : [line(name)])],
    hooks: { setCursor: [(chart) => tell(chart, box)] },
  }, columns(name), box);
}

function area(key) {
  return colour(key, 0.14);
}

function fromZero(_, low, high) {
  // At least 4 high, so that the axis of a quiet site has whole numbers.
  return [0, Math.max(4, Math.ceil((high ?? 0) * 1.1))];
}

function withoutEdge(chart, times) {
  return times.map((at) => (at - chart.scales.x.min < EDGE_S ? null : hourText(at)));
}

function hourText(at) {
  return clockText(at * 1000).slice(0, 5);
}

function tickText(value) {
  if (!Number.isInteger(value)) return "";
  return value >= 10_000 ? `${Math.round(value / 1000)}k` : value.toLocaleString("en-US");
}

// Shows the value under the pointer in the heading of the chart.
function tell(chart, box) {
  const caption = box.previousElementSibling;
  const place = chart.cursor.idx;
  const values = chart.data.slice(1).map((column) => column[place]);
  const isKnown = chart.cursor.left >= 0 && values.every((value) => value !== null && value !== undefined);
  caption.dataset.value = isKnown ? `${values.map((value) => Number(value.toFixed(1)).toLocaleString("en-US")).join(" / ")} at ${hourText(chart.data[0][place])}` : "";
}

// There is one new sample a minute. Each page asks at a different second, to spread the load.
export function followHistory(main, feed) {
  const history = document.getElementById("history");
  history.addEventListener("toggle", () => {
    // The server reads the cookie, and renders the next page with the chart open or closed as it was.
    const kept = `path=/; max-age=${KEPT_S}; samesite=lax`;
    document.cookie = `callcenter-chart=${history.open ? "open" : "closed"}; ${kept}`;
    mountHistory(main);
  });
  const ask = async () => {
    if (feed.status === "live" && !document.hidden && history.open) {
      try {
        const part = await fetchPart(main.dataset.history, feed);
        if (part) main.dispatchEvent(new CustomEvent("history", { detail: part }));
      } catch {
        // tried again in a minute
      }
    }
    setTimeout(ask, 60_000);
  };
  setTimeout(ask, 30_000 + Math.random() * 30_000);
}
