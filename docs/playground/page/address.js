// What was typed, in the part of the address after #, which no server sees: "1." for this form, then JSON, deflated, in
// base64url.
//
// A program that came with an address is text that somebody else may have written. So it is put into the editor and does
// not run until the reader presses Run; it then runs in a worker that can ask nobody but this server.

const FORM = "1.";
const MOST = 200_000; // characters of an address, and ten times as many of what is in it

const bytesThrough = async (bytes, stream) => {
  const through = new Blob([bytes]).stream().pipeThrough(stream);
  const chunks = [];
  let size = 0;
  for (const reader = through.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > 10 * MOST) throw new Error("it is too long");
    chunks.push(value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
};

export async function write(state) {
  const packed = await bytesThrough(new TextEncoder().encode(JSON.stringify(state)), new CompressionStream("deflate-raw"));
  const text = Array.from(packed, (byte) => String.fromCharCode(byte)).join("");
  return FORM + btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// What an address holds: null where it holds nothing. Throws an Error whose words are for the reader.
export async function read(hash) {
  const text = hash.replace(/^#/, "");
  if (!text) return null;
  if (!/^\d+\./.test(text)) throw new Error("The end of the address is none of this page's: it is left aside.");
  if (!text.startsWith(FORM)) throw new Error("The address is of a newer playground than this one: it cannot be read here.");
  try {
    if (text.length > MOST) throw new Error("it is too long");
    const packed = atob(text.slice(FORM.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = await bytesThrough(Uint8Array.from(packed, (sign) => sign.charCodeAt(0)), new DecompressionStream("deflate-raw"));
    const state = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof state !== "object" || state === null || Array.isArray(state)) throw new Error("it holds no settings");
    return state;
  } catch {
    throw new Error("The address is damaged (was all of it copied?): the page begins as if it had none.");
  }
}
