// The sentiment chart: one line for each side, drawn from the turns on the page. It shows the values
// under the pointer, and the position of the player.

import { spanText } from "../times.js";
import uPlot from "../vendor/uPlot.esm.js";

// The line is the mean of this many turns of a side: single scores jump too much to show a trend.
const WINDOW = 5;
const HEIGHT = 190;
const SIDES = ["agent", "customer"];
// Whole seconds: in a short call, parts of one would repeat the same label.
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const playhead = part("chart__playhead");
const value = part("chart__value");
let chart = null;
let playedAt = null; // the position of the player, in s

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
  chart.over.append(playhead, value);
  chart.over.addEventListener("click", () => {
    if (chart.cursor.left >= 0) onSeek(chart.posToVal(chart.cursor.left, "x") * 1000);
  });
}

// seconds: null hides the playhead.
export function showPlayhead(seconds) {
  playedAt = seconds;
  playhead.hidden = seconds === null || !chart;
  if (!playhead.hidden) playhead.style.left = `${chart.valToPos(seconds, "x")}px`;
}

// The time under the pointer, and the value of each line there.
function showValue({ cursor, data, posToVal }) {
  value.hidden = !(cursor.left >= 0) || cursor.idx === null;
  if (value.hidden) return;
  const known = SIDES.map((side, at) => [side, lastBefore(data[at + 1], cursor.idx)]).filter(([, score]) => score !== null);
  const texts = known.map(([side, score]) => `${side === "agent" ? "Agent" : "Customer"} ${signed(score)}`);
  value.textContent = [spanText(posToVal(cursor.left, "x")), ...texts].join(" · ");
  value.style.left = `${Math.max(90, Math.min(chart.over.clientWidth - 90, cursor.left))}px`;
}

function lastBefore(scores, at) {
  for (let place = at; place >= 0; place -= 1) if (scores[place] !== null) return scores[place];
  return null;
}

function signed(score) {
  const text = Math.abs(score).toFixed(1);
  return Number(text) === 0 ? text : `${score < 0 ? "−" : "+"}${text}`;
}

function part(name) {
  const node = document.createElement("div");
  node.className = name;
  node.hidden = true;
  return node;
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
    scales: { x: { time: false, range: (_, __, last) => [0, last] }, y: { range: [-5.4, 5.4] } },
    axes: [
      { ...axis, size: 26, space: 60, incrs: STEPS_S, grid: { show: false }, values: (_, values) => values.map(spanText) },
      { ...axis, size: 30, splits: [-5, 0, 5], grid: { stroke: colour("--line"), width: 1 },
        values: () => ["−5", "0", "+5"] },
    ],
    // The chart can convert times to positions only after it was drawn.
    hooks: { setCursor: [showValue], draw: [() => showPlayhead(playedAt)] },
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
  if (!box?.clientWidth) return;
  chart.setSize({ width: box.clientWidth, height: HEIGHT });
  showPlayhead(playedAt);
};
addEventListener("resize", fit);
new MutationObserver(() => chart?.redraw(false)).observe(document.documentElement, {
  attributes: true, attributeFilter: ["data-theme"],
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart?.redraw(false));
