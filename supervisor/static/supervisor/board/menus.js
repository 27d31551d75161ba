// The menus of the wallboard, the button that shows the filters on a phone, and the zone of days.

const filters = document.getElementById("filters-button");
const form = document.getElementById("search");

export function startMenus(main) {
  const menus = [...document.querySelectorAll("[data-menu]")];
  document.addEventListener("click", ({ target }) => {
    for (const menu of menus) if (!menu.contains(target)) menu.open = false;
  });
  for (const menu of menus) menu.addEventListener("keydown", (event) => event.key === "Escape" && close(menu));
  filters.addEventListener("click", () => showFilters(filters.getAttribute("aria-expanded") !== "true"));
  setZone(main.dataset.zone);
}

// Narrow screens hide the filters. Wider ones show them always.
export function showFilters(isShown) {
  filters.setAttribute("aria-expanded", String(isShown));
  form.classList.toggle("is-shown", isShown);
}

function close(menu) {
  if (!menu.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

// Days are those of the viewer. Addresses name the zone only if it is not that of the site.
function setZone(zoneOfSite) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  const zone = own === zoneOfSite ? "" : own;
  document.getElementById("zone").value = zone;
  if (!zone) return;
  for (const link of document.querySelectorAll("#days a[href*='from='], #figures a[href*='from=']")) {
    const address = new URL(link.href);
    address.searchParams.set("tz", zone);
    link.href = address;
  }
}
