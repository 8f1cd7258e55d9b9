// Texts that a language model writes, shown while they come. Without this file the page is looked at again instead.
const RETRY = 2000;
const open = new Map();

function watch() {
  for (const [part, source] of open) {
    if (part.isConnected) continue;
    source.close();
    open.delete(part);
  }
  for (const part of document.querySelectorAll("[data-live]")) {
    if (!open.has(part)) listen(part);
  }
}

function listen(part) {
  const source = new EventSource(part.dataset.live);
  open.set(part, source);
  source.addEventListener("text", (event) => {
    const text = JSON.parse(event.data);
    const place = part.querySelector(".live-text");
    if (text && place) place.textContent = text;
  });
  source.addEventListener("done", () => {
    source.close();
    part.dispatchEvent(new Event("again"));
  });
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    setTimeout(() => part.isConnected && part.dispatchEvent(new Event("again")), RETRY);
  });
}

document.addEventListener("htmx:afterSettle", watch);
document.addEventListener("htmx:sendError", (event) => {
  const part = event.detail.elt;
  if (part.matches("[data-live]")) setTimeout(() => part.dispatchEvent(new Event("again")), RETRY);
});
watch();
