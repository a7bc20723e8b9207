// Tags from and for other programs.
import { element, explain, make, onPress, post } from "/page/api.js";

export function fillExchange({ store }) {
  element("exports").replaceChildren(...store.about.exports.map(({ format, title, drives, note }) => make("li", {},
    make("b", { textContent: `${title} ` }),
    ...(drives ? drives.map((index) => link(`/api/export/${format}?drive=${index}`, store.drives[index].name)) : [link(`/api/export/${format}`, "Export")]),
    make("small", { textContent: ` ${note}` }))));
  if (store.about.bags.length) element("exports").append(make("li", {},
    make("b", { textContent: "Into the bag " }), ...store.about.bags.map((index) => intoBag(index, store.drives[index].name)),
    make("small", { textContent: "its metadata, or an attachment of a single mcap file (which is copied); no message changes" })));
  element("import").accept = store.about.import_types;
}

const link = (href, textContent) => make("a", { className: "button", href, textContent, download: "" });

function intoBag(drive, textContent) {
  const button = make("button", { textContent });
  onPress(button, async () => {
    button.disabled = true;
    const answer = await post("/api/into-bag", { drive }).catch((error) => ({ error: explain(error) }));
    element("import-answer").textContent = answer.error ? `✗ ${answer.error}` : `✓ written into ${answer.file}`;
    button.disabled = false;
  });
  return button;
}

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
