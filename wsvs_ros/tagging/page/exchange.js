// Tags from and for other programs.
import { element, explain, make, post } from "/page/api.js";

export function fillExchange({ store }) {
  element("exports").replaceChildren(...store.about.exports.map(({ format, title, drives, note }) => make("li", {},
    make("b", { textContent: `${title} ` }),
    ...(drives ? drives.map((index) => link(`/api/export/${format}?drive=${index}`, store.drives[index].name)) : [link(`/api/export/${format}`, "Export")]),
    make("small", { textContent: ` ${note}` }))));
  element("import").accept = store.about.import_types;
}

const link = (href, textContent) => make("a", { className: "button", href, textContent, download: "" });

export async function importFile({ store, place, queue, draw }) {
  const [file] = element("import").files;
  if (!file) return;
  const text = await file.text();
  const drive = place.current?.drive ?? 0;
  queue.add(async () => {
    try {
      const answer = await post("/api/import", { revision: store.revision, text, drive });
      store.answered += 1;
      const left = answer.unknown.length ? ` Left out, because no class has that name: ${answer.unknown.join(", ")}.` : "";
      element("import-answer").textContent = `✓ ${answer.clips} clips imported; undo takes them back.${left}`;
    } catch (error) {
      element("import-answer").textContent = `✗ ${explain(error)}`;
    }
    element("import").value = "";
    await store.refresh();
    place.keep(Number(element("picture").dataset.time || 0));
    draw();
  });
}
