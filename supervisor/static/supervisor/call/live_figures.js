// The figures of a call so far. supervisor/call/live_figures.py writes the same texts.

import { sentimentOf } from "./live_turn.js";
import { spanText } from "../times.js";

const SIDES = ["agent", "customer"];

// state: a live_transcript message of the feed.
export function showFigures(main, { figures, heard_until_ms: heard }) {
  const card = main.querySelector("#live-figures");
  if (!card || !figures) return;
  const section = main.querySelector("#live");
  for (const side of SIDES) {
    const label = figures.sentiment?.overall?.[side]?.label;
    if (label) {
      const nodes = sentimentOf(section, label, figures.sentiment.trend?.[side]);
      card.querySelector(`[data-live="mood-${side}"]`).replaceChildren(...nodes);
    } else if (figures.unjudged_language) {
      write(card, `mood-${side}`, "not known");
    }
    write(card, `talk-${side}`, talkText(figures.talk?.[side]));
  }
  write(card, "interruptions", interruptionsText(figures.interruptions));
  write(card, "silence", silenceText(figures));
  showShares(card, figures.talk, heard ?? 0);
}

function showShares(card, talk, heard) {
  const [agent, customer] = SIDES.map((side) => talk?.[side]?.total_ms ?? 0);
  const parts = { agent, customer, silence: Math.max(0, heard - agent - customer) };
  const whole = agent + customer + parts.silence || 1;
  let begin = 0;
  for (const [name, ms] of Object.entries(parts)) {
    const width = (100 * ms) / whole;
    const bar = card.querySelector(`[data-part="${name}"]`);
    bar.setAttribute("x", begin.toFixed(2));
    bar.setAttribute("width", width.toFixed(2));
    write(card, `share-${name}`, width.toFixed(0));
    begin += width;
  }
}

function talkText(talk) {
  return talk ? `${spanText(talk.total_ms / 1000)} · ${talk.words_per_minute} words per minute` : "–";
}

function interruptionsText(found) {
  return found?.count ? `${found.count} · ${tookText(found.total_ms)} in total` : "0";
}

function silenceText({ non_talk: found, silence_since_ms: since }) {
  const [total, longest] = [found?.total_ms ?? 0, found?.longest_ms ?? 0].map((ms) => spanText(ms / 1000));
  const text = found?.total_ms ? `${total} in total, longest ${longest}` : "none";
  return since === null || since === undefined ? text : `${text} · silent since ${spanText(since / 1000)}`;
}

function tookText(ms) {
  if (ms < 1000) return `${ms} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : spanText(ms / 1000);
}

function write(card, name, text) {
  const node = card.querySelector(`[data-live="${name}"]`);
  if (node.textContent !== text) node.textContent = text;
}
