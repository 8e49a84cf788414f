// Codes of admissions, as libs/passes writes and signs them.
const SYMBOLS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CONTEXT = new TextEncoder().encode('ticketing admission 1\0');
const SIGNED_BYTES = 48;
const ALL_BYTES = 112;
const SECRET_BYTES = 16;
const TYPED_SYMBOLS = 28;
const CHECK_MODULUS = 1021;

const values = (text) => {
  // Other letters become these in upper case, and the service compares bytes.
  if (/[^0-9A-Za-z]/.test(text)) return undefined;
  const read = [...text.toUpperCase()].map((symbol) => SYMBOLS.indexOf({ O: '0', I: '1', L: '1' }[symbol] ?? symbol));
  return read.includes(-1) ? undefined : read;
};

const decode = (text, length) => {
  const symbols = text.length === Math.ceil((length * 8) / 5) ? values(text) : undefined;
  if (!symbols) return undefined;
  const bytes = [];
  let buffer = 0;
  let bits = 0;
  for (const symbol of symbols) {
    buffer = (buffer << 5) | symbol;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push(buffer >> bits);
      buffer &= (1 << bits) - 1;
    }
  }
  return buffer === 0 ? Uint8Array.from(bytes) : undefined;
};

const uuid = (bytes) => {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

const parseTyped = (text) => {
  const symbols = text.replace(/[\s-]/g, '');
  const read = symbols.length === TYPED_SYMBOLS ? values(symbols) : undefined;
  if (!read) return undefined;
  const expected = read.slice(0, -2).reduce((sum, symbol, index) => (sum + (index + 2) * symbol) % CHECK_MODULUS, 0);
  const secret = read.at(-2) * 32 + read.at(-1) === expected ? decode(symbols.slice(0, -2), SECRET_BYTES) : undefined;
  return secret && { secret };
};

// Returns what a code contains; undefined if the text is no code. Its signature is not verified yet.
export const parse = (given) => {
  const text = given.trim();
  const bytes = /^T1:/i.test(text) ? decode(text.slice(3), ALL_BYTES) : undefined;
  if (!bytes) return parseTyped(text);
  return {
    listing: uuid(bytes.subarray(0, 16)),
    admissionId: uuid(bytes.subarray(16, 32)),
    secret: bytes.subarray(32, SIGNED_BYTES),
    signed: bytes.subarray(0, SIGNED_BYTES),
    signature: bytes.subarray(SIGNED_BYTES),
  };
};

// Returns the same text for all texts of one code, and a text that is no code as it is.
export const canonical = (text) => parse(text)?.secret.join() ?? text;

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

// Returns the hash by which the service finds a code.
export const hashOf = async ({ secret }) => base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', secret)));

// Returns the public key of the service. Throws where the browser has no Ed25519.
export const importKey = (text) => {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  return crypto.subtle.importKey('raw', bytes, { name: 'Ed25519' }, false, ['verify']);
};

// Returns whether the service has signed a code.
export const isGenuine = (key, { signed, signature }) => {
  const message = new Uint8Array([...CONTEXT, ...signed]);
  return crypto.subtle.verify({ name: 'Ed25519' }, key, signature, message);
};
