// Where people are: the clip that shows, the range that is chosen, and the clips that are gone through.

export class Place {
  constructor(store) {
    this.store = store;
    this.current = null; // { drive, id }
    this.anchor = null; // where a range began; it ends at the current clip
    this.list = null; // in review or with a filter: [{ drive, id, far }]
    this.filter = ""; // "state:open", "has:car", "lacks:car", "review"
    this.onMove = () => {};
  }

  get clip() { return this.current && this.store.clip(this.current.drive, this.current.id); }
  get drive() { return this.store.drives[this.current?.drive ?? 0]; }

  order() {
    return this.list ? this.list.filter(({ drive, id }) => this.store.clip(drive, id)) : this.store.everything();
  }

  index(list = this.order(), of = this.current) {
    return list.findIndex(({ drive, id }) => drive === of?.drive && id === of?.id);
  }

  // The clips that a key changes: the range, else the current clip.
  range() {
    if (!this.clip) return [];
    const list = this.order(), at = this.index(list), from = this.anchor ? this.index(list, this.anchor) : at;
    if (at < 0 || from < 0) return [this.current];
    return list.slice(Math.min(at, from), Math.max(at, from) + 1);
  }

  // Moves, and with `extend` takes what lies between into the range.
  step(by, { extend = false } = {}) {
    const list = this.order(), at = this.index(list);
    const to = list[Math.min(Math.max(at + by, 0), list.length - 1)];
    if (to) this.go(to, { extend });
    return at + by >= 0 && at + by < list.length;
  }

  go(to, { extend = false } = {}) {
    const anchor = extend ? this.anchor || this.current : null;
    const moved = to.drive !== this.current?.drive || to.id !== this.current?.id;
    if (!moved && anchor === this.anchor) return;
    this.anchor = anchor;
    this.current = { drive: to.drive, id: to.id };
    this.onMove(moved);
  }

  leaveRange() {
    if (!this.anchor) return;
    this.anchor = null;
    this.onMove(false);
  }

  firstOpen() { return this.store.everything().find(({ drive, id }) => this.store.clip(drive, id).state === "open"); }

  nextOpen() {
    const list = this.store.everything(), at = this.index(list);
    const open = [...list.slice(at + 1), ...list.slice(0, at + 1)]
      .find(({ drive, id }) => this.store.clip(drive, id).state === "open");
    if (open) this.go(open);
    return Boolean(open);
  }

  // After others changed the clips: the one that shows the same time.
  keep(time) {
    if (this.anchor && !this.store.clip(this.anchor.drive, this.anchor.id)) this.anchor = null;
    if (this.clip) return;
    this.anchor = null;
    const found = this.drive?.clips.find((other) => other.end > time) || this.drive?.clips.at(-1);
    this.current = found ? { drive: this.drive.index, id: found.id } : this.firstOpen() || null;
  }

  // Goes through some of the clips only; the list stays what it was made, so that a clip does not vanish by a key.
  // Returns whether there are any; else nothing changes.
  choose(filter, list = this.matching(filter)) {
    if (filter && !list.length) return false;
    this.filter = filter;
    this.list = filter ? list : null;
    this.anchor = null;
    if (this.list && this.index() < 0) this.current = { drive: list[0].drive, id: list[0].id };
    this.onMove(true);
    return true;
  }

  matching(filter) {
    const [kind, ...rest] = filter.split(":"), value = rest.join(":");
    const { store } = this;
    const fits = {
      state: (clip) => clip.state === value,
      has: (clip) => store.ticks(clip).has(value),
      lacks: (clip) => !store.ticks(clip).has(value),
    }[kind];
    return fits ? store.everything().filter(({ drive, id }) => fits(store.clip(drive, id))) : [];
  }
}
