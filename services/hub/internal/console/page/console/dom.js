// Small things that all parts of the page need. Text goes in as text: nothing
// here or elsewhere makes markup of it.

export const $ = (id) => document.getElementById(id);

// text changes an element only when there is a change.
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

// pieces writes a list with commas that breaks lines after these only, as far
// as there is room.
export function pieces(element, value) {
  if (element.textContent === value) return;
  element.replaceChildren(...value.split(/(?<=,)/).map((part) => make("span", { className: "piece" }, part)));
}

// make returns an element with properties and children.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// say has a screen reader say a change of state.
export function say(sentence) {
  $("announcements").textContent = sentence;
}

// remember and recall keep small preferences, where the browser lets us.
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // private windows and strict settings refuse; the page works without
  }
}

export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

// copyable makes every button with data-copy="id" copy the text of that
// element.
export function copyable(root) {
  root.addEventListener("click", async (e) => {
    const button = e.target.closest("button[data-copy]");
    if (!button) return;
    const done = await copy($(button.dataset.copy));
    button.textContent = done ? "Copied" : "Selected";
    say(done ? "Copied" : "Selected: copy it with the keyboard");
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
}

// copy takes what the element says is to be copied, or else its text. It falls
// back to a selection: only secure origins have a clipboard.
async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.copied ?? source.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return false;
  }
}

// shell quotes a word for a POSIX shell, if it must be.
export function shell(word) {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// time writes a moment as the clock of this machine has it: 14:05:09.123.
export function time(ms, fraction = false) {
  const whole = Math.floor(ms / 1000);
  if (time.second !== whole) {
    time.second = whole;
    time.text = Number.isFinite(ms) && ms < 8.64e15 ? clock.format(ms) : "–";
  }
  return fraction ? `${time.text}.${String(ms % 1000).padStart(3, "0")}` : time.text;
}

// span writes a length of time.
export function span(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
export const integer = (n) => whole.format(n);

// figure writes a quantity in four characters or so.
export function figure(n) {
  return scaled(n, 1000, ["", " k", " M", " G", " T"]);
}

export function bytes(n) {
  return scaled(n, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]);
}

function scaled(n, step, units) {
  if (!Number.isFinite(n)) return "–";
  let i = 0;
  while (Math.abs(n) >= step * 0.9995 && i < units.length - 1) {
    n /= step;
    i++;
  }
  const small = i === 0; // a unit has no more digits than it needs
  const digits = Math.abs(n) < 9.995 ? (small ? (Number.isInteger(n) ? 0 : 1) : 2) : Math.abs(n) < 99.95 && !small ? 1 : 0;
  return n.toFixed(digits) + units[i];
}
