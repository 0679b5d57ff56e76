// Keeps a page up to date: through a socket, or by asking every few seconds where the browser cannot have one.
//
// follow({
//   socket: "/live/…/",        where the socket is
//   poll: "/admin/…/",         where the same is asked for with POST; answers {"messages": […]}
//   handshake: () => ({…}),        what the page shows; the server sends what is different
//   show: (message) => {…},    a message of the server
//   status: (word) => {…},     "live", "polling", "offline" or "ended": signed out
// })
const SILENCE = 20_000; // the server sends something every five seconds
const POLL_EVERY = 4_000;
const FIRST_RETRY = 2_000;
const LAST_RETRY = 60_000;
const SIGNED_OUT = 4401;

export function follow({ socket: address, poll: pollAddress, handshake, show, status }) {
  let socket = null;
  let silence = 0;
  let retry = 0;
  let retryIn = FIRST_RETRY;
  let polling = 0;
  let ended = false;

  const url = new URL(address, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";

  function connect() {
    clearTimeout(retry);
    if (ended || socket) {
      return;
    }
    socket = new WebSocket(url);
    silence = setTimeout(lost, SILENCE);
    socket.addEventListener("open", () => socket?.send(JSON.stringify(handshake())));
    socket.addEventListener("message", (event) => {
      clearTimeout(silence);
      silence = setTimeout(lost, SILENCE);
      retryIn = FIRST_RETRY;
      stopPolling();
      status("live");
      const message = JSON.parse(event.data);
      if (message.type !== "alive") {
        show(message);
      }
    });
    socket.addEventListener("close", (event) => (event.code === SIGNED_OUT ? end() : lost()), { once: true });
  }

  function lost() {
    clearTimeout(silence);
    const old = socket;
    socket = null;
    if (!old || ended) {
      return;
    }
    old.close();
    startPolling();
    retry = setTimeout(connect, retryIn * (0.75 + Math.random() / 2));
    retryIn = Math.min(retryIn * 2, LAST_RETRY);
  }

  function end() {
    ended = true;
    stopPolling();
    status("ended");
  }

  function startPolling() {
    if (!polling) {
      polling = setTimeout(poll, 0);
    }
  }

  function stopPolling() {
    clearTimeout(polling);
    polling = 0;
  }

  async function poll() {
    const mine = polling;
    if (document.visibilityState === "visible") {
      const word = await ask(mine);
      if (polling !== mine || ended) {
        return; // the socket was quicker
      }
      status(word);
    }
    polling = setTimeout(poll, POLL_EVERY);
  }

  async function ask(mine) {
    try {
      const answer = await fetch(pollAddress, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
        body: JSON.stringify(handshake()),
        redirect: "manual", // to the login page
        signal: AbortSignal.timeout(10_000),
      });
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        end();
        return "ended";
      }
      if (!answer.ok) {
        return "offline";
      }
      const { messages } = await answer.json();
      if (polling === mine) {
        messages.forEach(show);
      }
      return "polling";
    } catch {
      return "offline";
    }
  }

  for (const [target, name] of [[window, "online"], [document, "visibilitychange"]]) {
    target.addEventListener(name, () => {
      if (document.visibilityState === "visible" && !socket) {
        retryIn = FIRST_RETRY;
        connect();
      }
    });
  }
  connect();
}

function csrfToken() {
  return document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

// Says on the page how it is kept up to date; the words stand on the element.
export function showStatus(word) {
  const element = document.getElementById("live-status");
  if (element && element.dataset.now !== word) {
    element.dataset.now = word;
    element.textContent = element.dataset[word];
    element.title = element.dataset[`${word}Title`];
    element.hidden = false;
  }
}
