import { localise } from "./times.js";

// Shows the response to a form button within the page instead of on a new one.
async function ask(button, panel) {
  const body = new FormData(button.form);
  button.disabled = true;
  panel.textContent = "One moment…";
  try {
    const answer = await fetch(button.formAction, { method: "POST", body, headers: { "X-Panel": "1" } });
    if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    panel.innerHTML = await answer.text();
    localise(panel);
  } catch (error) {
    panel.textContent = `That did not work. ${error.message}`;
  } finally {
    button.disabled = false;
  }
  panel.scrollIntoView({ block: "nearest" });
}

for (const button of document.querySelectorAll("button[data-panel]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    ask(button, document.getElementById(button.dataset.panel));
  });
}
