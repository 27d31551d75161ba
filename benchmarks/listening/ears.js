// Listeners in a browser: real sockets and the page's jitter buffer, read by the clock, without
// audio devices. Each frame of the calls has a constant level, which tells its number.

const RATE = 16_000; // less than a page plays, so that one browser can be twenty listeners
const LEVELS = 160;
const READ = 160; // 10 ms
const STABLE = 4;

const levels = Array.from({ length: LEVELS }, (_, n) => {
  const inverted = ~(n < 80 ? 0x80 + n : n - 80) & 0xff;
  const size = ((((inverted & 0xf) << 3) + 0x84) << ((inverted >> 4) & 7)) - 0x84;
  return (inverted & 0x80 ? -size : size) / 32_768;
});

function levelOf(value) {
  let best = 0;
  for (let n = 1; n < LEVELS; n += 1) {
    if (Math.abs(levels[n] - value) < Math.abs(levels[best] - value)) best = n;
  }
  return Math.abs(levels[best] - value) < 0.1 * Math.abs(value) ? best : -1;
}

const isLost = (call, frame, permille) =>
  Number(((((BigInt(frame) + 1n) * 2654435761n + BigInt(call) * 40503n) % 4294967296n) / 7n) % 1000n) <
  permille;

class Ear {
  heard = new Map(); // the number of a frame, and how long after it was sent it was heard
  closed = "";
  lostFrames = 0; // frames of the socket that are missing
  #numbers = 0;

  constructor({ JitterBuffer, readFrame }, call, begin) {
    this.call = call;
    this.begin = begin;
    this.buffer = new JitterBuffer(RATE);
    this.at = Date.now();
    this.left = new Float32Array(READ);
    this.right = new Float32Array(READ);
    this.socket = new WebSocket(`ws://${location.host}/stream/ws/listen/bench-${call}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => {
      const frame = readFrame(data);
      if (this.#numbers && frame.number !== this.#numbers + 1) this.lostFrames += 1;
      this.#numbers = frame.number;
      this.buffer.push(frame);
    };
    this.socket.onclose = ({ code, reason }) => (this.closed ||= `${code} ${reason}`);
  }

  read() {
    for (; this.at + 10 <= Date.now(); this.at += 10) {
      this.buffer.read(this.left, this.right);
      for (let n = STABLE; n < READ; n += 4 * STABLE) {
        const value = this.right[n];
        if (Math.abs(value) < 0.01 || Math.abs(value - this.right[n - STABLE]) > 2e-4) continue;
        const level = levelOf(value);
        if (level >= 0) this.#note(level, this.at + (n * 1000) / RATE);
      }
    }
  }

  #note(level, now) {
    const newest = Math.floor((now - this.begin) / 20);
    const frame = newest - ((((newest - level) % LEVELS) + LEVELS) % LEVELS);
    if (!this.heard.has(frame)) this.heard.set(frame, (now - this.begin) / 1000 - frame * 0.02);
  }

  report(permille) {
    const frames = [...this.heard.keys()];
    const [first, last] = [frames[0], frames.at(-1)];
    let [interruptions, missing, gone] = [0, 0, false];
    for (let frame = first; frame <= last; frame += 1) {
      const isGone = !this.heard.has(frame) && !isLost(this.call, frame, permille);
      if (isGone && !gone) interruptions += 1;
      if (isGone) missing += 1;
      gone = isGone;
    }
    const { dry, skips } = this.buffer;
    const { closed, lostFrames } = this;
    const delays = [...this.heard.values()];
    return { heard: frames.length, interruptions, missing, dry, skips, closed, lostFrames, delays };
  }
}

async function listen({ module, listeners, calls, begin, permille, seconds }) {
  const parts = await import(module);
  const ears = Array.from({ length: listeners }, (_, n) => new Ear(parts, n % calls, begin));
  const timer = setInterval(() => ears.forEach((ear) => ear.read()), 10);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  clearInterval(timer);
  const reports = ears.map((ear) => ear.report(permille));
  ears.forEach((ear) => ear.socket.close());
  return reports;
}

listen;
