// The second page: a folder of pictures, sorted into classes with the same keys.
import { Queue, element, explain, get, onPress, ownsKey, post, setUpBanner, showBanner } from "/page/api.js";
import { drawClassButton, makeClassButtons } from "/page/classes.js";

const NONE = "-";
let about, state, buttons, queue, at = 0;

async function start() {
  setUpBanner();
  about = await get("/api/about");
  queue = new Queue(refused, (waiting) => { element("saved").textContent = waiting ? "… saving" : "✓ saved"; });
  buttons = makeClassButtons(about.classes, sort);
  await load();
  at = Math.max(state.pictures.findIndex((picture) => picture.class === null), 0);
  element("drives").hidden = !about.files.length;
  const acts = { none: () => sort(NONE), back, previous: () => step(-1), next: () => step(1), "next-open": nextOpen };
  for (const [id, act] of Object.entries(acts)) onPress(element(id), act);
  window.addEventListener("keydown", onKey);
  draw();
  document.body.dataset.ready = "yes";
}

async function load() {
  state = await get("/api/iconic");
}

function sort(name, move = true) {
  const index = at;
  state.pictures[index].class = name;
  queue.add(async () => {
    state.revision = (await post("/api/iconic", { revision: state.revision, index, class: name })).revision;
  });
  if (move && index < state.pictures.length - 1) at += 1;
  draw();
}

function back() {
  // what was sorted by mistake is usually the one before
  if (state.pictures[at].class === null && at > 0) at -= 1;
  if (state.pictures[at].class === null) return draw();
  sort(null, false);
}

function step(by) {
  at = Math.min(Math.max(at + by, 0), state.pictures.length - 1);
  draw();
}

function nextOpen() {
  const found = state.pictures.findIndex((picture, index) => index > at && picture.class === null);
  const first = state.pictures.findIndex((picture) => picture.class === null);
  at = found >= 0 ? found : first >= 0 ? first : at;
  draw();
}

async function refused(error) {
  showBanner(error.status === 409 ? `Your last change was not applied: ${error.message}.` : explain(error));
  if (error.status) { await load().catch(() => {}); draw(); }
}

function draw() {
  const picture = state.pictures[at];
  const sorted = state.pictures.filter((other) => other.class !== null).length;
  element("progress").textContent = `${sorted} of ${state.pictures.length} pictures`;
  element("title").textContent = `Picture ${at + 1} of ${state.pictures.length}`;
  element("output").textContent = state.output;
  element("badge-time").textContent = picture.name;
  element("badge-state").textContent = picture.class === null ? "unsorted" : picture.class === NONE ? "– none of them" : `✓ ${picture.class}`;
  element("badge-state").className = `badge ${picture.class === null ? "" : "done"}`;
  const counts = new Map();
  for (const other of state.pictures) counts.set(other.class, (counts.get(other.class) || 0) + 1);
  for (const [name, parts] of buttons) {
    drawClassButton(parts, { on: picture.class === name });
    parts.score.textContent = counts.get(name) || "";
    parts.button.setAttribute("aria-label", `${name}, ${counts.get(name) || 0} pictures`);
  }
  const image = element("still"), address = `/iconic/${at}.jpg?v=${about.run}`;
  if (image.getAttribute("src") !== address) {
    element("trouble").hidden = true;
    image.onerror = () => {
      element("trouble").textContent = "This picture cannot be read. Press - to leave it out.";
      element("trouble").hidden = false;
    };
    image.src = address;
    image.alt = picture.name;
  }
  for (let ahead = at + 1; ahead < Math.min(at + 4, state.pictures.length); ahead += 1) new Image().src = `/iconic/${ahead}.jpg?v=${about.run}`;
  element("live").textContent = `${picture.name}, ${element("badge-state").textContent}`;
}

function onKey(event) {
  if (ownsKey(event) || event.altKey) return;
  const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
  if ((event.ctrlKey || event.metaKey) && !undo) return;
  const label = undo ? null : about.classes.find(({ key }) => key && key === event.key);
  const act = label ? () => sort(label.name) : undo ? back : {
    [NONE]: () => sort(NONE), Backspace: back, n: nextOpen,
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1),
    Home: () => step(-Infinity), End: () => step(Infinity),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

start().catch((error) => showBanner(explain(error)));
