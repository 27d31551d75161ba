// The number of open alerts in the navigation, on every live page.

const box = document.getElementById("open-alerts");

export function showOpenAlerts({ open_alerts: count, worst_alert: level }) {
  if (!box || count === undefined) return;
  const most = Number(box.dataset.most);
  box.hidden = !count;
  box.className = level ? `mast__count mast__count--${level}` : "mast__count";
  write(box.querySelector("[data-open]"), count >= most ? `${most}+` : String(count));
  write(box.querySelector("[data-worst]"), level);
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
