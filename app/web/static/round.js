// The live parts of a round: the countdown, the quiet nudge, saved drafts. The server owns the clock and the text;
// without this file the round still works, by plain forms.

const RETRY_FIRST = 1000;
const RETRY_LONGEST = 15000;
const RETRY_WAITING = 2000;
const SAVE_AFTER = 700;

let stop = () => {};

function setUp() {
  stop();
  const round = document.getElementById("round");
  if (!round) return;
  const ending = new AbortController();
  const timers = new Set();
  stop = () => {
    ending.abort();
    timers.forEach(clearInterval);
  };
  countDown(round, timers);
  nudge(timers);
  if (round.dataset.stage === "answer") answerBox(round, ending.signal);
}

function countDown(round, timers) {
  const clock = document.getElementById("clock");
  if (!clock?.dataset.left) return;
  const value = clock.querySelector(".clock-value");
  const end = performance.now() + 1000 * Number(clock.dataset.left);
  const running = clock.dataset.running === "yes";
  let sent = false;
  const show = () => {
    const left = running ? Math.max(0, Math.ceil((end - performance.now()) / 1000)) : Number(clock.dataset.left);
    value.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    clock.classList.toggle("low", left <= 120);
    if (left === 0) clock.classList.add("out");
    if (left > 0 || !running || sent) return;
    sent = true;
    if (clock.dataset.strict !== "yes") {
      announce("Time is up. Finish your thought and send it.");
      return;
    }
    announce("Time is up.");
    // The text as it stands is the answer; the server accepts it for a few seconds after time.
    const form = document.getElementById("answer-form");
    const send = form?.querySelector('[value="answered"]');
    if (document.getElementById("answer")?.value.trim() && send) form.requestSubmit(send);
    else setTimeout(() => window.location.reload(), 3500);
  };
  show();
  if (running) timers.add(setInterval(show, 250));
}

function nudge(timers) {
  const line = document.getElementById("nudge");
  if (!line || line.textContent.trim()) return;
  const began = performance.now() - 1000 * Number(line.dataset.onQuestion);
  const suggested = Number(line.dataset.suggested);
  const timer = setInterval(() => {
    if (performance.now() - began < 1000 * suggested) return;
    line.textContent = `About ${Math.round(suggested / 60)} minutes are usual for this one. Round it off when you can.`;
    clearInterval(timer);
  }, 1000);
  timers.add(timer);
}

function answerBox(round, signal) {
  const box = document.getElementById("answer");
  const form = document.getElementById("answer-form");
  const state = document.getElementById("draft-state");
  const words = document.getElementById("words");
  const conflict = document.getElementById("conflict");
  const address = `/rounds/${round.dataset.round}/draft`;
  const backup = `greenroom:${round.dataset.round}:${round.dataset.position}`;
  let revision = Number(box.dataset.revision);
  let saved = box.value;
  let timer = 0;
  let wait = RETRY_FIRST;
  let newer = null;
  let saving = false;

  const say = (text) => {
    if (state.textContent !== text) state.textContent = text;
  };
  const count = () => {
    const number = box.value.trim() ? box.value.trim().split(/\s+/).length : 0;
    words.textContent = number ? `${number} word${number === 1 ? "" : "s"}` : "";
  };
  const later = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(save, delay);
  };

  async function save() {
    clearTimeout(timer);
    if (saving) return later(SAVE_AFTER);
    if (signal.aborted || newer || box.value === saved) return;
    const text = box.value;
    saving = true;
    try {
      const answer = await fetch(address, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ position: Number(round.dataset.position), text, base: revision }),
        keepalive: text.length < 15000,
      });
      if (signal.aborted) return;
      const body = await answer.json();
      if (answer.ok) {
        revision = body.revision;
        saved = text;
        wait = RETRY_FIRST;
        keepCopy(backup, null);
        say(box.value === saved ? "Draft saved" : "Saving…");
        if (box.value !== saved) later(SAVE_AFTER);
      } else if (answer.status === 409 && body.revision) {
        newer = body;
        conflict.hidden = false;
        say("Not saved: changed elsewhere");
      } else {
        say(`Not saved: ${body.detail}`);
      }
    } catch {
      if (signal.aborted) return;
      say("Connection lost. Your text is kept in this browser; trying again…");
      later(wait);
      wait = Math.min(2 * wait, RETRY_LONGEST);
    } finally {
      saving = false;
    }
  }

  function restore() {
    const kept = readCopy(backup);
    if (!kept || kept.text === box.value) return;
    if (kept.revision >= revision) box.value = kept.text; // typed while the server was out of reach
    else newer = null;
    later(0);
  }

  box.addEventListener(
    "input",
    () => {
      count();
      keepCopy(backup, { text: box.value, revision });
      if (!state.textContent.startsWith("Connection lost")) say("Saving…");
      later(SAVE_AFTER);
    },
    { signal },
  );
  box.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit(form.querySelector('[value="answered"]'));
      }
    },
    { signal },
  );
  conflict.addEventListener(
    "click",
    (event) => {
      const choice = event.target.closest("[data-keep]")?.dataset.keep;
      if (!choice || !newer) return;
      revision = newer.revision;
      if (choice === "theirs") {
        box.value = saved = newer.text;
        keepCopy(backup, null);
        say("Draft saved");
      }
      newer = null;
      conflict.hidden = true;
      count();
      box.focus();
      if (choice === "mine") save();
    },
    { signal },
  );
  form.addEventListener("submit", () => clearTimeout(timer), { signal });
  window.addEventListener("online", save, { signal });
  document.addEventListener("visibilitychange", () => document.hidden && save(), { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  restore();
  count();
  box.focus({ preventScroll: true });
  box.setSelectionRange(box.value.length, box.value.length);
}

function keepCopy(key, value) {
  try {
    if (value) localStorage.setItem(key, JSON.stringify(value));
    else localStorage.removeItem(key);
  } catch {
    // Storage is full or forbidden: the server's copy has to do.
  }
}

function readCopy(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

function announce(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}

function announceStage() {
  const round = document.getElementById("round");
  if (round?.dataset.stage === "review") announce("Feedback on this question is on the page.");
  if (round?.dataset.stage !== "answer") return;
  const prompts = round.querySelectorAll(".interviewer .bubble");
  announce(`Interviewer: ${prompts[prompts.length - 1]?.textContent.trim() ?? ""}`);
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "notice") return;
  setUp();
  announceStage();
});
document.addEventListener("htmx:sendError", (event) => {
  const waiting = event.detail.elt.matches(".thinking");
  if (waiting) setTimeout(() => event.detail.elt.dispatchEvent(new Event("again")), RETRY_WAITING);
  const notice = document.getElementById("notice");
  const safe = waiting ? "Your answer is saved; trying again…" : "Your text is still here; send it again in a moment.";
  const text = `Greenroom can’t be reached. ${safe}`;
  if (notice && notice.textContent !== text) notice.textContent = text;
});
// Once the server has the answer, the browser's copy of its draft has done its work.
document.addEventListener("htmx:beforeSwap", (event) => {
  const round = document.getElementById("round");
  if (event.detail.xhr.status < 300 && event.detail.requestConfig.path.endsWith("/answer") && round) {
    keepCopy(`greenroom:${round.dataset.round}:${round.dataset.position}`, null);
  }
});
setUp();
