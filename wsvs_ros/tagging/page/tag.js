// The tagging page: one clip at a time, a key for everything. Its parts are put together here.
import { Actions } from "/page/actions.js";
import { Queue, element, explain, get, make, onPress, setUpBanner, showBanner } from "/page/api.js";
import { makeClassButtons } from "/page/classes.js";
import { fillExchange, importFile } from "/page/exchange.js";
import { listen } from "/page/keys.js";
import { Panel, fillFilter } from "/page/panel.js";
import { Pictures } from "/page/pictures.js";
import { Place } from "/page/place.js";
import { Player } from "/page/player.js";
import { STATES, Stage } from "/page/stage.js";
import { Store } from "/page/store.js";
import { showSummary } from "/page/summary.js";
import { drawTimeline, onTimeline, time } from "/page/timeline.js";

const store = new Store(), place = new Place(store);
let queue, player, stage, panel, actions;

async function start() {
  setUpBanner();
  await store.load();
  const pictures = new Pictures(store.about);
  queue = new Queue(refused, () => panel.drawSaved());
  player = new Player(element("moving"), pictures, () => stage?.drawMoment());
  stage = new Stage(store, place, pictures, player);
  actions = new Actions(store, place, queue, player, { draw, announce, say });
  panel = new Panel(store, place, queue, makeClassButtons(store.about.classes, (name) => actions.run(() => actions.toggle(name))));
  setUpControls();
  place.current = place.firstOpen() || store.everything()[0] || null;
  place.onMove = (moved) => { if (moved) player.stop(); draw(); announce(); };
  if (store.about.review) await review();
  draw();
  announce();
  setInterval(poll, 1000);
  document.body.dataset.ready = "yes";
}

function draw() {
  const { clip, drive } = place;
  panel.draw();
  if (clip) stage.draw();
  if (!drive) return;
  const range = new Set(place.range().filter((one) => one.drive === drive.index).map(({ id }) => id));
  const listed = place.list && new Set(place.list.filter((one) => one.drive === drive.index).map(({ id }) => id));
  drawTimeline(drive, clip, { range, listed });
  element("where").textContent = clip ? `${time(clip.start)} of ${time(drive.duration)}` : time(drive.duration);
}

const shownTime = () => Number(element("picture").dataset.time || 0);

// After a change failed: what came behind it was meant for another state.
async function refused(error) {
  if (error.status !== 400) showBanner(error.status === 409 ? `Your last change was not applied: ${error.message}.` : explain(error));
  actions.forget();
  if (!error.status) return;
  await store.giveUp().catch(() => {});
  place.keep(shownTime());
  draw();
  if (error.status === 400) say(error.message, true);
}

async function poll() {
  if (queue.waiting) return;
  const { clip } = place, { revision } = store;
  try {
    const at = clip ? { drive: place.current.drive, time: clip.start } : null;
    const different = await store.refresh({ at, late: () => queue.waiting > 0 });
    if (panel.gone) { panel.gone = false; element("banner").hidden = true; }
    if (queue.waiting) return; // somebody pressed a key meanwhile
    if (store.problem) showBanner(store.problem);
    else if (different && store.revision !== revision) showBanner("The tags were changed in another tab or by another program; this page shows them now.");
    if (different) {
      place.keep(shownTime());
      draw();
    }
  } catch (error) {
    if (!panel.gone) showBanner(explain(error));
    panel.gone = true;
    panel.drawSaved();
  }
}

async function review() {
  if (place.filter === "review") return place.choose("");
  const found = await get("/api/review");
  const chosen = place.choose("review", found.map(([drive, id, far]) => ({ drive, id, far })));
  if (!chosen) say("Nothing to review yet: clips are reviewed once they are tagged and suggestions are there.", true);
  return chosen;
}

function filter() {
  const node = element("filter"), [chosen] = node.selectedOptions;
  node.blur();
  if (place.choose(node.value)) return;
  say(`There is no clip ${chosen.textContent.toLowerCase()}.`, true);
  node.value = place.filter === "review" ? "" : place.filter;
}

function say(text, loud = false) {
  element("live").textContent = text;
  if (loud) element("title").textContent = text;
}

function announce() {
  const { clip } = place;
  if (clip) say(`${panel.describe()}, ${STATES[clip.state]}, ticked: ${[...store.ticks(clip)].join(", ") || "nothing"}`);
}

function setUpControls() {
  element("drive").replaceChildren(...store.drives.map((drive) => make("option", { value: drive.index, textContent: drive.name })));
  element("drive").onchange = () => {
    const first = store.drives[element("drive").value].clips[0];
    element("drive").blur();
    if (first) place.go({ drive: Number(element("drive").value), id: first.id });
  };
  fillFilter(store.about.classes);
  element("filter").onchange = filter;
  fillExchange({ store });
  element("import").onchange = () => importFile({ store, place, queue, draw });
  element("iconic").hidden = !store.about.iconic;
  element("help-files").textContent = store.about.files.join(", ");
  element("help-classes").replaceChildren(...store.about.classes.slice(0, 3).map(({ key }) => make("kbd", { textContent: key })), " …");
  const changes = ["confirm", "same", "unsure", "split", "merge", "undo", "redo"];
  for (const id of changes) onPress(element(id), () => actions.run(() => actions[id]()));
  const failing = (act) => () => Promise.resolve(act()).catch((error) => showBanner(explain(error)));
  const acts = {
    "next-open": () => { if (!place.nextOpen()) say("No clip is open any more."); },
    play: () => player.toggle(place.current.drive, place.clip), review: failing(review),
    "open-help": () => element("help").showModal(),
    "open-summary": failing(showSummary),
    "open-exchange": () => element("exchange").showModal(),
  };
  for (const [id, act] of Object.entries(acts)) onPress(element(id), act);
  onTimeline((share, extend) => {
    const found = place.drive?.clips.find((other) => other.end > share * place.drive.duration);
    if (found) place.go({ drive: place.drive.index, id: found.id }, { extend });
  });
  listen({ store, place, actions, stage, player });
  window.addEventListener("resize", draw);
  window.addEventListener("beforeunload", (event) => { if (queue.waiting) event.preventDefault(); });
}

start().catch((error) => showBanner(explain(error)));
