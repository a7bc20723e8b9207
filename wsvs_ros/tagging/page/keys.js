// The keyboard: which key does what.
import { element, ownsKey } from "/page/api.js";

const LEAVES = ["Tab", "Shift", "Control", "Alt", "Meta"];

export function listen({ store, place, actions, stage, player }) {
  const classes = new Map(store.about.classes.filter(({ key }) => key).map(({ key, name }) => [key, name]));

  // Keys that change something: each press once, however long it is held.
  const once = (key) => (classes.has(key) ? () => actions.toggle(classes.get(key)) : {
    Enter: () => actions.confirm(), ".": () => actions.same(), u: () => actions.unsure(), x: () => actions.split(),
    m: () => actions.merge(), n: () => { if (!place.nextOpen()) element("live").textContent = "No clip is open any more."; },
    " ": () => place.clip && player.toggle(place.current.drive, place.clip), Escape: () => place.leaveRange(),
    "?": () => element("help").showModal(), "/": () => element("filter").focus(),
  }[key]);
  const repeated = (key) => ({
    ArrowRight: () => place.step(1), ArrowDown: () => place.step(1), ArrowLeft: () => place.step(-1), ArrowUp: () => place.step(-1),
    Home: () => place.step(-Infinity), End: () => place.step(Infinity), "[": () => player.faster(-1), "]": () => player.faster(1),
  }[key]);
  const shifted = (key) => ({
    ArrowRight: () => stage.stepFrame(1), ArrowLeft: () => stage.stepFrame(-1),
    ArrowDown: () => place.step(1, { extend: true }), ArrowUp: () => place.step(-1, { extend: true }),
    Home: () => place.step(-Infinity, { extend: true }), End: () => place.step(Infinity, { extend: true }),
  }[key]);
  const controlled = (event) => {
    const key = event.key.toLowerCase();
    if (key === "y" || (key === "z" && event.shiftKey)) return () => actions.redo();
    return key === "z" ? () => actions.undo() : null;
  };

  window.addEventListener("keydown", (event) => {
    if (ownsKey(event) || event.altKey || LEAVES.includes(event.key)) return;
    const control = event.ctrlKey || event.metaKey;
    const moves = control ? null : (event.shiftKey && shifted(event.key)) || repeated(event.key);
    const act = moves || (control ? controlled(event) : once(event.key));
    if (!act) return;
    event.preventDefault();
    if (moves || control || !event.repeat) actions.run(act);
  });
}
