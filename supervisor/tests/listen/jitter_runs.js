// Runs a JitterBuffer against frames that arrive at given times. Returns what it played.

const RATE = 48_000;
const IN_RATE = 8000;

// frames: [arrival_s, seconds of sound, value or "tone", seconds skipped before it]
export function run(JitterBuffer, frames, seconds, resetAt = Infinity) {
  const buffer = new JitterBuffer(RATE);
  const [left, right] = [new Float32Array(128), new Float32Array(128)];
  const heard = [];
  const fills = [];
  let [position, sent, next] = [0, 0, 0];
  for (let clock = 0; clock < seconds; clock += 128 / RATE) {
    if (clock >= resetAt) {
      buffer.reset();
      resetAt = Infinity;
    }
    while (next < frames.length && frames[next][0] <= clock) {
      const [, length, value, gap = 0] = frames[next];
      const count = Math.round(length * IN_RATE);
      const samples = new Int16Array(2 * count);
      for (let n = 0; n < count; n += 1, sent += 1) {
        const level = value === "tone" ? 10_000 * Math.sin((2 * Math.PI * 440 * sent) / IN_RATE) : value;
        samples[2 * n] = level;
        samples[2 * n + 1] = level / 2;
      }
      position += Math.round(gap * IN_RATE);
      buffer.push({ rate: IN_RATE, channels: 2, position, samples });
      position += count;
      next += 1;
    }
    buffer.read(left, right);
    for (const value of left) heard.push(value);
    fills.push(buffer.buffered);
  }
  let [largestStep, largest, sounding] = [0, 0, 0];
  for (let n = 1; n < heard.length; n += 1) {
    largestStep = Math.max(largestStep, Math.abs(heard[n] - heard[n - 1]));
    largest = Math.max(largest, Math.abs(heard[n]));
    sounding += Math.abs(heard[n]) > 1e-4 ? 1 / RATE : 0;
  }
  const tail = fills.slice(-375);
  return {
    dry: buffer.dry,
    skips: buffer.skips,
    levels: buffer.levels,
    largestStep,
    largest,
    sounding,
    fill: tail.reduce((sum, fill) => sum + fill, 0) / tail.length,
    isPlaying: buffer.isPlaying,
    firstAt: heard.findIndex((value) => value !== 0) / RATE,
  };
}
