// The tagging page: one clip at a time, a key for everything.
import { Queue, element, explain, get, make, onPress, ownsKey, post, setUpBanner, showBanner } from "/page/api.js";
import { drawClassButton, makeClassButtons } from "/page/classes.js";
import { Pictures, Player, playOnHover, showCell } from "/page/pictures.js";
import { Store } from "/page/store.js";
import { showSummary } from "/page/summary.js";
import { drawTimeline, onTimeline, time } from "/page/timeline.js";

const store = new Store();
const STATES = { done: "✓ done", unsure: "? unsure", open: "open" };
let pictures, player, buttons, queue;
let current = null; // { drive, id }
let review = null; // in review: [{ drive, id, far }]
let shown = ""; // the address of the still on the stage
let gone = false;

async function start() {
  setUpBanner();
  await store.load();
  pictures = new Pictures(store.about);
  queue = new Queue(refused, drawSaved);
  buttons = makeClassButtons(store.about.classes, toggle);
  player = new Player(element("moving"), pictures.frames, drawShownFrame);
  setUpControls();
  current = firstOpen() || store.everything()[0] || null;
  if (store.about.review) await setReview(true);
  draw();
  announce();
  setInterval(poll, 1000);
  document.body.dataset.ready = "yes";
}

// Where we are

const clip = () => current && store.clip(current.drive, current.id);
const firstOpen = () => store.everything().find(({ drive, id }) => store.clip(drive, id).state === "open");

function order() {
  return review ? review.filter(({ drive, id }) => store.clip(drive, id)) : store.everything();
}

function place(list = order()) {
  return list.findIndex(({ drive, id }) => drive === current?.drive && id === current?.id);
}

function step(by) {
  const list = order(), at = place(list);
  const to = list[Math.min(Math.max(at + by, 0), list.length - 1)];
  if (to) go(to);
  return at + by >= 0 && at + by < list.length;
}

function go(to) {
  if (to.drive === current?.drive && to.id === current?.id) return;
  player.stop();
  current = { drive: to.drive, id: to.id };
  draw();
  announce();
}

function nextOpen() {
  const list = store.everything(), at = place(list);
  const open = [...list.slice(at + 1), ...list.slice(0, at + 1)].find(({ drive, id }) => store.clip(drive, id).state === "open");
  if (open) go(open); else say("No clip is open any more.");
}

// What people say

function tag(tags, state) {
  const { drive, id } = current;
  const known = clip();
  const list = store.about.classes.map(({ name }) => name).filter((name) => tags.has(name));
  // shown at once; the server's answer comes behind
  Object.assign(known, { tags: list, state, touched: true });
  draw();
  queue.add(() => store.change("tag", { drive, clip: id, tags: list, state }));
}

function toggle(name) {
  if (!clip()) return;
  const tags = store.ticks(clip());
  if (!tags.delete(name)) tags.add(name);
  tag(tags, clip().state);
  say(`${name} ${tags.has(name) ? "on" : "off"}`);
}

function confirm() {
  if (!clip()) return;
  if (clip().state !== "unsure") tag(store.ticks(clip()), "done");
  if (step(1)) return;
  const drive = store.drives[current.drive];
  if (!review && drive.cut_until < drive.duration) say("The rest of the drive is still being cut into clips.");
  else say(firstOpen() ? "That was the last clip; some before are still open: press n." : "Every clip is tagged. See the summary.", true);
}

function unsure() {
  if (clip()) tag(store.ticks(clip()), clip().state === "unsure" ? "open" : "unsure");
}

function same() {
  const drive = store.drives[current?.drive];
  const before = drive?.clips[drive.place.get(current.id) - 1];
  if (before) tag(store.ticks(before), clip().state); else say("There is no previous clip.", true);
}

function split() {
  const known = clip();
  if (!known) return;
  const at = player.frame ? player.frame / pictures.frames : 0.5;
  structural("split", { at: known.start + at * (known.end - known.start) });
}

const merge = () => clip() && structural("merge");

// A change after which other clips are there: the server says which.
function structural(action, values = {}) {
  player.stop();
  const where = current ? { drive: current.drive, clip: current.id } : {};
  queue.add(async () => {
    const answer = await store.change(action, { ...where, ...values });
    await store.refresh();
    if (store.clip(answer.drive, answer.clip)) current = { drive: answer.drive, id: answer.clip };
    draw();
    announce();
  });
}

async function refused(error) {
  if (error.status === 400) say(error.message, true);
  else showBanner(error.status === 409 ? `Your last change was not applied: ${error.message}.` : explain(error));
  if (error.status) {
    await store.refresh({ all: true }).catch(() => {});
    keepPlace();
    draw();
  }
}

// After others changed the clips: the one that shows the same time.
function keepPlace(old = element("picture").dataset) {
  if (clip()) return;
  const drive = store.drives[current?.drive ?? 0];
  const at = Number(old.time || 0);
  const found = drive?.clips.find((other) => other.end > at) || drive?.clips.at(-1);
  current = found ? { drive: drive.index, id: found.id } : firstOpen() || null;
}

async function poll() {
  if (queue.waiting) return;
  const known = clip(), revision = store.revision;
  try {
    const at = known ? { drive: current.drive, time: known.start } : null;
    const different = await store.refresh({ at });
    if (gone) { gone = false; element("banner").hidden = true; }
    if (queue.waiting) return; // somebody pressed a key meanwhile
    if (store.problem) showBanner(store.problem);
    else if (store.revision !== revision) showBanner("The tags were changed in another tab or by another program; this page shows them now.");
    if (different) {
      keepPlace();
      draw();
    }
  } catch (error) {
    if (!gone) showBanner(explain(error));
    gone = true;
    drawSaved(0);
  }
}

async function setReview(on) {
  if (on) {
    const found = await get("/api/review");
    review = found.map(([drive, id, far]) => ({ drive, id, far }));
    if (!review.length) {
      review = null;
      say("Nothing to review yet: clips are reviewed once they are tagged and suggestions are there.", true);
      return;
    }
    current = { drive: review[0].drive, id: review[0].id };
  } else review = null;
  element("review").setAttribute("aria-pressed", Boolean(review));
  player.stop();
  draw();
  announce();
}

// What shows

function draw() {
  const known = clip();
  drawBar();
  drawButtons(known);
  if (known) {
    drawStage(known);
    drawNeighbours();
  }
  element("title").textContent = known ? describe(known) : "The drive is being cut into clips…";
  const drive = store.drives[current?.drive ?? 0];
  if (drive) {
    drawTimeline(drive, known);
    element("where").textContent = known ? `${time(known.start)} of ${time(drive.duration)}` : time(drive.duration);
  }
}

function describe(known) {
  const list = order(), at = place(list), far = review?.[at]?.far;
  const count = `${review ? "Review" : "Clip"} ${at + 1} of ${list.length}`;
  return `${count} · ${time(known.start)} – ${time(known.end)}${far === undefined ? "" : ` · differs by ${Math.round(100 * far)} %`}`;
}

function drawBar() {
  const clips = store.drives.flatMap((drive) => drive.clips);
  const done = clips.filter(({ state }) => state !== "open").length;
  const cutting = store.drives.some((drive) => drive.cut_until < drive.duration - 0.01);
  element("progress").textContent = `${done} of ${clips.length}${cutting ? "+" : ""} clips${cutting ? ", still cutting" : ""}`;
  element("drive").value = current?.drive ?? 0;
  element("undo").disabled = !store.undo;
  element("redo").disabled = !store.redo;
  drawSaved(queue.waiting);
}

function drawSaved(waiting) {
  const bad = gone || Boolean(store.problem);
  element("saved").textContent = gone ? "✗ server gone" : store.problem ? "✗ not saved" : waiting ? "… saving" : "✓ saved";
  element("saved").classList.toggle("bad", bad);
}

function drawButtons(known) {
  const ticks = known ? store.ticks(known) : new Set();
  for (const [name, parts] of buttons) {
    const score = known?.suggested?.[name] ?? null, seen = score !== null && score >= store.about.threshold;
    drawClassButton(parts, {
      on: ticks.has(name),
      suggested: known?.state === "open" && seen,
      differs: Boolean(known?.touched && score !== null && seen !== ticks.has(name)),
      value: score,
    });
    parts.button.disabled = !known;
  }
  element("unsure").setAttribute("aria-pressed", known?.state === "unsure");
  for (const id of ["confirm", "same", "unsure", "split", "merge"]) element(id).disabled = !known;
}

function drawStage(known) {
  const { drive } = current, address = pictures.still(drive, known);
  Object.assign(element("picture").dataset, { clip: known.id, time: (known.start + known.end) / 2 });
  element("badge-time").textContent = `${time(known.start)} – ${time(known.end)}`;
  element("badge-state").textContent = STATES[known.state];
  element("badge-state").className = `badge ${known.state}`;
  if (address === shown) return;
  shown = address;
  element("trouble").hidden = true;
  pictures.load(address).then((image) => {
    if (address !== shown) return;
    element("still").src = image.src;
    element("still").alt = `Middle of the clip at ${time((known.start + known.end) / 2)}`;
    element("still").dataset.clip = known.id;
    document.body.style.setProperty("--ratio", `${image.naturalWidth} / ${image.naturalHeight}`);
    requestAnimationFrame(() => performance.mark("clip-visible", { detail: known.id }));
  }).catch(() => {
    if (address !== shown) return;
    element("still").removeAttribute("src");
    element("trouble").textContent = "This part of the drive cannot be read. Press u to leave it out, → to go on.";
    element("trouble").hidden = false;
  }).finally(() => { if (address === shown) fetchAhead(); });
  drawStrip(drive, known);
}

function drawStrip(drive, known) {
  const address = pictures.strip(drive, known);
  element("strip").replaceChildren(...Array.from({ length: pictures.frames }, (_, frame) => {
    const cell = make("div", { className: "cell", title: time(pictures.frameTime(known, frame)) });
    cell.addEventListener("pointerenter", () => showFrame(frame));
    cell.addEventListener("pointerleave", () => player.stop());
    return cell;
  }));
  pictures.load(address).then(() => {
    if (clip()?.id !== known.id) return;
    [...element("strip").children].forEach((cell, frame) => showCell(cell, address, frame, pictures.frames));
  }).catch(() => {});
}

function drawShownFrame(frame) {
  [...element("strip").children].forEach((cell, index) => cell.classList.toggle("shown", index === frame));
}

function drawNeighbours() {
  const list = order(), at = place(list);
  const near = [at - 1, at + 1, at + 2].map((index) => list[index]).filter(Boolean);
  element("neighbours").replaceChildren(...near.map((to) => {
    const known = store.clip(to.drive, to.id), thumb = make("span", { className: "thumb" });
    const ticks = [...store.ticks(known)].join(", ") || "nothing ticked";
    const node = make("button", { className: "neighbour", tabIndex: -1 }, thumb, make("span", {},
      make("strong", { textContent: `${list.indexOf(to) < at ? "← " : "→ "}${time(known.start)} · ${STATES[known.state]}` }),
      make("small", { textContent: known.touched ? ticks : `${ticks} (suggested)` })));
    pictures.load(pictures.strip(to.drive, known)).then((image) => showCell(thumb, image.src, 3, pictures.frames)).catch(() => {});
    playOnHover(node, thumb, pictures.frames, 3);
    onPress(node, () => go(to));
    return node;
  }));
}

function fetchAhead() {
  const list = order(), at = place(list);
  for (const to of list.slice(at + 1, at + 5)) pictures.load(pictures.still(to.drive, store.clip(to.drive, to.id))).catch(() => {});
}

function showFrame(frame) {
  const known = clip();
  if (!known) return;
  pictures.load(pictures.strip(current.drive, known)).then((image) => {
    if (clip()?.id !== known.id) return;
    player.stop();
    player.show(image, frame);
  }).catch(() => {});
}

function play() {
  const known = clip();
  if (player.playing || !known) return player.stop();
  pictures.load(pictures.strip(current.drive, known)).then((image) => clip()?.id === known.id && player.play(image)).catch(() => {});
}

function say(text, loud = false) {
  element("live").textContent = text;
  if (loud) element("title").textContent = text;
}

function announce() {
  const known = clip();
  if (known) say(`${describe(known)}, ${STATES[known.state]}, ticked: ${[...store.ticks(known)].join(", ") || "nothing"}`);
}

// Keys and controls

function setUpControls() {
  element("drive").replaceChildren(...store.drives.map((drive) => make("option", { value: drive.index, textContent: drive.name })));
  element("drive").onchange = () => {
    const first = store.drives[element("drive").value].clips[0];
    element("drive").blur();
    if (first) go({ drive: Number(element("drive").value), id: first.id });
  };
  element("iconic").hidden = !store.about.iconic;
  element("help-files").textContent = store.about.files.join(", ");
  element("help-classes").replaceChildren(...store.about.classes.slice(0, 3).map(({ key }) => make("kbd", { textContent: key })), " …");
  const acts = {
    confirm, same, unsure, split, merge, "next-open": nextOpen,
    undo: () => structural("undo"), redo: () => structural("redo"),
    review: () => setReview(!review).catch((error) => showBanner(explain(error))),
    "open-help": () => element("help").showModal(),
    "open-summary": () => showSummary().catch((error) => showBanner(explain(error))),
    "open-table": () => element("table").showModal(),
  };
  for (const [id, act] of Object.entries(acts)) onPress(element(id), act);
  element("import").onchange = importTable;
  onTimeline((share) => {
    const drive = store.drives[current?.drive ?? 0];
    const found = drive.clips.find((other) => other.end > share * drive.duration);
    if (found) go({ drive: drive.index, id: found.id });
  });
  element("picture").addEventListener("pointerenter", () => { if (!player.playing) play(); });
  element("picture").addEventListener("pointerleave", () => player.stop());
  window.addEventListener("resize", draw);
  window.addEventListener("keydown", onKey);
  window.addEventListener("beforeunload", (event) => { if (queue.waiting) event.preventDefault(); });
}

function onKey(event) {
  if (ownsKey(event)) return;
  const act = event.ctrlKey || event.metaKey ? withControl(event) : event.altKey ? null : plain(event);
  if (!act) return;
  event.preventDefault();
  act();
}

function withControl(event) {
  const key = event.key.toLowerCase();
  if (key === "y" || (key === "z" && event.shiftKey)) return () => structural("redo");
  return key === "z" ? () => structural("undo") : null;
}

function plain(event) {
  if (event.shiftKey && event.key === "ArrowRight") return () => showFrame(((player.frame ?? -1) + 1) % pictures.frames);
  if (event.shiftKey && event.key === "ArrowLeft") return () => showFrame(((player.frame ?? 0) + pictures.frames - 1) % pictures.frames);
  const label = store.about.classes.find(({ key }) => key && key === event.key);
  if (label) return () => toggle(label.name);
  return {
    Enter: event.repeat ? null : confirm, ".": same, u: unsure, n: nextOpen, x: split, m: merge, " ": play,
    ArrowRight: () => step(1), ArrowDown: () => step(1), ArrowLeft: () => step(-1), ArrowUp: () => step(-1),
    Home: () => step(-Infinity), End: () => step(Infinity), "?": () => element("help").showModal(),
  }[event.key];
}

async function importTable() {
  const [file] = element("import").files;
  if (!file) return;
  const text = await file.text();
  queue.add(async () => {
    try {
      const answer = await post("/api/import", { revision: store.revision, csv: text });
      element("import-answer").textContent = `✓ ${answer.clips} clips imported; undo takes them back.`;
    } catch (error) {
      element("import-answer").textContent = `✗ ${explain(error)}`;
    }
    element("import").value = "";
    await store.refresh();
    keepPlace();
    draw();
  });
}

start().catch((error) => showBanner(explain(error)));
