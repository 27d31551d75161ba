// Times in the viewer's time zone and format, and running clocks: call durations and the time to the
// next attempt. supervisor/dates.py writes the same formats.

const { zone: timeZone, dates = "en-GB" } = document.documentElement.dataset;
const month = dates.startsWith("en") ? "short" : "2-digit";
const minute = { hour: "2-digit", minute: "2-digit" };
const clockFormat = format({ ...minute, second: "2-digit" });
const minuteFormat = format(minute);
const dayFormat = format({ day: "2-digit", month, ...minute });
const dayAndTimeFormat = format({ day: "2-digit", month, year: "numeric", ...minute, second: "2-digit" });
const exactFormat = format({ dateStyle: "full", timeStyle: "long" });
const dateFormat = format({ dateStyle: "short" });

function format(options) {
  try {
    return new Intl.DateTimeFormat(dates, { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat(dates, options); // this browser does not know the time zone
  }
}

export function clockText(at) {
  return clockFormat.format(at);
}

// The time zone of the viewer: the one that they chose, or that of the browser.
export function ownZone() {
  return timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

function timeText(at, kind) {
  if (kind === "day_and_time") return dayAndTimeFormat.format(at);
  if (kind === "minute") return minuteFormat.format(at);
  if (isToday(at)) return clockFormat.format(at);
  // The Swedish locale gives ISO 8601 only if the format has a year.
  if (dates === "sv-SE") return dayAndTimeFormat.format(at).slice(5, 16);
  return dayFormat.format(at).replace(",", "");
}

function isToday(at) {
  const now = new Date();
  if (!timeZone) return at.toDateString() === now.toDateString();
  return dateFormat.format(at) === dateFormat.format(now);
}

export function spanText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

// A moment of a call: 1:23, or 1:23.4 if it is between two seconds.
export function momentText(ms) {
  const tenths = Math.round(ms / 100);
  return tenths % 10 ? `${spanText(tenths / 10)}.${tenths % 10}` : spanText(tenths / 10);
}

// Call this on new content before it is merged, so that the merge does not change times twice.
export function localise(root) {
  for (const time of root.querySelectorAll("time[data-as]")) {
    const at = new Date(time.dateTime);
    if (time.dataset.as !== "word") time.textContent = timeText(at, time.dataset.as);
    time.title = exactFormat.format(at);
  }
  tick(root);
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function tick(root = document) {
  const now = Date.now();
  for (const node of root.querySelectorAll("[data-since]")) {
    write(node, spanText((now - Date.parse(node.dataset.since)) / 1000));
  }
  for (const node of root.querySelectorAll("[data-until]")) {
    // Rounded up, so that "now" is not shown too early.
    const left = Math.ceil((Date.parse(node.dataset.until) - now) / 1000);
    write(node, left > 0 ? `in ${spanText(left)}` : "now");
  }
}

export function startClocks() {
  localise(document);
  setInterval(tick, 1000);
}
