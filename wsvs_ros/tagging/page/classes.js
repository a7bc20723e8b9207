// The buttons of the classes, the same on both pages.
import { element, make, onPress } from "/page/api.js";

export function makeClassButtons(classes, act) {
  const box = element("classes");
  const buttons = new Map();
  for (const label of classes) {
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = `rgb(${label.color.join(" ")})`;
    const parts = {
      score: make("span", { className: "score" }),
      tick: make("span", { className: "tick" }),
    };
    const button = make("button", { className: "class", title: label.name },
      label.key ? make("kbd", { textContent: label.key }) : make("span"), swatch,
      make("span", { className: "name", textContent: label.name }), parts.score, parts.tick);
    if (label.key) button.setAttribute("aria-keyshortcuts", label.key);
    onPress(button, () => act(label.name));
    box.append(button);
    buttons.set(label.name, { button, ...parts });
  }
  return buttons;
}

export function drawClassButton({ button, score, tick }, { on, some = false, suggested = false, differs = false, value = null }) {
  button.setAttribute("aria-pressed", some ? "mixed" : on);
  button.classList.toggle("suggested", on && suggested);
  button.classList.toggle("differs", differs);
  tick.textContent = on ? "✓" : some ? "–" : "";
  score.textContent = value === null ? "" : `${differs ? "≠ " : ""}${Math.round(100 * value)} %`;
  const told = value === null ? "" : `, suggested with ${Math.round(100 * value)} percent`;
  button.setAttribute("aria-label", `${button.title}${on && suggested ? ", not confirmed" : ""}${told}`);
}
