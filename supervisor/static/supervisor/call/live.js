// The live transcript: takes the utterances of the call from the feed, and shows them as turns.
//
// The server draws the same turns on first paint. A turn whose print (the ids and revisions of its
// utterances, and its alerts) has not changed is left alone. Entries without a key are replaced.

import { showFigures } from "./live_figures.js";
import { TurnMaker } from "./live_turn.js";
import { marksOnPage, turnAt } from "./moments.js";
import { spanText } from "../times.js";

const JOIN_GAP_MS = 1500; // as in the final transcript
const BEHIND_FROM_S = 2;
const AT_END_PX = 48;
const ANNOUNCED = 12; // utterances kept in the log for screen readers
const WIDTH = 1000; // of the strip

const main = document.getElementById("main");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class LiveTranscript {
  #feed;
  #callId;
  #utterances = new Map();
  #revision = 0;
  #state = null; // the last message
  #others = null; // number of calls that are being transcribed
  #said = new Set(); // ids that screen readers were told
  #isFollowing = true;
  #top = 0;
  #list = null;

  constructor(feed, callId) {
    [this.#feed, this.#callId] = [feed, callId];
    feed.addEventListener("live_transcript", ({ detail }) => this.#take(detail));
    feed.addEventListener("figures", ({ detail }) => {
      this.#others = detail.live_transcription.calls;
      this.#showStatus();
    });
  }

  // Attaches to the page. Call it after every merge.
  mount() {
    const list = document.getElementById("live-words");
    if (list && list !== this.#list) this.#attach(list);
    this.#list = list;
    if (list && this.#state) this.#show(false);
  }

  #attach(list) {
    this.#list = list;
    list.addEventListener("scroll", () => this.#look(), { passive: true });
    document.getElementById("live-jump")?.addEventListener("click", () => this.jump());
    this.#follow(false);
    if (main.querySelector("#live:not([data-status=over])")) this.#subscribe();
  }

  #subscribe() {
    this.#feed.follow(this.#callId, () => this.#revision);
  }

  #take(message) {
    if (message.call_id !== this.#callId) return;
    if (message.after > this.#revision) return this.#subscribe(); // something was missed
    if (message.after === 0) this.#utterances.clear();
    const isFirst = this.#state === null;
    for (const each of message.utterances) this.#utterances.set(each.id, each);
    this.#revision = message.revision;
    this.#state = message;
    if (!this.#list) return;
    this.#show(!isFirst);
    this.#announce(message.utterances, isFirst);
  }

  // Showing --------------------------------------------------------------------------------------

  #show(isNew) {
    const turns = joinTurns([...this.#utterances.values()]);
    flag(turns);
    this.#merge(entriesOf(turns, this.#state), isNew);
    this.#showStatus();
    this.#showStrip();
    showFigures(main, this.#state);
    if (this.#isFollowing) this.#follow(isNew);
    else this.#look();
  }

  #merge(entries, isNew) {
    const known = new Map([...this.#list.children].map((node) => [node.dataset.key, node]));
    const make = new TurnMaker(main.querySelector("#live"));
    let next = this.#list.firstElementChild;
    for (const entry of entries) {
      let node = known.get(entry.key);
      known.delete(entry.key);
      if (!node) {
        node = make.node(entry);
        node.classList.toggle("is-new", isNew && entry.kind === "turn");
      } else if (node.dataset.print !== entry.print) make.fill(node, entry);
      if (node === next) next = node.nextElementSibling;
      else this.#list.insertBefore(node, next);
    }
    for (const node of known.values()) node.remove();
  }

  #showStatus() {
    const section = main.querySelector("#live");
    const text = section?.querySelector('[data-live="status"]');
    // Once the page says that the call is over, a late message does not change that.
    if (!text || !this.#state || section.dataset.status === "over" || this.#state.status === "over") return;
    section.dataset.status = this.#state.status;
    write(text, statusText(this.#state, this.#others));
  }

  #showStrip() {
    const all = [...this.#utterances.values()];
    const { heard_until_ms: heard, skipped } = this.#state;
    const reach = Math.max(1, heard ?? 0, ...all.map((each) => each.end_ms));
    const strip = document.getElementById("live-strip");
    const draw = (name, spans, top, height) => {
      const bars = spans.map(([begin, end]) => {
        const width = Math.max(1.5, ((end - begin) * WIDTH) / reach).toFixed(2);
        return `M${((begin * WIDTH) / reach).toFixed(2)} ${top}h${width}v${height}h-${width}z`;
      });
      strip.querySelector(`[data-strip="${name}"]`).setAttribute("d", bars.join(""));
    };
    const spansOf = (side) => all.filter((each) => each.speaker === side).map((each) => [each.begin_ms, each.end_ms]);
    draw("agent", spansOf("agent"), 4, 14);
    draw("customer", spansOf("customer"), 22, 14);
    draw("skipped", skipped, 0, 40);
    const moments = marksOnPage().filter(({ isAlert }) => isAlert).map(({ at }) => `M${((at * WIDTH) / reach).toFixed(2)} 0V40`);
    strip.querySelector('[data-strip="alerts"]').setAttribute("d", moments.join(""));
    write(strip.querySelector('[data-live="reach"]'), spanText(reach / 1000));
  }

  // Announces only new, finished utterances: not those in progress, nor those that were there before.
  #announce(utterances, isFirst) {
    const log = document.getElementById("live-log");
    for (const each of utterances) {
      if (each.held_back || this.#said.has(each.id)) continue;
      this.#said.add(each.id);
      if (isFirst) continue;
      const line = document.createElement("p");
      line.dir = "auto"; // the words may run from right to left
      line.textContent = `${nameOf(each.speaker)}: ${each.text}`;
      log.append(line);
    }
    while (log.children.length > ANNOUNCED) log.firstElementChild.remove();
  }

  // Scrolling ------------------------------------------------------------------------------------

  // Brings the newest words into view, and follows them from now on. Returns whether there are any.
  jump() {
    if (!this.#list) return false;
    this.#isFollowing = true;
    this.#list.scrollIntoView({ block: "nearest", behavior: calm.matches ? "instant" : "smooth" });
    this.#follow(true);
    return true;
  }

  #follow(isSmooth) {
    const behavior = isSmooth && !calm.matches && !document.hidden ? "smooth" : "instant";
    this.#list.scrollTo({ top: this.#list.scrollHeight, behavior });
    this.#top = this.#list.scrollTop; // the event comes later, perhaps after the reader has scrolled up
    this.#showJump();
  }

  // The reader leaves the end by scrolling up, and is back when the end is in view.
  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.#list;
    if (scrollHeight - clientHeight - scrollTop < AT_END_PX) this.#isFollowing = true;
    else if (scrollTop < this.#top) this.#isFollowing = false;
    this.#top = scrollTop;
    this.#showJump();
  }

  #showJump() {
    const button = document.getElementById("live-jump");
    if (button) button.hidden = this.#isFollowing;
  }
}

// Remembers where the words are on the screen. The result puts them there again: in the window if
// something above has grown, and in the final transcript once it has replaced the list.
export function holdPlace() {
  const list = main.querySelector(".turns");
  if (!list) return () => {};
  const isLive = list.id === "live-words";
  const edge = topOf(list);
  const turn = [...list.children].find((node) => node.dataset.begin && topOf(node) + node.offsetHeight > edge + 1);
  const [begin, above] = turn ? [Number(turn.dataset.begin), topOf(turn) - edge] : [0, 0];
  const scrolled = list.scrollTop;
  return () => {
    const shown = list.isConnected ? list : main.querySelector(".turns");
    if (!shown) return;
    // A merge that moves the list in the document scrolls it back to its beginning.
    if (shown === list) list.scrollTop = scrolled;
    const node = shown === list ? null : turnAt(begin);
    if (node) settle(() => { shown.scrollTop += topOf(node) - topOf(shown) - above; });
    if (isLive && edge < innerHeight) scrollBy({ top: topOf(shown) - edge, behavior: "instant" });
  };
}

// Turns get their real height only when they come into view, so the place is right after some frames.
function settle(put, frames = 4) {
  put();
  if (frames) requestAnimationFrame(() => settle(put, frames - 1));
}

function topOf(node) {
  return node.getBoundingClientRect().top;
}

function joinTurns(utterances) {
  const turns = [];
  utterances.sort((one, other) => one.begin_ms - other.begin_ms || one.id - other.id);
  for (const each of utterances) {
    const last = turns.at(-1);
    if (last?.speaker === each.speaker && each.begin_ms - last.end < JOIN_GAP_MS) {
      last.utterances.push(each);
      last.end = Math.max(last.end, each.end_ms);
    } else {
      const { id, speaker, begin_ms: begin, end_ms: end } = each;
      turns.push({ kind: "turn", key: `u${id}`, speaker, begin, end, utterances: [each], flags: [], partial: "" });
    }
  }
  return turns;
}

function flag(turns) {
  for (const mark of marksOnPage()) {
    const isOf = ({ speaker }) => !mark.speaker || mark.speaker === speaker;
    const begun = turns.filter((turn) => turn.begin <= mark.at && isOf(turn));
    begun.at(-1)?.flags.push(mark);
  }
}

// The turns, the spans that were skipped, and the words that are being spoken, in order.
function entriesOf(turns, { skipped, partial, status }) {
  const gaps = skipped.map(([begin, end]) => ({ kind: "skipped", key: `s${begin}`, begin, end }));
  const entries = [...turns, ...gaps].sort((one, other) => one.begin - other.begin);
  for (const [speaker, text] of status === "listening" ? Object.entries(partial) : []) {
    if (!text) continue;
    const last = entries.at(-1);
    if (last?.kind === "turn" && last.speaker === speaker) last.partial = text;
    else entries.push({ kind: "partial", key: `p${speaker}`, speaker, partial: text });
  }
  for (const entry of entries) entry.print = printOf(entry);
  return entries;
}

function printOf({ kind, utterances, flags, partial, end }) {
  if (kind === "skipped") return String(end);
  if (kind === "partial") return partial;
  const parts = utterances.map(({ id, revision }) => `${id}.${revision}`);
  return [...parts, ...flags.map((mark) => `#${mark.id}`), ...(partial ? [partial] : [])].join(" ");
}

// The same text as in supervisor/call/live_transcript.py.
function statusText({ status, behind_s: behind }, others) {
  if (status === "off") return "Live transcription is off";
  const calls = others > 1 ? "calls are" : "call is";
  if (status === "waiting" && others) return `Waiting: ${others} other ${calls} being transcribed`;
  if (status === "waiting") return "Waiting for a worker";
  return behind >= BEHIND_FROM_S ? `Transcribing, ${Math.round(behind)} s behind` : "Transcribing";
}

function nameOf(speaker) {
  return speaker === "agent" ? "Agent" : "Customer";
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
