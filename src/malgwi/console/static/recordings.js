/** What the list of recordings does in the browser: days as moments, and where its menu opens. */

/** <mg-day at label end>: a day to choose; tells its first moment, with `end` the first of the next. */
class Day extends HTMLElement {
  static observedAttributes = ["at"];

  connectedCallback() {
    if (this.input) return;
    this.input = document.createElement("input");
    this.input.type = "date";
    this.input.className = "mg-input";
    this.input.setAttribute("aria-label", this.getAttribute("label"));
    this.input.title = this.getAttribute("label");
    this.input.addEventListener("change", (event) => {
      event.stopPropagation();
      this.dispatchEvent(new CustomEvent("day", { detail: this.#moment() }));
    });
    this.append(this.input);
    this.attributeChangedCallback();
  }

  attributeChangedCallback() {
    if (!this.input) return;
    const at = new Date(this.getAttribute("at") || NaN);
    if (Number.isNaN(at.getTime())) this.input.value = "";
    else {
      if (this.hasAttribute("end")) at.setDate(at.getDate() - 1);
      const two = (number) => String(number).padStart(2, "0");
      this.input.value = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    }
  }

  #moment() {
    if (!this.input.value) return "";
    const at = new Date(`${this.input.value}T00:00`);
    if (this.hasAttribute("end")) at.setDate(at.getDate() + 1);
    return Number.isNaN(at.getTime()) ? "" : at.toISOString();
  }
}

customElements.define("mg-day", Day);

/** The menu of a row opens beside its button, inside of the window, and takes the focus. */
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-mg-menu]");
  const menu = button && document.getElementById(button.dataset.mgMenu);
  if (!menu) return;
  menu.showPopover();
  const place = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = place.bottom + height + 8 < innerHeight;
  menu.style.left = `${Math.max(8, Math.min(place.right - width, innerWidth - width - 8))}px`;
  menu.style.top = `${below ? place.bottom + 4 : Math.max(8, place.top - height - 4)}px`;
  menu.querySelector("button:not(.hidden)").focus({ preventScroll: true });
});
