/** Cutting texts to a number of UTF-8 bytes without splitting a character. */

const encoder = new TextEncoder();
// A byte order mark is part of the text, not of its encoding.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The number of bytes of `text` in UTF-8. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** The longest beginning of `text` that takes no more than `maxBytes` bytes. */
export function keptHead(text: string, maxBytes: number): string {
  const bytes = encodedBeyond(text, maxBytes);
  if (bytes === undefined) return text;
  let end = maxBytes;
  while (isContinuation(bytes[end])) end--;
  return decoder.decode(bytes.subarray(0, end));
}

/** The longest end of `text` that takes no more than `maxBytes` bytes. */
export function keptTail(text: string, maxBytes: number): string {
  const bytes = encodedBeyond(text, maxBytes);
  if (bytes === undefined) return text;
  let start = bytes.length - maxBytes;
  while (isContinuation(bytes[start])) start++;
  return decoder.decode(bytes.subarray(start));
}

/** The bytes of a text that has more than `maxBytes`, else undefined. A UTF-16 unit takes three bytes at most. */
function encodedBeyond(text: string, maxBytes: number): Uint8Array | undefined {
  if (text.length * 3 <= maxBytes) return undefined;
  const bytes = encoder.encode(text);
  return bytes.length > maxBytes ? bytes : undefined;
}

function isContinuation(byte: number | undefined): boolean {
  return ((byte ?? 0) & 0b1100_0000) === 0b1000_0000;
}
