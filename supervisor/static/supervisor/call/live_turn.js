// Builds the entries of the live transcript from the templates of the page.

import { spanText } from "../times.js";

export class TurnMaker {
  constructor(section) {
    this.section = section;
    this.mark = new RegExp(`\\[(${section.dataset.kinds.split(" ").join("|")})\\]`);
  }

  node(entry) {
    const node = entry.kind === "skipped" ? document.createElement("li") : this.#copy("turn");
    node.dataset.key = entry.key;
    this.fill(node, entry);
    return node;
  }

  fill(node, entry) {
    node.dataset.print = entry.print;
    if (entry.kind === "skipped") this.#fillSkipped(node, entry);
    else this.#fillTurn(node, entry);
  }

  #fillSkipped(node, { begin, end }) {
    node.className = "live__skipped";
    const span = `${spanText(begin / 1000)}–${spanText(end / 1000)}`;
    node.textContent = `Not transcribed live: ${span}. The final transcript will include it.`;
  }

  #fillTurn(node, entry) {
    const { kind, speaker, begin, end, utterances = [], flags = [] } = entry;
    node.classList.remove("turn--agent", "turn--customer");
    node.classList.add(`turn--${speaker}`);
    node.classList.toggle("turn--partial", kind === "partial");
    node.classList.toggle("turn--flagged", flags.some(({ isAlert }) => isAlert));
    node.querySelector(".turn__who").textContent = speaker === "agent" ? "Agent" : "Customer";
    if (kind === "turn") Object.assign(node.dataset, { begin, end });
    else delete node.dataset.begin;
    node.querySelector(".turn__time").textContent = kind === "turn" ? spanText(begin / 1000) : "";
    node.querySelector(".turn__flags").replaceChildren(...flags.map(badge));
    node.querySelector(".turn__sentiment").replaceChildren(...sentimentOf(this.section, strongest(utterances)));
    node.querySelector(".turn__text").replaceChildren(...this.#words(utterances), ...partial(entry));
  }

  #words(utterances) {
    return utterances.flatMap((each) => [...(each.held_back ? [this.#copy("held")] : this.#chips(each.text)), " "]);
  }

  // Redaction marks become chips. split() with one group alternates: text, kind, text.
  #chips(text) {
    return text.split(this.mark).map((part, place) => {
      if (place % 2 === 0) return part;
      const chip = document.createElement("mark");
      chip.className = "removed";
      chip.textContent = part.replaceAll("_", " ").toLowerCase();
      chip.title = `Removed: ${chip.textContent}`;
      return chip;
    });
  }

  #copy(name) {
    const template = this.section.querySelector(`[data-template="${name}"]`);
    return template.content.firstElementChild.cloneNode(true);
  }
}

// A sentiment with its face, as the server shows it. Nothing if it is not known.
export function sentimentOf(section, label, trend = "") {
  if (!label) return [];
  const node = section.querySelector('[data-template="sentiment"]').content.firstElementChild.cloneNode(true);
  node.className = `sentiment sentiment--${label.toLowerCase()}`;
  node.querySelector("use").setAttribute("href", `#i-${label}`);
  node.lastChild.data = label[0] + label.slice(1).toLowerCase();
  if (!trend) return [node];
  const arrow = document.createElement("span");
  arrow.className = "trend";
  const icon = node.querySelector("svg").cloneNode(true);
  icon.querySelector("use").setAttribute("href", `#i-${trend}`);
  arrow.append(icon, trend);
  return [node, arrow];
}

// The strongest sentiment of a turn: a calm first half does not hide an angry second one.
function strongest(utterances) {
  const scored = utterances.filter(({ score }) => score !== null);
  scored.sort((one, other) => Math.abs(other.score) - Math.abs(one.score));
  return scored[0]?.sentiment;
}

function partial({ partial }) {
  if (!partial) return [];
  const node = document.createElement("i");
  node.className = "partial";
  node.textContent = partial;
  return [node];
}

function badge({ id, level, name, said, title, icon }) {
  const link = document.createElement("a");
  link.className = `alert-badge alert-badge--${level}`;
  link.href = `#${id}`;
  link.title = title;
  const kind = document.createElement("span");
  kind.className = "sr";
  kind.textContent = said;
  link.append(icon.cloneNode(true), kind, name);
  return link;
}
