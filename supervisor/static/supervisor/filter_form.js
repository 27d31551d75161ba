// A form that filters a list. A choice takes effect at once, and the address can be shared.

export function startFilter(form) {
  form.addEventListener("change", ({ target }) => target.closest(".choice") && form.requestSubmit());
  // A name that was picked from the list of suggestions need not be confirmed.
  form.addEventListener("input", ({ target, inputType }) => {
    const isPicked = target.list && (!inputType || inputType === "insertReplacementText");
    if (isPicked) form.requestSubmit();
  });
  form.addEventListener("submit", () => leaveOutTheEmpty(form));
  // "Back" can restore the page with the empty fields still disabled.
  addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
}

// Keeps empty fields out of the address.
function leaveOutTheEmpty(form) {
  for (const field of form.elements) field.disabled ||= Boolean(field.name) && !field.value;
}
