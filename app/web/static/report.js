// The report works without this file; it only offers the browser's print dialogue.
document.addEventListener("click", (event) => {
  if (event.target.closest("#print")) window.print();
});
const offer = () => document.getElementById("print")?.removeAttribute("hidden");
document.addEventListener("htmx:afterSwap", offer);
offer();
