// Sound, screen reader announcement and desktop notification for a new alert. The sound is on if the
// user's settings say so, until the button of this browser says otherwise. Oscillators make it, so no file has to be loaded.

const SETTING = "callcenter-alert-sound";
const NOTIFY = "callcenter-alert-notify";
const SOUNDED = "callcenter-alert-sounded";
// A flood of alerts must not become one long noise. SOUNDED is the time of the last sound, for all pages.
const QUIET_MS = 4000;
const SETTLE_MS = 100; // an alert that is over at once is reported as resolved right after it was raised
const RANK = { notice: 1, warning: 2, critical: 3 };
// Frequency in Hz and start in seconds of each tone. Worse alerts have more and higher tones.
const TONES = {
  notice: [[523, 0]],
  warning: [[659, 0], [523, 0.22]],
  critical: [[880, 0], [698, 0.18], [880, 0.36], [698, 0.54]],
};
const TONE_S = 0.16;
const LOUDEST = 0.44;
const { sound: usual = "off", volume = "50" } = document.documentElement.dataset;

const button = document.getElementById("sound");
const notify = document.getElementById("notify");
const live = document.getElementById("announce");
let context = null;
let waiting = [];
let timer = 0;

export function startSound(feed) {
  if (!button) return;
  button.addEventListener("click", toggle);
  // Browsers block sound until the user has clicked or pressed a key on the page. The sound button
  // is left out: toggle() must see whether sound was still blocked before the click.
  for (const type of ["pointerdown", "keydown"]) {
    const touched = ({ target }) => isOn() && !button.contains(target) && resume();
    addEventListener(type, touched, { capture: true });
  }
  if (isOn()) resume();
  startNotify();
  show();
  // The feed starts at the position of the page, so it brings only alerts newer than the page.
  feed.addEventListener("change", ({ detail }) => {
    if (detail.type === "alert_raised" || isBack(detail)) hear(detail);
    else if (detail.type === "alert_resolved") forget(detail);
  });
}

export function announce(text) {
  if (!live) return;
  // A screen reader announces changes only, so the same text twice needs an empty moment between.
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50);
}

// On and off ---------------------------------------------------------------------------------------

function toggle() {
  if (isOn() && context?.state !== "running") return resume(true); // this click allows sound
  store(SETTING, isOn() ? "off" : "on");
  if (isOn()) resume(true);
  else context?.suspend().then(show);
  show();
}

async function resume(isAsked = false) {
  try {
    context ??= new AudioContext();
    context.onstatechange = show;
    // Without a user gesture this promise stays pending, so do not wait for it.
    const running = context.resume();
    if (isAsked) {
      await running;
      play("notice");
    }
  } catch {
    context = null; // this machine has no sound
  }
  show();
}

function isOn() {
  return (read(SETTING) ?? usual) === "on";
}

function show() {
  const isBlocked = isOn() && context?.state !== "running";
  button.setAttribute("aria-pressed", String(isOn()));
  button.dataset.sound = isBlocked ? "blocked" : isOn() ? "on" : "off";
  const text = isBlocked ? "Click to allow sound" : isOn() ? "Sound on" : "Sound off";
  const node = button.querySelector("[data-text]");
  if (node.textContent !== text) node.textContent = text;
}

// An alert -----------------------------------------------------------------------------------------

// An alert whose snooze has ended counts as a new one.
function isBack({ type, data }) {
  return type === "alert_reopened" && !data.by;
}

function hear(event) {
  waiting.push(event);
  timer ||= setTimeout(sound, Math.max(SETTLE_MS, pauseMs()));
}

// An alert that was already over when it was found needs no attention.
function forget({ data }) {
  waiting = waiting.filter((event) => event.data.alert !== data.alert);
}

// At most one sound in QUIET_MS over all pages of this browser.
function pauseMs() {
  const since = Date.now() - Number(read(SOUNDED) ?? 0);
  // since is negative if the clock was set back.
  return since >= 0 && since < QUIET_MS ? QUIET_MS - since : 0;
}

function sound() {
  const events = waiting;
  [waiting, timer] = [[], 0];
  if (!events.length) return;
  const worst = events.reduce((one, other) => (rank(other) > rank(one) ? other : one));
  const level = worst.data.severity;
  const one = `${level} alert: ${worst.data.rule}, call ${worst.call_id}`;
  announce(events.length > 1 ? `${events.length} new alerts, worst: ${one}` : `New ${one}`);
  const isFirst = pauseMs() === 0; // another page may have made the sound while this one waited
  store(SOUNDED, String(Date.now()));
  if (isFirst && isOn() && context?.state === "running") play(level);
  if (isFirst) showNotification(worst, events.length);
}

function rank(event) {
  return RANK[event.data.severity] ?? 0;
}

function play(level) {
  for (const [frequency, begin] of TONES[level] ?? TONES.notice) tone(frequency, begin);
  // For tests, which cannot hear.
  document.documentElement.dataset.sounded = level;
}

function tone(frequency, begin) {
  const at = context.currentTime + begin;
  const [oscillator, gain] = [context.createOscillator(), context.createGain()];
  oscillator.frequency.value = frequency;
  oscillator.type = "triangle";
  // A tone that starts or ends abruptly clicks. An exponential ramp cannot end at 0.
  gain.gain.setValueAtTime(0, at);
  // Not 0, from which the exponential ramp could not start.
  gain.gain.linearRampToValueAtTime(Math.max(0.001, (LOUDEST * Number(volume)) / 100), at + 0.015);
  gain.gain.exponentialRampToValueAtTime(0.001, at + TONE_S);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + TONE_S);
}

// Desktop notifications, while the page is hidden --------------------------------------------------

function startNotify() {
  if (!notify) return;
  // Browsers offer notifications only over HTTPS and on localhost.
  if (!("Notification" in window) || !isSecureContext) {
    notify.hidden = true;
    return;
  }
  notify.addEventListener("click", async () => {
    const wants = read(NOTIFY) !== "on" || Notification.permission !== "granted";
    const isAllowed = wants && (await Notification.requestPermission()) === "granted";
    store(NOTIFY, isAllowed ? "on" : "off");
    showNotify(wants && !isAllowed);
  });
  showNotify();
}

function showNotify(isRefused = false) {
  const isActive = read(NOTIFY) === "on" && Notification.permission === "granted";
  notify.setAttribute("aria-pressed", String(isActive));
  notify.textContent = isRefused ? "Notifications are blocked" : isActive ? "Notifying" : "Notify";
}

function showNotification(event, count) {
  if (!document.hidden || notify?.getAttribute("aria-pressed") !== "true") return;
  const title = count > 1 ? `${count} new alerts` : event.data.rule;
  // The tag makes a new notification replace the last one.
  new Notification(title, { body: `Call ${event.call_id}: ${event.data.found ?? "open again"}`, tag: "callcenter" });
}

// Settings. localStorage may be blocked; then they last until the page is left ---------------------

const memory = new Map();

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return memory.get(name) ?? null;
  }
}

function store(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    memory.set(name, value);
  }
}
