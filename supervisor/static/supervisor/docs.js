// Names and levels of headings that the markup of Swagger UI lacks, put on again whenever it draws itself anew.
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
  // Its headings jump from the first level to the third.
  for (const heading of document.querySelectorAll("#swagger-ui :is(h3, h4, h5, h6)")) {
    heading.setAttribute("aria-level", heading.localName[1] - 1);
  }
  for (const input of document.querySelectorAll("#swagger-ui .parameters input[placeholder]")) {
    input.setAttribute("aria-label", input.placeholder);
  }
}

// It watches what comes and goes, and no attributes: those are what it writes itself.
new MutationObserver(complete).observe(document.getElementById("swagger-ui"), {
  childList: true,
  subtree: true,
});
