// The rotation of the pages. Its progress moves in steps of a second: nothing is animated.

export class Rotation {
  #seconds;
  #passed = 0;
  #current;
  #isPaused = false;

  constructor({ main, steps, progress, button, seconds }) {
    Object.assign(this, { main, steps, progress, button });
    this.#seconds = seconds;
    const asked = location.hash.slice(1);
    this.#current = this.#keys().includes(asked) ? asked : this.#keys()[0];
    this.#mark(main, steps);
    this.#showProgress();
    setInterval(() => this.#tick(), 1000);
    button.addEventListener("click", () => this.#pause());
    steps.addEventListener("click", (event) => this.#choose(event));
    addEventListener("keydown", (event) => this.#onKey(event));
  }

  set seconds(seconds) {
    this.#seconds = seconds;
  }

  // Shows the current page in new content before it is merged. Its page may be gone.
  prepare(main, steps) {
    const keys = this.#keys(main);
    if (!keys.includes(this.#current)) this.#current = keys[0];
    this.#mark(main, steps);
  }

  merged() {
    this.#showProgress();
  }

  #keys(main = this.main) {
    return [...main.querySelectorAll("[data-page]")].map((page) => page.dataset.page);
  }

  #mark(main, steps) {
    for (const page of main.querySelectorAll("[data-page]")) {
      page.toggleAttribute("data-on", page.dataset.page === this.#current);
    }
    for (const step of steps.querySelectorAll("[data-step]")) {
      if (step.dataset.step === this.#current) step.setAttribute("aria-current", "true");
      else step.removeAttribute("aria-current");
    }
  }

  #go(key) {
    this.#current = key;
    this.#passed = 0;
    this.#mark(this.main, this.steps);
    this.#showProgress();
  }

  #move(by) {
    const keys = this.#keys();
    this.#go(keys[(keys.indexOf(this.#current) + by + keys.length) % keys.length]);
  }

  #tick() {
    if (this.#isPaused || this.#keys().length < 2) return;
    this.#passed += 1;
    if (this.#passed >= this.#seconds) this.#move(1);
    else this.#showProgress();
  }

  #showProgress() {
    this.progress.hidden = this.#keys().length < 2;
    this.button.hidden = this.progress.hidden;
    this.progress.max = this.#seconds;
    this.progress.value = this.#passed;
  }

  #pause() {
    this.#isPaused = !this.#isPaused;
    this.button.setAttribute("aria-pressed", String(this.#isPaused));
    document.body.toggleAttribute("data-paused", this.#isPaused);
  }

  #choose(event) {
    const step = event.target.closest("[data-step]");
    if (!step) return;
    event.preventDefault();
    this.#go(step.dataset.step);
  }

  #onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("form, summary, button, a")) return;
    const act = {
      " ": () => this.button.hidden || this.#pause(),
      ArrowRight: () => this.#move(1),
      ArrowLeft: () => this.#move(-1),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
