// Collapsible parts: sections that remember whether they were open, menus, and the targets of links.

const PREFIX = "callcenter-fold-";

const main = document.getElementById("main");

// onOpen is called whenever a section is opened.
export function startFolds(onOpen) {
  for (const fold of main.querySelectorAll("details[data-remember]")) {
    if (remembered(fold) === "open") fold.open = true;
  }
  // "toggle" does not bubble.
  main.addEventListener("toggle", ({ target }) => {
    if ("remember" in target.dataset) remember(target);
    if (target.open) onOpen();
  }, { capture: true });
  document.addEventListener("click", ({ target }) => {
    for (const menu of openMenus()) if (!menu.contains(target) || target.closest("a")) menu.open = false;
    const fragment = target.closest?.('a[href^="#"]')?.hash.slice(1);
    if (fragment) reveal(document.getElementById(fragment));
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

// Opens everything that hides a node.
export function reveal(node) {
  for (let fold = node?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
}

function openMenus() {
  return main.querySelectorAll("details[data-menu][open]");
}

function remembered(fold) {
  try {
    return localStorage.getItem(PREFIX + fold.dataset.remember);
  } catch {
    return null; // localStorage may be blocked
  }
}

function remember(fold) {
  try {
    localStorage.setItem(PREFIX + fold.dataset.remember, fold.open ? "open" : "closed");
  } catch {
    // the section is then closed the next time
  }
}
