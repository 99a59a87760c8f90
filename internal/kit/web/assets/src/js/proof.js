// Checks, in the reader's own browser, that an entry is in a public log: the entry's hash, the path of
// hashes up to the root of the log's tree, the signature under that root, and that the log which this
// browser knew before is still the beginning of the log of now. It trusts the server for nothing but the
// key at the first visit, which it keeps. A page takes part by an element with data-proof; the words for
// what is found come with it, translated.
const utf8 = new TextEncoder();

export const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
export const base64Of = (bytes) => btoa(String.fromCharCode(...bytes));
const hexOf = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

async function sha256(...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
}

// A leaf and an inner node are told apart by their first byte, so that neither can pass for the other.
const leaf = new Uint8Array([0]);
const inner = new Uint8Array([1]);
export const leafHash = (text) => sha256(leaf, utf8.encode(text));
const node = (left, right) => sha256(inner, left, right);
const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
const half = (n) => Math.floor(n / 2); // sizes may be larger than bit operators bear
const odd = (n) => n % 2 === 1;
const powerOfTwo = (n) => (odd(n) ? n === 1 : powerOfTwo(half(n)));

// spec: rfc9162#2.1.3.2 with the entry's number from 0 and everything as bytes.
export async function included(index, size, hash, path, root) {
  if (!(index >= 0 && index < size)) return false;
  let at = index, last = size - 1, r = hash;
  for (const p of path) {
    if (last === 0) return false;
    if (odd(at) || at === last) {
      r = await node(p, r);
      while (!odd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else r = await node(r, p);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && same(r, root);
}

// spec: rfc9162#2.1.4.2
export async function grown(from, to, fromRoot, toRoot, path) {
  if (!(from > 0 && from <= to)) return false;
  if (from === to) return path.length === 0 && same(fromRoot, toRoot);
  const rest = powerOfTwo(from) ? [fromRoot, ...path] : path;
  if (rest.length === 0) return false;
  let at = from - 1, last = to - 1;
  while (odd(at)) [at, last] = [half(at), half(last)];
  let [f, t] = [rest[0], rest[0]];
  for (const p of rest.slice(1)) {
    if (last === 0) return false;
    if (odd(at) || at === last) {
      [f, t] = [await node(p, f), await node(p, t)];
      while (!odd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else t = await node(t, p);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && same(f, fromRoot) && same(t, toRoot);
}

// A checkpoint is a signed note: the log's name, its size and its root on three lines, an empty line,
// and lines with a dash, the signer's name and four bytes of the key's hash before the signature.
export function readNote(note) {
  const cut = note.lastIndexOf("\n\n");
  const text = note.slice(0, cut + 1);
  const [name, size, root] = text.split("\n");
  if (cut < 0 || !/^[1-9][0-9]{0,15}$/.test(size) || bytesOf(root).length !== 32) throw new Error("this is no checkpoint");
  const signatures = [...note.slice(cut + 2).matchAll(/^\u2014 (\S+) (\S+)$/gm)].map((m) => ({ name: m[1], bytes: bytesOf(m[2]) }));
  return { note, text, name, size: Number(size), root, signatures };
}

// signed tells whether the note carries a good signature by the key ("name+hash+key"): "good", "bad", or
// "unknown" where the browser does not know Ed25519.
export async function signed(cp, key) {
  const [name, id, rest] = [...key.split("+", 2), key.split("+").slice(2).join("+")];
  const raw = bytesOf(rest);
  if (raw[0] !== 1 || raw.length !== 33) return "bad"; // 1 is Ed25519
  const hash = hexOf((await sha256(utf8.encode(name + "\n"), raw)).slice(0, 4));
  if (hash !== id) return "bad";
  const found = cp.signatures.find((s) => s.name === name && hexOf(s.bytes.slice(0, 4)) === id);
  if (!found) return "bad";
  let pub;
  try {
    pub = await crypto.subtle.importKey("raw", raw.slice(1), "Ed25519", false, ["verify"]);
  } catch {
    return "unknown";
  }
  return (await crypto.subtle.verify("Ed25519", pub, found.bytes.slice(4), utf8.encode(cp.text))) ? "good" : "bad";
}

const memory = "log-checkpoint";

function remembered() {
  const kept = JSON.parse(localStorage.getItem(memory));
  return kept && kept.key && readNote(kept.note) ? { ...readNote(kept.note), key: kept.key } : null;
}

// get gives null for what the server does not have.
async function get(address) {
  const r = await fetch(address, { cache: "no-store", credentials: "omit" });
  if (r.status === 404 || r.status === 422) return null;
  if (!r.ok) throw new Error(`${address}: ${r.status}`);
  return r;
}

async function growth(from, to) {
  const g = await (await get(`/record/consistency?from=${from.size}&to=${to.size}`))?.json();
  return !!g && grown(from.size, to.size, bytesOf(from.root), bytesOf(to.root), g.path.map(bytesOf));
}

// check goes through the steps and tells say(how, words, ...numbers) what each found; how is good, bad
// or note. It returns whether everything fits.
export async function check(seq, shown, key, say) {
  let fits = true;
  const tell = (ok, words, bad, ...numbers) => {
    fits &&= ok;
    say(ok ? "good" : "bad", ok ? words : bad, ...numbers);
    return ok;
  };
  const text = await (await get("/record/checkpoint"))?.text();
  const cp = text ? readNote(text) : null;
  const covered = cp && cp.size >= seq;
  const proof = await (await get(`/record/proof?seq=${seq}${covered ? `&size=${cp.size}` : ""}`))?.json();
  if (!proof) return tell(false, "", "no-proof", seq);

  // What the page shows is what was proved: the number is within the leaf, and the chain's hash is that of it.
  const content = utf8.encode(proof.leaf);
  const hash = await leafHash(proof.leaf);
  const right = proof.leaf.startsWith(`rochdale record v1\n${seq}\n`) && hexOf(await sha256(content)) === shown;
  tell(right, "leaf", "leaf-bad", seq, content.length, base64Of(hash));

  const root = bytesOf(proof.root);
  tell(proof.size >= seq && (await included(seq - 1, proof.size, hash, proof.path.map(bytesOf), root)), "path", "path-bad", proof.path.length, proof.size, proof.root);
  if (!cp) {
    say("note", "unsigned");
    return fits;
  }
  if (covered) tell(proof.size === cp.size && proof.root === cp.root, "root", "root-bad", cp.size, cp.root);
  else tell(await growth(cp, proof), "newer", "newer-bad", cp.size, proof.size);

  const signature = await signed(cp, key);
  if (signature === "unknown") say("note", "signature-unknown");
  else tell(signature === "good", "signature", "signature-bad", cp.name, key);
  return (await recall(cp, key, fits, tell, say)) && fits;
}

// recall compares the checkpoint with the newest one that this browser has seen and keeps the newer of
// the two, unless they contradict each other: then the old one is kept as evidence.
async function recall(cp, key, fits, tell, say) {
  let old;
  try {
    old = remembered();
    if (fits && !old) localStorage.setItem(memory, JSON.stringify({ note: cp.note, key }));
  } catch {
    say("note", "forgetful");
    return true;
  }
  if (!old) {
    say("note", "first", cp.size);
    return true;
  }
  if (old.key !== key) return tell(false, "", "key-bad", old.key, key);
  const later = cp.size >= old.size ? [old, cp] : [cp, old];
  const ok = await growth(...later);
  if (cp.size < old.size) say(ok ? "note" : "bad", "shorter", old.size, cp.size);
  if (!tell(ok, "memory", "memory-bad", old.size, cp.size)) say("bad", "evidence", old.note, cp.note);
  else if (fits && cp.size > old.size) localStorage.setItem(memory, JSON.stringify({ note: cp.note, key }));
  return ok;
}

async function run(box) {
  const words = JSON.parse(box.dataset.words);
  const list = box.querySelector("[data-found]");
  const shown = (x) => (typeof x === "number" ? x.toLocaleString(document.documentElement.lang || undefined) : x);
  const say = (how, key, ...numbers) => {
    const item = box.querySelector(`template[data-how="${how}"]`).content.cloneNode(true);
    const p = item.querySelector("p");
    words[key].split("%s").forEach((part, i) => {
      if (i > 0) {
        const n = document.createElement("code");
        n.textContent = shown(numbers[i - 1]);
        p.append(n);
      }
      p.append(part);
    });
    list.append(item);
  };
  let result = "failed";
  if (globalThis.crypto?.subtle) {
    try {
      result = (await check(Number(box.dataset.seq), box.dataset.hash, box.dataset.key, say)) ? "fits" : "broken";
    } catch (e) {
      say("bad", "error", String(e.message || e));
    }
  } else say("note", "insecure");
  box.dataset.result = result;
  const verdict = box.querySelector("[data-verdict]");
  verdict.textContent = words[result];
  verdict.setAttribute("role", result === "fits" ? "status" : "alert");
}

for (const box of document.querySelectorAll("[data-proof]")) run(box);
