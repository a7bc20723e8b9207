// The drives and their clips as the server told them, and what was done here since.
import { get, post } from "/page/api.js";

export class Store {
  async load() {
    this.about = await get("/api/about");
    this.drives = [];
    this.number = -1;
    await this.refresh();
  }

  // What the server says now; its answer is the truth.
  async refresh({ all = false, at = null } = {}) {
    const since = all ? -1 : this.number;
    const focus = at ? `&drive=${at.drive}&at=${at.time}` : "";
    const news = await get(`/api/changes?since=${since}${focus}`);
    const different = news.complete || news.number !== this.number || news.problem !== this.problem;
    Object.assign(this, {
      number: news.number, revision: news.revision, problem: news.problem, undo: news.undo, redo: news.redo,
    });
    news.drives.forEach((told, index) => {
      const drive = (this.drives[index] ||= { index, clips: [], byId: new Map() });
      const cut = drive.cut_until !== told.cut_until;
      Object.assign(drive, { name: told.name, duration: told.duration, cut_until: told.cut_until });
      if (news.complete) drive.byId.clear();
      for (const id of told.removed) drive.byId.delete(id);
      for (const clip of told.clips) drive.byId.set(clip.id, clip);
      if (news.complete || cut || told.removed.length || told.clips.length) sort(drive);
    });
    return different;
  }

  change(action, values = {}) {
    return post("/api/edit", { action, revision: this.revision, ...values }).then((answer) => {
      this.revision = answer.revision;
      this.undo = answer.undo;
      this.redo = answer.redo;
      return answer;
    });
  }

  clip(drive, id) { return this.drives[drive]?.byId.get(id); }

  // Ticks that show: what was said, or while nothing was said what is suggested.
  ticks(clip) {
    if (clip.touched) return new Set(clip.tags);
    return new Set(Object.keys(clip.suggested || {}).filter((name) => clip.suggested[name] >= this.about.threshold));
  }

  // All clips of all drives, in their order.
  everything() {
    return this.drives.flatMap((drive) => drive.clips.map((clip) => ({ drive: drive.index, id: clip.id })));
  }
}

function sort(drive) {
  drive.clips = [...drive.byId.values()].sort((one, other) => one.start - other.start || one.end - other.end);
  drive.place = new Map(drive.clips.map((clip, index) => [clip.id, index]));
}
