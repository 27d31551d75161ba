// The form of an alert rule: shows the fields of its kind, and conditions as they are needed.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const fieldsByKind = read("fields-by-kind");
const limitLabels = read("limit-labels");
const allFields = new Set(Object.values(fieldsByKind).flat());
const kind = document.getElementById("id_kind");
const conditions = [...document.querySelectorAll("[data-condition]")];

function showFieldsOfKind() {
  const used = fieldsByKind[kind.value] ?? [];
  for (const field of allFields) {
    document.querySelector(`.form-row.field-${field}`)?.toggleAttribute("hidden", !used.includes(field));
  }
  const label = document.querySelector("label[for=id_limit]");
  if (label) label.textContent = `${limitLabels[kind.value] ?? "Limit"}:`;
}

function showFieldsOf(condition) {
  const chosen = condition.querySelector("select").value;
  for (const part of condition.querySelectorAll("[data-used-by]")) {
    part.hidden = !part.dataset.usedBy.split(" ").includes(chosen);
  }
  condition.querySelector("[data-limit-label]").textContent = limitLabels[chosen] ?? "Limit";
}

// Only one empty condition is offered at a time.
function showConditions() {
  let isOffered = false;
  for (const condition of conditions) {
    const isEmpty = !condition.querySelector("select").value;
    condition.hidden = isEmpty && isOffered;
    isOffered ||= isEmpty;
    showFieldsOf(condition);
  }
}

if (kind) {
  document.body.classList.add("shows-fields-of-kind");
  kind.addEventListener("change", showFieldsOfKind);
  for (const condition of conditions) condition.addEventListener("change", showConditions);
  showFieldsOfKind();
  showConditions();
}
