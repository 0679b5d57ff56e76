// The markdown of cards. Everything is escaped first; only http, https and mailto become links.

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const TONES = new Set(["grey", "green", "red", "orange", "blue"]);

export function escape(text) {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

// Card markdown writes special characters as entities (page "Rich text component", special character escaping).
function withEntities(escaped) {
  return escaped.replace(/&amp;(#\d{1,7}|amp|lt|gt|quot|nbsp);/g, "&$1;");
}

export function markdown(source, nameOf) {
  const element = document.createElement("div");
  element.className = "md";
  element.innerHTML = blocks(source, nameOf);
  return element;
}

export function inline(source, nameOf) {
  const kept = [];
  const keep = (html) => `\u0000${kept.push(html) - 1}\u0000`;
  let text = source
    .replace(/`([^`\n]+)`/g, (_, code) => keep(`<code>${escape(code)}</code>`))
    .replace(/<at\s+(?:user_)?id="?([\w-]+)"?\s*>([^<]*)<\/at>/g, (_, id, name) => keep(mention(name || nameOf(id))))
    .replace(/<font color=['"]?(\w+)['"]?>([\s\S]*?)<\/font>/g, (_, tone, inner) =>
      keep(`<span class="${TONES.has(tone) ? `tone-${tone}` : ""}">${inline(inner, nameOf)}</span>`))
    .replace(/\[([^\]]+)\]\(((?:https?|mailto):[^)\s]+)\)/g, (_, label, url) => keep(link(url, label)))
    .replace(/(^|\s)(https?:\/\/[^\s<]+)/g, (_, before, url) => before + keep(link(url, url)))
    .replace(/<br\s*\/?>/g, () => keep("<br>"));
  text = escape(text)
    .replace(/\*\*(.+?)\*\*/g, "<strong>$1</strong>")
    .replace(/(^|[^*])\*([^*\n]+)\*/g, "$1<em>$2</em>")
    .replace(/~~(.+?)~~/g, "<del>$1</del>")
    .replace(/&lt;(\/?)(b|i|u|s)&gt;/g, "<$1$2>");
  text = withEntities(text);
  let before;
  do {
    before = text;
    text = text.replace(/\u0000(\d+)\u0000/g, (_, index) => kept[index]);
  } while (text !== before);
  return text;
}

function link(url, label) {
  return `<a href="${escape(url)}" target="_blank" rel="noopener">${withEntities(escape(label))}</a>`;
}

function mention(name) {
  return `<span class="mention">@${withEntities(escape(name))}</span>`;
}

function blocks(source, nameOf) {
  const html = [];
  let list = null;
  let code = null;
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) html.push(`<p>${paragraph.map((line) => inline(line, nameOf)).join("<br>")}</p>`);
    if (list) html.push(`<${list.tag}>${list.items.map((item) => `<li>${inline(item, nameOf)}</li>`).join("")}</${list.tag}>`);
    paragraph = [];
    list = null;
  };
  const item = (tag, text) => {
    if (paragraph.length || list?.tag !== tag) flush();
    list ??= { tag, items: [] };
    list.items.push(text);
  };
  for (const line of source.split("\n")) {
    let match;
    if (line.startsWith("```")) {
      if (code) html.push(`<pre><code>${escape(code.join("\n"))}</code></pre>`);
      else flush();
      code = code ? null : [];
    } else if (code) code.push(line);
    else if ((match = /^(#{1,6})\s+(.*)/.exec(line))) {
      flush();
      const tag = match[1].length < 3 ? "h4" : "h5";
      html.push(`<${tag}>${inline(match[2], nameOf)}</${tag}>`);
    } else if (/^\s*(-{3,}|<hr\s*\/?>)\s*$/.test(line)) {
      flush();
      html.push("<hr>");
    } else if ((match = /^\s*[-*]\s+(.*)/.exec(line))) item("ul", match[1]);
    else if ((match = /^\s*\d+\.\s+(.*)/.exec(line))) item("ol", match[1]);
    else if ((match = /^>\s?(.*)/.exec(line))) {
      flush();
      html.push(`<blockquote>${inline(match[1], nameOf)}</blockquote>`);
    } else if (!line.trim()) flush();
    else {
      if (list) flush();
      paragraph.push(line);
    }
  }
  if (code) html.push(`<pre><code>${escape(code.join("\n"))}</code></pre>`);
  flush();
  return html.join("");
}
