// The page with a QR code: asks for one, and asks the portal how it stands until somebody has confirmed.
const RETRY_SECONDS = 5;
const root = document.querySelector("[data-registration]");
const panel = root.querySelector("[data-panel]");
const lost = root.querySelector("[data-lost]");
let timer;
let shown = "";
let asked = 0;

async function ask(values) {
  clearTimeout(timer);
  asked += 1;
  const number = asked;
  let html = null;
  try {
    const answer = await fetch(root.action, {
      method: "POST",
      headers: { "X-CSRFToken": root.elements.csrfmiddlewaretoken.value, "X-Requested-With": "fetch" },
      body: new URLSearchParams(values),
      redirect: "manual",
    });
    if (answer.type === "opaqueredirect" || answer.status === 403) {
      location.reload(); // signed out meanwhile
      return;
    }
    html = answer.ok ? await answer.text() : null;
  } catch {
    // The portal is away; said below.
  }
  if (number !== asked) {
    return; // a later question has its own answer
  }
  lost.hidden = html !== null;
  if (html === null) {
    timer = setTimeout(() => ask(values), RETRY_SECONDS * 1000);
  } else {
    show(html);
  }
}

function show(html) {
  // What stays the same is left alone: it may have the focus, and is read out once.
  if (html !== shown) {
    panel.innerHTML = html;
    shown = html;
  }
  const next = panel.querySelector("[data-next]");
  if (next) {
    location.assign(next.dataset.next);
  } else {
    wait();
  }
}

function wait() {
  const waiting = panel.querySelector("[data-poll]");
  if (waiting) {
    timer = setTimeout(() => ask({}), Number(waiting.dataset.poll) * 1000);
  }
}

root.addEventListener("submit", (event) => {
  event.preventDefault();
  event.submitter.disabled = true;
  shown = ""; // the button is shown again, whatever is said
  ask({ begin: event.submitter.value });
});

if (panel.querySelector("[data-auto]")) {
  ask({ begin: "first" });
} else {
  wait();
}
