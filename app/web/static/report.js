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
