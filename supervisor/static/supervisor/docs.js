// Adds accessible names and heading levels that Swagger UI lacks, again after each of its redraws.
const LACKING = [
  [".examples-select-element", "aria-label", "Example"],
  [".close-modal", "aria-label", "Close"],
  [".modal-btn.authorize", "aria-label", "Authorize: apply credentials"],
];

function complete() {
  for (const [selector, name, value] of LACKING) {
    for (const element of document.querySelectorAll(`#swagger-ui ${selector}`)) {
      element.setAttribute(name, value);
    }
  }
  // Swagger UI skips heading level 2.
  for (const heading of document.querySelectorAll("#swagger-ui :is(h3, h4, h5, h6)")) {
    heading.setAttribute("aria-level", heading.localName[1] - 1);
  }
  for (const input of document.querySelectorAll("#swagger-ui .parameters input[placeholder]")) {
    input.setAttribute("aria-label", input.placeholder);
  }
}

// Watches nodes only. complete() writes attributes, so watching those would be an endless loop.
new MutationObserver(complete).observe(document.getElementById("swagger-ui"), {
  childList: true,
  subtree: true,
});
