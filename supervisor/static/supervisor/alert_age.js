// Shows the age of alerts in the largest unit (40 s, 3 min, 2 h, 5 d), and keeps it up to date.

const EVERY_MS = 1000;
const UNITS = [[86_400, "d"], [3_600, "h"], [60, "min"]];
let timer = 0;

// Call this again after new content was merged.
export function startAges() {
  show();
  timer ||= setInterval(show, EVERY_MS);
}

function show() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = ageText((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

function ageText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [unit_s, unit] = UNITS.find(([most]) => whole >= most) ?? [1, "s"];
  return `${Math.floor(whole / unit_s)} ${unit}`;
}
