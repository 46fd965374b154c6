import { decodeBase64 } from './base64.ts';

/** A readable OpenSSH public key line; `raw` is the 32-byte key where the algorithm is `ssh-ed25519`. */
export type SshPublicKey =
  { readonly algorithm: 'ssh-ed25519'; readonly raw: Uint8Array } | { readonly algorithm: 'other' };

const LINE = /^([A-Za-z\d+\-/=@.]+) ([A-Za-z\d+/=]+)(?: |$)/;
const LENGTH_BYTES = 4;

/** How the blob of an algorithm goes on after its name: `integer`s, `bytes`, or a curve point after the curve's name. */
type Field = 'integer' | 'bytes' | 'key32' | { readonly curve: string; readonly pointBytes: number };

const P256: Field = { curve: 'nistp256', pointBytes: 65 };

const LAYOUTS: ReadonlyMap<string, readonly Field[]> = new Map<string, readonly Field[]>([
  ['ssh-ed25519', ['key32']],
  ['ssh-rsa', ['integer', 'integer']],
  ['ssh-dss', ['integer', 'integer', 'integer', 'integer']],
  ['ecdsa-sha2-nistp256', [P256]],
  ['ecdsa-sha2-nistp384', [{ curve: 'nistp384', pointBytes: 97 }]],
  ['ecdsa-sha2-nistp521', [{ curve: 'nistp521', pointBytes: 133 }]],
  ['sk-ssh-ed25519@openssh.com', ['key32', 'bytes']],
  ['sk-ecdsa-sha2-nistp256@openssh.com', [P256, 'bytes']],
]);

/** A private algorithm is named `name@domain`; its key is one opaque string. */
const PRIVATE_ALGORITHM = /^[^@]+@[^@]+$/;

/**
 * Reads `<algorithm> <base64 blob> [comment]`, blanks around it being ignored (planner.md §6). Undefined where it is
 * not one: an unknown algorithm, a blob that does not agree with the leading word or is cut short or too long.
 */
export function readSshPublicKey(line: string): SshPublicKey | undefined {
  const [, algorithm, base64] = LINE.exec(line.trim()) ?? [];
  if (algorithm === undefined || base64 === undefined) return undefined;
  const blob = decodeBase64(base64);
  if (blob === undefined) return undefined;
  const layout =
    LAYOUTS.get(algorithm) ?? (PRIVATE_ALGORITHM.test(algorithm) ? (['bytes'] as const) : undefined);
  const strings = splitStrings(blob);
  if (layout === undefined || strings?.[0]?.toString('latin1') !== algorithm) return undefined;
  if (!fits(layout, strings.slice(1))) return undefined;
  const raw = strings[1];
  return algorithm === 'ssh-ed25519' && raw !== undefined ? { algorithm, raw } : { algorithm: 'other' };
}

/** An SSH blob is a row of strings, each after its length (RFC 4251 §5). */
function splitStrings(blob: Buffer): Buffer[] | undefined {
  const strings: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    if (at + LENGTH_BYTES > blob.length) return undefined;
    const start = at + LENGTH_BYTES;
    const end = start + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    strings.push(blob.subarray(start, end));
    at = end;
  }
  return strings;
}

function fits(layout: readonly Field[], strings: readonly Buffer[]): boolean {
  let at = 0;
  for (const field of layout) {
    const string = strings[at++];
    if (string === undefined) return false;
    if (field === 'key32' && string.length !== 32) return false;
    if (field === 'integer' && !isShortest(string)) return false;
    if (typeof field !== 'object') continue;
    const point = strings[at++];
    if (string.toString('latin1') !== field.curve || point?.length !== field.pointBytes || point[0] !== 4)
      return false;
  }
  return at === strings.length;
}

/** Integers carry no needless leading zero (RFC 4251 §5, mpint). */
function isShortest(integer: Buffer): boolean {
  const [first, second] = integer;
  return first !== 0 || (second !== undefined && second >= 0x80);
}
