// A line of the packets per second of the last two minutes, from the counters that the feed sends.

const SECONDS = 120;
const HEIGHT = 30;

export class Spark {
  #line;
  #counts = new Map();
  #rates = [];
  #arrived = 0;

  constructor(svg) {
    this.#line = svg.querySelector("polyline");
    setInterval(() => this.#step(), 1000);
  }

  add(calls) {
    for (const { call_id, packet_count } of calls) {
      const before = this.#counts.get(call_id) ?? packet_count;
      this.#arrived += Math.max(0, packet_count - before);
      this.#counts.delete(call_id); // to the end: the oldest go first
      this.#counts.set(call_id, packet_count);
    }
    for (const [id] of this.#counts) {
      if (this.#counts.size <= 5000) break;
      this.#counts.delete(id);
    }
  }

  #step() {
    this.#rates.push(this.#arrived);
    this.#arrived = 0;
    if (this.#rates.length > SECONDS) this.#rates.shift();
    const top = Math.max(1, ...this.#rates);
    const start = SECONDS - this.#rates.length;
    const points = this.#rates.map(
      (rate, place) => `${start + place},${(HEIGHT - 1 - (rate / top) * (HEIGHT - 2)).toFixed(1)}`,
    );
    this.#line.setAttribute("points", points.join(" "));
  }
}
