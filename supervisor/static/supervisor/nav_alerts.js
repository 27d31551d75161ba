// The number of open alerts in the navigation and in the title of the tab, on every live page.

const box = document.getElementById("open-alerts");
const COUNT = /^\(\d+\+?\) /;

document.title = titled(document.title);

export function showOpenAlerts({ open_alerts: count, worst_alert: level }) {
  if (!box || count === undefined) return;
  const most = Number(box.dataset.most);
  box.hidden = !count;
  box.className = level ? `mast__count mast__count--${level}` : "mast__count";
  write(box.querySelector("[data-open]"), count >= most ? `${most}+` : String(count));
  write(box.querySelector("[data-worst]"), level);
  const title = titled(document.title);
  if (document.title !== title) document.title = title;
}

// Returns a title with the number of open alerts in front.
export function titled(title) {
  const bare = title.replace(COUNT, "");
  return box && !box.hidden ? `(${box.querySelector("[data-open]").textContent}) ${bare}` : bare;
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
