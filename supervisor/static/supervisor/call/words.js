// The transcript for the player: finds the word at a time or under the pointer, and highlights it.
//
// Words are not elements of their own, because an hour of talk has about 9,000 of them. Ranges are
// made only for the turns being played or pointed at, and shown with the CSS Custom Highlight API.

const OVERLAP = 8; // turns before the latest one that may still be running
const PATIENCE_MS = 4000; // no automatic scrolling for this long after the user scrolls
const LIST = ".turns--playable";

export class Transcript {
  #main;
  #turns = [];
  #current = new Set();
  #word = null;
  #scrolledAt = 0;
  #spoken = makeHighlight("spoken-word");
  #pointed = makeHighlight("pointed-word");

  constructor(main) {
    this.#main = main;
    for (const type of ["wheel", "touchmove", "keydown"]) {
      main.addEventListener(type, (event) => {
        if (event.target.closest?.(LIST)) this.#scrolledAt = Date.now();
      }, { passive: true });
    }
    main.addEventListener("pointermove", (event) => this.#point(event), { passive: true });
  }

  // Reads the turns of the page again. Words are located later, when they are needed.
  read() {
    const known = new Map(this.#turns.map((turn) => [turn.node, turn]));
    this.#turns = [...this.#main.querySelectorAll(`${LIST} > .turn`)].map((node) => {
      const turn = known.get(node);
      return turn?.key === keyOf(node) ? turn : makeTurn(node);
    });
  }

  neighbour(now, step) {
    const place = this.#last(now);
    // "Previous" goes to the start of this turn first, unless playback has only just passed it.
    const isBegun = place >= 0 && now - this.#turns[place].begin > 1500;
    const wanted = step > 0 ? place + 1 : isBegun ? place : place - 1;
    return this.#turns[wanted]?.begin ?? null;
  }

  // Marks the turns and words at a time in ms. A negative time clears the marks.
  show(now, isPlaying) {
    const current = now < 0 ? [] : this.#running(now);
    const nodes = new Set(current.map((turn) => turn.node));
    for (const node of this.#current) if (!nodes.has(node)) node.removeAttribute("aria-current");
    for (const node of nodes) if (!node.hasAttribute("aria-current")) node.setAttribute("aria-current", "true");
    const hasMoved = [...nodes].some((node) => !this.#current.has(node));
    this.#current = nodes;
    if (hasMoved && isPlaying) this.#follow(current.at(-1).node);
    this.#mark(current.map((turn) => wordAt(turn, now)).filter(Boolean));
  }

  // The word under the pointer, or the start of its turn if the words have no times.
  at(event) {
    // The click ended a selection of text, which must not start the sound.
    if (!document.getSelection().isCollapsed) return null;
    const found = this.#wordUnder(event);
    if (found?.word) return found.word;
    return found?.turn && !found.turn.words.length ? { begin: found.turn.begin } : null;
  }

  #wordUnder({ target, clientX, clientY }) {
    const node = target.closest?.(`${LIST} > .turn`);
    const turn = node && this.#turns.find((one) => one.node === node);
    if (!turn) return null;
    const words = wordsOf(turn);
    // Words are not elements, so the browser must say which character is under the pointer.
    const caret = caretAt(clientX, clientY);
    const word = caret && words.find(({ range }) => range.comparePoint(caret.node, caret.offset) === 0);
    return { turn, word };
  }

  #point(event) {
    if (!this.#pointed) return;
    const word = event.target.closest?.(".turn__text") && this.#wordUnder(event)?.word;
    this.#pointed.clear();
    if (word) this.#pointed.add(word.range);
  }

  #mark(words) {
    const key = words.map((word) => word.begin).join();
    if (!this.#spoken || key === this.#word) return;
    this.#word = key;
    this.#spoken.clear();
    for (const word of words) this.#spoken.add(word.range);
  }

  #last(now) {
    let [low, high] = [0, this.#turns.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#turns[middle].begin <= now) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #running(now) {
    const last = this.#last(now);
    return this.#turns.slice(Math.max(0, last - OVERLAP), last + 1).filter((turn) => now < turn.end);
  }

  #follow(node) {
    const list = node.closest(LIST);
    if (Date.now() - this.#scrolledAt < PATIENCE_MS || list.scrollHeight <= list.clientHeight) return;
    const top = node.offsetTop - list.clientHeight / 3;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    list.scrollTo({ top, behavior: isCalm ? "instant" : "smooth" });
  }
}

function makeHighlight(name) {
  if (!globalThis.Highlight) return null;
  const highlight = new Highlight();
  CSS.highlights.set(name, highlight);
  return highlight;
}

// Search marks split text nodes, so the number of nodes is part of the key.
function keyOf(node) {
  const pieces = node.querySelector(".turn__text").childNodes.length;
  return `${node.dataset.begin} ${pieces} ${node.dataset.timing ?? ""}`;
}

function makeTurn(node) {
  const { begin, end } = node.dataset;
  return { node, key: keyOf(node), begin: Number(begin), end: Number(end), words: null };
}

function wordAt(turn, now) {
  const words = wordsOf(turn);
  const place = words.findLastIndex((word) => word.begin <= now);
  // The mark stays through the short pauses between words; otherwise it would flicker.
  return place < 0 || now > words[place].end + 400 ? null : words[place];
}

function wordsOf(turn) {
  // A merge may have replaced the text nodes that the ranges point to.
  if (turn.words && turn.words.every(({ range }) => range.startContainer.isConnected)) return turn.words;
  const ranges = turn.node.dataset.timing ? rangesOf(turn.node.querySelector(".turn__text")) : [];
  const numbers = turn.node.dataset.timing?.split(",").map(Number) ?? [];
  let time = turn.begin;
  // If the page shows other words than were timed, the turn is played as a whole.
  turn.words = ranges.length * 2 !== numbers.length ? [] : ranges.map((range, at) => {
    const begin = time + numbers[2 * at];
    time = begin + numbers[2 * at + 1];
    return { range, begin, end: time };
  });
  return turn.words;
}

// One range per word. A redaction chip belongs to the word that it touches.
function rangesOf(paragraph) {
  const ranges = [];
  let open = null;
  for (const node of leaves(paragraph)) {
    if (node.nodeType !== Node.TEXT_NODE) {
      open ??= startAt(ranges, (range) => range.setStartBefore(node));
      open.setEndAfter(node);
      continue;
    }
    for (const { index, 0: piece } of node.data.matchAll(/\s+|\S+/g)) {
      if (!piece.trim()) {
        open = null;
        continue;
      }
      open ??= startAt(ranges, (range) => range.setStart(node, index));
      open.setEnd(node, index + piece.length);
    }
  }
  return ranges;
}

// Text nodes and redaction chips, including the text inside search marks.
function* leaves(node) {
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE || child.matches(".removed")) yield child;
    else yield* leaves(child);
  }
}

function startAt(ranges, place) {
  const range = new Range();
  place(range);
  ranges.push(range);
  return range;
}

function caretAt(x, y) {
  if (document.caretPositionFromPoint) {
    const found = document.caretPositionFromPoint(x, y);
    return found && { node: found.offsetNode, offset: found.offset };
  }
  const range = document.caretRangeFromPoint?.(x, y);
  return range && { node: range.startContainer, offset: range.startOffset };
}
