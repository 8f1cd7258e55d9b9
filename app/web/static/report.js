// The report works without this file; it offers the browser's print dialogue, and looks again for a grading when the
// server was out of reach.
document.addEventListener("click", (event) => {
  if (event.target.closest("#print")) window.print();
});
const offer = () => document.getElementById("print")?.removeAttribute("hidden");
document.addEventListener("htmx:afterSwap", offer);
offer();
document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.elt.id === "report") setTimeout(() => event.detail.elt.dispatchEvent(new Event("again")), 2000);
});

// A round that is over needs no copies of its drafts in the browser: they would outlive the round's deletion.
try {
  const prefix = `greenroom:${location.pathname.split("/")[2]}:`;
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  keys.forEach((key) => localStorage.removeItem(key));
} catch {
  // Storage is forbidden, so nothing was kept.
}
