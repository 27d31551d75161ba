// A form that filters a list: what is chosen holds at once, and its address can be passed on.

export function startFilter(form) {
  form.addEventListener("change", ({ target }) => target.closest(".choice") && form.requestSubmit());
  form.addEventListener("submit", () => leaveOutTheEmpty(form));
  // The browser brings a page back as it was left.
  addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
}

// An address that is passed on says what is filtered, and nothing else.
function leaveOutTheEmpty(form) {
  for (const field of form.elements) field.disabled ||= Boolean(field.name) && !field.value;
}
