// The sentiment chart: one line for each side, drawn from the turns on the page.

import { spanText } from "../times.js";
import uPlot from "../vendor/uPlot.esm.js";

// The line is the mean of this many turns of a side: single scores jump too much to show a trend.
const WINDOW = 5;
const HEIGHT = 190;
const SIDES = ["agent", "customer"];
let chart = null;

// Draws the chart. Call it after every merge. onSeek gets a time in ms.
export function mountSentimentChart(main, onSeek) {
  const box = main.querySelector("[data-chart]");
  // It is drawn already, and no merge has removed it since.
  if (!box || box.firstChild) return;
  chart?.destroy();
  const turns = [...main.querySelectorAll(".turn[data-score]")].map(({ classList, dataset }) => ({
    side: classList.contains("turn--agent") ? "agent" : "customer",
    // The middle of the turn, in seconds.
    at: (Number(dataset.begin) + Number(dataset.end)) / 2000,
    score: Number(dataset.score),
  })).sort((one, other) => one.at - other.at);
  chart = new uPlot(options(box, turns), columns(turns), box);
  chart.over.addEventListener("click", () => {
    if (chart.cursor.left >= 0) onSeek(chart.posToVal(chart.cursor.left, "x") * 1000);
  });
}

function columns(turns) {
  const lines = SIDES.map((side) => smoothed(turns, side));
  const points = SIDES.map((side) => turns.map((turn) => (turn.side === side ? turn.score : null)));
  return [turns.map((turn) => turn.at), ...lines, ...points];
}

function smoothed(turns, side) {
  const recent = [];
  return turns.map((turn) => {
    if (turn.side !== side) return null;
    recent.push(turn.score);
    if (recent.length > WINDOW) recent.shift();
    return recent.reduce((sum, score) => sum + score, 0) / recent.length;
  });
}

function options(box, turns) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => () => resolved(box, name);
  const line = (side) => ({ stroke: colour(`--${side}`), width: 2, spanGaps: true, points: { show: false } });
  const dots = (side) => ({
    stroke: colour(`--${side}`), width: 0, paths: () => null,
    points: { show: true, size: turns.length > 120 ? 3 : 5, fill: colour(`--${side}`), width: 0 },
  });
  const axis = { stroke: colour("--quiet"), font: `12px ${style.getPropertyValue("--sans")}`, ticks: { show: false } };
  return {
    width: box.clientWidth || 300,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { setScale: false }, points: { show: false }, y: false },
    scales: { x: { time: false }, y: { range: [-5.4, 5.4] } },
    axes: [
      { ...axis, size: 26, grid: { show: false }, values: (_, values) => values.map(spanText) },
      { ...axis, size: 30, splits: [-5, 0, 5], grid: { stroke: colour("--line"), width: 1 },
        values: () => ["−5", "0", "+5"] },
    ],
    series: [{}, ...SIDES.map(line), ...SIDES.map(dots)],
  };
}

// Resolves a custom property to a colour for the canvas, which does not understand light-dark().
function resolved(box, name) {
  box.style.color = `var(${name})`;
  const { color } = getComputedStyle(box);
  box.style.color = "";
  return color;
}

const fit = () => {
  const box = chart?.root.parentElement;
  if (box?.clientWidth) chart.setSize({ width: box.clientWidth, height: HEIGHT });
};
addEventListener("resize", fit);
new MutationObserver(() => chart?.redraw(false)).observe(document.documentElement, {
  attributes: true, attributeFilter: ["data-theme"],
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart?.redraw(false));
