// Makes elements: h("button", {class: "x", onclick: f}, "text", child).

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function avatar(name, colour, kind = "", picture = "") {
  const cjk = /[\u2e80-\uffff]$/.test(name);
  const letters = cjk ? name.slice(-2) : name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
  const shown = kind.includes("bot") && cjk ? name.slice(0, 1) : letters;
  return h("span", { class: `avatar ${kind}`, style: `background:${colour}`, "aria-hidden": "true" }, shown, picture && h("img", { src: picture, alt: "" }));
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);
export const put = (path, body) => ask("PUT", path, body);
export const remove = (path) => ask("DELETE", path);

// A call of the control API; its refusal is thrown as an Error that says why.
async function ask(method, path, body) {
  const content = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`/sandbox/api/${path}`, { method, ...content });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.error);
  return result;
}
