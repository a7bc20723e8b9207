// What stands around the picture: progress, what is saved, the classes and the title.
import { element, make } from "/page/api.js";
import { drawClassButton } from "/page/classes.js";
import { time } from "/page/timeline.js";

export class Panel {
  constructor(store, place, queue, buttons) {
    Object.assign(this, { store, place, queue, buttons });
    this.gone = false; // the server does not answer
  }

  draw() {
    const { store, place } = this, { clip } = place;
    const clips = store.drives.flatMap((drive) => drive.clips);
    const done = clips.filter(({ state }) => state !== "open").length;
    const cutting = store.drives.some((drive) => drive.cut_until < drive.duration - 0.01);
    element("progress").textContent = `${done} of ${clips.length}${cutting ? "+" : ""} clips${cutting ? ", still cutting" : ""}`;
    element("drive").value = place.current?.drive ?? 0;
    element("undo").disabled = !store.undo;
    element("redo").disabled = !store.redo;
    element("review").setAttribute("aria-pressed", place.filter === "review");
    element("filter").value = place.filter === "review" ? "" : place.filter;
    element("filter").classList.toggle("on", Boolean(place.filter) && place.filter !== "review");
    element("title").textContent = clip ? this.describe() : "The drive is being cut into clips…";
    this.drawButtons(clip);
    this.drawSaved();
  }

  describe() {
    const { place } = this, { clip } = place, list = place.order(), at = place.index(list), far = list[at]?.far;
    const range = place.range();
    if (range.length > 1) return `Clips ${place.index(list, range[0]) + 1} to ${place.index(list, range.at(-1)) + 1} of ${list.length} · ${range.length} chosen`;
    const word = place.filter === "review" ? "Review" : place.filter ? "Filtered clip" : "Clip";
    return `${word} ${at + 1} of ${list.length} · ${time(clip.start)} – ${time(clip.end)}${far === undefined ? "" : ` · differs by ${Math.round(100 * far)} %`}`;
  }

  drawSaved() {
    const { gone, store } = this, bad = gone || Boolean(store.problem);
    element("saved").textContent = gone ? "✗ server gone" : store.problem ? "✗ not saved" : this.queue.waiting ? "… saving" : "✓ saved";
    element("saved").classList.toggle("bad", bad);
  }

  drawButtons(clip) {
    const { store, place } = this, range = place.range().map(({ drive, id }) => store.clip(drive, id));
    const ticks = range.map((one) => store.ticks(one));
    for (const [name, parts] of this.buttons) {
      const count = ticks.filter((one) => one.has(name)).length, all = Boolean(range.length) && count === range.length;
      const score = range.length > 1 ? null : clip?.suggested?.[name] ?? null, seen = score !== null && score >= store.about.threshold;
      drawClassButton(parts, {
        on: all,
        some: count > 0 && !all,
        suggested: range.length === 1 && clip?.state === "open" && seen,
        differs: Boolean(clip?.touched && score !== null && seen !== all),
        value: score,
      });
      parts.button.disabled = !clip;
    }
    element("unsure").setAttribute("aria-pressed", Boolean(range.length) && range.every(({ state }) => state === "unsure"));
    element("confirm-text").textContent = range.length > 1 ? `Confirm ${range.length}, next` : "Confirm, next";
    element("merge-text").textContent = range.length > 1 ? `Merge ${range.length}` : "Merge next";
    for (const id of ["confirm", "same", "unsure", "merge", "play"]) element(id).disabled = !clip;
    element("split").disabled = !clip || range.length > 1;
  }
}

// What clips the filter leaves.
export function fillFilter(classes) {
  const option = (value, textContent) => make("option", { value, textContent });
  const group = (label, ...options) => Object.assign(make("optgroup", {}, ...options), { label });
  element("filter").replaceChildren(
    option("", "All clips"),
    group("State", option("state:open", "Open"), option("state:done", "Done"), option("state:unsure", "Unsure")),
    group("With", ...classes.map(({ name }) => option(`has:${name}`, `With ${name}`))),
    group("Without", ...classes.map(({ name }) => option(`lacks:${name}`, `Without ${name}`))));
}
