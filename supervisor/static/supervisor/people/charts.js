// Charts of the days of a range. Their values come from the table below them.

import uPlot from "../vendor/uPlot.esm.js";

const DAY_S = 86_400;
// Whole numbers only: a step of 2.5 would leave an axis with nothing but its 0.
const STEPS = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
const KINDS = {
  calls: { ink: "calls", isBars: true, least: 4 },
  handling: { ink: "handling", least: 1, scale: 1 / 60 },
  negative: { ink: "negative", least: 10 },
};
const charts = new Map(); // by the box that each is in
const inks = {};

// Draws the charts, or gives those that are there new data. Call it after every merge.
export function drawDays() {
  const days = [...document.querySelectorAll("#days tr[data-day]")].reverse().map(({ dataset }) => dataset);
  for (const box of document.querySelectorAll("[data-plot]")) {
    const data = columns(days, box.dataset.plot);
    if (charts.has(box)) charts.get(box).setData(data);
    else charts.set(box, draw(box, data));
  }
}

new ResizeObserver(() => charts.forEach(fit)).observe(document.getElementById("body"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });

function fit(chart, box) {
  if (box.clientWidth && box.clientWidth !== chart.width) chart.setSize({ width: box.clientWidth, height: box.clientHeight });
}

function repaint() {
  charts.forEach((chart) => chart.redraw());
}

function columns(days, name) {
  const { scale = 1 } = KINDS[name];
  return [
    // Days have no time zone here: each is its midnight in UTC, and is shown in UTC.
    days.map(({ day }) => Date.parse(day) / 1000),
    days.map((day) => (day[name] === "" ? null : Number(day[name]) * scale)),
  ];
}

function draw(box, data) {
  const { ink, isBars, least } = KINDS[box.dataset.plot];
  const style = getComputedStyle(box);
  const axis = {
    stroke: () => getComputedStyle(box).color, ticks: { show: false },
    font: `${Math.round(parseFloat(style.fontSize) * 0.78)}px ${style.fontFamily}`,
  };
  const series = isBars
    ? { paths: uPlot.paths.bars({ size: [0.7, 40] }), fill: colour(ink), width: 0, points: { show: false } }
    : { stroke: colour(ink), width: 1.8, points: { size: 5, fill: colour(ink) }, fill: colour(ink, 0.12) };
  return new uPlot({
    width: box.clientWidth || 300,
    height: box.clientHeight || 130,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false }, sync: { key: "days" }, points: { show: false } },
    scales: {
      // From the data: uPlot also passes the limits of before, which would then grow.
      x: { range: ({ data: [all] }) => [all[0] - DAY_S / 2, all.at(-1) + DAY_S / 2] },
      y: { range: (_, low, high) => [0, Math.max(least, Math.ceil((high ?? 0) * 1.1))] },
    },
    axes: [
      { ...axis, size: 26, gap: 8, space: 56, incrs: [1, 2, 7, 14, 28, 56].map((days) => days * DAY_S), grid: { show: false }, values: (_, at) => at.map(dayText) },
      { ...axis, size: Math.round(parseFloat(style.fontSize) * 2.6), gap: 4, space: 20, incrs: STEPS, grid: { stroke: colour("line"), width: 1 }, values: (_, ticks) => ticks.map(tickText) },
    ],
    series: [{}, series],
    hooks: { setCursor: [(chart) => tell(chart, box)] },
  }, data, box);
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

const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

function dayText(at) {
  return dayFormat.format(at * 1000);
}

function tickText(value) {
  return Number.isInteger(value) ? value.toLocaleString("en-US") : "";
}

// Shows the value under the pointer in the heading of the chart.
function tell(chart, box) {
  const place = chart.cursor.idx;
  const value = chart.cursor.left >= 0 ? chart.data[1][place] : null;
  const text = value === null || value === undefined ? "" : `${Number(value.toFixed(1)).toLocaleString("en-US")} on ${dayText(chart.data[0][place])}`;
  box.previousElementSibling.dataset.value = text;
}
