// Passkeys: [data-passkey] is a form whose button asks the portal for options, the browser for a signature, and the portal
// what it thinks of it. Shown where the browser can do so.
const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.codePointAt(0));
const encode = (buffer) =>
  btoa(String.fromCodePoint(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

async function post(form, address, values) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
    body: new URLSearchParams({ ...Object.fromEntries(new FormData(form)), ...values }),
    redirect: "manual",
  });
  if (!answer.headers.get("Content-Type")?.startsWith("application/json")) {
    return { error: answer.status === 429 ? form.dataset.later : form.dataset.failed };
  }
  return answer.json();
}

function readable(options) {
  // What JSON has as text and the browser wants as bytes.
  options.challenge = decode(options.challenge);
  if (options.user) {
    options.user.id = decode(options.user.id);
  }
  for (const name of ["allowCredentials", "excludeCredentials"]) {
    options[name] = (options[name] ?? []).map((one) => ({ ...one, id: decode(one.id) }));
  }
  return options;
}

function written(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) {
      response[name] = encode(credential.response[name]);
    }
  }
  return JSON.stringify({ id: credential.id, rawId: encode(credential.rawId), type: credential.type, response });
}

async function run(form) {
  const asked = await post(form, form.dataset.options, {});
  if (!asked.options) {
    return asked;
  }
  const publicKey = readable(asked.options);
  const credential = await (form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey })
    : navigator.credentials.get({ publicKey }));
  return post(form, form.action, { credential: written(credential) });
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  const said = form.querySelector("[data-said]");
  const button = form.querySelector("button");
  if (!window.PublicKeyCredential) {
    said.textContent = form.dataset.unable;
    said.hidden = false;
    button.disabled = true;
    continue;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    said.hidden = true;
    try {
      const answer = await run(form);
      if (answer.next) {
        location.assign(answer.next);
        return;
      }
      said.textContent = answer.error;
    } catch (error) {
      // SecurityError: the page's host is not the one that passkeys are for. InvalidStateError: it is registered already.
      const words = { SecurityError: form.dataset.host, InvalidStateError: form.dataset.known };
      said.textContent = words[error.name] ?? form.dataset.cancelled;
    }
    said.hidden = false;
    button.disabled = false;
  });
}
