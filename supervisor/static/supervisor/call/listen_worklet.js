// The audio thread of a listener: plays what the page passes on, and reports levels and delay.

import { JitterBuffer, readFrame } from "./jitter_buffer.js";

const REPORT_S = 0.1;

class ListenProcessor extends AudioWorkletProcessor {
  #buffer = new JitterBuffer(sampleRate);
  #age = 0; // of the newest sample, when it arrived
  #waited = 0; // since it arrived
  #since = 0;
  #isOver = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => this.#take(data);
  }

  process(inputs, [output]) {
    this.#buffer.read(output[0], output[1]);
    this.#waited += output[0].length / sampleRate;
    this.#since += output[0].length / sampleRate;
    if (this.#since >= REPORT_S) this.#report();
    return !this.#isOver;
  }

  #take(data) {
    if (data === "reset") return this.#buffer.reset();
    if (data === "over") return void (this.#isOver = true);
    const frame = readFrame(data);
    this.#age = frame.age;
    this.#waited = 0;
    this.#buffer.push(frame);
  }

  #report() {
    const { isPlaying, buffered, levels, dry, skips } = this.#buffer;
    const delay = this.#age + this.#waited + buffered;
    this.port.postMessage({ isPlaying, delay, levels: [...levels], dry, skips });
    levels.fill(0);
    this.#since = 0;
  }
}

registerProcessor("listen", ListenProcessor);
